// The body of `POST W/blobs`: many small blobs in one request, so that they share its cost and the way to the disk.
//
//     <64 hex: hash> <size in bytes>\n<the bytes>      … repeated
//
// Fed as the body arrives. Nothing is stored before finish(), which makes all of it durable; a body with a fault stores nothing.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "content/blob_store.hh"

namespace werkbank::content {

class BlobFrames {
 public:
  static constexpr size_t kBlobBytesMax = 4 << 20;   // larger ones go by PUT: too_large
  static constexpr size_t kBodyBytesMax = 64 << 20;  // too_large

  static Result<BlobFrames> open(BlobStore& store);
  Status feed(std::string_view bytes);                         // invalid_request, hash_mismatch, too_large
  const std::vector<Hash>& hashes() const { return hashes_; }  // of what was fed so far
  // Answers the number of blobs. invalid_request where the body ends within a blob.
  Result<uint64_t> finish();

 private:
  explicit BlobFrames(std::unique_ptr<BlobBatch> batch) : batch_(std::move(batch)) {}
  Result<size_t> take_frame(std::string_view bytes);

  std::unique_ptr<BlobBatch> batch_;
  std::string pending_;  // the beginning of a frame
  size_t fed_ = 0;
  uint64_t count_ = 0;
  std::vector<Hash> hashes_;
};

}  // namespace werkbank::content
