#include "content/blob_frames.hh"

#include <fmt/format.h>

#include <charconv>

namespace werkbank::content {
namespace {

constexpr size_t kHashChars = 2 * Hash::kSizeBytes;
constexpr size_t kLineMax = kHashChars + 1 + 20 + 1;

std::unexpected<Error> refuse(uint64_t index, std::string_view why) {
  return fail(errors::invalid_request, fmt::format("blob {} of the body {}", index + 1, why),
              "The body is \"<hash> <size>\\n\" and the bytes of each blob, one after the other.");
}

}  // namespace

Result<BlobFrames> BlobFrames::open(BlobStore& store) {
  TRY(auto batch, store.create_batch());
  return BlobFrames(std::move(batch));
}

// Puts the first blob; answers the bytes it took, or 0 where it is not there whole.
Result<size_t> BlobFrames::take_frame(std::string_view bytes) {
  const size_t line_end = bytes.substr(0, kLineMax).find('\n');
  if (line_end == std::string_view::npos) {
    if (bytes.size() >= kLineMax) return refuse(count_, "does not begin with \"<hash> <size>\"");
    return 0;
  }
  const std::string_view line = bytes.substr(0, line_end);
  const auto hash = Hash::parse(line.substr(0, kHashChars));
  if (!hash || line.size() < kHashChars + 2 || line[kHashChars] != ' ')
    return refuse(count_, "does not begin with \"<hash> <size>\"");
  size_t size = 0;
  const char* const end = line.data() + line.size();
  const auto [after, error] = std::from_chars(line.data() + kHashChars + 1, end, size);
  if (error != std::errc() || after != end) return refuse(count_, "has no valid size");
  if (size > kBlobBytesMax) {
    return fail(errors::too_large, fmt::format("blob {} of the body has {} bytes, {} are taken", count_ + 1, size, kBlobBytesMax),
                "PUT large blobs one by one.");
  }
  if (bytes.size() - line_end - 1 < size) return 0;
  CHECK_OK(batch_->put(*hash, bytes.substr(line_end + 1, size)));
  ++count_;
  hashes_.push_back(*hash);
  return line_end + 1 + size;
}

Status BlobFrames::feed(std::string_view bytes) {
  fed_ += bytes.size();
  if (fed_ > kBodyBytesMax) {
    return fail(errors::too_large, fmt::format("the body has more than {} bytes", kBodyBytesMax), "Send several bodies.");
  }
  pending_ += bytes;
  size_t done = 0;
  while (done < pending_.size()) {
    TRY(const size_t taken, take_frame(std::string_view(pending_).substr(done)));
    if (taken == 0) break;
    done += taken;
  }
  pending_.erase(0, done);
  return {};
}

Result<uint64_t> BlobFrames::finish() {
  if (!pending_.empty()) return refuse(count_, "is cut");
  CHECK_OK(batch_->commit());
  return count_;
}

}  // namespace werkbank::content
