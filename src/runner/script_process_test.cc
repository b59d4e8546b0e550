#include "runner/script_process.hh"

#include <doctest/doctest.h>

namespace werkbank::runner {
namespace {

LaunchPlan sample_plan() {
  LaunchPlan plan;
  plan.lease = "l";
  plan.script = "train.py";
  plan.arguments = {"--rate", "a b"};
  plan.environment.interpreter = "/venv/bin/python";
  plan.environment.has_azureml = true;
  plan.variables = {{"PATH", "/usr/bin"}, {"A", "1"}};
  return plan;
}

const WorkFolder kFolder{"/w"};

TEST_CASE("interpreter, script and arguments, or a command") {
  LaunchPlan plan = sample_plan();
  CHECK(script_process(plan, kFolder).argv == std::vector<std::string>{"/venv/bin/python", "train.py", "--rate", "a b"});
  plan.script = "-c.py";
  CHECK(script_process(plan, kFolder).argv[1] == "./-c.py");
  plan.command = "echo $HOME";
  CHECK(script_process(plan, kFolder).argv == std::vector<std::string>{"/bin/sh", "-c", "echo $HOME"});
  CHECK(script_process(plan, kFolder).working_directory == "/w/code");
  CHECK(script_process(plan, kFolder).stdout_path == script_process(plan, kFolder).stderr_path);
}

TEST_CASE("variables") {
  LaunchPlan plan = sample_plan();
  SUBCASE("the runner's own") {
    const auto variables = script_process(plan, kFolder).environment;
    CHECK(variables.at("A") == "1");
    CHECK(variables.at("WERKBANK_SPOOL") == "/w/spool");
    CHECK(variables.at("WERKBANK_ATTEMPT_MARK") == "l");
    CHECK(variables.at("PYTHONUNBUFFERED") == "1");
    CHECK(variables.at("PATH") == "/venv/bin:/usr/bin");
    CHECK_FALSE(variables.contains("PYTHONPATH"));
  }
  SUBCASE("the user's choice stands") {
    plan.variables["PYTHONUNBUFFERED"] = "";
    CHECK(script_process(plan, kFolder).environment.at("PYTHONUNBUFFERED").empty());
  }
  SUBCASE("our package goes behind the user's folders, and only where there is none") {
    plan.environment.has_azureml = false;
    plan.sdk_folder = "/sdk";
    CHECK(script_process(plan, kFolder).environment.at("PYTHONPATH") == "/sdk");
    plan.variables["PYTHONPATH"] = "/mine";
    CHECK(script_process(plan, kFolder).environment.at("PYTHONPATH") == "/mine:/sdk");
    plan.variables["WERKBANK_AZUREML"] = "genuine";
    CHECK(script_process(plan, kFolder).environment.at("PYTHONPATH") == "/mine");
  }
  SUBCASE("the interpreter's folder comes first, once") {
    plan.variables["PATH"] = "/venv/bin:/usr/bin";
    CHECK(script_process(plan, kFolder).environment.at("PATH") == "/venv/bin:/usr/bin");
    plan.variables.erase("PATH");
    CHECK(script_process(plan, kFolder).environment.at("PATH").starts_with("/venv/bin:/usr/local/sbin:"));
  }
  SUBCASE("the environment's own over the submitter's") {
    plan.variables["VIRTUAL_ENV"] = "/other";
    plan.environment.variables = {{"VIRTUAL_ENV", "/venv"}, {"PATH", "/venv/tools"}};
    const auto variables = script_process(plan, kFolder).environment;
    CHECK(variables.at("VIRTUAL_ENV") == "/venv");
    CHECK(variables.at("PATH") == "/venv/bin:/venv/tools:/usr/bin");
  }
  SUBCASE("each rank has a mark of its own") {
    plan.rank = 3;
    CHECK(script_process(plan, kFolder).environment.at("WERKBANK_ATTEMPT_MARK") == "l.3");
  }
}

}  // namespace
}  // namespace werkbank::runner
