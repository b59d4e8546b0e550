#include "cli/command_line_test.hh"

namespace werkbank::cli {
namespace {

constexpr const char* kQuota = R"({
  "limits": {"workspace": {"cores":16,"gpus":null,"memoryMib":65536,"diskMib":null,"runs":null},
             "eachUser": {"cores":null,"gpus":1,"memoryMib":null,"diskMib":null,"runs":5},
             "users": {"ann": {"cores":null,"gpus":2,"memoryMib":null,"diskMib":null,"runs":null}}},
  "use": {"workspace": {"cores":3,"gpus":1,"memoryMib":7168,"diskMib":12,"runs":2},
          "users": {"ann": {"cores":3,"gpus":1,"memoryMib":7168,"diskMib":12,"runs":2}}}})";

std::string without_blanks(std::string text) {
  std::erase(text, ' ');
  return text;
}

TEST_CASE("quota show: the use and the limit of the workspace and of each user") {
  FakeServer server;
  server.answer_with("GET /api/v1/workspaces/default/quota", std::string(kQuota));
  const Outcome outcome = line_to(server).run({"quota", "show", "-o", "table"});
  CAPTURE(outcome.err);
  CHECK(outcome.code == kExitDone);
  const std::string shown = without_blanks(outcome.out);
  CAPTURE(outcome.out);
  CHECK(shown.find("theworkspace3of1617168of65536122\n") != std::string::npos);
  CHECK(shown.find("ann31of27168122of5\n") != std::string::npos);
}

TEST_CASE("quota set: only what is named is sent, none lifts, and what is no limit is refused before anything is asked") {
  FakeServer server;
  server.answer_with("PATCH /api/v1/quotas/default", std::string(kQuota));
  const CommandLine line = line_to(server);
  const auto sent = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"quota", "set"});
    const Outcome outcome = line.run(words);
    CAPTURE(outcome.err);
    CHECK(outcome.code == kExitDone);
    return server.asked().back().body;
  };
  CHECK(sent({"--cores", "16", "--memory", "64G"}) == R"({"workspace":{"cores":16,"memoryMib":65536}})");
  CHECK(sent({"--user", "ann", "--gpus", "2", "--runs", "none"}) == R"({"users":{"ann":{"gpus":2,"runs":null}}})");
  CHECK(sent({"--each-user", "--disk", "2TiB"}) == R"({"eachUser":{"diskMib":2097152}})");
  const size_t before = server.asked().size();
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{
           {}, {"--cores", "many"}, {"--memory", "64"}, {"--runs", "-1"}, {"--user", "ann", "--each-user", "--runs", "1"}}) {
    std::vector<std::string> words{"quota", "set"};
    words.insert(words.end(), bad.begin(), bad.end());
    CHECK(line.run(words).code == kExitRefused);
  }
  CHECK(server.asked().size() == before);
}

}  // namespace
}  // namespace werkbank::cli
