#include "compute/local/builder_process.hh"

#include <doctest/doctest.h>

namespace werkbank::compute {
namespace {

struct Heard {
  std::string talk;
  Result<ReadyEnvironment> answer = fail(errors::internal, "");
};

// The same text in one piece, and byte by byte.
Heard hear(std::string_view text, size_t piece) {
  Heard heard;
  const OutputSink sink = [&heard](std::string_view bytes) { heard.talk += bytes; };
  BuilderOutput output(sink);
  for (size_t at = 0; at < text.size(); at += piece) output.feed(text.substr(at, piece));
  output.finish();
  heard.answer = output.answer();
  return heard;
}

constexpr std::string_view kReadyJson =
    R"({"hash":"","interpreter":"/p","pythonVersion":"3.11.2","hasAzureml":false,"variables":{}})";

TEST_CASE("talk goes through, the answer does not, however the bytes are cut") {
  const std::string text = "Building\nREADY to go? no\n50 %\r100 %\nREAD\n\nREADY " + std::string(kReadyJson) + "\n";
  for (const size_t piece : {text.size(), size_t{1}, size_t{7}}) {
    const Heard heard = hear(text, piece);
    REQUIRE(heard.answer);
    CHECK(heard.answer->interpreter == "/p");
    CHECK(heard.talk == "Building\nREADY to go? no\n50 %\r100 %\nREAD\n\n");
    CHECK(heard.talk.find("interpreter") == heard.talk.npos);
  }
}

TEST_CASE("talk without a line end is not held back") {
  std::string talk;
  const OutputSink sink = [&talk](std::string_view bytes) { talk += bytes; };
  BuilderOutput output(sink);
  output.feed("50 %");
  CHECK(talk == "50 %");
  output.feed("\rRE");
  CHECK(talk == "50 %\rRE");
}

TEST_CASE("failures") {
  Heard heard = hear("x\nFAILED {\"code\":\"requirement_invalid\",\"message\":\"m\",\"hint\":\"h\"}\n", 5);
  REQUIRE_FALSE(heard.answer);
  CHECK(heard.answer.error().code == &errors::requirement_invalid);
  CHECK(heard.answer.error().message == "m");
  CHECK(heard.answer.error().hint == "h");
  heard = hear("FAILED {\"code\":\"no such code\"}", 100);
  CHECK(heard.answer.error().code == &errors::environment_failed);
  heard = hear("FAILED torn {", 100);
  CHECK(heard.answer.error().code == &errors::environment_failed);
  heard = hear("only talk", 100);
  CHECK(heard.answer.error().code == &errors::environment_failed);
  CHECK(heard.talk == "only talk");
  CHECK_FALSE(hear("READY {}x\n", 100).answer);
}

}  // namespace
}  // namespace werkbank::compute
