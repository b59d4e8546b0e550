#include "cli/output.hh"

#include <doctest/doctest.h>

#include "cli/terminal.hh"

namespace werkbank::cli {
namespace {

json::value parse(std::string_view text) { return parse_json(text).value(); }

const std::vector<Column> kColumns{text_column("Run", "id"), number_column("Count", "n"), text_column("Reason", "error.message")};

TEST_CASE("tables align numbers to the right, widths count characters") {
  const json::value runs = parse(R"([{"id":"grün","n":7,"error":{"message":"bad\u001b[31m"}},{"id":"b","n":1234,
    "error":null}])");
  CHECK(format_output(runs, OutputFormat::kTable, kColumns) ==
        "Run   Count  Reason\n"
        "----  -----  -----------\n"
        "grün      7  bad\\x1b[31m\n"
        "b      1234\n");
  CHECK(format_output(parse("[]"), OutputFormat::kTable, kColumns) == "Run  Count  Reason\n---  -----  ------\n");
  CHECK(format_output(parse(R"({"id":"a","n":1})"), OutputFormat::kTable, kColumns) == "Run    a\nCount  1\n");
  CHECK(format_output(parse(R"([{"b":1.5,"nested":{}}])"), OutputFormat::kTable, {}) == "  B\n---\n1.5\n");
  CHECK(format_output(parse(R"("text")"), OutputFormat::kTable, {}) == "text\n");
}

TEST_CASE("tsv has no head, and no tab or newline inside a value") {
  const json::value runs = parse(R"([{"id":"a\tb","n":1},{"id":"c\nd","n":2}])");
  CHECK(format_output(runs, OutputFormat::kTsv, kColumns) == "a\\tb\t1\t\nc\\nd\t2\t\n");
  CHECK(format_output(parse(R"(["x","y"])"), OutputFormat::kTsv, {}) == "x\ny\n");
  CHECK(format_output(parse(R"([["x",1],["y",null]])"), OutputFormat::kTsv, {}) == "x\t1\ny\t\n");
}

TEST_CASE("yaml keeps types: texts that look like something else are quoted") {
  const json::value value = parse(R"({"status":"Completed","no":"no","number":"12","t":"2026-11-21T08:00:00Z","empty":[],"n":null,
    "list":[{"a":1,"b":[true,"x y"]},[1,2],"s"],"o":{"k":1.5}})");
  CHECK(format_yaml(value) ==
        "status: Completed\n\"no\": \"no\"\nnumber: \"12\"\nt: \"2026-11-21T08:00:00Z\"\nempty: []\n\"n\": null\nlist:\n"
        "- a: 1\n  b:\n  - true\n  - \"x y\"\n- \n  - 1\n  - 2\n- s\no:\n  k: 1.5\n");
  CHECK(format_yaml(parse("[]")) == "[]\n");
}

TEST_CASE("json is the document") {
  CHECK(parse_json(format_output(parse(R"({"a":[1]})"), OutputFormat::kJson, kColumns)).value() == parse(R"({"a":[1]})"));
  CHECK(format_output(parse("{}"), OutputFormat::kNone, {}) == "");
}

TEST_CASE("formats are named, others suggested") {
  CHECK(parse_output_format("jsonc").value() == OutputFormat::kJson);
  CHECK(parse_output_format("tabel").error().message == "output format \"tabel\" is unknown; did you mean table?");
}

TEST_CASE("what people read") {
  CHECK(human_bytes(999) == "999 B");
  CHECK(human_bytes(1'234'567) == "1.2 MB");
  CHECK(human_bytes(999'999) == "1.0 MB");
  CHECK(human_duration(830) == "0.8 s");
  CHECK(human_duration(182'000) == "3 m 02 s");
  CHECK(human_duration(7'500'000) == "2 h 05 m");
  CHECK(run_duration_ms(
            parse(R"({"startTimeUtc":"2026-11-21T08:00:00.000000Z","endTimeUtc":"2026-11-21T08:00:01.500000Z"})").as_object()) ==
        1500);
  CHECK_FALSE(run_duration_ms(parse(R"({"startTimeUtc":null})").as_object()));
  CHECK(time_column("T", "t").text(parse(R"({"t":"2026-11-21T08:37:21.123456Z"})").as_object()) == "2026-11-21 08:37:21");
}

TEST_CASE("talk and data do not tear each other's lines on a screen") {
  std::string screen;
  TerminalConfig config;
  config.out = [&](std::string_view text) { screen += text; };
  config.err = config.out;
  config.out_is_terminal = config.err_is_terminal = true;
  Terminal terminal(config);
  terminal.out("half");
  terminal.say("told");
  terminal.progress("50 %");
  terminal.out("line\n");
  terminal.say("end");
  CHECK(screen == "half\ntold\n\r\x1b[K50 %\r\x1b[Kline\nend\n");
}

TEST_CASE("without a terminal there are no colours and no moving lines") {
  std::string err;
  TerminalConfig config;
  config.out = [](std::string_view) {};
  config.err = [&](std::string_view text) { err += text; };
  config.colours = true;
  Terminal terminal(config);
  terminal.progress("50 %");
  terminal.error({&errors::usage, "wrong", "do this", {}});
  CHECK(err == "werkbank: wrong [usage]\n  do this\n");
}

}  // namespace
}  // namespace werkbank::cli
