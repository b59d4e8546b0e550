#include "client/mirrors.hh"

#include <doctest/doctest.h>

#include "base/files.hh"
#include "base/hash.hh"
#include "base/json.hh"

namespace werkbank::client {
namespace {

struct Home {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("werkbank-mirrors-" + random_hex(8));
  ~Home() { static_cast<void>(remove_tree(path)); }
};

TEST_CASE("mirrors are kept in a file, by name") {
  const Home home;
  CHECK(read_mirrors(home.path).value().empty());
  REQUIRE(write_mirrors(home.path, {{"mnist", "/data/mnist"}, {"data.example.com", "https://mirror.example"}}));
  const std::vector<Mirror> mirrors = read_mirrors(home.path).value();
  REQUIRE(mirrors.size() == 2);
  CHECK(mirrors[0].name == "data.example.com");
  CHECK(mirrors[1].target == "/data/mnist");
  CHECK(read_file(mirrors_file(home.path), 1 << 20).value() ==
        pretty_json(
            json::object{{"mirrors", json::array{json::object{{"name", "data.example.com"}, {"target", "https://mirror.example"}},
                                                 json::object{{"name", "mnist"}, {"target", "/data/mnist"}}}}}) +
            "\n");
}

TEST_CASE("a file that is damaged is named") {
  const Home home;
  REQUIRE(make_directories(home.path, 0700));
  for (const std::string_view text : {"{", "[]", R"({"mirrors":[{"name":"x"}]})", R"({"mirrors":3})"}) {
    REQUIRE(write_file_atomically(mirrors_file(home.path), text, 0600, false));
    const auto read = read_mirrors(home.path);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == &errors::config_invalid);
    CHECK(read.error().message.find("mirrors.json") != std::string::npos);
  }
}

TEST_CASE("a mirror is a folder that is there, or an address") {
  const Home home;
  REQUIRE(make_directories(home.path, 0700));
  CHECK(checked_mirror("MNIST", home.path.string() + "/./").value().target == home.path.string());
  CHECK(checked_mirror("MNIST", home.path.string()).value().name == "mnist");
  CHECK(checked_mirror("data.example.com:8080", "https://mirror.example/x/").value().target == "https://mirror.example/x");
  for (const auto& [name, target] : std::vector<std::pair<std::string, std::string>>{
           {"", "/tmp"}, {"a/b", "/tmp"}, {"mnist", "/no/such/folder"}, {"mnist", "ftp://x"}, {"mnist", "https://me:word@x/y"}}) {
    const auto refused = checked_mirror(name, target);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == &errors::invalid_request);
    CHECK(refused.error().message.find("word") == std::string::npos);
  }
}

}  // namespace
}  // namespace werkbank::client
