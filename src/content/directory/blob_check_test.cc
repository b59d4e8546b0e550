#include "content/directory/blob_check.hh"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/files.hh"
#include "base/hash.hh"
#include "content/directory/directory_blob_store.hh"

using namespace werkbank;

TEST_CASE("blobs that are not what they were are found") {
  const auto folder = std::filesystem::temp_directory_path() / ("wb-check-" + random_hex(8));
  uint64_t told = 0;
  const auto count = [&told](const content::BlobCheck& check) { told = check.blobs; };
  CHECK(content::check_blobs(folder / "none", count).value().blobs == 0);
  Hash changed;
  {
    const auto store = content::open_directory_blob_store(folder).value();
    changed = content::put_blob(*store, "as it was").value();
    REQUIRE(content::put_blob(*store, std::string(300'000, 'x')));
    REQUIRE(content::put_blob(*store, ""));
    auto check = content::check_blobs(folder, count).value();
    CHECK(check.blobs == 3);
    CHECK(check.size_bytes == 300'009);
    CHECK(check.damaged.empty());

    const auto path = content::blob_path(folder, changed);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    REQUIRE(write_file_atomically(path, "as it WAS"));
    check = content::check_blobs(folder, count).value();
    CHECK(told == 3);
    REQUIRE(check.damaged.size() == 1);
    CHECK(check.damaged[0].path == path);
    CHECK(check.damaged[0].reason.find(Hash::of("as it WAS").hex()) != std::string::npos);
    store->close();
  }
  CHECK(remove_tree(folder));
}
