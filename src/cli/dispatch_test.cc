// The words of a line: what is understood, what is refused and how, help, completion, the script's own arguments.
#include "cli/dispatch.hh"

#include <functional>

#include "cli/command_line_test.hh"
#include "cli/completion.hh"
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
  refused({"ml", "model", "register", "-m", "x"},
          "`az ml model` is not available in this version: the model registry comes with a later one", true);
  refused({"ml", "computetarget", "attach", "remote", "-n", "x"}, "not available", true);
  refused({"ml", "experiment", "submit", "train.py"}, "no run configuration is named", true);
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

TEST_CASE("completion knows every command") {
  Program program(false);
  const CLI::App& app = program.app;
  const std::string bash = completion_script(app, "bash", "werkbank");
  CHECK(bash.find("\"run\") candidates=\"submit rerun list show") != std::string::npos);
  CHECK(bash.find("internal") == std::string::npos);
  CHECK(bash.find("complete -o default -F _werkbank werkbank") != std::string::npos);
  const Outcome az = CommandLine().run({"completion", "bash"}, true);
  CHECK(az.out.find("\"ml history\") candidates=\"list info last") != std::string::npos);
  CHECK(az.out.find("complete -o default -F _az az") != std::string::npos);
  CHECK(completion_script(app, "fish", "werkbank").find("__werkbank_at run submit") != std::string::npos);
}

TEST_CASE("explain and version need no server") {
  const CommandLine line;
  CHECK(line.run({"version"}).out == "werkbank 1.2.3\n");
  const Outcome all = line.run({"explain", "--all", "-o", "json", "--query", "length(@)"});
  CHECK(all.code == kExitDone);
  CHECK(std::stoul(all.out) > all_error_codes().size());  // the reasons of ended runs too
  for (const std::string code :
       {"exit_code", "signal", "out_of_memory", "timeout", "canceled", "lost", "environment", "launch", "given_up"}) {
    CHECK(line.run({"explain", code, "-o", "tsv", "--query", "code"}).out == code + "\n");
  }
}

}  // namespace
}  // namespace werkbank::cli
