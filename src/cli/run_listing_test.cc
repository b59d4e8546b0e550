// Which runs a list is about; words that scripts of v1 begin with; what codes mean.
#include "cli/command_line_test.hh"

namespace werkbank::cli {
namespace {

TEST_CASE("lists leave child runs out, those of az keep to the folder's experiment, a status goes in any case") {
  FakeServer server;
  server.answer_with("GET " + kRuns, fmt::format(R"({{"items":[{}],"next":""}})", kRun));
  server.answer_with("GET " + kRuns + "/digits_1/metrics", std::string(kMetrics));
  const TemporaryFolder parent;
  const std::filesystem::path folder = parent.path / "digits";
  REQUIRE(make_directories(folder, 0700));
  const CommandLine line = line_to(server);
  const auto asked = [&](const std::vector<std::string>& words, bool az) {
    const size_t before = server.asked().size();
    const Outcome outcome = line.run(words, az);
    CHECK(outcome.code == kExitDone);
    REQUIRE(server.asked().size() > before);
    const std::string target = server.asked()[before].target;
    return target.substr(target.find('?') + 1);
  };
  const auto at = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--path", folder.string()});
    return asked(words, true).substr(std::string_view("order=newest&").size());
  };
  CHECK(at({"ml", "history", "list"}) == "experiment=digits&parent=&limit=1000");
  CHECK(at({"ml", "history", "last"}) == "experiment=digits&parent=&limit=1");
  CHECK(at({"ml", "history", "list", "--all", "--include-children"}) == "limit=1000");
  CHECK(at({"ml", "run", "list"}).starts_with("experiment=digits&parent=&limit="));
  CHECK(at({"ml", "run", "list", "--run-history", "other", "--status", "completed"})
            .starts_with("experiment=other&status=Completed&parent=&limit="));
  CHECK(at({"ml", "run", "list", "--parent-run-id", "p", "--tags", "a=b,c"}).starts_with("tag=a%3Db&tag=c&parent=p&limit="));
  CHECK(at({"ml", "run", "list", "--all"}).starts_with("parent=&limit="));
  CHECK(asked({"run", "list", "--status", "CANCELED", "--oldest-first"}, false)
            .starts_with("order=oldest&status=Canceled&parent=&limit="));
  CHECK(asked({"run", "list", "--include-children"}, false).starts_with("order=newest&limit="));
  CHECK(asked({"run", "list", "--deleted"}, false).starts_with("order=newest&stage=deleted&limit="));
}

TEST_CASE("a status that is none names those there are; an experiment that is not there is told apart from an empty one") {
  FakeServer server;
  server.answer_with("GET " + kRuns, R"({"items":[],"next":""})");
  server.answer_with("GET /api/v1/workspaces/default/experiments", R"({"items":[{"name":"digits"},{"name":"empty"}],"next":""})");
  server.answer_with("GET /api/v1/workspaces/default/experiments/empty", R"({"name":"empty"})");
  const CommandLine line = line_to(server);
  const Outcome status = line.run({"run", "list", "--status", "Cancelled"});
  CHECK(status.code == kExitRefused);
  CHECK(status.err.find("did you mean Canceled?") != std::string::npos);
  CHECK(status.err.find("It is one of NotStarted, Queued") != std::string::npos);
  CHECK(server.asked().empty());
  const Outcome unknown = line.run({"run", "list", "-e", "digit", "-o", "json"});
  CHECK(unknown.code == kExitDone);
  CHECK(unknown.out == "[]\n");
  CHECK(unknown.err.find(R"(there is no experiment "digit" in workspace "default"; did you mean "digits"?)") !=
        std::string::npos);
  CHECK(line.run({"run", "list", "-e", "empty"}).err.empty());
  const Outcome az = line.run({"ml", "run", "list", "-e", "digit"}, true);
  CHECK(az.out == "[]\n");
  CHECK(az.err.find("(--all lists the runs of every experiment)") != std::string::npos);
}

TEST_CASE("az group and az ml project create say what they mean here") {
  FakeServer server;
  server.answer_with("GET /api/v1/workspaces", R"({"items":[{"name":"vision","resourceGroup":"team"},{"name":"w2"}],"next":""})");
  server.answer_with("GET /api/v1/workspaces/nosuch", R"({"code":"workspace_not_found","status":404,"detail":"none"})",
                     "application/problem+json", 404);
  const CommandLine line = line_to(server);
  CHECK(line.run({"group", "list", "--query", "[].name", "-o", "tsv"}, true).out == "team\n");
  CHECK(line.run({"group", "exists", "-n", "team"}, true).out == "true\n");
  CHECK(line.run({"group", "show", "-n", "taem"}, true).err.find("did you mean \"team\"?") != std::string::npos);
  const Outcome created = line.run({"group", "create", "-n", "new", "-l", "westeurope"}, true);
  CHECK(created.code == kExitDone);
  CHECK(created.err.find("Nothing was created") != std::string::npos);
  CHECK(parse_json(created.out).value().at("properties").at("provisioningState") == "Succeeded");
  const TemporaryFolder folder;
  const auto create = [&](std::string workspace) {
    return line.run({"ml", "project", "create", "-n", "p", "-w", workspace, "--path", folder.path.string()}, true);
  };
  CHECK(create("x").err.find("[name_refused]") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.path / "p"));
  CHECK(create("nosuch").err.find("Workspace \"nosuch\" is not there yet; make it with: az ml workspace create -w nosuch") !=
        std::string::npos);
}

TEST_CASE("explain knows what the Python package raises") {
  const CommandLine line;
  for (const std::string code : {"not_available_yet", "metric_not_scalar", "config_not_found", "waiting_interrupted"})
    CHECK(line.run({"explain", code, "-o", "tsv", "--query", "[code, kind]"}).out == code + "\npython\n");
  CHECK(line.run({"explain", "metric_not_skalar"}).err.find("did you mean metric_not_scalar?") != std::string::npos);
}

}  // namespace
}  // namespace werkbank::cli
