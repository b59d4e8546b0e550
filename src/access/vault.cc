#include "access/vault.hh"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/files.hh"
#include "base/hash.hh"

namespace werkbank::access {
namespace {

constexpr size_t kKeyBytes = crypto_secretbox_KEYBYTES;
constexpr std::string_view kSealPrefix = "wbs1.";  // the version of the sealed form

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::unexpected<Error> refuse(const std::filesystem::path& key_file, std::string_view why) {
  return fail(errors::home_refused, fmt::format("the vault's key {} {}", key_file.native(), why),
              "Restore the file from a backup, with mode 0600; without it the stored secrets cannot be opened.");
}

Result<Secret> read_key(const std::filesystem::path& key_file) {
  struct stat status{};
  if (::lstat(key_file.c_str(), &status) != 0) return refuse(key_file, "cannot be looked at");
  if (!S_ISREG(status.st_mode)) return refuse(key_file, "is not a file");
  if ((status.st_mode & 077) != 0) return refuse(key_file, "can be read or written by others");
  if (status.st_uid != geteuid()) return refuse(key_file, "belongs to another user");
  Result<std::string> text = read_file(key_file, 1024);
  if (!text) return refuse(key_file, "cannot be read: " + text.error().message);
  Secret encoded(std::move(*text));
  std::string_view digits = encoded.reveal();
  if (digits.ends_with('\n')) digits.remove_suffix(1);
  Result<std::string> key = base64url_decode(digits);
  if (!key || key->size() != kKeyBytes) return refuse(key_file, "is damaged");
  return Secret(std::move(*key));
}

// Written aside and linked into place: a crash leaves no half key, and of two processes that start together one key remains.
Status make_key(const std::filesystem::path& key_file) {
  std::string bytes(kKeyBytes, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  const Secret text(base64url_encode(bytes) + '\n');
  sodium_memzero(bytes.data(), bytes.size());
  const std::filesystem::path aside = fmt::format("{}.{}.tmp", key_file.native(), random_hex(8));
  if (const Status written = write_file_atomically(aside, text.reveal(), 0600); !written) {
    return refuse(key_file, "cannot be made: " + written.error().message);
  }
  const int failed = ::link(aside.c_str(), key_file.c_str());
  const int number = errno;
  ::unlink(aside.c_str());
  if (failed != 0 && number != EEXIST) return refuse(key_file, "cannot be made: " + errno_error(number, "link").message);
  return sync_directory(key_file.has_parent_path() ? key_file.parent_path() : std::filesystem::path("."));
}

}  // namespace

Result<Vault> Vault::open(const std::filesystem::path& key_file) {
  WB_INVARIANT(sodium_init() >= 0);
  struct stat status{};
  if (::lstat(key_file.c_str(), &status) != 0 && errno == ENOENT) CHECK_OK(make_key(key_file));
  TRY(Secret key, read_key(key_file));
  return Vault(std::move(key));
}

std::string Vault::seal_with(const unsigned char* nonce, const Secret& value) const {
  std::string box(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + value.reveal().size(), '\0');
  std::copy_n(nonce, crypto_secretbox_NONCEBYTES, bytes_of(box));
  crypto_secretbox_easy(bytes_of(box) + crypto_secretbox_NONCEBYTES, bytes_of(value.reveal()), value.reveal().size(), nonce,
                        bytes_of(key_.reveal()));
  return std::string(kSealPrefix) + base64url_encode(box);
}

std::string Vault::seal(const Secret& value) const {
  std::array<unsigned char, crypto_secretbox_NONCEBYTES> nonce{};
  randombytes_buf(nonce.data(), nonce.size());
  return seal_with(nonce.data(), value);
}

// A nonce that only the key and the value decide: two values never share one, and it tells nothing but that two are equal.
std::string Vault::seal_alike(const Secret& value) const {
  const Secret nonce_key = derive_key("seal-alike");
  std::array<unsigned char, crypto_secretbox_NONCEBYTES> nonce{};
  crypto_generichash(nonce.data(), nonce.size(), bytes_of(value.reveal()), value.reveal().size(), bytes_of(nonce_key.reveal()),
                     nonce_key.reveal().size());
  return seal_with(nonce.data(), value);
}

bool Vault::is_sealed(std::string_view text) { return text.starts_with(kSealPrefix); }

Result<Secret> Vault::unseal(std::string_view sealed) const {
  const auto corrupt = [] { return fail(errors::store_corrupt, "a sealed secret does not open with this installation's key"); };
  if (!sealed.starts_with(kSealPrefix)) return corrupt();
  const Result<std::string> box = base64url_decode(sealed.substr(kSealPrefix.size()));
  constexpr size_t kOverhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
  if (!box || box->size() < kOverhead) return corrupt();
  std::string value(box->size() - kOverhead, '\0');
  const unsigned char* const nonce = bytes_of(std::string_view(*box));
  const int failed = crypto_secretbox_open_easy(bytes_of(value), nonce + crypto_secretbox_NONCEBYTES,
                                                box->size() - crypto_secretbox_NONCEBYTES, nonce, bytes_of(key_.reveal()));
  if (failed != 0) return corrupt();
  return Secret(std::move(value));
}

Secret Vault::derive_key(std::string_view purpose) const {
  std::string derived(32, '\0');
  crypto_generichash(bytes_of(derived), derived.size(), bytes_of(purpose), purpose.size(), bytes_of(key_.reveal()),
                     key_.reveal().size());
  return Secret(std::move(derived));
}

}  // namespace werkbank::access
