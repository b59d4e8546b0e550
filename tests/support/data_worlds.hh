// The kinds of storage that the contract of data stores runs against, and short words for what the cases do with them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/files.hh"
#include "base/hash.hh"
#include "data/azure_blob/azure_blob_store.hh"
#include "data/data_store.hh"
#include "data/folder/folder_data_store.hh"
#include "data/s3/s3_store.hh"
#include "support/testbed_server.hh"

namespace werkbank::data::testing {

struct FolderWorld {
  ~FolderWorld() { (void)remove_tree(folder); }
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("wb-data-" + random_hex(8));
  std::unique_ptr<DataStore> store = make_folder_data_store(folder, 10);
  static std::string missing() { return {}; }
  static constexpr size_t kSeveralBlocks = 3 * 1024 * 1024 + 17;
  static constexpr int kMany = 43;      // more than a page
  static constexpr bool kPages = true;  // a cursor is a path
};

// Azurite's published development account.
inline constexpr const char* kAzuriteAccount = "devstoreaccount1";
inline constexpr const char* kAzuriteKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

// A container of its own in Azurite.
struct AzureBlobWorld {
  static test::TestbedServer& server() {
    static test::TestbedServer azurite("azurite.sh", {"node"},
                                       {"--skipApiVersionCheck", "--disableTelemetry", "--silent", "--inMemoryPersistence",
                                        "--blobHost", "127.0.0.1", "--blobPort", "0"});
    return azurite;
  }
  static std::string missing() { return server().missing(); }
  static DataAccess access(const std::string& container) {
    return {{.name = "azure",
             .kind = DatastoreKind::kAzureBlob,
             .settings = {{"account", kAzuriteAccount},
                          {"container", container},
                          {"endpoint", server().address() + "/" + kAzuriteAccount}}},
            {{"accountKey", Secret(kAzuriteKey)}}};
  }
  std::string container = "c" + random_hex(8);
  std::unique_ptr<DataStore> store = make_azure_blob_store(access(container), kPageEntries).value();
  static constexpr size_t kSeveralBlocks = 17 * 1024 * 1024;
  static constexpr size_t kPageEntries = 10;
  static constexpr int kMany = 43;
  static constexpr bool kPages = false;  // a cursor is the storage's own word
};

// A bucket of its own in moto's server.
struct S3World {
  static test::TestbedServer& server() {
    static test::TestbedServer s3("s3.sh", {}, {std::string(WERKBANK_SOURCE_FOLDER) + "/tests/testbed/s3_server.py"});
    return s3;
  }
  static std::string missing() { return server().missing(); }
  std::unique_ptr<DataStore> store =
      make_s3_store(
          {{.name = "s3",
            .kind = DatastoreKind::kS3,
            .settings = {{"bucket", "b" + random_hex(8)}, {"endpoint", server().address()}, {"accessKeyId", "testkey"}}},
           {{"secretAccessKey", Secret("testsecret")}}},
          kPageEntries)
          .value();
  static constexpr size_t kSeveralBlocks = 17 * 1024 * 1024;
  static constexpr size_t kPageEntries = 10;
  static constexpr int kMany = 43;
  static constexpr bool kPages = false;
};

// Where a storage cannot be had a case is left out, loudly; in continuous integration that is a failure.
#define NEEDS(World)                                                    \
  if (const std::string missing = World::missing(); !missing.empty()) { \
    const char* const ci = std::getenv("CI");                           \
    if (ci != nullptr && std::string_view(ci) == "true") FAIL(missing); \
    MESSAGE("left out: " << missing);                                   \
    return;                                                             \
  }

#define ALL_DATA_STORES FolderWorld, AzureBlobWorld, S3World

using Paths = std::vector<std::string>;

template <typename T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result, result.error().to_string());
  return std::move(*result);
}
inline void must(Status status) { REQUIRE_MESSAGE(status, status.error().to_string()); }

template <typename T>
std::string code(const Result<T>& result) {
  return result ? "ok" : std::string(result.error().code->id);
}

inline DataSource source_of(std::string content) {
  const uint64_t size = content.size();
  return {size, [content = std::move(content)](uint64_t offset, uint64_t count) -> Result<std::string> {
            return content.substr(offset, count);
          }};
}

// Not the same in any two blocks.
inline std::string bytes(size_t count) {
  std::string made(count, '\0');
  uint32_t state = 1;
  for (char& c : made) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return made;
}

inline void put(DataStore& store, const std::string& path, const std::string& content) {
  must(store.write(path, source_of(content), false, {}));
}

inline Paths list(DataStore& store, const std::string& prefix) {
  Paths paths;
  must(each_entry(store, prefix, [&](const DataEntry& entry) -> Status {
    paths.push_back(entry.path);
    return {};
  }));
  return paths;
}

inline std::string read(DataStore& store, const std::string& path, uint64_t offset = 0, const std::string& etag = {}) {
  std::string content;
  must(store.read(path, etag, offset, [&](std::string_view piece) -> Status {
    content += piece;
    return {};
  }));
  return content;
}

inline std::string read_range(DataStore& store, const std::string& path, uint64_t offset, uint64_t size_bytes) {
  std::string content;
  must(store.read_range(path, "", offset, size_bytes, [&](std::string_view piece) -> Status {
    content += piece;
    return {};
  }));
  return content;
}

}  // namespace werkbank::data::testing
