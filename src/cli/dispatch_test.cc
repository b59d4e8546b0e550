// The words of a line: what is understood, what is refused and how, help, completion, the script's own arguments.
#include "cli/dispatch.hh"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "cli/command_line_test.hh"
#include "cli/verbatim.hh"

namespace werkbank::cli {
namespace {

struct Split {
  std::vector<std::string> before, verbatim;
};

struct Program {
  explicit Program(bool az) : app("", az ? "az" : "werkbank") {
    if (az) {
      az_dialect().add_commands(app, context);
    } else {
      add_all_commands(app, context);
    }
  }
  Terminal terminal{{}};
  const CliPrograms programs;
  Context context{programs, {}, terminal};
  CLI::App app;
};

Split split(bool az, std::vector<std::string> words) {
  Program program(az);
  CLI::App& app = program.app;
  Split result{.before = std::move(words)};
  result.verbatim = split_verbatim(app, result.before);
  return result;
}

using Words = std::vector<std::string>;

TEST_CASE("what follows the script is the script's") {
  CHECK(split(false, {"run", "submit", "train.py", "--help", "-c", "x", "--", "-o", "json"}).verbatim ==
        Words{"train.py", "--help", "-c", "x", "--", "-o", "json"});
  const Split options = split(
      false, {"run", "submit", "-c", "local", "--env=A=1", "--requirement", "x", "--detach", "train.py", "a", "--env", "B"});
  CHECK(options.verbatim == Words{"train.py", "a", "--env", "B"});
  CHECK(options.before == Words{"run", "submit", "-c", "local", "--env=A=1", "--requirement", "x", "--detach"});
  CHECK(split(false, {"run", "submit", "-clocal", "list", "show"}).verbatim == Words{"list", "show"});
  CHECK(split(false, {"run", "submit", "--", "-odd.py", "--"}).verbatim == Words{"-odd.py", "--"});
  CHECK(split(false, {"run", "submit", "--help"}).verbatim.empty());
  CHECK(split(false, {"run", "submit", "-c", "local"}).verbatim.empty());
  CHECK(split(false, {"run", "list", "train.py"}).verbatim.empty());
  CHECK(split(true, {"ml", "experiment", "submit", "-a", "-c", "local", "-t", "box", "train.py", "-t"}).verbatim ==
        Words{"train.py", "-t"});
  const Split old = split(true, {"ml", "run", "submit-script", "-ct", "local", "-c", "sk", "train.py", "-ct", "9"});
  CHECK(old.verbatim == Words{"train.py", "-ct", "9"});
  CHECK(old.before == Words{"ml", "run", "submit-script", "--ct", "local", "-c", "sk"});
}

TEST_CASE("a wrong word is named, with the nearest right one, and exit code 2") {
  const CommandLine line;
  const auto refused = [&](Words words, std::string_view message, bool az = false) {
    const Outcome outcome = line.run(std::move(words), az);
    CAPTURE(outcome.err);
    CHECK(outcome.code == kExitRefused);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(message) != std::string::npos);
  };
  refused({"run", "lsit"}, "werkbank run: \"lsit\" is unknown; did you mean list?");
  refused({"rnu"}, "werkbank: \"rnu\" is unknown; did you mean run?");
  refused({"run", "list", "--experimnt", "x"}, "\"--experimnt\" is unknown; did you mean --experiment?");
  refused({"run", "show"}, "RUN");
  refused({"run"}, "werkbank run --help");
  refused({"experiment"}, "werkbank experiment: a command is missing; there are: list, show, create");
  refused({}, "werkbank --help");
  refused({"explain", "environment_failed", "-o", "tabel"}, "did you mean table?");
  refused({"explain", "enviroment_failed"}, "did you mean environment_failed?");
  refused({"run", "tag", "x", "=v"}, "has no name");
  refused({"workspace", "delete", "vision"}, "--yes");
  refused({"run", "submit", "--experimnt", "x", "train.py"}, "\"--experimnt\" is unknown; did you mean --experiment?");
  refused({"run", "list", "-z"}, "werkbank run list: \"-z\" is unknown");
  refused({"run", "submit", "-z", "train.py"}, "werkbank run submit: \"-z\" is unknown");
  refused({"run", "submit", "--rate", "0.1", "train.py"}, "stands behind its name");
  refused({"ml", "experimnt", "submit"}, "az ml: \"experimnt\" is unknown; did you mean experiment?", true);
  refused({"ml", "service", "create", "realtime"},
          "`az ml service` is not available in this version: services for models come with a later one", true);
  refused({"ml", "model", "deploy", "-n", "x"},
          "`az ml model deploy` is not available in this version: services for models come with a later one", true);
  refused({"ml", "model", "register", "-n", "x"}, "names neither a file nor a run", true);
  refused({"ml", "model", "register", "-n", "x", "-p", "a", "-m", "b"}, "-m and -p", true);
  refused({"ml", "model", "register", "-n", "x", "-p", "a", "--tag", "=v"}, "has no name", true);
  refused({"ml", "model", "show"}, "names no model", true);
  refused({"model", "register", "x"}, "PATH");
  refused({"model", "update", "x:1"}, "nothing to change");
  refused({"model", "delete"}, "MODEL");
  refused({"ml", "computetarget", "attach", "remote", "-n", "box", "-a", "h", "-u", "me", "-w", "secret"},
          "a target of the kind \"remote\" cannot be attached in this version", true);
  refused({"ml", "computetarget", "create", "aks", "-n", "x"}, "not available", true);
  refused({"ml", "experiment", "submit", "train.py"}, "no run configuration is named", true);
  refused({"ml", "job", "create", "-f", "job.yml"}, "`az ml job` belongs to Azure ML v2", true);
  const Outcome doubled = line.run({"run", "lsit"});
  CHECK(doubled.err.starts_with("werkbank run: \"lsit\""));
}

TEST_CASE("az configure and az version: what scripts begin with does no harm and says what it means here") {
  const CommandLine line;
  const Outcome defaults = line.run({"configure", "--defaults", "group=team", "workspace=vision"}, true);
  CHECK(defaults.code == kExitDone);
  CHECK(defaults.err.find("`az ml folder attach -w vision`") != std::string::npos);
  CHECK(line.run({"configure", "--list-defaults"}, true).out == "[]\n");
  CHECK(line.run({"configure", "--defaults", "group"}, true).code == kExitRefused);
  CHECK(line.run({"version", "--query", "werkbank", "-o", "tsv"}, true).out == "1.2.3\n");
}

TEST_CASE("every verb of az takes the words that all commands of az took") {
  const CommandLine line;
  for (const Words& verb :
       {Words{"ml", "experiment", "submit"}, Words{"ml", "experiment", "cancel"}, Words{"ml", "history", "list"},
        Words{"ml", "runconfiguration", "create"}, Words{"ml", "run", "list"}, Words{"login"}}) {
    Words words = verb;
    for (const char* const word : {"--debug", "--verbose", "--only-show-errors", "-o", "table", "--query", "x", "-g", "group",
                                   "--subscription-id", "s", "--help"}) {
      words.emplace_back(word);
    }
    CAPTURE(words);
    CHECK(line.run(words, true).code == kExitDone);
    words.back() = "--nosuch";
    if (verb.front() == "ml") CHECK(line.run(words, true).err.find("\"--nosuch\" is unknown") != std::string::npos);
  }
}

TEST_CASE("help is data, with examples") {
  const CommandLine line;
  const Outcome submit = line.run({"run", "submit", "--help"});
  CHECK(submit.code == kExitDone);
  CHECK(submit.out.find("Usage: werkbank run submit [OPTIONS] SCRIPT [ARGUMENTS...]") != std::string::npos);
  CHECK(submit.out.find("Examples:") != std::string::npos);
  CHECK(submit.err.empty());
  const Outcome root = line.run({"--help"});
  CHECK(root.out.find("doctor") != std::string::npos);
  CHECK(root.out.find("yaml-to-json") == std::string::npos);
  CHECK(line.run({"ml", "history", "list", "-h"}, true).out.find("az ml history list") != std::string::npos);
}

TEST_CASE("every verb of both dialects has a description and examples") {
  for (const bool az : {false, true}) {
    Program program(az);
    const CLI::App& app = program.app;
    const std::function<void(const CLI::App&)> check = [&](const CLI::App& at) {
      const auto children = at.get_subcommands([](const CLI::App* child) { return !child->get_group().empty(); });
      for (const CLI::App* child : children) check(*child);
      CAPTURE(at.get_name());
      if (at.get_parent() == nullptr) return;
      CHECK_FALSE(at.get_description().empty());
      if (children.empty() && at.get_group() != "Not available yet") CHECK(at.get_footer().find("Examples:") == 0);
    };
    check(app);
  }
}

// What Tab offers behind these words, the last of which is begun.
Words offered(Words words, bool az = false, const FakeServer* server = nullptr) {
  CommandLine line;
  if (server != nullptr) line.environment["WERKBANK_URL"] = server->url();
  line.environment["WERKBANK_COMPLETION_PATIENCE_MS"] = "60000";  // on a busy machine, too
  words.insert(words.begin(), {"internal", "complete", "--"});
  const Outcome outcome = line.run(words, az);
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.err.empty());
  Words lines;
  for (size_t begin = 0; begin < outcome.out.size();) {
    const size_t end = outcome.out.find('\n', begin);
    lines.push_back(outcome.out.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

bool holds(const Words& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

TEST_CASE("completion: commands where commands belong, options only behind a dash or where nothing else belongs") {
  CHECK(offered({"ru"}) == Words{"run"});
  CHECK(holds(offered({""}), "doctor"));
  CHECK_FALSE(holds(offered({""}), "internal"));
  CHECK(offered({"run", "sub"}) == Words{"submit"});
  CHECK(offered({"run", "list", "--exp"}) == Words{"--experiment"});
  CHECK(holds(offered({"run", "list", ""}), "--status"));
  CHECK(offered({"ml", "history", "la"}, true) == Words{"last"});
  CHECK(offered({"ml", "runconfigurations", "cr"}, true) == Words{"create"});
  CHECK(offered({"ml", "job", ""}, true).empty());
  CHECK(offered({"nosuch", ""}) == offered({""}));
}

TEST_CASE("completion: values where values belong, with the option's name before them where it is joined") {
  CHECK(offered({"run", "list", "-o", ""}) == Words{"table", "json", "jsonc", "yaml", "yamlc", "tsv", "none"});
  CHECK(offered({"run", "list", "--output=ts"}) == Words{"--output=tsv"});
  CHECK(offered({"run", "list", "--status", "Ca"}) == Words{"CancelRequested", "Canceled"});
  CHECK(offered({"workspace", "member", "add", "anna", "--role", "r"}) == Words{"reader"});
  CHECK(offered({"completion", ""}) == Words{"bash", "zsh", "fish"});
  CHECK(offered({"explain", "run_not"}) == Words{"run_not_found"});
  CHECK(offered({"run", "list", "--top", ""}).empty());
  CHECK(offered({"run", "submit", ""}) == Words{":files"});
  CHECK(offered({"run", "submit", "-c", "local", "tr"}) == Words{":files"});
  CHECK(offered({"run", "submit", "train.py", "--rate", ""}) == Words{":files"});
  CHECK(offered({"run", "submit", "--source-directory", ""}) == Words{":folders"});
  CHECK(offered({"run", "submit", "--conda-file=con"}) == Words{":files"});
  CHECK(offered({"shell", ""}) == Words{":folders"});
  const TemporaryFolder folder;
  REQUIRE(make_directories(folder.path / "aml_config"));
  REQUIRE(write_file_atomically(folder.path / "aml_config/gpu.runconfig", "Target: gpu\n"));
  CHECK(offered({"run", "submit", "--source-directory", folder.path.string(), "-c", ""}) == Words{"docker", "gpu", "local"});
}

TEST_CASE("completion: names that a running server has, and none where no server runs") {
  FakeServer server;
  const auto items = [](std::string_view field, std::string_view name) {
    return fmt::format(R"({{"items":[{{"{0}":"{1}"}},{{"{0}":"with blank"}}],"next":""}})", field, name);
  };
  server.answer_with("GET /api/v1/workspaces/default/runs", items("runId", "digits_1"));
  server.answer_with("GET /api/v1/workspaces/vision/runs", items("runId", "vision_1"));
  server.answer_with("GET /api/v1/workspaces/default/experiments", items("name", "digits"));
  server.answer_with("GET /api/v1/workspaces/default/environments", items("name", "sklearn"));
  server.answer_with("GET /api/v1/workspaces", items("name", "vision"));
  server.answer_with("GET /api/v1/workspaces/default/compute", R"({"items":[{"name":"local"},{"name":"box"}],"next":""})");
  CHECK(offered({"run", "show", ""}, false, &server) == Words{"digits_1"});
  CHECK(offered({"run", "show", "-w", "vision", ""}, false, &server) == Words{"vision_1"});
  CHECK(offered({"ml", "history", "info", "--run", "d"}, true, &server) == Words{"digits_1"});
  CHECK(offered({"ml", "history", "compare", "-r", "digits_1", ""}, true, &server) == Words{"digits_1"});
  CHECK(offered({"run", "list", "-e", ""}, false, &server) == Words{"digits"});
  CHECK(offered({"experiment", "show", ""}, false, &server) == Words{"digits"});
  CHECK(offered({"environment", "show", ""}, false, &server) == Words{"sklearn", "default-runtime"});
  CHECK(offered({"run", "submit", "-t", ""}, false, &server) == Words{"local", "box"});
  CHECK(offered({"run", "list", "--workspace=v"}, false, &server) == Words{"--workspace=vision"});
  CHECK(offered({"run", "show", ""}).empty());
}

TEST_CASE("the completion scripts name their program") {
  for (const char* const shell : {"bash", "zsh", "fish"}) {
    const std::string script = CommandLine().run({"completion", shell}, true).out;
    CHECK(script.find("PROGRAM") == std::string::npos);
    CHECK(script.find("az") != std::string::npos);
  }
}

TEST_CASE("explain and version need no server") {
  const CommandLine line;
  CHECK(line.run({"version"}).out == "werkbank 1.2.3\n");
  const Outcome all = line.run({"explain", "--all", "-o", "json", "--query", "length(@)"});
  CHECK(all.code == kExitDone);
  CHECK(std::stoul(all.out) > all_error_codes().size());  // the reasons of ended runs too
  for (const std::string code :
       {"exit_code", "signal", "out_of_memory", "timeout", "canceled", "lost", "environment", "launch", "given_up", "output"}) {
    CHECK(line.run({"explain", code, "-o", "tsv", "--query", "code"}).out == code + "\n");
  }
}

}  // namespace
}  // namespace werkbank::cli
