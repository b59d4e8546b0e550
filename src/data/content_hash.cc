#include "data/content_hash.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/files.hh"
#include "base/hash.hh"

namespace werkbank::data {
namespace {

constexpr std::string_view kMd5 = "md5:", kBlake2b = "blake2b:";
constexpr size_t kPieceBytes = 1024 * 1024;

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

Result<std::string> md5_of_file(const std::filesystem::path& path) {
  TRY(const Fd file, open_file(path, O_RDONLY));
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> digest(EVP_MD_CTX_new());
  if (!digest || EVP_DigestInit_ex(digest.get(), EVP_md5(), nullptr) != 1) return fail(errors::internal, "there is no MD5 here");
  std::string piece(kPieceBytes, '\0');
  while (true) {
    const ssize_t count = ::read(file.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, path.string()));
    if (count == 0) break;
    EVP_DigestUpdate(digest.get(), piece.data(), static_cast<size_t>(count));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(digest.get(), bytes.data(), &size);
  return std::string(kMd5) + hex_encode(std::string_view(reinterpret_cast<const char*>(bytes.data()), size));
}

}  // namespace

Result<std::string> blake2b_of_file(const std::filesystem::path& file) {
  TRY(const Hash hash, Hash::of_file(file));
  return std::string(kBlake2b) + hash.hex();
}

Status check_content(const std::filesystem::path& file, const std::string& hash) {
  const bool is_md5 = hash.starts_with(kMd5);
  if (!is_md5 && !hash.starts_with(kBlake2b)) return {};
  TRY(const std::string found, is_md5 ? md5_of_file(file) : blake2b_of_file(file));
  if (found == hash) return {};
  return fail(errors::data_changed,
              fmt::format("the bytes that came are not those that were registered: their hash is {}, not {}", found, hash));
}

}  // namespace werkbank::data
