// Commands against a server that is a function: what they ask, what they print, how they end.
#include <fmt/format.h>

#include "base/files.hh"
#include "cli/az_history.hh"
#include "cli/command_line_test.hh"
#include "cli/submission.hh"

namespace werkbank::cli {
namespace {

TEST_CASE("submit: the script's output alone on stdout, the rest on stderr, exit code 0") {
  FakeServer server;
  const Project project(server);
  const Outcome outcome =
      line_to(server).run(project.submit({"--experiment", "digits", "--env", "A=b=c", "--tag", "k=v", "--priority", "3",
                                          "--python", "/usr/bin/python3", "train.py", "--help", "", "grün"}));
  CAPTURE(outcome.err);
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.out == "one\ntwo\n");
  for (const std::string_view part : {"RunId: digits_1\n", "Web View: ", "Status: Completed", "Execution Summary",
                                      "accuracy  0.97", "loss      nan  (last of 3)", "row.a     1"}) {
    CAPTURE(part);
    CHECK(outcome.err.find(part) != std::string::npos);
  }
  std::optional<Asked> submitted;
  for (const Asked& asked : server.asked()) {
    if (asked.method == "POST" && asked.target == kRuns) submitted = asked;
  }
  REQUIRE(submitted);
  CHECK_FALSE(submitted->idempotency_key.empty());
  const json::value document = parse_json(submitted->body).value();
  const json::object& body = document.as_object();
  const json::object& spec = body.at("spec").as_object();
  CHECK(body.at("experiment") == "digits");
  CHECK(body.at("tags") == parse_json(R"({"k":"v"})").value());
  CHECK(spec.at("script") == "train.py");
  CHECK(spec.at("arguments") == parse_json(R"(["--help","","grün"])").value());
  CHECK(spec.at("environmentVariables") == parse_json(R"({"A":"b=c"})").value());
  CHECK(spec.at("snapshotId").as_string().size() == 64);
  CHECK(spec.at("priority") == 3);
  CHECK(spec.at("environment").as_object().at("interpreter") == "/usr/bin/python3");
  CHECK(spec.at("submitterEnvironment").as_object().at("PATH") == "/usr/bin:/bin");
  CHECK_FALSE(spec.at("submitterEnvironment").as_object().contains("WERKBANK_URL"));
}

TEST_CASE("submit: a failed run is exit code 1 with reason and hint; a refused one 2, and nothing is submitted") {
  FakeServer server;
  const Project project(server);
  const CommandLine line = line_to(server);
  project.answer_end(server, "Failed",
                     R"({"runId":"digits_1","status":"Failed","error":{"reason":"exit_code",
        "message":"the script ended with 3","hint":"Look there.","logTail":["two"]}})");
  const Outcome failed = line.run(project.submit({"train.py"}));
  CHECK(failed.code == kExitFailed);
  CHECK(failed.err.find("Reason: the script ended with 3 [exit_code]\nHint: Look there.\n") != std::string::npos);
  CHECK(failed.err.find("The last lines") == std::string::npos);  // they were streamed

  const auto refused = [&](std::vector<std::string> more, std::string_view message) {
    const size_t before = server.asked().size();
    const Outcome outcome = line.run(project.submit(std::move(more)));
    CAPTURE(outcome.err);
    CHECK(outcome.code == kExitRefused);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK(server.asked().size() == before);
  };
  refused({"trian.py"}, "did you mean \"train.py\"?");
  refused({"../train.py"}, "outside the project folder");
  refused({"/etc/passwd"}, "outside the project folder");
  refused({"."}, "is not a file");
  refused({}, "no script is named");
  refused({"--env", "novalue", "train.py"}, "NAME=VALUE");
  refused({"--python", "p", "--requirement", "numpy", "train.py"}, "--python");
  refused({"-c", "nothing_here", "train.py"}, "nothing_here");
}

TEST_CASE("submit --detach prints the id and does not wait") {
  FakeServer server;
  const Project project(server);
  const Outcome outcome = line_to(server).run(project.submit({"--detach", "train.py"}));
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.out == "digits_1\n");
  CHECK(outcome.err.find("werkbank run logs digits_1 --follow") != std::string::npos);
}

TEST_CASE("submit -o json: the final document alone on stdout, the script's output on stderr") {
  FakeServer server;
  const Project project(server);
  const Outcome outcome = line_to(server).run(project.submit({"-o", "json", "--query", "status", "train.py"}));
  CAPTURE(outcome.err);
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.out == "\"Completed\"\n");
  CHECK(outcome.err.find("one\ntwo\n") != std::string::npos);
}

TEST_CASE("az login: address and code are printed, the token is kept and used, a missing one names the command") {
  FakeServer server;
  const TemporaryFolder home;
  CommandLine line = line_to(server);
  line.environment["WERKBANK_HOME"] = home.path.string();
  const std::string refusal = R"({"code":"unauthenticated","status":401,"detail":"this takes a login","hint":"Run `az login`."})";
  server.answer_with("GET /api/v1/whoami", refusal, "application/problem+json", 401);
  server.answer_with("GET /api/v1/workspaces", refusal, "application/problem+json", 401);
  const Outcome before = line.run({"ml", "workspace", "list"}, true);
  CHECK(before.code == kExitRefused);
  CHECK(before.err.find("az login") != std::string::npos);
  server.answer_with("POST /api/v1/login/device",
                     R"({"deviceCode":"d1","userCode":"BCDF-GHJK","path":"/login","interval":1,"expiresIn":60})");
  server.answer_with("POST /api/v1/login/device/token",
                     R"({"status":"approved","user":"anna","token":"wbt_x","expiresUtc":"2030-01-01T00:00:00Z"})");
  const Outcome login = line.run({"login"});
  CAPTURE(login.err);
  CHECK(login.code == kExitDone);
  CHECK(login.err.find(server.url() + "/login") != std::string::npos);
  CHECK(login.err.find("BCDF-GHJK") != std::string::npos);
  CHECK(login.err.find("wbt_x") == std::string::npos);
  server.answer_with("GET /api/v1/workspaces", R"({"items":[],"next":""})");
  CHECK(line.run({"ml", "workspace", "list"}, true).code == kExitDone);
  CHECK(server.asked().back().authorization == "Bearer wbt_x");
  CHECK(line.run({"logout"}).code == kExitDone);
  line.run({"ml", "workspace", "list"}, true);
  CHECK(server.asked().back().authorization.empty());
}

TEST_CASE("az account: subscriptions that workspaces name, the chosen one, and the line at submit") {
  FakeServer server;
  const Project project(server);
  const TemporaryFolder home;
  CommandLine line = line_to(server);
  line.environment["WERKBANK_HOME"] = home.path.string();
  server.answer_with("GET /api/v1/whoami", R"({"user":"anna","via":"token"})");
  server.answer_with("GET /api/v1/workspaces", R"({"items":[{"name":"vision","subscriptionId":"research"}],"next":""})");
  CHECK(line.run({"account", "list", "--query", "[].id", "-o", "tsv"}, true).out == "local\nresearch\n");
  CHECK(line.run({"account", "show", "--query", "id", "-o", "tsv"}, true).out == "local\n");
  CHECK(line.run({"account", "set", "-s", "research"}, true).code == kExitDone);
  CHECK(line.run({"account", "show", "--query", "[id, user.name]", "-o", "tsv"}, true).out == "research\nanna\n");
  CHECK(line.run({"account", "list", "-o", "table"}, true)
            .out.starts_with("Name      CloudName  SubscriptionId  State    IsDefault"));
  CHECK(line.run({"account", "set", "--subscription", "typo"}, true).err.find("no workspace names") != std::string::npos);
  REQUIRE(make_directories(project.folder.path / ".azureml"));
  REQUIRE(write_file_atomically(project.folder.path / ".azureml" / "config.json",
                                R"({"subscription_id":"research","resource_group":"g","workspace_name":"default"})"));
  const Outcome submitted = line.run(project.submit({"--detach", "train.py"}));
  CAPTURE(submitted.err);
  CHECK(submitted.code == kExitDone);
  CHECK(submitted.err.find("az account set -s research") != std::string::npos);
  CHECK(submitted.err.find("\"typo\"") != std::string::npos);
  line.run({"account", "set", "-s", "research"}, true);
  CHECK(line.run(project.submit({"--detach", "train.py"})).err.find("az account set") == std::string::npos);
}

TEST_CASE("a list that was cut says so, and --top shows more") {
  FakeServer server;
  server.answer_with("GET " + kRuns, fmt::format(R"({{"items":[{}],"next":"more"}})", kRun));
  const CommandLine line = line_to(server);
  const Outcome one = line.run({"run", "list", "--top", "1", "-o", "tsv", "--query", "[].runId"});
  CHECK(one.out == "digits_1\n");
  CHECK(one.err.find("--top N") != std::string::npos);
  CHECK(server.asked().back().target == kRuns + "?order=newest&parent=&limit=1");
  server.answer_with("GET " + kRuns, fmt::format(R"({{"items":[{}],"next":""}})", kRun));
  CHECK(line.run({"run", "list", "-o", "json"}).err.empty());
  CHECK(server.asked().back().target == kRuns + "?order=newest&parent=&limit=1000");
}

TEST_CASE("a number that is none is refused before the server is asked") {
  FakeServer server;
  const CommandLine line = line_to(server);
  for (const char* const top : {"-1", "0", "many"}) {
    CAPTURE(top);
    CHECK(line.run({"run", "list", "--top", top}).code == kExitRefused);
    CHECK(line.run({"experiment", "list", "--top", top}).code == kExitRefused);
    CHECK(line.run({"ml", "run", "list", "--last", top}, true).code == kExitRefused);
  }
  const Outcome pool =
      line.run({"ml", "computetarget", "create", "amlcompute", "-n", "p", "-s", "STANDARD_D2_V2", "--max-nodes", "four"}, true);
  CHECK(pool.code == kExitRefused);
  CHECK(pool.err.find("--max-nodes \"four\"") != std::string::npos);
  CHECK(line.run({"compute", "update", "p", "--min-nodes", "1.5"}).code == kExitRefused);
  CHECK(server.asked().empty());
  CHECK(line.run({"ml", "run", "submit-script", "--help"}, true).out.find("--output-metadata-file") != std::string::npos);
}

TEST_CASE("az ml model register says what the model needs, and names its samples") {
  FakeServer server;
  server.answer_with("POST /api/v1/workspaces/default/models", R"({"id":"m:1","name":"m","version":1})", "application/json", 201);
  const CommandLine line = line_to(server);
  const Outcome made =
      line.run({"ml", "model", "register", "-n", "m", "-r", "r1", "--asset-path", "outputs/m", "--cc", "0.5", "--gb", "2", "--gc",
                "1", "--sample-input-dataset-id", "in", "--sample-output-dataset-id", "out"},
               true);
  CHECK(made.code == kExitDone);
  const json::value body = parse_json(server.asked().back().body).value();
  CHECK(body.at("resourceConfiguration") == json::value(json::object{{"cpu", 0.5}, {"memoryInGb", 2.0}, {"gpu", 1}}));
  CHECK(body.at("sampleInputDatasetId") == "in");
  CHECK(body.at("sampleOutputDatasetId") == "out");
  CHECK(line.run({"ml", "model", "register", "-n", "m", "-r", "r1", "--cc", "-1"}, true).code == kExitRefused);
}

TEST_CASE("run show has the arguments") {
  FakeServer server;
  server.answer_with("GET " + kRuns + "/digits_1", R"({"runId":"digits_1","status":"Completed","managed":true})");
  server.answer_with("GET " + kRuns + "/digits_1/spec", R"({"arguments":["--rate","0.1"],"environmentVariables":{}})");
  server.answer_with("GET /api/v1/workspaces/default/models", R"({"items":[],"next":""})");
  const CommandLine line = line_to(server);
  CHECK(line.run({"run", "show", "digits_1"}).out.find(R"(["--rate","0.1"])") != std::string::npos);
  CHECK(line.run({"run", "show", "digits_1", "-o", "tsv", "--query", "arguments"}).out == "--rate\n0.1\n");
}

TEST_CASE("the server's advice is told in the command line's words") {
  FakeServer server;
  server.answer_with(
      "POST /api/v1/workspaces",
      R"({"code":"already_exists","status":409,"detail":"there","hint":"Pass exist_ok=True (existOk) to take it."})",
      "application/problem+json", 409);
  const Outcome outcome = line_to(server).run({"workspace", "create", "vision"});
  CHECK(outcome.err.find("exist_ok") == std::string::npos);
  CHECK(outcome.err.find("--exist-ok") != std::string::npos);
}

TEST_CASE("lists follow the pages and print every format") {
  FakeServer server;
  server.answer_with("GET " + kRuns, fmt::format(R"({{"items":[{}],"next":""}})", kRun));
  const CommandLine line = line_to(server);
  const Outcome table = line.run({"run", "list", "--status", "Completed", "--tag", "a=b c"});
  CHECK(table.out.find("digits_1  Completed  digits") != std::string::npos);
  CHECK(server.asked().back().target == kRuns + "?order=newest&status=Completed&tag=a%3Db%20c&parent=&limit=50");
  CHECK(parse_json(line.run({"run", "list", "-o", "json"}).out).value().as_array()[0] == parse_json(kRun).value());
  CHECK(line.run({"run", "list", "--query", "[].runId", "-o", "tsv"}).out == "digits_1\n");
  CHECK(line.run({"run", "list", "-o", "yaml"}).out.find("- runId: digits_1\n") == 0);
  CHECK(line.run({"run", "list", "--query", "[?"}).code == kExitRefused);
}

TEST_CASE("az: following a run that is not there ends at once, as does promoting its files") {
  FakeServer server;
  const CommandLine line = line_to(server);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"ml", "run", "monitor-logs", "-r", "nope"},
        std::vector<std::string>{"ml", "history", "promote", "-r", "nope", "--ap", "outputs/x", "-n", "l"}}) {
    const Outcome outcome = line.run(words, true);
    CAPTURE(outcome.err);
    CHECK(outcome.code == kExitRefused);
    CHECK(server.asked().back().target == kRuns + "/nope");
  }
}

TEST_CASE("az ml history list: flat documents, metrics beside fields; in a table they come first") {
  FakeServer server;
  server.answer_with("GET " + kRuns, fmt::format(R"({{"items":[{}],"next":""}})", kRun));
  server.answer_with("GET " + kRuns + "/digits_1/metrics", std::string(kMetrics));
  const CommandLine line = line_to(server);
  const json::value listed = parse_json(line.run({"ml", "history", "list"}, true).out).value();
  const json::object& run = listed.as_array()[0].as_object();
  CHECK(run.at("run_id") == "digits_1");
  CHECK(run.at("accuracy") == 0.97);
  CHECK(run.at("loss") == "nan");
  CHECK(run.at("row.a") == 1);
  CHECK(run.at("duration") == "0:00:07.123000");
  CHECK(run.at("properties.CommitId") == "f00");
  CHECK(run.at("hidden") == false);
  const std::string table = line.run({"ml", "history", "list", "-o", "table"}, true).out;
  CHECK(table.starts_with("Accuracy  Loss  Row.a  Duration        Run_id    Script_name  Start_time_utc"));
  CHECK(table.find("    0.97  nan       1  0:00:07.123000  digits_1  train.py") != std::string::npos);
  CHECK(line.run({"ml", "history", "list", "--query", "@[?accuracy != null] | max_by(@, &accuracy).accuracy"}, true).out ==
        "0.97\n");
}

TEST_CASE("a metric never hides a field of the run") {
  const json::value metrics = parse_json(R"({"metrics":[{"name":"status","columns":[{"name":"","count":1,"last":5}]}]})").value();
  CHECK(history_document(parse_json(kRun).value().as_object(), metrics).at("status") == "Completed");
}

TEST_CASE("download writes below its folder and nowhere else, and replaces nothing unasked") {
  FakeServer server;
  const TemporaryFolder folder;
  const std::string files = kRuns + "/digits_1/files";
  server.answer_with("GET " + files, R"({"items":[{"path":"outputs/a b.txt","sizeBytes":3}],"next":""})");
  server.answer_with("GET " + files + "/outputs/a%20b.txt", "abc", "application/octet-stream");
  const CommandLine line = line_to(server);
  const std::vector<std::string> words{"run", "download", "digits_1", "-d", folder.path.string()};
  CHECK(line.run(words).code == kExitDone);
  CHECK(read_file(folder.path / "outputs" / "a b.txt").value() == "abc");
  const Outcome again = line.run(words);
  CHECK(again.code == kExitRefused);
  CHECK(again.err.find("already_exists") != std::string::npos);
  server.answer_with("GET " + files, R"({"items":[{"path":"../escape","sizeBytes":3}],"next":""})");
  const Outcome escape = line.run(words);
  CHECK(escape.code == kExitRefused);
  CHECK(escape.err.find("path_refused") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.path.parent_path() / "escape"));
}

TEST_CASE("logs of a run without output, and of a path that is not there") {
  FakeServer server;
  server.answer_with("GET " + kRuns + "/digits_1", std::string(kRun));
  const CommandLine line = line_to(server);
  const Outcome none = line.run({"run", "logs", "digits_1"});
  CHECK(none.code == kExitDone);
  CHECK(none.out.empty());
  const Outcome missing = line.run({"run", "logs", "digits_1", "logs/x"});
  CHECK(missing.code == kExitRefused);
  CHECK(missing.out.empty());
}

TEST_CASE("cancel says whether there was something to end") {
  FakeServer server;
  server.answer_with("POST " + kRuns + "/digits_1/cancel", std::string(kRun), "application/json", 202);
  server.answer_with("POST " + kRuns + "/digits_2/cancel", R"({"runId":"digits_2","status":"CancelRequested"})",
                     "application/json", 202);
  const Outcome outcome = line_to(server).run({"run", "cancel", "digits_1", "digits_2"});
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.err == "digits_1 is over already: Completed\nCancel requested: digits_2\n");
  CHECK(line_to(server).run({"ml", "experiment", "cancel", "-r", "digits_1", "-t", "local"}, true).err ==
        "digits_1 is over already: Completed\n");
}

TEST_CASE("init writes a project of 2017, keeps what is there, and stays bound") {
  const TemporaryFolder folder;
  REQUIRE(write_file_atomically(folder.path / ".amlignore", "mine\n"));
  const CommandLine line;
  CHECK(line.run({"init", folder.path.string(), "-w", "vision"}).code == kExitDone);
  const auto binding = [&] { return parse_json(read_file(folder.path / ".azureml" / "config.json").value()).value(); };
  CHECK(binding().as_object().at("workspace_name") == "vision");
  CHECK(read_file(folder.path / ".amlignore").value() == "mine\n");
  for (const char* const name : {"local.compute", "local.runconfig", "docker.compute", "docker.runconfig",
                                 "conda_dependencies.yml", "spark_dependencies.yml"}) {
    CHECK(std::filesystem::is_regular_file(folder.path / "aml_config" / name));
  }
  const auto loaded = load_project_run(folder.path, "local");
  REQUIRE(loaded);
  CHECK(loaded->spec.environment.user_managed);
  CHECK(line.run({"init", folder.path.string()}).err.find("nothing was changed") != std::string::npos);
  CHECK(line.run({"init", folder.path.string(), "-w", "other"}).err.find("already_exists") != std::string::npos);
  CHECK(binding().as_object().at("workspace_name") == "vision");
}

TEST_CASE("docker is in every project, with files and without, and means the same") {
  const TemporaryFolder bare, made;
  CHECK(CommandLine().run({"init", made.path.string()}).code == kExitDone);
  const auto without = load_project_run(bare.path, "docker");
  const auto with = load_project_run(made.path, "docker");
  REQUIRE(without);
  REQUIRE(with);
  CHECK(without->spec.target == "docker");
  CHECK(without->spec.framework == "PySpark");
  CHECK(to_json(without->spec) == to_json(with->spec));
}

TEST_CASE("az ml folder attach binds the folder to what -w names, and once more to another") {
  FakeServer server;
  server.answer_with("GET /api/v1/workspaces/vision", R"({"name":"vision","subscriptionId":"s1","resourceGroup":"g1"})");
  const TemporaryFolder folder;
  const CommandLine line = line_to(server);
  const std::string path = folder.path.string();
  const Outcome known = line.run({"ml", "folder", "attach", "-w", "vision", "--path", path}, true);
  CHECK(known.code == kExitDone);
  CHECK(known.err.find("not there yet") == std::string::npos);
  const auto binding = [&] {
    return json::serialize(parse_json(read_file(folder.path / ".azureml" / "config.json").value()).value());
  };
  CHECK(binding() == R"({"subscription_id":"s1","resource_group":"g1","workspace_name":"vision"})");
  const Outcome unknown = line.run({"ml", "folder", "attach", "-w", "new", "-g", "team", "--path", path}, true);
  CHECK(unknown.code == kExitDone);
  CHECK(unknown.err.find("\"new\" is not there yet") != std::string::npos);
  CHECK(binding() == R"({"subscription_id":"local","resource_group":"team","workspace_name":"new"})");
  CHECK(line.run({"ml", "folder", "attach", "--path", path}, true).code == kExitDone);
  CHECK(binding() == R"({"subscription_id":"local","resource_group":"team","workspace_name":"new"})");
}

TEST_CASE("az ml project create makes a folder of its own and refuses one with content") {
  const TemporaryFolder folder;
  const CommandLine line;
  const std::string path = folder.path.string();
  CHECK(
      line.run({"ml", "project", "create", "-n", "digits", "-w", "vision", "-a", "any", "-g", "g", "--path", path}, true).code ==
      kExitDone);
  CHECK(std::filesystem::is_regular_file(folder.path / "digits" / "aml_config" / "docker.compute"));
  CHECK(line.run({"ml", "project", "create", "-n", "digits", "--path", path}, true).err.find("already_exists") !=
        std::string::npos);
  CHECK(line.run({"ml", "project", "create", "-n", "../up", "--path", path}, true).code == kExitRefused);
  CHECK(line.run({"ml", "project", "create", "-n", "x", "--path", path, "--repo", "https://host/r"}, true)
            .err.find("not_supported") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.path / "x"));
}

TEST_CASE("az ml runconfiguration: files of the project, names that are no paths") {
  const TemporaryFolder folder;
  std::filesystem::current_path(folder.path);
  const CommandLine line;
  REQUIRE(write_file_atomically(folder.path / "conda.yml", "name: x\n"));
  CHECK(line.run({"ml", "runconfiguration", "create", "-n", "quick", "-t", "local"}, true).code == kExitDone);
  CHECK(line.run({"ml", "runconfigurations", "create", "--name", "big", "--target", "docker", "--conda-file", "conda.yml",
                  "--env", "A=b: c"},
                 true)
            .code == kExitDone);
  CHECK(parse_json(line.run({"ml", "runconfiguration", "list"}, true).out).value() ==
        parse_json(R"(["big.runconfig","quick.runconfig"])").value());
  const json::value big = parse_json(line.run({"ml", "runconfigurations", "show", "-n", "big"}, true).out).value();
  CHECK(big.at("Target") == "docker");
  CHECK(big.at("CondaDependenciesFile") == "conda.yml");
  CHECK(big.at("EnvironmentVariables") == parse_json(R"({"A":"b: c"})").value());
  CHECK(parse_json(line.run({"ml", "runconfiguration", "show", "-n", "local"}, true).out).value().at("Target") == "local");
  CHECK(line.run({"ml", "runconfigurations", "create", "-n", "../up"}, true).err.find("name_refused") != std::string::npos);
  CHECK(line.run({"ml", "runconfiguration", "create", "-n", "quick"}, true).err.find("already_exists") != std::string::npos);
  CHECK(line.run({"ml", "runconfiguration", "create", "-n", "y", "-d", "none.yml"}, true).err.find("none.yml") !=
        std::string::npos);
  CHECK(line.run({"ml", "runconfiguration", "delete", "-n", "quick"}, true).code == kExitDone);
  CHECK(line.run({"ml", "runconfiguration", "show", "-n", "quick"}, true).code == kExitRefused);
  std::filesystem::current_path("/");
}

TEST_CASE("the experiment of a folder is a legal name") {
  CHECK(experiment_of_folder("/x/digits") == "digits");
  CHECK(experiment_of_folder("/x/my project (2)/") == "my-project--2-");
  CHECK(experiment_of_folder("/x/_private") == "private");
  CHECK(experiment_of_folder("/") == "default");
}

TEST_CASE("server status asks and starts nothing") {
  CommandLine line;
  line.environment["WERKBANK_HOME"] = "/nonexistent/home";
  const Outcome outcome = line.run({"server", "status", "-o", "json"});
  CHECK(outcome.code == kExitFailed);
  CHECK(parse_json(outcome.out).value().as_object().at("running") == false);
}

}  // namespace
}  // namespace werkbank::cli
