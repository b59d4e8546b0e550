// az ml runconfiguration | computetarget (2017): the files of aml_config.
#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "cli/az.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr VerbOptions kBare{.workspace = false, .output = false};
constexpr std::string_view kFolder = "aml_config";

Result<int> list_files(Context& context, std::string_view suffix) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(fs::path(context.project_folder) / kFolder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(suffix)) names.push_back(name);
  }
  std::ranges::sort(names);
  CHECK_OK(context.print(json::value(json::array(names.begin(), names.end())), {}));
  return kExitDone;
}

Result<int> list_configurations(Context& context, const NoOptions&) { return list_files(context, ".runconfig"); }
Result<int> list_targets(Context& context, const NoOptions&) { return list_files(context, ".compute"); }

struct ConfigurationOptions {
  std::string name, target = "local";
};

// The name becomes a file's: letters, digits, '-', '_' and '.', and no dot in front.
Result<fs::path> configuration_file(const Context& context, const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  if (name.empty() || name.size() > 100 || name.front() == '.' || !std::ranges::all_of(name, allowed)) {
    return fail(errors::name_refused, fmt::format("{:?} is no name for a run configuration", name),
                "Use letters, digits, - and _.");
  }
  const std::string stem = name.ends_with(".runconfig") ? name.substr(0, name.size() - 10) : name;
  return fs::path(context.project_folder) / kFolder / (stem + ".runconfig");
}

void declare_name(CLI::App& verb, ConfigurationOptions& options) {
  verb.add_option("-n,--name", options.name, "Its name")->required();
}

void declare_create(CLI::App& verb, ConfigurationOptions& options) {
  declare_name(verb, options);
  verb.add_option("-t,--target", options.target, "Its compute target")->capture_default_str();
}

Result<int> create_configuration(Context& context, const ConfigurationOptions& options) {
  TRY(const fs::path file, configuration_file(context, options.name));
  TRY([[maybe_unused]] const fs::path checked, configuration_file(context, options.target));
  std::error_code ignored;
  if (fs::exists(file, ignored))
    return fail(errors::already_exists, fmt::format("{} is there already", file.string()),
                "Change it with an editor, or delete it first.");
  CHECK_OK(make_directories(file.parent_path(), 0777));
  const std::string text = fmt::format(
      "ArgumentVector:\n- \"$file\"\nTarget: {}\nEnvironmentVariables: null\nFramework: Python\n"
      "CondaDependenciesFile: null\nPrepareEnvironment: true\nTrackedRun: true\nUseSampling: true\n",
      json::serialize(json::value(options.target)));
  CHECK_OK(write_file_atomically(file, text, 0644, false));
  context.terminal().say("Wrote " + file.lexically_normal().string());
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

void add_output(CLI::App* verb, Context& context) {
  verb->add_option("-o,--output", context.output, "json, table, tsv, yaml or none");
  verb->add_option("--query", context.query, "JMESPath expression");
}

void add_refused(CLI::App& noun, Context& context, const std::string& name) {
  CLI::App* const verb = noun.add_subcommand(name, "Not available yet");
  verb->allow_extras();
  verb->callback([&context, name] {
    context.action = [name]() -> Result<int> {
      return fail(errors::not_supported, fmt::format("`az ml computetarget {}` is not available in this version", name),
                  "The target `local` is always there; `werkbank compute list` shows all.");
    };
  });
}

}  // namespace

void add_az_configurations(CLI::App& ml, Context& context) {
  CLI::App& configuration = *add_noun(ml, "runconfiguration", "Run configurations of the project");
  configuration.alias("runconfigurations");
  add_output(add_verb<NoOptions>(configuration, context, {"list", "List their files", ""}, nullptr, list_configurations, kBare),
             context);
  add_verb<ConfigurationOptions>(configuration, context,
                                 {"create", "Write one", "  az ml runconfiguration create -n quick -t local"}, declare_create,
                                 create_configuration, kBare);
  add_verb<ConfigurationOptions>(configuration, context, {"delete", "Delete one", ""}, declare_name, delete_configuration, kBare);
  CLI::App& target = *add_noun(ml, "computetarget", "Compute targets of the project");
  add_output(add_verb<NoOptions>(target, context, {"list", "List their files", ""}, nullptr, list_targets, kBare), context);
  for (const char* const name :
       {"attach", "create", "detach", "delete", "show", "update", "get-credentials", "computeinstance"}) {
    add_refused(target, context, name);
  }
}

}  // namespace werkbank::cli
