// az ml environment scaffold | register | list | show | download (2018 to 2020)
#include <fmt/format.h>

#include "base/files.hh"
#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/project_source.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefinition = "azureml_environment.json";
constexpr std::string_view kConda = "conda_dependencies.yml";

struct EnvironmentOptions {
  std::string name, folder, version;
  bool overwrite = false;
};

void declare_scaffold(CLI::App& verb, EnvironmentOptions& options) {
  verb.add_option("-n,--name", options.name, "The environment's name")->required();
  verb.add_option("-d,--directory", options.folder, "Where its files are written")->required();
}

void declare_register(CLI::App& verb, EnvironmentOptions& options) {
  verb.add_option("-d,--directory", options.folder, "The folder with azureml_environment.json")->required();
}

void declare_show(CLI::App& verb, EnvironmentOptions& options) {
  verb.add_option("-n,--name", options.name, "The environment's name")->required();
  verb.add_option("-v,--version", options.version, "A version (default: the newest)");
}

void declare_download(CLI::App& verb, EnvironmentOptions& options) {
  declare_show(verb, options);
  verb.add_option("-d,--directory", options.folder, "Where its files are written")->required();
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there");
}

std::vector<Column> columns() {
  return {text_column("Name", "name"), text_column("Version", "version"), text_column("Python", "pythonVersion")};
}

json::value list_of(const std::vector<std::string>& texts) { return json::array(texts.begin(), texts.end()); }

// v1's file. The conda part stands in its own file beside it.
json::object definition_document(const EnvironmentDefinition& environment) {
  return {{"name", environment.name},
          {"version", environment.version.empty() ? json::value(nullptr) : json::value(environment.version)},
          {"environmentVariables", text_map_to_json(environment.variables)},
          {"python", json::object{{"userManagedDependencies", environment.user_managed},
                                  {"interpreterPath", environment.interpreter.empty() ? "python" : environment.interpreter},
                                  {"condaDependenciesFile", std::string(kConda)},
                                  {"baseCondaEnvironment", nullptr}}},
          {"docker", environment.docker},
          {"spark", environment.spark},
          {"databricks", nullptr},
          {"inferencingStackVersion", nullptr}};
}

std::string conda_text(const EnvironmentDefinition& environment) {
  json::array dependencies;
  dependencies.emplace_back(environment.python_version.empty() ? "python" : "python=" + environment.python_version);
  for (const std::string& package : environment.conda_packages) dependencies.emplace_back(package);
  if (!environment.pip_requirements.empty()) dependencies.push_back(json::object{{"pip", list_of(environment.pip_requirements)}});
  json::object document{{"name", "project_environment"}, {"dependencies", std::move(dependencies)}};
  if (!environment.conda_channels.empty()) document["channels"] = list_of(environment.conda_channels);
  return format_yaml(document);
}

Result<json::array> write_definition(const EnvironmentDefinition& environment, const fs::path& folder, bool overwrite) {
  const std::pair<fs::path, std::string> files[] = {{folder / kDefinition, pretty_json(definition_document(environment))},
                                                    {folder / kConda, conda_text(environment)}};
  for (const auto& [place, text] : files) {
    std::error_code ignored;
    if (!overwrite && fs::exists(place, ignored))
      return fail(errors::already_exists, fmt::format("{} is there already", place.string()), "Name another folder with -d.");
  }
  CHECK_OK(make_directories(folder, 0777));
  json::array written;
  for (const auto& [place, text] : files) {
    CHECK_OK(write_file_atomically(place, text.ends_with('\n') ? text : text + '\n', 0644, false));
    written.push_back(json::string(place.lexically_normal().string()));
  }
  return written;
}

Result<int> scaffold(Context& context, const EnvironmentOptions& options) {
  EnvironmentDefinition environment;
  environment.name = options.name;
  environment.user_managed = false;
  environment.python_version = "3.10";
  environment.pip_requirements = {"azureml-defaults"};
  TRY(json::array written, write_definition(environment, options.folder, false));
  CHECK_OK(context.print(json::object{{"name", options.name}, {"written", std::move(written)}}, {}));
  return kExitDone;
}

Result<int> register_environment(Context& context, const EnvironmentOptions& options) {
  TRY(const EnvironmentDefinition environment, load_environment_file(options.folder, std::string(kDefinition)));
  TRY(const std::string target, context.route("/environments"));
  TRY(client::Session* const server, context.session());
  TRY(const json::value registered, server->send_json(net::Method::kPost, target, to_json(environment)));
  CHECK_OK(context.print(registered, columns()));
  return kExitDone;
}

Result<int> list_environments(Context& context, const NoOptions&) {
  TRY(const std::string target, context.route("/environments"));
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, target, SIZE_MAX));
  CHECK_OK(context.print(json::value(std::move(items)), columns()));
  return kExitDone;
}

Result<json::value> fetch_environment(Context& context, const EnvironmentOptions& options) {
  TRY(std::string target, context.route("/environments/" + net::encode_segment(options.name)));
  if (!options.version.empty()) target += "?version=" + net::encode_segment(options.version);
  TRY(client::Session* const server, context.session());
  return server->get(target);
}

Result<int> show_environment(Context& context, const EnvironmentOptions& options) {
  TRY(const json::value environment, fetch_environment(context, options));
  CHECK_OK(context.print(environment, {}));
  return kExitDone;
}

Result<int> download_environment(Context& context, const EnvironmentOptions& options) {
  TRY(json::value document, fetch_environment(context, options));
  if (!document.is_object()) return fail(errors::unavailable, "the server's answer is no environment");
  // What the registration adds is no part of the definition.
  const json::value known = to_json(EnvironmentDefinition());
  json::object definition;
  for (const auto& field : document.as_object()) {
    if (known.as_object().contains(field.key())) definition[field.key()] = field.value();
  }
  TRY(const EnvironmentDefinition environment, environment_from_json(json::value(std::move(definition))));
  TRY(json::array written, write_definition(environment, options.folder, options.overwrite));
  CHECK_OK(context.print(
      json::object{{"name", environment.name}, {"version", environment.version}, {"written", std::move(written)}}, {}));
  return kExitDone;
}

}  // namespace

void add_az_environments(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "environment", "Environments that runs are executed in");
  const auto add = [&](const VerbText& text, void (*declare)(CLI::App&, EnvironmentOptions&),
                       Result<int> (*call)(Context&, const EnvironmentOptions&)) {
    add_az_place(*add_verb<EnvironmentOptions>(noun, context, text, declare, call, kAzVerb), context);
  };
  add({"scaffold", "Write the files of a new one, to be edited", "  az ml environment scaffold -n sklearn -d envs/sklearn"},
      declare_scaffold, scaffold);
  add({"register", "Register the one that a folder describes", "  az ml environment register -d envs/sklearn"}, declare_register,
      register_environment);
  add({"show", "Show one", "  az ml environment show -n sklearn -v 2"}, declare_show, show_environment);
  add({"download", "Write the files of a registered one", "  az ml environment download -n sklearn -d envs/sklearn"},
      declare_download, download_environment);
  add_az_place(*add_verb<NoOptions>(noun, context, {"list", "List the registered ones", "  az ml environment list -o table"},
                                    nullptr, list_environments, kAzVerb),
               context);
}

}  // namespace werkbank::cli
