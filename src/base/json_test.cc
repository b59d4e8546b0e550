#include "base/json.hh"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace werkbank;

namespace {

json::value parsed(std::string_view text) { return parse_json(text).value(); }

void check_refused(std::string_view text, std::string_view part_of_message) {
  CAPTURE(text);
  const auto value = parse_json(text);
  REQUIRE_FALSE(value);
  CHECK(value.error().code == &errors::invalid_request);
  CAPTURE(value.error().message);
  CHECK(value.error().message.find(part_of_message) != std::string::npos);
}

}  // namespace

TEST_CASE("parse_json names line and column of what is wrong") {
  check_refused("{\n  \"a\": 1,\n  \"b\": oops\n}", "line 3, column");
  check_refused("", "line 1, column 1");
  check_refused("{\"a\":1", "ends too early");
  check_refused("{} {}", "follows");
  check_refused("[1,]", "line 1");
  check_refused("{'a':1}", "line 1");
  check_refused("// no\n1", "line 1");
}

TEST_CASE("parse_json refuses duplicate keys at every depth, and only within one object") {
  check_refused(R"({"a":1,"a":1})", "the key \"a\" is there twice");
  check_refused(R"([{"x":{"k":1,"\u006b":2}}])", "the key \"k\" is there twice");
  CHECK(parsed(R"({"a":{"a":1},"b":{"a":2}})").at("b").at("a") == 2);
}

TEST_CASE("parse_json keeps limits") {
  check_refused(std::string(33, '[') + std::string(33, ']'), "too deep");
  CHECK(parse_json(std::string(32, '[') + std::string(32, ']')));
  JsonLimits small;
  small.size_bytes_max = 8;
  CHECK_FALSE(parse_json("[1,2,3,4,5]", small));
  check_refused("\"\xff\"", "line 1");
  check_refused("\"\xed\xa0\x80\"", "line 1");
  check_refused(R"("\ud800")", "line 1");
  check_refused("1e999", "out of range");
  check_refused("-1e999", "out of range");
  CHECK(parsed("1e-999") == 0.0);
}

TEST_CASE("integers stay integers, doubles doubles, and both read exactly") {
  CHECK(parsed("7").is_int64());
  CHECK(parsed("7.0").is_double());
  CHECK(parsed("9223372036854775807").get_int64() == INT64_MAX);
  CHECK(parsed("-9223372036854775808").get_int64() == INT64_MIN);
  CHECK(parsed("18446744073709551615").get_uint64() == UINT64_MAX);
  CHECK(parsed("18446744073709551616").is_double());
  for (const char* text : {"0.1", "2.2250738585072014e-308", "1.7976931348623157e+308", "5e-324", "123456789.12345679",
                           "3.141592653589793", "-0.30000000000000004", "9007199254740993.0"}) {
    CAPTURE(text);
    CHECK(parsed(text).get_double() == std::strtod(text, nullptr));
  }
}

TEST_CASE("canonical_json sorts keys, is compact, and equal values give equal bytes") {
  CHECK(canonical_json(parsed(R"({ "b" : [1, 2.0, -0.5, true, null], "a" : {"z":"\u00e9\n\"\\\u0001","y":{}} })")) ==
        "{\"a\":{\"y\":{},\"z\":\"\xc3\xa9\\n\\\"\\\\\\u0001\"},\"b\":[1,2.0,-0.5,true,null]}");
  CHECK(canonical_json(json::value(1e20)) == "1e+20");
  CHECK(canonical_json(json::value(0.1)) == "0.1");
  CHECK(canonical_json(json::value(std::numeric_limits<double>::quiet_NaN())) == "null");
  CHECK(canonical_json(json::array()) == "[]");
  for (const double number : {0.1, 1.0, 1e300, 4.9e-324, 100000.0, 1e16}) {
    CHECK(parsed(canonical_json(json::value(number))).get_double() == number);
  }
}

TEST_CASE("pretty_json indents by two and keeps the order") {
  CHECK(pretty_json(parsed(R"({"b":[1,{}],"a":[]})")) == "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": []\n}");
}

TEST_CASE("JsonReader reads fields with their defaults") {
  const json::value value = parsed(R"({"name":"x","count":3,"whole":4.0,"rate":2,"on":true,"list":["a","b"],
                                       "map":{"k":"v","a":"b"},"none":null,"sub":{"q":1}})");
  JsonReader r(value, "spec");
  CHECK(r.has("name"));
  CHECK_FALSE(r.has("none"));
  CHECK(r.required_string("name") == "x");
  CHECK(r.string_or("none", "d") == "d");
  CHECK_FALSE(r.optional_string("absent"));
  CHECK(r.int_or("count", 1, 0, 10) == 3);
  CHECK(r.optional_int("whole") == 4);
  CHECK(r.double_or("rate", 0) == 2.0);
  CHECK(r.bool_or("on", false));
  CHECK(r.strings_or_empty("list") == std::vector<std::string>{"a", "b"});
  CHECK(r.string_map_or_empty("map") == std::vector<std::pair<std::string, std::string>>{{"k", "v"}, {"a", "b"}});
  REQUIRE(r.object("sub") != nullptr);
  CHECK(r.finish());
}

TEST_CASE("JsonReader names the first thing wrong by its path") {
  const auto error_of = [](std::string_view text, auto read) {
    const json::value value = parsed(text);
    JsonReader r(value, "spec.environment");
    read(r);
    const Status status = r.finish();
    return status ? std::string() : status.error().message;
  };
  CHECK(error_of(R"({"a":1})", [](JsonReader& r) { r.required_string("a"); }) ==
        "spec.environment.a: a text is expected, not an integer");
  CHECK(error_of(R"({})", [](JsonReader& r) { r.required_string("a"); }).starts_with("spec.environment.a: "));
  CHECK(error_of(R"({"a":11})", [](JsonReader& r) { r.int_or("a", 0, 0, 10); }).find("between 0 and 10") != std::string::npos);
  CHECK(error_of(R"({"a":1.5})", [](JsonReader& r) { r.optional_int("a"); }).find("integer") != std::string::npos);
  CHECK(error_of(R"({"a":["x",2]})", [](JsonReader& r) { r.strings_or_empty("a"); }).starts_with("spec.environment.a[1]: "));
  CHECK(error_of(R"({"a":{"k":2}})", [](JsonReader& r) { r.string_map_or_empty("a"); }).starts_with("spec.environment.a.k: "));
  CHECK(error_of("[1]", [](JsonReader&) {}).starts_with("spec.environment: an object is expected"));
  CHECK(error_of(R"({"a":1,"b":2})", [](JsonReader& r) {
          r.bool_or("a", false);
          r.required_string("b");
        }).starts_with("spec.environment.a: "));
}

TEST_CASE("JsonReader refuses unknown keys and suggests the nearest") {
  const json::value value = parsed(R"({"scirpt":"train.py"})");
  JsonReader r(value, "spec");
  r.string_or("script");
  r.string_or("target");
  const Status status = r.finish();
  REQUIRE_FALSE(status);
  CHECK(status.error().message.find("spec.scirpt") != std::string::npos);
  CHECK(status.error().hint.find("script") != std::string::npos);
  CHECK(JsonReader(value, "spec").finish(false));
}

TEST_CASE("nearest_word keeps its distance") {
  const std::vector<std::string> known = {"experiment", "environment", "run"};
  CHECK(nearest_word("experimnet", known) == "experiment");
  CHECK(nearest_word("rum", known) == "run");
  CHECK_FALSE(nearest_word("zzz", known));
  CHECK_FALSE(nearest_word("workspace", known));
  CHECK_FALSE(nearest_word("", known));
}
