// Logins in addresses.
#include "base/logins.hh"

#include <doctest/doctest.h>

#include <vector>

using namespace werkbank;

TEST_CASE("logins in addresses are not shown") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"https://user:word@host/simple", "https://***@host/simple"},
      {"--index-url https://token@host:8080/simple, next", "--index-url https://***@host:8080/simple, next"},
      {"a @ git+https://me:w@host/a.git@v1", "a @ git+https://***@host/a.git@v1"},
      {"HTTP://U:P@HOST", "HTTP://***@HOST"},
      {"http://a:b@one/x http://c:d@two/y", "http://***@one/x http://***@two/y"},
      {"postgres://db:p@ss@host/base", "postgres://***@host/base"},
      {"https://user:p#s?s@host/", "https://***@host/"},
      {"'https://u:p@h'", "'https://***@h'"},
      {"https://:word@host/", "https://***@host/"},
      {"http://[::1]:80/a", "http://[::1]:80/a"},
      {"http://u:p@[::1]:80/a", "http://***@[::1]:80/a"},
      // No login, or none that is secret.
      {"https://host/a@b", "https://host/a@b"},
      {"https://@host/", "https://@host/"},
      {"ssh://git@host/repo.git", "ssh://git@host/repo.git"},
      {"git@host:repo.git", "git@host:repo.git"},
      {"mail me@home", "mail me@home"},
      {"://", "://"},
      {"", ""},
  };
  for (const auto& [text, shown] : cases) {
    CAPTURE(text);
    CHECK(without_logins(text) == shown);
  }
}

TEST_CASE("a login's replacement sees login and host, and nothing else changes") {
  std::vector<std::string> seen;
  const auto note = [&seen](const AddressLogin& login) {
    seen.push_back(std::string(login.scheme) + " " + std::string(login.text) + " " + std::string(login.host) +
                   (login.is_secret ? " secret" : ""));
    return std::string(login.text);
  };
  const std::string text = "x ssh://git@a/r https://u:p@b:1/ ftp://u:p@c";
  CHECK(replace_logins(text, note) == text);
  CHECK(seen == std::vector<std::string>{"ssh git a", "https u:p b:1 secret", "ftp u:p c secret"});
}
