#include "cli/jmespath.hh"

#include <doctest/doctest.h>

namespace werkbank::cli {
namespace {

constexpr std::string_view kRuns = R"([
  {"run_id":"a","status":"Completed","Accuracy":0.5,"duration":"0:00:03","tags":{"k":["x","y"]}},
  {"run_id":"b","status":"Failed","duration":"0:00:01"},
  {"run_id":"c","status":"Completed","Accuracy":0.98,"duration":"0:00:02","properties.CommitId":"f00"}])";

std::string search(std::string_view expression, std::string_view document = kRuns) {
  const auto result = search_jmespath(expression, parse_json(document).value());
  return result ? json::serialize(*result) : "error: " + result.error().message;
}

TEST_CASE("the queries that users of az typed") {
  CHECK(search("[?status=='Completed'].run_id") == R"(["a","c"])");
  CHECK(search("@[?Accuracy != null] | max_by(@, &Accuracy).Accuracy") == "9.8E-1");
  CHECK(search("@[?Accuracy >= sum(`[1, -0.03]`)] | sort_by(@, &duration) | [].run_id") == R"(["c"])");
  CHECK(search("sort_by(@, &duration)[].run_id") == R"(["b","c","a"])");
}

TEST_CASE("paths, projections, slices") {
  CHECK(search("[0].run_id") == R"("a")");
  CHECK(search("[-1].run_id") == R"("c")");
  CHECK(search("[5]") == "null");
  CHECK(search("[*].Accuracy") == "[5E-1,9.8E-1]");
  CHECK(search("[].tags.k[]") == R"(["x","y"])");
  CHECK(search("[0].tags.k | [0]") == R"("x")");
  CHECK(search("[::-1].run_id") == R"(["c","b","a"])");
  CHECK(search("[1:].run_id") == R"(["b","c"])");
  CHECK(search("[2].\"properties.CommitId\"") == R"("f00")");
  CHECK(search("[0].tags.*") == R"([["x","y"]])");
  CHECK(search("*.a", R"({"x":{"a":1},"y":{"a":2},"z":3})") == "[1,2]");
  CHECK(search("[].[run_id, status] | [0]") == R"(["a","Completed"])");
  CHECK(search("[0].{id: run_id, kind: status}") == R"({"id":"a","kind":"Completed"})");
}

TEST_CASE("conditions") {
  CHECK(search("[?status=='Completed' && Accuracy > `0.9`].run_id") == R"(["c"])");
  CHECK(search("[?status=='Failed' || Accuracy > `0.9`].run_id") == R"(["b","c"])");
  CHECK(search("[?!Accuracy].run_id") == R"(["b"])");
  CHECK(search("[?contains(run_id, 'a')].run_id") == R"(["a"])");
  CHECK(search("[?status == `Completed`] | length(@)") == "2");
  CHECK(search("[?duration < '0:00:02'].run_id") == R"(["b"])");
  CHECK(search("a == `1.0`", R"({"a":1})") == "true");
  CHECK(search("a > b", R"({"a":1,"b":"x"})") == "null");
}

TEST_CASE("functions") {
  CHECK(search("avg([].Accuracy)") == "7.4E-1");
  CHECK(search("sum(`[]`)") == "0");
  CHECK(search("keys(@)", R"({"a":1,"b":2})") == R"(["a","b"])");
  CHECK(search("join(', ', [].run_id)") == R"("a, b, c")");
  CHECK(search("max([].run_id)") == R"("c")");
  CHECK(search("map(&run_id, @)") == R"(["a","b","c"])");
  CHECK(search("length('grün')") == "4");
  CHECK(search("to_number('12')") == "12");
  CHECK(search("not_null(nothing, [0].run_id)") == R"("a")");
  CHECK(search("reverse([].run_id)") == R"(["c","b","a"])");
  CHECK(search("type(@)") == R"("array")");
  CHECK(search("starts_with([0].status, 'Com')") == "true");
  CHECK(search("min_by(`[]`, &x)") == "null");
}

TEST_CASE("what is malformed is refused with its place") {
  for (const std::string_view expression :
       {"", "[?", "a.", "a[", "a b", "'open", "[0:1:2:3]", "{a}", "f(", "&", "a ==", "[1.5]", "#"}) {
    CAPTURE(expression);
    const std::string said = search(expression);
    CHECK(said.starts_with("error: --query"));
    CHECK(said.find("at character") != std::string::npos);
  }
  CHECK(search("lenght(@)") == "error: --query: there is no function lenght(); did you mean length()?");
  CHECK(search("sort_by(@, &Accuracy)").starts_with("error: --query: sort_by() needs"));
  CHECK(search("[::0]").starts_with("error:"));
  CHECK(search("sum(@)").starts_with("error:"));
  CHECK(search("&a").starts_with("error:"));
  CHECK(search(std::string(5000, '(')).starts_with("error:"));
}

}  // namespace
}  // namespace werkbank::cli
