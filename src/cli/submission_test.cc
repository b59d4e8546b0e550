// What a submit refuses or tells before anything is sent.
#include "cli/command_line_test.hh"

namespace werkbank::cli {
namespace {

const std::string kTargets = "/api/v1/workspaces/default/compute";

// The specification of the run that was submitted last.
json::value submitted(FakeServer& server) {
  json::value spec;
  for (const Asked& asked : server.asked()) {
    if (asked.method == "POST" && asked.target == kRuns) spec = parse_json(asked.body).value().at("spec");
  }
  return spec;
}

TEST_CASE("what Python cannot run is refused with what to do; a command is a line for the shell") {
  FakeServer server;
  const Project project(server);
  const CommandLine line = line_to(server);
  const auto refused = [&](const std::string& name, const std::string& text, std::string_view message, std::string_view hint) {
    REQUIRE(write_file_atomically(project.folder.path / name, text));
    const Outcome outcome = line.run(project.submit({name}));
    CAPTURE(outcome.err);
    CHECK(outcome.code == kExitRefused);
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK(outcome.err.find(hint) != std::string::npos);
    CHECK(server.asked().empty());
  };
  refused("nb.ipynb", "{}", "\"nb.ipynb\" is a notebook", "`jupyter nbconvert --to script nb.ipynb` writes nb.py");
  refused("run.sh", "python train.py\n", "\"run.sh\" is a script for sh", "--command 'sh run.sh'");
  refused("steps", "#!/usr/bin/env bash\nset -e\n", "\"steps\" is a script for bash", "--command 'bash steps'");
  refused("model.R", "#!/usr/bin/Rscript --vanilla\n", "is a script for Rscript", "--command 'Rscript model.R'");
  for (const char* const head : {"#!/usr/bin/env python3\n", "#!/opt/python/bin/python3.10 -u\r\n", "print(1)\n", ""}) {
    REQUIRE(write_file_atomically(project.folder.path / "tool", head));
    CHECK(line.run(project.submit({"--detach", "tool"})).code == kExitDone);
  }
  REQUIRE(line.run(project.submit({"--detach", "--command", "bash steps && python train.py"})).code == kExitDone);
  CHECK(submitted(server).at("command") == "bash steps && python train.py");
  CHECK(line.run(project.submit({"--command", "x", "train.py"})).err.find("a command and the script") != std::string::npos);
}

TEST_CASE("bytes that are no text are refused by name before anything is sent") {
  FakeServer server;
  const Project project(server);
  const CommandLine line = line_to(server);
  const auto refused = [&](std::vector<std::string> words, std::string_view message) {
    const Outcome outcome = line.run(project.submit(std::move(words)));
    CAPTURE(outcome.err);
    CHECK(outcome.code == kExitRefused);
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK(server.asked().empty());
  };
  refused({"train.py", "a", "b\xff"}, "argument 2 of the script is not text in UTF-8");
  refused({"--tag", "k=\xff", "train.py"}, "a tag is not text in UTF-8");
  refused({"--env", "A=\xff", "train.py"}, "a variable is not text in UTF-8");
  refused({"--name", "\xff", "train.py"}, "the run's name is not text in UTF-8");
}

TEST_CASE("options behind the script's name go to the script, and are told unless the script knows them") {
  FakeServer server;
  const Project project(server);
  const CommandLine line = line_to(server);
  REQUIRE(write_file_atomically(project.folder.path / "train.py", "parser.add_argument('--name')\n"));
  const Outcome told = line.run(project.submit({"train.py", "--detach", "--name", "x", "--experiment=y", "--rate", "1", "-c"}));
  CHECK(told.code == kExitDone);
  CHECK(told.err.find(
            "--detach, --experiment behind train.py is passed to the script; werkbank's own options stand before its name") !=
        std::string::npos);
  CHECK(submitted(server).at("arguments") == json::array{"--detach", "--name", "x", "--experiment=y", "--rate", "1", "-c"});
  CHECK(line.run(project.submit({"train.py", "--name", "x"})).err.find("is passed to the script") == std::string::npos);
}

TEST_CASE("az ml computetarget attach writes a pair of files, detach removes them, and a submit to it is one to this machine") {
  FakeServer server;
  const Project project(server);
  const CommandLine line = line_to(server);
  const std::filesystem::path folder = project.folder.path / "aml_config";
  const auto az = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"ml", "computetarget"});
    words.insert(words.end(), {"--path", project.folder.path.string()});
    return line.run(words, true);
  };
  CHECK(az({"attach", "local", "-n", "quick"}).code == kExitDone);
  CHECK(read_file(folder / "quick.runconfig").value().find("Target: quick\n") != std::string::npos);
  CHECK(read_file(folder / "quick.compute").value().find("type: local\n") != std::string::npos);
  REQUIRE(line.run(project.submit({"--detach", "-c", "quick", "train.py"})).code == kExitDone);
  CHECK(submitted(server).at("target") == "local");
  CHECK(az({"attach", "local", "-n", "quick"}).err.find("[already_exists]") != std::string::npos);
  const Outcome docker = az({"attach", "--name", "box", "--type", "docker"});
  CHECK(docker.code == kExitDone);
  CHECK(docker.err.find("Docker targets come with a later version") != std::string::npos);
  CHECK(az({"attach", "--type", "cluster", "-n", "hdi", "-a", "x-ssh", "-u", "me", "-w", "pw"}).code == kExitRefused);
  CHECK_FALSE(std::filesystem::exists(folder / "hdi.compute"));
  CHECK(az({"attach", "local", "-n", "../x"}).err.find("[name_refused]") != std::string::npos);
  CHECK(az({"detach", "-n", "quick"}).code == kExitDone);
  CHECK_FALSE(std::filesystem::exists(folder / "quick.compute"));
  CHECK_FALSE(std::filesystem::exists(folder / "quick.runconfig"));
  CHECK(az({"delete", "-n", "quick"}).code == kExitRefused);
}

TEST_CASE("a target that is not there is told before anything is sent, one of v1's kinds with what works now") {
  FakeServer server;
  const Project project(server);
  const CommandLine line = line_to(server);
  server.answer_with("GET " + kTargets,
                     R"({"items":[{"name":"local","kind":"local"},{"name":"gpubox","kind":"remote"}],"next":""})");
  const auto refused = [&](std::vector<std::string> more, std::string_view message) {
    const size_t before = server.asked().size();
    const Outcome outcome = line.run(project.submit(std::move(more)));
    CAPTURE(outcome.err);
    CHECK(outcome.code == kExitRefused);
    CHECK(outcome.err.find(message) != std::string::npos);
    REQUIRE(server.asked().size() == before + 1);
    CHECK(server.asked().back().target.starts_with(kTargets));
  };
  refused({"-t", "gpuboxx", "train.py"}, "there is no compute target \"gpuboxx\"; did you mean \"gpubox\"? [target_unknown]");
  refused({"-t", "gpuboxx", "train.py"}, "Targets here: local, gpubox.");
  refused({"-c", "docker", "train.py"},
          "the target \"docker\" is a Docker container on this machine; Docker targets come with a later");
  refused({"-c", "docker", "train.py"}, "Add `-t local`");
  REQUIRE(make_directories(project.folder.path / "aml_config"));
  REQUIRE(write_file_atomically(project.folder.path / "aml_config/box.compute", "type: remotedocker\naddress: box\n"));
  refused({"-t", "box", "train.py"}, "the target \"box\" is Docker on another machine; targets on other machines come");
  // The word for a pool that is made for the run is no name.
  CHECK(line.run(project.submit({"--detach", "-t", "amlcompute", "train.py"})).code == kExitDone);
  // What the server has is taken, whatever the project says of it.
  server.answer_with("GET " + kTargets,
                     R"({"items":[{"name":"local","kind":"local"},{"name":"box","kind":"remote"}],"next":""})");
  CHECK(line.run(project.submit({"--detach", "-t", "box", "train.py"})).code == kExitDone);
}

}  // namespace
}  // namespace werkbank::cli
