// What every BlobStore promises. The directory's own promises (crash, damage) follow below.
#include "content/blob_store.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/files.hh"
#include "content/blob_frames.hh"
#include "content/directory/directory_blob_store.hh"
#include "content/memory/memory_blob_store.hh"
#include "content/snapshot_store.hh"
#include "domain/snapshot_changes.hh"

using namespace werkbank;
using namespace werkbank::content;

namespace {

struct TemporaryFolder {
  TemporaryFolder() : path(std::filesystem::temp_directory_path() / ("wb-blobs-" + random_hex(8))) {}
  ~TemporaryFolder() { static_cast<void>(remove_tree(path)); }
  std::filesystem::path path;
};

size_t count_files(const std::filesystem::path& folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
  return count;
}

template <typename T>
const ErrorCode* code_of(const Result<T>& result) {
  return result ? nullptr : result.error().code;
}

void for_each_store(const std::function<void(BlobStore&)>& check) {
  SUBCASE("memory") {
    const auto store = make_memory_blob_store();
    check(*store);
    store->close();
    CHECK(code_of(store->create()) == &errors::unavailable);
  }
  SUBCASE("directory") {
    const TemporaryFolder folder;
    const auto store = open_directory_blob_store(folder.path);
    REQUIRE(store);
    check(**store);
    CHECK(std::filesystem::is_empty(folder.path / "tmp"));  // nothing half-done is left
    (*store)->close();
    CHECK(code_of((*store)->create()) == &errors::unavailable);
  }
}

std::string frame(std::string_view bytes) { return fmt::format("{} {}\n{}", Hash::of(bytes).hex(), bytes.size(), bytes); }

}  // namespace

TEST_CASE("a blob is read back, whole and in parts") {
  for_each_store([](BlobStore& store) {
    const std::string bytes = "0123456789";
    const auto hash = put_blob(store, bytes);
    REQUIRE(hash);
    CHECK(*hash == Hash::of(bytes));
    CHECK(store.size(*hash) == 10);
    CHECK(store.read(*hash, 0, UINT64_MAX) == bytes);
    CHECK(store.read(*hash, 3, 4) == "3456");
    CHECK(store.read(*hash, 8, 100) == "89");
    CHECK(store.read(*hash, 10, 1) == "");
    CHECK(store.read(*hash, UINT64_MAX, 1) == "");
    const auto empty = put_blob(store, "");
    REQUIRE(empty);
    CHECK(store.size(*empty) == 0);
    CHECK(store.read(*empty, 0, 10) == "");
    CHECK(put_blob(store, bytes) == *hash);  // once more is fine
  });
}

TEST_CASE("what is not there is blob_not_found") {
  for_each_store([](BlobStore& store) {
    CHECK(code_of(store.size(Hash::of("no"))) == &errors::blob_not_found);
    CHECK(code_of(store.read(Hash::of("no"), 0, 1)) == &errors::blob_not_found);
    REQUIRE(put_blob(store, "yes"));
    const std::vector<Hash> asked{Hash::of("a"), Hash::of("yes"), Hash::of("b"), Hash::of("a")};
    CHECK(store.missing(asked) == std::vector<Hash>{Hash::of("a"), Hash::of("b")});
    const auto sizes = store.sizes(asked);
    REQUIRE(sizes);
    CHECK(*sizes == std::vector<std::optional<uint64_t>>{std::nullopt, 3, std::nullopt, std::nullopt});
    CHECK(store.missing({})->empty());
  });
}

TEST_CASE("bytes of another hash are refused and leave nothing") {
  for_each_store([](BlobStore& store) {
    auto writer = store.create();
    REQUIRE(writer);
    REQUIRE((*writer)->append("these"));
    CHECK(code_of((*writer)->finish(Hash::of("those"))) == &errors::hash_mismatch);
    writer->reset();
    CHECK(store.missing({Hash::of("these"), Hash::of("those")})->size() == 2);
    auto batch = store.create_batch();
    REQUIRE(batch);
    REQUIRE((*batch)->put(Hash::of("good"), "good"));
    CHECK((*batch)->put(Hash::of("these"), "those").error().code == &errors::hash_mismatch);
    batch->reset();
    CHECK(store.missing({Hash::of("good")})->size() == 1);
  });
}

TEST_CASE("an abandoned writer leaves nothing") {
  for_each_store([](BlobStore& store) {
    auto writer = store.create();
    REQUIRE(writer);
    REQUIRE((*writer)->append("half"));
    CHECK(store.missing({Hash::of("half")})->size() == 1);
    writer->reset();
    CHECK(store.missing({Hash::of("half")})->size() == 1);
  });
}

TEST_CASE("a batch is there after commit, not before") {
  for_each_store([](BlobStore& store) {
    REQUIRE(put_blob(store, "blob 7"));
    auto batch = store.create_batch();
    REQUIRE(batch);
    std::vector<Hash> hashes;
    for (int i = 0; i < 100; ++i) {
      const std::string bytes = fmt::format("blob {}", i);
      hashes.push_back(Hash::of(bytes));
      REQUIRE((*batch)->put(hashes.back(), bytes));
      REQUIRE((*batch)->put(hashes.back(), bytes));  // twice in one batch
    }
    CHECK(store.missing(hashes)->size() == 99);
    REQUIRE((*batch)->commit());
    CHECK(store.missing(hashes)->empty());
    CHECK(store.read(hashes[42], 0, 100) == "blob 42");
    REQUIRE((*batch)->commit());  // of nothing more
  });
}

TEST_CASE("many threads put the same and other blobs") {
  for_each_store([](BlobStore& store) {
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&store, &failures, thread] {
        for (int i = 0; i < 20; ++i) {
          const std::string shared = fmt::format("shared {}", i), own = fmt::format("own {} {}", thread, i);
          if (!put_blob(store, shared) || !put_blob(store, own)) ++failures;
          if (store.read(Hash::of(shared), 0, 100) != shared) ++failures;
          if (!store.missing({Hash::of(shared), Hash::of(own)})->empty()) ++failures;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(failures.load() == 0);
  });
}

TEST_CASE("collection frees what nobody names and what is old enough") {
  for_each_store([](BlobStore& store) {
    const Hash kept = *put_blob(store, "kept"), lost = *put_blob(store, "lost!");
    const auto is_reachable = [&kept](const Hash& hash) { return hash == kept; };
    CHECK(store.collect(is_reachable, 3'600'000, false)->hashes.empty());  // too young
    CHECK(store.collect(is_reachable, 0, true)->size_bytes == 5);          // only counted
    CHECK(store.missing({lost})->empty());
    const auto freed = store.collect(is_reachable, 0, false);
    REQUIRE(freed);
    CHECK(freed->size_bytes == 5);
    CHECK(freed->hashes == std::vector<Hash>{lost});
    CHECK(store.missing({kept, lost}) == std::vector<Hash>{lost});
    CHECK(code_of(store.read(lost, 0, 1)) == &errors::blob_not_found);
    REQUIRE(put_blob(store, "lost!"));
    CHECK(store.read(lost, 0, 10) == "lost!");
  });
}

TEST_CASE("blobs are removed by name, but for those that are used meanwhile") {
  for_each_store([](BlobStore& store) {
    const Hash gone = *put_blob(store, "gone"), asked = *put_blob(store, "asked"), put = *put_blob(store, "put");
    const Hash kept = *put_blob(store, "kept");
    const auto freed = store.remove([&]() -> Result<std::vector<Hash>> {
      CHECK(store.missing({asked})->empty());
      CHECK(put_blob(store, "put") == put);
      return std::vector<Hash>{gone, asked, put, Hash::of("never there")};
    });
    REQUIRE(freed);
    CHECK(freed->hashes == std::vector<Hash>{gone});
    CHECK(freed->size_bytes == 4);
    CHECK(store.missing({gone, asked, put, kept}) == std::vector<Hash>{gone});
    const auto refused = store.remove([]() -> Result<std::vector<Hash>> { return fail(errors::io_failed, "no"); });
    CHECK(code_of(refused) == &errors::io_failed);
    CHECK(store.remove([&]() -> Result<std::vector<Hash>> { return std::vector<Hash>{asked}; })->size_bytes == 5);
  });
}

TEST_CASE("a snapshot is stored when all its files are there") {
  for_each_store([](BlobStore& store) {
    SnapshotManifest manifest;
    manifest.entries = {{"a.py", Hash::of("a"), 1, false}, {"b.py", Hash::of("bb"), 2, true}, {"c.py", Hash::of("a"), 1, false}};
    const std::string text = manifest.to_text();
    CheckedSnapshots checked;
    const auto first = put_manifest(store, checked, text);
    REQUIRE(first);
    CHECK(first->id == Hash::of(text));
    CHECK(first->missing.size() == 2);
    CHECK(code_of(get_manifest(store, first->id)) == &errors::snapshot_not_found);
    REQUIRE(put_blob(store, "a"));
    CHECK(put_manifest(store, checked, text)->missing == std::vector<Hash>{Hash::of("bb")});
    REQUIRE(put_blob(store, "bb"));
    CHECK(put_manifest(store, checked, text)->missing.empty());
    CHECK(get_manifest_text(store, first->id) == text);
    CHECK(get_manifest(store, first->id)->entries.size() == 3);
    CHECK(find_snapshot_file(store, first->id, "b.py")->hash == Hash::of("bb"));
    CHECK(code_of(find_snapshot_file(store, first->id, "d.py")) == &errors::not_found);
    // a blob that is no manifest is no snapshot
    CHECK(code_of(get_manifest(store, Hash::of("a"))) == &errors::snapshot_not_found);
    CHECK(code_of(find_snapshot_file(store, Hash::of("a"), "a.py")) == &errors::snapshot_not_found);
    // a size that is not the blob's
    manifest.entries[0].size_bytes = 9;
    CHECK(code_of(put_manifest(store, checked, manifest.to_text())) == &errors::snapshot_refused);
    CHECK(code_of(put_manifest(store, checked, "nonsense")) == &errors::snapshot_refused);
  });
}

TEST_CASE("a snapshot is stored by what it changes of another") {
  for_each_store([](BlobStore& store) {
    CheckedSnapshots checked;
    SnapshotManifest manifest;
    manifest.entries = {{"a.py", Hash::of("a"), 1, false}, {"b.py", Hash::of("bb"), 2, true}};
    const std::string before = manifest.to_text();
    const std::string removal = "werkbank-changes 1\n- b.py\n";
    CHECK(code_of(put_changes(store, checked, Hash::of(before), removal)) == &errors::snapshot_not_found);
    REQUIRE(put_blob(store, "a"));
    const Hash bb = *put_blob(store, "bb");
    const Hash base = put_manifest(store, checked, before)->id;
    CHECK(put_changes(store, checked, base, "werkbank-changes 1\n")->id == base);

    manifest.entries = {{"a.py", Hash::of("new"), 3, false}, {"b.py", bb, 2, true}, {"c.py", Hash::of("new"), 3, false}};
    const std::string after = manifest.to_text();
    SnapshotChanges changes{.put = {manifest.entries[0], manifest.entries[2]}, .removed = {}};
    const auto announced = put_changes(store, checked, base, changes.to_text());
    REQUIRE(announced);
    CHECK(announced->id == Hash::of(after));
    CHECK(announced->missing == std::vector<Hash>{Hash::of("new")});
    CHECK(code_of(get_manifest(store, announced->id)) == &errors::snapshot_not_found);
    REQUIRE(put_blob(store, "new"));
    CheckedSnapshots none;  // as after a restart
    for (CheckedSnapshots* known : {&checked, &none}) {
      const auto stored = put_changes(store, *known, base, changes.to_text());
      REQUIRE(stored);
      CHECK(stored->id == Hash::of(after));
      CHECK(stored->missing.empty());
      CHECK(get_manifest_text(store, stored->id) == after);
    }

    // refused, and nothing is stored
    CHECK(code_of(put_changes(store, checked, base, "- b.py\n")) == &errors::snapshot_refused);
    CHECK(code_of(put_changes(store, checked, base, "werkbank-changes 1\n- d.py\n")) == &errors::snapshot_refused);
    changes.put[0].size_bytes = 4;
    CHECK(code_of(put_changes(store, checked, base, changes.to_text())) == &errors::snapshot_refused);
    CHECK(code_of(put_changes(store, checked, bb, removal)) == &errors::snapshot_not_found);  // no snapshot

    // Without one of its blobs the base is no base, whatever was known of it.
    CHECK(store.collect([&bb](const Hash& hash) { return hash != bb; }, 0, false)->size_bytes == 2);
    CHECK(code_of(put_changes(store, checked, base, removal)) == &errors::snapshot_not_found);
    CHECK(put_manifest(store, checked, after)->missing == std::vector<Hash>{bb});
  });
}

TEST_CASE("a body of many blobs is taken whole or not at all, however it is cut") {
  for_each_store([](BlobStore& store) {
    const std::string body = frame("one") + frame("") + frame("three\n") + frame("one");
    for (size_t piece = 1; piece <= body.size(); piece += 7) {
      auto frames = BlobFrames::open(store);
      REQUIRE(frames);
      for (size_t at = 0; at < body.size(); at += piece) REQUIRE(frames->feed(std::string_view(body).substr(at, piece)));
      CHECK(frames->finish() == 4);
    }
    CHECK(store.missing({Hash::of("one"), Hash::of(""), Hash::of("three\n")})->empty());

    const std::string hex = Hash::of("x").hex();
    const std::pair<std::string, const ErrorCode*> bad[] = {{frame("new") + hex + " 2\nxy", &errors::hash_mismatch},
                                                            {frame("new") + hex + " 5\nx", &errors::invalid_request},
                                                            {frame("new") + hex + " \nx", &errors::invalid_request},
                                                            {frame("new") + hex + " 1x\nx", &errors::invalid_request},
                                                            {frame("new") + hex, &errors::invalid_request},
                                                            {frame("new") + std::string(200, 'a'), &errors::invalid_request},
                                                            {frame("new") + hex + " 99999999999\n", &errors::too_large}};
    for (const auto& [text, code] : bad) {
      CAPTURE(text);
      auto frames = BlobFrames::open(store);
      REQUIRE(frames);
      Status outcome = frames->feed(text);
      if (outcome) {
        if (const auto finished = frames->finish(); !finished) outcome = fail(finished.error());
      }
      REQUIRE_FALSE(outcome);
      CHECK(outcome.error().code == code);
    }
    CHECK(store.missing({Hash::of("new")})->size() == 1);
  });
}

TEST_CASE("directory: blobs outlive the store, leftovers do not") {
  const TemporaryFolder folder;
  {
    const auto store = open_directory_blob_store(folder.path);
    REQUIRE(store);
    REQUIRE(put_blob(**store, "kept"));
    CHECK((*store)->local_folder() == folder.path);
    CHECK(read_file(blob_path(folder.path, Hash::of("kept"))) == "kept");
    CHECK((std::filesystem::status(blob_path(folder.path, Hash::of("kept"))).permissions() & std::filesystem::perms::mask) ==
          std::filesystem::perms::owner_read);
  }
  CHECK_FALSE(std::filesystem::exists(folder.path / "unclean"));
  std::ofstream(folder.path / "tmp" / "leftover") << "half";  // as after a crash
  std::ofstream(folder.path / "unclean") << "";
  const auto store = open_directory_blob_store(folder.path);
  REQUIRE(store);
  CHECK(std::filesystem::is_empty(folder.path / "tmp"));
  CHECK((*store)->read(Hash::of("kept"), 0, 100) == "kept");
  (*store)->close();
  CHECK(count_files(folder.path) == 1);
}

TEST_CASE("directory: a blob that was cut is replaced when it is put again") {
  const TemporaryFolder folder;
  const auto store = open_directory_blob_store(folder.path);
  REQUIRE(store);
  const Hash hash = *put_blob(**store, "the whole");
  const std::filesystem::path file = blob_path(folder.path, hash);
  std::filesystem::permissions(file, std::filesystem::perms::owner_write | std::filesystem::perms::owner_read);
  std::filesystem::resize_file(file, 3);
  REQUIRE(put_blob(**store, "the whole"));
  CHECK((*store)->read(hash, 0, 100) == "the whole");
}

TEST_CASE("directory: a manifest that was changed on the disk is store_corrupt") {
  const TemporaryFolder folder;
  const auto store = open_directory_blob_store(folder.path);
  REQUIRE(store);
  const std::string text = SnapshotManifest{}.to_text();
  CheckedSnapshots checked;
  const Hash id = put_manifest(**store, checked, text)->id;
  const std::filesystem::path file = blob_path(folder.path, id);
  std::filesystem::remove(file);
  std::ofstream(file) << "werkbank-snapshot 9\n";
  CHECK(code_of(get_manifest(**store, id)) == &errors::store_corrupt);
  CHECK(code_of(find_snapshot_file(**store, id, "a")) == &errors::store_corrupt);
}

TEST_CASE("directory: what was told to be there is young for a collection, however long it has been known") {
  const TemporaryFolder folder;
  const auto store = open_directory_blob_store(folder.path);
  REQUIRE(store);
  const Hash hash = *put_blob(**store, "old");
  const std::filesystem::path file = blob_path(folder.path, hash);
  const auto age = [&file](int64_t seconds) {
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - std::chrono::seconds(seconds));
  };
  age(kGraceMs / 1000 + 60);
  const auto nothing_is_reachable = [](const Hash&) { return false; };
  CHECK((*store)->collect(nothing_is_reachable, kGraceMs, true)->size_bytes == 3);
  (*store)->close();
  const auto again = open_directory_blob_store(folder.path);
  REQUIRE(again);
  CHECK((*again)->sizes({hash}) == std::vector<std::optional<uint64_t>>{3});
  CHECK((*again)->collect(nothing_is_reachable, kUseSeconds * 1000, true)->size_bytes == 0);
}

TEST_CASE("directory: collection leaves foreign files alone") {
  const TemporaryFolder folder;
  const auto store = open_directory_blob_store(folder.path);
  REQUIRE(store);
  const Hash hash = *put_blob(**store, "blob");
  const std::filesystem::path foreign = blob_path(folder.path, hash).parent_path() / "README";
  std::ofstream(foreign) << "not a blob";
  CHECK((*store)->collect([](const Hash&) { return false; }, 0, false)->size_bytes == 4);
  CHECK(std::filesystem::exists(foreign));
}
