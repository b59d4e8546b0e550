#include "data/transfer.hh"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <memory>

#include "base/files.hh"
#include "base/hash.hh"

using namespace werkbank;
using namespace werkbank::data;

namespace {

namespace fs = std::filesystem;

// One thread uses it; breaks off after so many bytes, so many times.
struct Remote {
  std::map<std::string, std::string> files;
  size_t breaks_after = SIZE_MAX;
  int breaks = 0;
  std::vector<uint64_t> read_from;
};

class RemoteStore final : public DataStore {
 public:
  explicit RemoteStore(Remote& remote) : remote_(remote) {}
  Status check(bool) override { return {}; }
  Result<DataPage> list(const std::string& prefix, const std::string&) override {
    DataPage page;
    for (const auto& [path, content] : remote_.files) {
      if (path.starts_with(prefix)) page.entries.push_back({path, content.size(), "etag", 1});
    }
    return page;
  }
  Result<DataEntry> find(const std::string& path) override { return DataEntry{path, remote_.files.at(path).size(), "etag", 1}; }
  Status read(const std::string& path, const std::string&, uint64_t offset, const DataSink& sink) override {
    remote_.read_from.push_back(offset);
    const std::string rest = remote_.files.at(path).substr(offset);
    if (remote_.breaks == 0) return sink(rest);
    --remote_.breaks;
    CHECK_OK(sink(rest.substr(0, remote_.breaks_after)));
    return fail(errors::storage_unavailable, "the connection broke");
  }
  Status write(const std::string& path, const DataSource& source, bool overwrite, const OnBytes& on_bytes) override {
    if (!overwrite && remote_.files.contains(path)) return fail(errors::already_exists, "there");
    if (remote_.breaks > 0) {
      --remote_.breaks;
      return fail(errors::storage_unavailable, "the connection broke");
    }
    TRY(remote_.files[path], source.read(0, source.size_bytes));
    on_bytes(source.size_bytes);
    return {};
  }
  Status remove(const std::string&) override { return {}; }

 private:
  Remote& remote_;
};

struct Bench {
  Bench() { REQUIRE(make_directories(folder)); }
  ~Bench() { (void)remove_tree(folder); }
  fs::path folder = fs::temp_directory_path() / ("wb-transfer-" + random_hex(8));
  Remote remote;
  std::vector<std::string> steps;
  uint64_t bytes = 0;

  TransferOptions options() {
    TransferOptions made;
    made.open = [this]() -> Result<std::unique_ptr<DataStore>> { return std::make_unique<RemoteStore>(remote); };
    made.threads = 1;
    made.pause = std::chrono::milliseconds(0);
    made.on_step = [this](TransferStep step, const TransferItem& item) {
      if (step != TransferStep::kStarted) steps.push_back((step == TransferStep::kDone ? "+" : "=") + item.path);
    };
    made.on_bytes = [this](uint64_t count) { bytes += count; };
    return made;
  }
  void put(const std::string& name, const std::string& content) {
    REQUIRE(make_directories((folder / name).parent_path()));
    std::ofstream(folder / name) << content;
  }
  std::string get(const std::string& name) { return read_file(folder / name).value_or("(not there)"); }
  std::vector<TransferItem> downloads(const std::string& path) {
    RemoteStore store(remote);
    return find_downloads(store, path, folder).value();
  }
};

using Words = std::vector<std::string>;

Words paths(const std::vector<TransferItem>& items) {
  Words found;
  for (const TransferItem& item : items) found.push_back(item.path);
  return found;
}

std::string code(const auto& result) { return result ? "ok" : std::string(result.error().code->id); }

}  // namespace

TEST_CASE("a folder goes up, and what is there is skipped unless it may be replaced") {
  Bench bench;
  bench.put("src/a.txt", "A");
  bench.put("src/sub/b.txt", "BB");
  const auto items = find_uploads(bench.folder / "src", "./to/").value();
  CHECK(paths(items) == Words{"to/a.txt", "to/sub/b.txt"});
  bench.remote.files["to/a.txt"] = "old";
  const TransferCount first = upload(items, bench.options()).value();
  CHECK(first.done == 1);
  CHECK(first.skipped == 1);
  CHECK(bench.steps == Words{"=to/a.txt", "+to/sub/b.txt"});
  CHECK(bench.bytes == 2);
  CHECK(bench.remote.files["to/a.txt"] == "old");
  TransferOptions options = bench.options();
  options.overwrite = true;
  CHECK(upload(items, options).value().done == 2);
  CHECK(bench.remote.files["to/a.txt"] == "A");
}

TEST_CASE("files count from a folder of the caller's, or the one they share") {
  Bench bench;
  for (const char* const name : {"d/x/1", "d/y/2", "e/1"}) bench.put(name, name);
  const fs::path f = bench.folder;
  CHECK(paths(find_uploads({f / "d/x/1"}, {}, "t").value()) == Words{"t/1"});
  CHECK(paths(find_uploads({f / "d/x/1", f / "d/y/2"}, {}, "").value()) == Words{"x/1", "y/2"});
  CHECK(paths(find_uploads({f / "d/x/1"}, f, "").value()) == Words{"d/x/1"});
  CHECK(paths(find_uploads({f / "d/x/1"}, f / "d/", "").value()) == Words{"x/1"});
  CHECK(code(find_uploads({f / "e/1"}, f / "d", "")) == "path_refused");
  CHECK(code(find_uploads({f / "e/1", f / "e/1"}, {}, "")) == "already_exists");
  CHECK(code(find_uploads({f / "none"}, {}, "")) == "not_found");
  CHECK(code(find_uploads(f / "none", "")) == "not_found");
  CHECK(code(find_uploads(f / "e", "../up")) == "path_refused");
}

TEST_CASE("a path is a file, or a folder with all that is in it") {
  Bench bench;
  for (const char* const path : {"a", "ab/c", "a.txt", "d/e"}) bench.remote.files[path] = path;
  CHECK(paths(bench.downloads("")) == Words{"a", "a.txt", "ab/c", "d/e"});
  CHECK(paths(bench.downloads("a")) == Words{"a"});
  CHECK(paths(bench.downloads("./d/")) == Words{"d/e"});
  CHECK(bench.downloads("x").empty());
  bench.remote.files["../out"] = "x";
  RemoteStore store(bench.remote);
  CHECK(code(find_downloads(store, "", bench.folder)) == "path_refused");
}

TEST_CASE("a download that broke goes on where it was, in this command and in the next") {
  Bench bench;
  bench.remote.files["f"] = "0123456789";
  bench.remote.breaks_after = 4;
  bench.remote.breaks = 1;
  CHECK(download(bench.downloads("f"), bench.options()).value().done == 1);
  CHECK(bench.get("f") == "0123456789");
  CHECK(bench.remote.read_from == std::vector<uint64_t>{0, 4});
  CHECK(download(bench.downloads("f"), bench.options()).value().skipped == 1);

  REQUIRE(fs::remove(bench.folder / "f"));
  bench.remote.read_from.clear();
  bench.remote.breaks = 2;
  TransferOptions twice = bench.options();
  twice.attempts = 2;
  CHECK(code(download(bench.downloads("f"), twice)) == "storage_unavailable");
  CHECK(!fs::exists(bench.folder / "f"));
  CHECK(download(bench.downloads("f"), bench.options()).value().done == 1);
  CHECK(bench.get("f") == "0123456789");
  CHECK(bench.remote.read_from == std::vector<uint64_t>{0, 4, 8});
  size_t left = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(bench.folder)) ++left;
  CHECK(left == 1);
}

TEST_CASE("an upload is tried again, and a file that changes meanwhile is refused") {
  Bench bench;
  bench.put("f", "content");
  const auto items = find_uploads({bench.folder / "f"}, {}, "").value();
  bench.remote.breaks = 2;
  CHECK(upload(items, bench.options()).value().done == 1);
  bench.put("f", "longer content");
  TransferOptions options = bench.options();
  options.overwrite = true;
  CHECK(code(upload(items, options)) == "data_changed");
  CHECK(bench.remote.files["f"] == "content");
}

TEST_CASE("what has no room is refused before it begins") {
  Bench bench;
  std::vector<TransferItem> items{{"f", bench.folder / "new" / "f", UINT64_MAX / 2, "etag"}};
  bench.remote.files["f"] = "x";
  CHECK(code(download(items, bench.options())) == "disk_full");
  CHECK(!fs::exists(bench.folder / "new"));
  CHECK(bench.remote.read_from.empty());
}

TEST_CASE("bytes that are not those whose hash is known are refused, and do not stay") {
  Bench bench;
  bench.remote.files["f"] = "0123456789";
  auto items = bench.downloads("f");
  const std::string blake = "blake2b:" + Hash::of("0123456789").hex();
  for (const std::string& hash : {blake, std::string("md5:781e5e245d69b566979b86e28d23f2c7"), std::string("sha999:x")}) {
    items[0].hash = hash;
    TransferOptions options = bench.options();
    options.overwrite = true;
    CHECK(download(items, options).value().done == 1);
  }
  CHECK(fs::remove(items[0].file));
  for (const std::string& hash : {"blake2b:" + Hash::of("other").hex(), std::string("md5:00000000000000000000000000000000")}) {
    items[0].hash = hash;
    CHECK(code(download(items, bench.options())) == "data_changed");
    CHECK(fs::is_empty(items[0].file.parent_path()));
  }
}
