// Tokens and the vault.
#include <doctest/doctest.h>
#include <sodium.h>
#include <sys/stat.h>

#include "access/run_token.hh"
#include "access/tokens.hh"
#include "access/vault.hh"
#include "base/files.hh"
#include "base/hash.hh"
#include "base/json.hh"

using namespace werkbank;
using namespace werkbank::access;

namespace {

constexpr UtcMs kNow = 1'763'714'241'000;
const RunKey kRun{"default", "digits_1763_ä\"b"};

RunTokenSigner signer(char fill = 'k') { return RunTokenSigner(Secret(std::string(32, fill))); }

std::string message_of(const Result<RunTokenClaims>& claims) {
  REQUIRE_FALSE(claims);
  CHECK(claims.error().code == &errors::unauthenticated);
  return claims.error().message;
}

class Scratch {
 public:
  Scratch() : path_(std::filesystem::temp_directory_path() / ("wb-access-" + random_hex(8))) { REQUIRE(make_directories(path_)); }
  ~Scratch() { CHECK(remove_tree(path_)); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("login tokens have their form and differ") {
  const Secret a = new_token();
  const Secret b = new_token();
  CHECK(a.reveal().size() == 4 + 43);
  CHECK(a.reveal().starts_with(kTokenPrefix));
  CHECK_FALSE(a.equals(b.reveal()));
  CHECK(hash_token(a.reveal()).size() == 64);
  CHECK(hash_token(a.reveal()) != hash_token(b.reveal()));
}

TEST_CASE("a run token says what it was made for") {
  const Secret token = signer().issue(kRun, 3, kNow + 60'000);
  const auto claims = signer().verify(token.reveal(), kNow).value();
  CHECK(claims.run == kRun);
  CHECK(claims.attempt == 3);
  CHECK(claims.expires_ms == kNow + 60'000);
  CHECK_FALSE(token.equals(signer().issue(kRun, 3, kNow + 60'000).reveal()));  // jti
}

TEST_CASE("the token of a job is not the token of its runner") {
  for (const TokenScope scope : {TokenScope::kJob, TokenScope::kRunner}) {
    const Secret token = signer().issue(kRun, 1, kNow + 60'000, scope);
    const RunTokenClaims claims = signer().verify(token.reveal(), kNow).value();
    CHECK(claims.scope == scope);
  }
}

TEST_CASE("a run token is a JWT that others can read") {
  const std::string token = signer().issue(kRun, 1, kNow).reveal();
  const size_t dot = token.find('.');
  CHECK(base64url_decode(token.substr(0, dot)).value() == R"({"alg":"HS256","typ":"JWT"})");
  const auto claims = parse_json(base64url_decode(token.substr(dot + 1, token.rfind('.') - dot - 1)).value()).value();
  CHECK(claims.at("exp").as_int64() == kNow / 1000);
  CHECK(claims.at("sub").as_string() == kRun.run_id);
  CHECK(claims.at("scope").as_string() == "run");
  CHECK(claims.at("iat").is_int64());
}

TEST_CASE("HS256 as RFC 7515 has it") {
  // The signing input and key of the RFC's appendix A.1: our verify accepts its signature and then misses our claims.
  const std::string key =
      base64url_decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow").value();
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb2"
      "90Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  CHECK(message_of(RunTokenSigner(Secret(key)).verify(token, kNow)).find("malformed") != std::string::npos);
  CHECK(message_of(signer().verify(token, kNow)).find("not made by this server") != std::string::npos);
}

TEST_CASE("run tokens that are not ours, changed, or over are refused") {
  const std::string token = signer().issue(kRun, 1, kNow + 1000).reveal();
  CHECK(message_of(signer().verify(token, kNow + 1000)).find("expired") != std::string::npos);
  CHECK(signer().verify(token, kNow + 999));
  CHECK(message_of(signer('x').verify(token, kNow)).find("not made by this server") != std::string::npos);
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(signer().verify(changed, kNow));
  }
  for (const std::string& text : {std::string(), std::string("."), std::string(".."), std::string("a.b"), token + ".x",
                                  token.substr(0, token.rfind('.') + 1), std::string(10'000, 'a'), "x" + token}) {
    CAPTURE(text);
    message_of(signer().verify(text, kNow));
  }
}

TEST_CASE("a token with another algorithm or scope is refused even when our key signed it") {
  const std::string key(32, 'k');
  const auto sign = [&](std::string_view header, std::string_view claims) {
    std::string text = base64url_encode(header) + "." + base64url_encode(claims);
    std::string mac(crypto_auth_hmacsha256_BYTES, '\0');
    crypto_auth_hmacsha256(reinterpret_cast<unsigned char*>(mac.data()), reinterpret_cast<const unsigned char*>(text.data()),
                           text.size(), reinterpret_cast<const unsigned char*>(key.data()));
    return text + "." + base64url_encode(mac);
  };
  constexpr std::string_view kHeader = R"({"alg":"HS256"})";
  CHECK(signer().verify(sign(kHeader, R"({"sub":"r","ws":"w","att":1,"exp":9999999999,"scope":"run"})"), kNow));
  CHECK_FALSE(signer().verify(sign(R"({"alg":"none"})", R"({"sub":"r","ws":"w","att":1,"exp":9999999999,"scope":"run"})"), kNow));
  CHECK_FALSE(signer().verify(sign(kHeader, R"({"sub":"r","ws":"w","att":1,"exp":9999999999,"scope":"login"})"), kNow));
  CHECK_FALSE(signer().verify(sign(kHeader, R"({"sub":"r","ws":"w","att":1,"exp":"9999999999","scope":"run"})"), kNow));
  CHECK_FALSE(signer().verify(sign(kHeader, R"({"sub":"","ws":"w","att":1,"exp":9999999999,"scope":"run"})"), kNow));
  CHECK_FALSE(signer().verify(sign(kHeader, R"({"sub":"r","ws":"w","att":1,"scope":"run"})"), kNow));
  CHECK_FALSE(signer().verify(sign(kHeader, "[]"), kNow));
}

TEST_CASE("the vault opens what it has sealed, and nothing else") {
  const Scratch scratch;
  const Vault vault = Vault::open(scratch / "vault.key").value();
  const std::string with_nul("pass word\0x", 11);
  const std::string sealed = vault.seal(Secret(with_nul));
  CHECK(sealed.find("pass") == std::string::npos);
  CHECK(sealed != vault.seal(Secret(with_nul)));
  CHECK(vault.unseal(sealed).value().equals(with_nul));
  CHECK(vault.unseal(vault.seal(Secret(""))).value().empty());

  const Vault again = Vault::open(scratch / "vault.key").value();
  CHECK(again.unseal(sealed).value().equals(with_nul));
  CHECK(again.derive_key("run-tokens").equals(vault.derive_key("run-tokens").reveal()));
  CHECK_FALSE(again.derive_key("other").equals(vault.derive_key("run-tokens").reveal()));
  CHECK(vault.derive_key("run-tokens").reveal().size() == 32);

  const Vault other = Vault::open(scratch / "other.key").value();
  std::string changed = sealed;
  changed[20] = changed[20] == 'A' ? 'B' : 'A';
  for (const auto& result :
       {other.unseal(sealed), vault.unseal(changed), vault.unseal(""), vault.unseal("wbs1."), vault.unseal("wbs1.%")}) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == &errors::store_corrupt);
  }
}

TEST_CASE("the vault's key is the user's own, whole, or refused") {
  const Scratch scratch;
  REQUIRE(Vault::open(scratch / "vault.key"));
  struct stat status{};
  REQUIRE(::stat((scratch / "vault.key").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(std::distance(std::filesystem::directory_iterator(scratch.path()), std::filesystem::directory_iterator()) == 1);

  REQUIRE(::chmod((scratch / "vault.key").c_str(), 0644) == 0);
  CHECK(Vault::open(scratch / "vault.key").error().code == &errors::home_refused);
  REQUIRE(write_file_atomically(scratch / "short.key", "c2hvcnQ\n"));
  CHECK(Vault::open(scratch / "short.key").error().message.find("damaged") != std::string::npos);
  std::filesystem::create_symlink("vault.key", scratch / "link.key");
  CHECK(Vault::open(scratch / "link.key").error().code == &errors::home_refused);
  CHECK(Vault::open(scratch / "absent" / "vault.key").error().code == &errors::home_refused);
}
