#include "domain/metric.hh"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

using namespace werkbank;

namespace {

MetricLine must_parse(std::string_view text) {
  Result<MetricLine> line = parse_metric_line(text);
  REQUIRE_MESSAGE(line, line.error().to_string());
  return std::move(*line);
}

MetricValue value_of(const std::string& text) {
  return must_parse(R"({"s":1,"t":1,"n":"m","v":)" + text + "}").columns.at(0).values.at(0);
}

bool same(const MetricValue& a, const MetricValue& b) {
  const double *const x = std::get_if<double>(&a), *const y = std::get_if<double>(&b);
  if (x != nullptr && y != nullptr) return std::bit_cast<uint64_t>(*x) == std::bit_cast<uint64_t>(*y);
  return a == b;
}

}  // namespace

TEST_CASE("the forms of the reference page") {
  const MetricLine scalar = must_parse(R"({"s":1,"t":1763714241123,"n":"accuracy","v":0.97})");
  CHECK(scalar.sequence == 1);
  CHECK(scalar.timestamp_ms == 1763714241123);
  CHECK(scalar.name == "accuracy");
  CHECK(scalar.kind == MetricKind::kScalar);
  CHECK(!scalar.step);
  CHECK(std::get<double>(scalar.columns.at(0).values.at(0)) == 0.97);
  CHECK(must_parse(R"({"s":2,"t":1,"n":"loss","v":0.3,"p":-7})").step == -7);
  CHECK(must_parse(R"({"s":3,"t":1,"n":"fib","l":[1,1,2,3]})").columns.at(0).values.size() == 4);
  const MetricLine row = must_parse(R"({"s":4,"t":1,"n":"row","r":{"a":1,"b":2.5}})");
  CHECK(row.kind == MetricKind::kTable);
  CHECK(row.columns.at(1).name == "b");
  const MetricLine table = must_parse(R"({"s":5,"t":1,"n":"table","c":{"a":[1,2],"b":["x","y"]}})");
  CHECK(std::get<std::string>(table.columns.at(1).values.at(1)) == "y");
  const MetricLine artifact = must_parse(R"({"s":6,"t":1,"n":"c","k":"azureml.v2.confusion_matrix","v":"confusion"})");
  CHECK(artifact.kind == MetricKind::kConfusionMatrix);
  CHECK(must_parse(R"( { "new" : {"deep":[1,{"x":"nan"},null,"t"]} , "s" : 7 , "t":1,"n":"m", "v" : 1 } )").sequence == 7);
}

TEST_CASE("a skipped line has a sequence and nothing else") {
  const std::string text = "{\"s\":7,\"x\":\"skipped\"}\n";
  const MetricLine line = must_parse(std::string_view(text).substr(0, text.size() - 1));
  CHECK(line.sequence == 7);
  CHECK(line.name.empty());
  CHECK(line.columns.empty());
  CHECK(format_metric_line(line) == text);
  CHECK(must_parse(R"({"new":[1],"x":"skipped","s":8})").sequence == 8);
  for (const char* refused : {R"({"x":"skipped"})", R"({"s":1,"x":"lost"})", R"({"s":1,"x":1})", R"({"s":0,"x":"skipped"})",
                              R"({"s":1,"x":"skipped","n":"m"})", R"({"s":1,"t":1,"n":"m","v":1,"x":"skipped"})"}) {
    CAPTURE(refused);
    CHECK_FALSE(parse_metric_line(refused));
  }
}

TEST_CASE("values keep their type") {
  CHECK(same(value_of("1"), int64_t{1}));
  CHECK(same(value_of("1.0"), 1.0));
  CHECK(same(value_of("1e0"), 1.0));
  CHECK(same(value_of("-0.0"), -0.0));
  CHECK(same(value_of("-9223372036854775808"), INT64_MIN));
  CHECK(same(value_of("9223372036854775807"), INT64_MAX));
  CHECK(same(value_of("9223372036854775808"), 9223372036854775808.0));
  CHECK(same(value_of("1e999"), std::numeric_limits<double>::infinity()));
  CHECK(same(value_of("1e-999"), 0.0));
  CHECK(same(value_of("true"), int64_t{1}));
  CHECK(same(value_of("false"), int64_t{0}));
  CHECK(same(value_of("null"), std::monostate()));
  CHECK(std::isnan(std::get<double>(value_of(R"({"x":"nan"})"))));
  CHECK(same(value_of(R"({"x":"-inf"})"), -std::numeric_limits<double>::infinity()));
  CHECK(same(value_of(R"("a\"\\\/\n\u00e9\ud83c\udf89")"), std::string("a\"\\/\né🎉")));
  CHECK(same(value_of(R"("\udc80!")"), std::string("\xEF\xBF\xBD!")));  // half a pair: U+FFFD
  CHECK(same(value_of(R"("\ud800\u0041")"), std::string("\xEF\xBF\xBD"
                                                        "A")));
}

TEST_CASE("what is formatted reads back the same") {
  const std::vector<MetricValue> values{int64_t{0},
                                        INT64_MIN,
                                        INT64_MAX,
                                        0.1,
                                        1.0 / 3,
                                        -0.0,
                                        1e22,
                                        1e300,
                                        5e-324,
                                        std::monostate(),
                                        std::string("q\"\\\n\x01ü"),
                                        std::numeric_limits<double>::infinity()};
  MetricLine line{.sequence = 9, .name = "n\t\"", .timestamp_ms = -5, .step = INT64_MIN};
  line.columns = {{"", values}};
  const std::string text = format_metric_line(line);
  CHECK(text.back() == '\n');
  const MetricLine list = must_parse(std::string_view(text).substr(0, text.size() - 1));
  REQUIRE(list.columns.at(0).values.size() == values.size());
  for (size_t i = 0; i < values.size(); ++i) CHECK(same(list.columns[0].values[i], values[i]));
  CHECK(list.name == line.name);
  CHECK(list.step == line.step);
  CHECK(list.timestamp_ms == -5);
  MetricLine table{.sequence = 1, .name = "t", .kind = MetricKind::kTable, .timestamp_ms = 1, .step = {}};
  table.columns = {{"a", {int64_t{1}, 2.0}}, {"b", {std::string("x"), std::monostate()}}};
  CHECK(format_metric_line(table) == "{\"s\":1,\"t\":1,\"n\":\"t\",\"c\":{\"a\":[1,2.0],\"b\":[\"x\",null]}}\n");
  MetricLine image{.sequence = 2, .name = "i", .kind = MetricKind::kImage, .timestamp_ms = 1, .step = {}};
  image.columns = {{"", {std::string("outputs/a.png")}}};
  CHECK(format_metric_line(image) == "{\"s\":2,\"t\":1,\"n\":\"i\",\"k\":\"azureml.v2.image\",\"v\":\"outputs/a.png\"}\n");
}

TEST_CASE("malformed lines are refused, with their place") {
  const auto message = [](std::string_view text) {
    const Result<MetricLine> line = parse_metric_line(text);
    REQUIRE_MESSAGE(!line, std::string(text));
    CHECK(line.error().code->id == "invalid_request");
    return line.error().message;
  };
  CHECK(message(R"({"s":1,"t":1,"n":"m","v":x})").find("byte 26") != std::string::npos);
  CHECK(message(R"({"t":1,"n":"m","v":1})").find("\"s\"") != std::string::npos);
  const std::string start = R"({"s":1,"t":1,"n":"m",)";
  for (const char* rest : {R"("v":1)",
                           R"("v":1}})",
                           R"("v":1,})",
                           R"("v":01})",
                           R"("v":1.})",
                           R"("v":.5})",
                           R"("v":+1})",
                           R"("v":1e})",
                           R"("v":NaN})",
                           R"("v":{"x":"no"}})",
                           R"("v":[1]})",
                           R"("v":"a)",
                           R"("v":"\x"})",
                           R"("v":"\u12"})",
                           "\"v\":\"\n\"}",
                           R"("v":1,"l":[1]})",
                           R"("v":1,"s":2})",
                           R"("l":1})",
                           R"("l":[1,]})",
                           R"("l":[1 2]})",
                           R"("c":{"a":[1],"b":[]}})",
                           R"("r":{"a":1,"a":2}})",
                           R"("r":{"a":[1]}})",
                           R"("p":1.5,"v":1})",
                           R"("p":9223372036854775808,"v":1})",
                           R"("k":"unknown","v":1})",
                           R"("k":"azureml.v2.image","v":1})",
                           R"("k":"azureml.v1.table","v":1})",
                           R"("k":"azureml.v1.scalar","r":{"a":1}})",
                           "\"v\":\"\xff\"}",
                           "}"}) {
    message(start + rest);
  }
  message("");
  message("[]");
  message(R"({"s":0,"t":1,"n":"m","v":1})");
  message(R"({"s":1,"t":1,"n":"","v":1})");
  message(R"({"s":1,"t":1,"n":")" + std::string(513, 'a') + R"(","v":1})");
  message(start + "\"z\":" + std::string(100'000, '[') + "}");
  message(std::string(16 * 1024 * 1024 + 1, ' '));
}
