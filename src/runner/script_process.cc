#include "runner/script_process.hh"

#include "domain/package_choice.hh"
#include "runner/data_places.hh"

namespace werkbank::runner {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

void put_first(std::string& path, const std::string& folder) {
  if (folder.empty() || path == folder || path.starts_with(folder + ":")) return;
  path = path.empty() ? folder : folder + ":" + path;
}

std::map<std::string, std::string> variables_of(const LaunchPlan& plan, const WorkFolder& folder, const TextMap& places) {
  std::map<std::string, std::string> variables = plan.variables;
  // An input that is called like a variable which is there (PATH, HOME) is found by AZUREML_DATAREFERENCE_… only.
  for (const auto& [name, value] : place_variables(plan, places)) {
    if (name.starts_with("AZUREML_")) variables[name] = value;
    variables.try_emplace(name, value);
  }
  if (!variables.contains("PATH")) variables["PATH"] = kDefaultPath;
  std::string& path = variables["PATH"];
  for (const auto& [name, value] : plan.environment.variables) {
    if (name == "PATH")
      put_first(path, value);
    else
      variables[name] = value;
  }
  // `python` and `pip` in the script mean the interpreter it runs in.
  if (plan.environment.interpreter.starts_with('/')) {
    put_first(path, std::filesystem::path(plan.environment.interpreter).parent_path().native());
  }
  const auto package = variables.find(std::string(kPackageVariable));
  const bool wants_genuine = package != variables.end() && package->second == kGenuinePackage;
  if (!plan.environment.has_azureml && !plan.sdk_folder.empty() && !wants_genuine) {
    std::string& python_path = variables["PYTHONPATH"];  // behind what the user has there
    python_path = python_path.empty() ? plan.sdk_folder : python_path + ":" + plan.sdk_folder;
  }
  variables.try_emplace("PYTHONUNBUFFERED", "1");  // a line is seen when it is printed
  variables["WERKBANK_SPOOL"] = folder.spool().native();
  variables[std::string(kAttemptMarkVariable)] = attempt_mark(plan);
  return variables;
}

}  // namespace

SpawnPlan script_process(const LaunchPlan& plan, const WorkFolder& folder, const TextMap& places) {
  SpawnPlan process;
  if (!plan.command.empty()) {
    process.argv = {"/bin/sh", "-c", with_place_variables(plan.command, places)};
  } else {
    // A script named "-x.py" must not read as an option of the interpreter.
    process.argv = {plan.environment.interpreter, plan.script.starts_with('-') ? "./" + plan.script : plan.script};
    for (const std::string& argument : plan.arguments) process.argv.push_back(with_places(argument, places));
  }
  process.environment = variables_of(plan, folder, places);
  process.working_directory = folder.code();
  process.stdout_path = folder.std_log();
  process.stderr_path = folder.std_log();
  process.new_session = true;  // a script that signals its own process group must not meet the shim
  return process;
}

}  // namespace werkbank::runner
