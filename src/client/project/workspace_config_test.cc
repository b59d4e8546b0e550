#include "client/project/workspace_config.hh"

#include <doctest/doctest.h>

#include "client/project/test_folder.hh"

namespace werkbank::client {
namespace {

std::string config_of(const std::string& workspace) {
  return R"({"subscription_id": "s", "resource_group": "g", "workspace_name": ")" + workspace + R"(", "more": 1})";
}

TEST_CASE("the sweeps go .azureml, aml_config, the folder itself; each up to the root") {
  TestFolder folder;
  const auto found = [&folder] {
    auto config = find_workspace_config(folder.path() / "a/b");
    REQUIRE(config.has_value());
    return config->has_value() ? (*config)->workspace_name : std::string("none");
  };
  folder.write("a/b/train.py", "");
  CHECK(found() == "none");
  folder.write("a/b/project.json", config_of("six"));
  CHECK(found() == "six");
  folder.write("a/b/config.json", config_of("five"));
  CHECK(found() == "five");
  folder.write("aml_config/project.json", config_of("four"));
  CHECK(found() == "four");
  folder.write("aml_config/config.json", config_of("three"));
  CHECK(found() == "three");
  folder.write(".azureml/config.json", config_of("two"));
  CHECK(found() == "two");
  folder.write("a/b/.azureml/config.json", config_of("one"));
  CHECK(found() == "one");
}

TEST_CASE("both forms, and what is refused") {
  const auto scope = parse_workspace_config(
      R"({"Id": null, "Scope": "/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W"})",
      "c.json");
  REQUIRE(scope.has_value());
  CHECK(scope->subscription_id == "S");
  CHECK(scope->resource_group == "G");
  CHECK(scope->workspace_name == "W");
  for (const char* text :
       {"", "[]", "{", R"({"subscription_id": "s"})", R"({"subscription_id": 1, "resource_group": "g", "workspace_name": "w"})",
        R"({"Scope": "/subscriptions/S"})", R"({"subscription_id": "", "resource_group": "g", "workspace_name": "w"})"}) {
    CAPTURE(text);
    const auto refused = parse_workspace_config(text, "c.json");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.starts_with("c.json: "));
  }
}

}  // namespace
}  // namespace werkbank::client
