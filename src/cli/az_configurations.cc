// az ml runconfiguration (2017): the run configurations in aml_config.
#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "cli/az.hh"
#include "cli/project_source.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "aml_config";
constexpr std::string_view kSuffix = ".runconfig";

Result<int> list_configurations(Context& context, const NoOptions&) {
  std::vector<std::string> names;
  for (const std::string& name : list_project_runs(context.project_folder)) names.push_back(name + std::string(kSuffix));
  CHECK_OK(context.print(json::value(json::array(names.begin(), names.end())), {}));
  return kExitDone;
}

struct ConfigurationOptions {
  std::string name, target = "local", framework = "Python", conda_file, spark_file;
  std::vector<std::string> variables;
};

// The name becomes a file's: letters, digits, '-', '_' and '.', and no dot in front.
Result<std::string> stem_of(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  if (name.empty() || name.size() > 100 || name.front() == '.' || !std::ranges::all_of(name, allowed)) {
    return fail(errors::name_refused, fmt::format("{:?} is no name for a run configuration", name),
                "Use letters, digits, - and _.");
  }
  return name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
}

Result<fs::path> configuration_file(const Context& context, const std::string& name) {
  TRY(const std::string stem, stem_of(name));
  return fs::path(context.project_folder) / kFolder / (stem + std::string(kSuffix));
}

void declare_name(CLI::App& verb, ConfigurationOptions& options) {
  verb.add_option("-n,--name", options.name, "Its name")->required();
}

void declare_create(CLI::App& verb, ConfigurationOptions& options) {
  declare_name(verb, options);
  verb.add_option("-t,--target", options.target, "Its compute target")->capture_default_str();
  verb.add_option("--framework", options.framework, "Python or PySpark")
      ->capture_default_str()
      ->check(CLI::IsMember({"Python", "PySpark"}, CLI::ignore_case));
  verb.add_option("-d,--conda-file", options.conda_file, "The file with its dependencies, relative to the project folder");
  verb.add_option("--spark-file", options.spark_file, "The file with its Spark packages, relative to the project folder");
  add_repeatable(verb, "--env", options.variables, "NAME=VALUE for the script's environment (repeatable)");
}

std::string quoted(const std::string& text) { return json::serialize(json::value(text)); }
std::string quoted_or_null(const std::string& text) { return text.empty() ? "null" : quoted(text); }

Result<int> create_configuration(Context& context, const ConfigurationOptions& options) {
  TRY(const fs::path file, configuration_file(context, options.name));
  TRY([[maybe_unused]] const std::string checked, stem_of(options.target));
  std::string variables;
  for (const std::string& variable : options.variables) {
    TRY(const auto pair, split_assignment(variable, "--env"));
    variables += fmt::format("  {}: {}\n", quoted(pair.first), quoted(pair.second));
  }
  for (const std::string& named : {options.conda_file, options.spark_file}) {
    std::error_code ignored;
    if (named.empty() || fs::is_regular_file(fs::path(context.project_folder) / named, ignored)) continue;
    return fail(errors::config_invalid, fmt::format("there is no file {:?} in the project folder", named));
  }
  std::error_code ignored;
  if (fs::exists(file, ignored))
    return fail(errors::already_exists, fmt::format("{} is there already", file.string()),
                "Change it with an editor, or delete it first.");
  const std::string text = fmt::format(
      "ArgumentVector:\n- \"$file\"\nTarget: {}\nEnvironmentVariables:{}\n{}Framework: {}\nCondaDependenciesFile: {}\n"
      "SparkDependenciesFile: {}\nPrepareEnvironment: true\nTrackedRun: true\nUseSampling: true\n",
      quoted(options.target), variables.empty() ? " null" : "", variables, quoted(options.framework),
      quoted_or_null(options.conda_file), quoted_or_null(options.spark_file));
  CHECK_OK(make_directories(file.parent_path(), 0777));
  CHECK_OK(write_file_atomically(file, text, 0644, false));
  context.terminal().say("Wrote " + file.lexically_normal().string());
  return kExitDone;
}

// What a submit with this name would use, as JSON: the file's own keys, or the defaults where there is no file.
Result<int> show_configuration(Context& context, const ConfigurationOptions& options) {
  TRY(const std::string stem, stem_of(options.name));
  TRY(const ProjectRunText found, project_run_text(context.project_folder, stem));
  TRY(const json::value document, load_run_config_document(found.text, found.file));
  CHECK_OK(context.print(document, {}));
  return kExitDone;
}

Result<int> delete_configuration(Context& context, const ConfigurationOptions& options) {
  TRY(const fs::path file, configuration_file(context, options.name));
  std::error_code failure;
  if (!fs::remove(file, failure)) {
    return fail(errors::not_found, fmt::format("there is no {}", file.string()),
                "az ml runconfiguration list shows what is there.");
  }
  context.terminal().say("Deleted " + file.lexically_normal().string());
  return kExitDone;
}

}  // namespace

void add_az_configurations(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "runconfiguration", "Run configurations of the project");
  noun.alias("runconfigurations");
  const auto with_path = [&](CLI::App* verb) {
    verb->add_option("--path", context.project_folder, "The project folder (default: the current one)");
  };
  with_path(add_verb<NoOptions>(noun, context, {"list", "List them", "  az ml runconfiguration list -o table"}, nullptr,
                                list_configurations, kAzVerb));
  with_path(add_verb<ConfigurationOptions>(noun, context, {"show", "Show one", "  az ml runconfiguration show -n local"},
                                           declare_name, show_configuration, kAzVerb));
  with_path(add_verb<ConfigurationOptions>(
      noun, context,
      {"create", "Write one",
       "  az ml runconfiguration create -n quick -t local\n"
       "  az ml runconfiguration create --name big --target docker --conda-file aml_config/big_dependencies.yml"},
      declare_create, create_configuration, kAzVerb));
  with_path(add_verb<ConfigurationOptions>(noun, context, {"delete", "Delete one", "  az ml runconfiguration delete -n quick"},
                                           declare_name, delete_configuration, kAzVerb));
}

}  // namespace werkbank::cli
