#include "client/login_cache.hh"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/files.hh"
#include "base/hash.hh"
#include "client/session.hh"

namespace werkbank::client {
namespace {

struct Home {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("werkbank-login-" + random_hex(8));
  ~Home() { static_cast<void>(remove_tree(path)); }
};

TEST_CASE("what is written is read, by the owner alone, and serves the server it was made for") {
  const Home home;
  LoginCache cache = read_login_cache(home.path).value();
  CHECK(cache.logins.empty());
  cache.subscription = "research";
  cache.put({.url = "http://one:1", .user = "anna", .expires_utc = "", .token = Secret("old")});
  cache.put({.url = "http://one:1", .user = "anna", .expires_utc = "", .token = Secret("wbt_a")});
  REQUIRE(write_login_cache(home.path, cache));
  struct stat facts{};
  REQUIRE(stat(login_cache_file(home.path).c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  CHECK(read_login_cache(home.path).value().subscription == "research");
  const auto token_for = [&](const std::string& url, const std::string& given) {
    EnvironmentMap environment{{"WERKBANK_HOME", home.path.string()}, {"WERKBANK_URL", url}};
    if (!given.empty()) environment["WERKBANK_TOKEN"] = given;
    return find_server(environment).value().token.reveal();
  };
  CHECK(token_for("http://one:1/", "") == "wbt_a");
  CHECK(token_for("http://one:1", "wbt_b") == "wbt_b");
  CHECK(token_for("http://two:1", "").empty());
  CHECK(cache.erase("http://one:1"));
  CHECK_FALSE(cache.erase("http://one:1"));
}

TEST_CASE("a cache that cannot be understood is named, with what to do") {
  const Home home;
  for (const char* const text : {"{", "[]", R"({"version": 2, "logins": []})", R"({"version": 1, "logins": [{"url": "x"}]})"}) {
    CAPTURE(text);
    REQUIRE(make_directories(login_cache_file(home.path).parent_path(), 0700));
    REQUIRE(write_file_atomically(login_cache_file(home.path), text, 0600, false));
    const auto cache = read_login_cache(home.path);
    REQUIRE_FALSE(cache);
    CHECK(cache.error().code == &errors::config_invalid);
    CHECK(cache.error().message.find("login.json") != std::string::npos);
    CHECK(cache.error().hint.find("az login") != std::string::npos);
  }
}

}  // namespace
}  // namespace werkbank::client
