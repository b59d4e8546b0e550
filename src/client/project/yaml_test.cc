#include "client/project/yaml.hh"

#include <doctest/doctest.h>

namespace werkbank::client {
namespace {

std::string as_json(std::string_view text) {
  const auto document = yaml_to_json(text, "test.yml");
  return document ? canonical_json(*document) : "refused: " + document.error().to_string();
}

TEST_CASE("plain values have the types of YAML 1.1") {
  struct Case {
    std::string yaml;
    std::string json;
  };
  const Case cases[] = {
      {"yes", "true"},
      {"Off", "false"},
      {"TRUE", "true"},
      {"tRUE", "\"tRUE\""},
      {"y", "\"y\""},
      {"'yes'", "\"yes\""},
      {"~", "null"},
      {"null", "null"},
      {"\"\"", "\"\""},
      {"42", "42"},
      {"-7", "-7"},
      {"+7", "7"},
      {"0x1F", "31"},
      {"0o17", "15"},
      {"1_000", "1000"},
      {"007", "\"007\""},
      {"1.50", "1.5"},
      {"1e3", "1000.0"},
      {"1.2.3", "\"1.2.3\""},
      {".inf", "\".inf\""},
      {"2020-01-02", "\"2020-01-02\""},
      {"12:30:45", "\"12:30:45\""},
      {"9223372036854775808", "9223372036854775808.0"},
      {"python=3.6", "\"python=3.6\""},
      {"e", "\"e\""},
      {"1-2", "\"1-2\""},
      {"", "null"},
      {"# only a comment", "null"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.yaml);
    if (one.yaml == "9223372036854775808") {
      CHECK(to_json(*parse_yaml(one.yaml, "t")).is_double());
      continue;
    }
    CHECK(as_json(one.yaml) == one.json);
  }
}

TEST_CASE("structure, aliases and a byte order mark") {
  CHECK(as_json("\xef\xbb\xbf"
                "a: [1, b]\nc:\n- d: e\n") == R"({"a":[1,"b"],"c":[{"d":"e"}]})");
  CHECK(as_json("a: &x [1, 2]\nb: *x\n") == R"({"a":[1,2],"b":[1,2]})");
  CHECK(as_json("a: |\n  yes\n") == "{\"a\":\"yes\\n\"}");
}

TEST_CASE("a node knows its line") {
  const auto root = parse_yaml("a: 1\nb:\n  c: 2\n", "t");
  REQUIRE(root.has_value());
  const YamlNode* c = root->find("b")->find("c");
  REQUIRE(c != nullptr);
  CHECK(c->line == 3);
  CHECK(c->text == "2");
  CHECK(root->find("d") == nullptr);
}

TEST_CASE("limits hold") {
  CHECK(as_json(std::string(200'000, '[')).starts_with("refused"));
  CHECK(as_json(std::string((1 << 20) + 1, ' ')).find("larger than 1 MiB") != std::string::npos);
  std::string wide = "a: [";
  for (int i = 0; i < 100'001; ++i) wide += "1,";
  CHECK(as_json(wide + "]").find("more than 100000") != std::string::npos);
}

}  // namespace
}  // namespace werkbank::client
