#include "content/blob_store.hh"

#include <unordered_set>

namespace werkbank::content {
namespace {

struct HashOfHash {
  size_t operator()(const Hash& hash) const {
    size_t value = 0;
    for (size_t i = 0; i < sizeof value; ++i) value = value << 8 | hash.bytes[i];
    return value;
  }
};

}  // namespace

Result<std::vector<Hash>> BlobStore::missing(const std::vector<Hash>& hashes) {
  TRY(const auto found, sizes(hashes));
  std::vector<Hash> absent;
  std::unordered_set<Hash, HashOfHash> seen;
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (!found[i] && seen.insert(hashes[i]).second) absent.push_back(hashes[i]);
  }
  return absent;
}

Result<Hash> put_blob(BlobStore& store, std::string_view bytes) {
  TRY(auto writer, store.create());
  CHECK_OK(writer->append(bytes));
  return writer->finish(std::nullopt);
}

}  // namespace werkbank::content
