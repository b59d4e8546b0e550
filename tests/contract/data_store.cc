// The contract of data/data_store.hh, run against every kind of storage: for real, in a place of its own each time.
#include "data/data_store.hh"

#include <doctest/doctest.h>

#include "data/rest/signing.hh"
#include "net/http_client.hh"
#include "support/data_worlds.hh"

using namespace werkbank;
using namespace werkbank::data;
using namespace werkbank::data::testing;

TEST_CASE_TEMPLATE("what is written is found, listed and read", World, ALL_DATA_STORES) {
  NEEDS(World);
  World world;
  DataStore& store = *world.store;
  must(store.check(true));
  must(store.check(false));
  CHECK(list(store, "").empty());
  put(store, "a/b.txt", "hello");
  put(store, "a/b.txt.old", "");
  put(store, "a/b/c d+e&f.txt", "deep");
  put(store, "\xc3\xa4/%41.bin", std::string("\0\xff", 2));
  put(store, "top", "x");
  CHECK(list(store, "") == Paths{"a/b.txt", "a/b.txt.old", "a/b/c d+e&f.txt", "top", "\xc3\xa4/%41.bin"});
  CHECK(list(store, "a/b") == Paths{"a/b.txt", "a/b.txt.old", "a/b/c d+e&f.txt"});
  CHECK(list(store, "a/b/") == Paths{"a/b/c d+e&f.txt"});
  CHECK(list(store, "a/b.txt") == Paths{"a/b.txt", "a/b.txt.old"});
  CHECK(list(store, "nothing/").empty());
  const DataEntry entry = must(store.find("a/b.txt"));
  CHECK(entry.path == "a/b.txt");
  CHECK(entry.size_bytes == 5);
  CHECK(!entry.etag.empty());
  CHECK(entry.modified_ms > 1'600'000'000'000);
  CHECK(read(store, "a/b.txt", 0, entry.etag) == "hello");
  CHECK(read(store, "a/b.txt", 3) == "lo");
  CHECK(read_range(store, "a/b.txt", 0, 2) == "he");
  CHECK(read_range(store, "a/b.txt", 1, 3) == "ell");
  CHECK(read_range(store, "a/b.txt", 3, UINT64_MAX) == "lo");
  CHECK(read_range(store, "a/b.txt", 2, 0).empty());
  CHECK(read_range(store, "a/b.txt", 5, 7).empty());
  CHECK(read(store, "a/b.txt.old").empty());
  CHECK(read(store, "a/b/c d+e&f.txt") == "deep");
  CHECK(read(store, "\xc3\xa4/%41.bin") == std::string("\0\xff", 2));
  must(each_entry(store, "a/b.txt", [&](const DataEntry& each) -> Status {
    CHECK(each.etag == must(store.find(each.path)).etag);
    return {};
  }));
}

TEST_CASE_TEMPLATE("a file is replaced only where that is allowed, and one that is read must stay", World, ALL_DATA_STORES) {
  NEEDS(World);
  World world;
  DataStore& store = *world.store;
  must(store.check(true));
  put(store, "f", "first");
  const std::string etag = must(store.find("f")).etag;
  CHECK(code(store.write("f", source_of("second"), false, {})) == "already_exists");
  CHECK(read(store, "f") == "first");
  must(store.write("f", source_of("second!"), true, {}));
  CHECK(read(store, "f") == "second!");
  CHECK(code(store.read("f", etag, 0, [](std::string_view) -> Status { return {}; })) == "data_changed");
  must(store.remove("f"));
  CHECK(code(store.find("f")) == "not_found");
  CHECK(list(store, "").empty());
}

TEST_CASE_TEMPLATE("what is not there, and paths that are none", World, ALL_DATA_STORES) {
  NEEDS(World);
  World world;
  DataStore& store = *world.store;
  CHECK(code(store.check(false)) == "container_not_found");
  CHECK(code(store.list("", "")) == "container_not_found");
  must(store.check(true));
  put(store, "folder/f", "x");
  for (const char* const path : {"no", "folder", "folder/f/g", "folder/no"}) {
    CAPTURE(path);
    CHECK(code(store.find(path)) == "not_found");
    CHECK(code(store.read(path, "", 0, [](std::string_view) -> Status { return {}; })) == "not_found");
    CHECK(code(store.remove(path)) == "not_found");
  }
  for (const char* const path : {"", "/etc/passwd", "../up", "a/../b", "a//b", "a/", "."}) {
    CAPTURE(path);
    CHECK(code(store.find(path)) == "path_refused");
    CHECK(code(store.read(path, "", 0, [](std::string_view) -> Status { return {}; })) == "path_refused");
    CHECK(code(store.write(path, source_of("x"), true, {})) == "path_refused");
    CHECK(code(store.remove(path)) == "path_refused");
  }
  CHECK(list(store, "") == Paths{"folder/f"});
}

TEST_CASE_TEMPLATE("a write that breaks off leaves what was there, and is told as it was", World, ALL_DATA_STORES) {
  NEEDS(World);
  World world;
  DataStore& store = *world.store;
  must(store.check(true));
  put(store, "big", "old");
  const std::string content = bytes(World::kSeveralBlocks);
  DataSource breaking = source_of(content);
  breaking.read = [content](uint64_t offset, uint64_t size) -> Result<std::string> {
    if (offset + size >= content.size()) return fail(errors::io_failed, "the disk went away");
    return content.substr(offset, size);
  };
  CHECK(code(store.write("big", breaking, true, {})) == "io_failed");
  CHECK(read(store, "big") == "old");
  CHECK(list(store, "") == Paths{"big"});
  uint64_t sent = 0;
  uint64_t fetched = 0;
  DataSource whole = source_of(content);
  whole.read = [&](uint64_t offset, uint64_t size) -> Result<std::string> {
    fetched += size;
    return content.substr(offset, size);
  };
  must(store.write("big", whole, true, [&](uint64_t count) { sent += count; }));
  CHECK(sent == content.size());
  CHECK(fetched == content.size());
  CHECK(must(store.find("big")).size_bytes == content.size());
  CHECK(read(store, "big") == content);
  CHECK(read(store, "big", content.size() - 3) == content.substr(content.size() - 3));
  // A reader that wants no more ends the reading with its own word.
  CHECK(code(store.read("big", "", 0, [](std::string_view) { return Status(fail(errors::disk_full, "full")); })) == "disk_full");
}

TEST_CASE_TEMPLATE("a listing of many files is whole and in order, page after page", World, ALL_DATA_STORES) {
  NEEDS(World);
  World world;
  DataStore& store = *world.store;
  must(store.check(true));
  Paths expected;
  for (int i = 0; i < World::kMany; ++i) {
    expected.push_back("d" + std::to_string(i % 7) + "/f" + std::to_string(i));
    put(store, expected.back(), "");
  }
  std::ranges::sort(expected);
  CHECK(list(store, "") == expected);
  if (!World::kPages) return;
  // From any cursor on.
  const std::string middle = expected[expected.size() / 2];
  const DataPage rest = must(store.list("", middle));
  CHECK(rest.entries.front().path == expected[expected.size() / 2 + 1]);
}

namespace {

std::string said(const Status& status) { return status ? "" : status.error().to_string() + status.error().hint; }

// What the account's owner gives to somebody: to read and list one container, until 2099.
std::string sas_for(const std::string& container) {
  const std::string account = kAzuriteAccount;
  const std::string wanted =
      "rl\n\n2099-01-01T00:00:00Z\n/blob/" + account + "/" + container + "\n\n\n\n2020-10-02\nc\n\n\n\n\n\n";
  const std::string key = base64_decode(kAzuriteKey).value();
  return "sv=2020-10-02&se=2099-01-01T00%3A00%3A00Z&sr=c&sp=rl&sig=" +
         net::encode_segment(base64_encode(hmac_sha256(key, wanted)));
}

}  // namespace

TEST_CASE("azure: a credential that is not taken is told, and not shown") {
  NEEDS(AzureBlobWorld);
  AzureBlobWorld world;
  must(world.store->check(true));
  put(*world.store, "f", "x");
  DataAccess access = AzureBlobWorld::access(world.container);
  access.credential = {{"accountKey", Secret("V1JPTkctS0VZ")}};
  const auto wrong = must(make_azure_blob_store(access));
  for (const Status& status :
       {wrong->check(false), wrong->check(true), wrong->remove("f"), wrong->write("g", source_of("x"), true, {}),
        wrong->read("f", "", 0, [](std::string_view) -> Status { return {}; })}) {
    CHECK(code(status) == "storage_denied");
    CHECK(said(status).find("V1JPTkct") == std::string::npos);
  }
  access.credential = {};
  CHECK(code(must(make_azure_blob_store(access))->check(false)) != "ok");
  for (const SecretMap& credential : {SecretMap{{"accountKey", Secret("no base64!")}}, SecretMap{{"sasToken", Secret("sv=1")}}}) {
    access.credential = credential;
    CHECK(code(make_azure_blob_store(access)) == "invalid_request");
  }
}

TEST_CASE("azure: a SAS token opens what it was made for") {
  NEEDS(AzureBlobWorld);
  AzureBlobWorld world;
  must(world.store->check(true));
  put(*world.store, "d/f", "x");
  DataAccess access = AzureBlobWorld::access(world.container);
  access.credential = {{"sasToken", Secret("?" + sas_for(world.container))}};
  const auto lent = must(make_azure_blob_store(access));
  must(lent->check(false));
  CHECK(list(*lent, "") == Paths{"d/f"});
  CHECK(read(*lent, "d/f") == "x");
  const Status refused = lent->write("g", source_of("x"), true, {});
  CHECK(code(refused) == "storage_denied");
  CHECK(said(refused).find("sig=") == std::string::npos);
}

TEST_CASE("azure: a storage that does not answer is told with its address") {
  NEEDS(AzureBlobWorld);
  DataAccess access = AzureBlobWorld::access("data");
  access.datastore.settings["endpoint"] = "http://127.0.0.1:1/devstoreaccount1";
  const Status status = must(make_azure_blob_store(access))->check(false);
  CHECK(code(status) == "storage_unavailable");
  CHECK(said(status).find("127.0.0.1:1") != std::string::npos);
}
