// Logins sealed in their addresses.
#include "access/sealed_logins.hh"

#include <doctest/doctest.h>

#include "base/files.hh"
#include "base/hash.hh"

using namespace werkbank;
using namespace werkbank::access;

namespace {

// A vault whose key file is gone again.
Vault new_vault() {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("wb-logins-" + random_hex(8));
  REQUIRE(make_directories(folder));
  Result<Vault> vault = Vault::open(folder / "vault.key");
  REQUIRE(vault);
  REQUIRE(remove_tree(folder));
  return std::move(*vault);
}

}  // namespace

TEST_CASE("sealed logins open here, before their own host") {
  const Vault vault = new_vault();
  for (const std::string text : {"--index-url https://user:wörd@host/simple", "postgres://u:p@db/x redis://:word@cache:1/0",
                                 "https://token@host", "no address at all", "ssh://git@host/repo"}) {
    CAPTURE(text);
    const std::string sealed = seal_logins(vault, "w", text);
    CHECK(unseal_logins(vault, "w", sealed).value() == text);
    CHECK(has_sealed_login(sealed) == (sealed != text));
    CHECK_FALSE(has_sealed_login(text));
    CHECK(seal_logins(vault, "w", sealed) == sealed);
    CHECK(seal_logins(vault, "w", text) == sealed);  // the same definition registered again is the same
    for (const char* word : {"wörd", "u:p", ":word", "token"}) CHECK(sealed.find(word) == std::string::npos);
  }
}

TEST_CASE("a sealed login that is carried to another host, scheme, workspace or installation does not open") {
  const Vault vault = new_vault();
  const std::string sealed = seal_logins(vault, "w", "https://user:word@host/simple");
  std::string elsewhere = sealed;
  elsewhere.replace(elsewhere.find("@host"), 5, "@evil");
  CHECK(unseal_logins(vault, "w", "HTTPS" + sealed.substr(5)).value() == "HTTPS://user:word@host/simple");
  for (const Result<std::string>& opened :
       {unseal_logins(vault, "w", elsewhere), unseal_logins(vault, "other", sealed), unseal_logins(new_vault(), "w", sealed),
        unseal_logins(vault, "w", "https://wbs1.AAAA@host/"), unseal_logins(vault, "w", "http" + sealed.substr(5)),
        unseal_logins(vault, "w", "git+" + sealed)}) {
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == &errors::invalid_request);
    CHECK(opened.error().message.find("word") == std::string::npos);
  }
}

TEST_CASE("equal values are sealed alike, others are not") {
  const Vault vault = new_vault();
  CHECK(vault.seal_alike(Secret("a")) == vault.seal_alike(Secret("a")));
  CHECK(vault.seal_alike(Secret("a")) != vault.seal_alike(Secret("b")));
  CHECK(vault.seal(Secret("a")) != vault.seal(Secret("a")));
  CHECK(vault.unseal(vault.seal_alike(Secret("a")))->equals("a"));
  CHECK(Vault::is_sealed(vault.seal(Secret("a"))));
  CHECK_FALSE(Vault::is_sealed("a"));
}
