// environment list | show | prepare
#include <fmt/format.h>

#include "cli/command.hh"
#include "cli/prepare.hh"

namespace werkbank::cli {
namespace {

std::vector<Column> columns() {
  return {text_column("Name", "name"), text_column("Version", "version"), text_column("Python", "pythonVersion"),
          text_column("UserManaged", "userManaged")};
}

Result<int> list_environments(Context& context, const NoOptions&) {
  TRY(const std::string target, context.route("/environments"));
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, target, 10'000));
  CHECK_OK(context.print(json::value(std::move(items)), columns()));
  return kExitDone;
}

struct ShowOptions {
  std::string name, version;
};

void declare_show(CLI::App& verb, ShowOptions& options) {
  verb.add_option("NAME", options.name, "The environment's name")->required();
  verb.add_option("-v,--version", options.version, "A version (default: the newest)");
}

Result<int> show_environment(Context& context, const ShowOptions& options) {
  TRY(std::string target, context.route("/environments/" + net::encode_segment(options.name)));
  if (!options.version.empty()) target += "?version=" + net::encode_segment(options.version);
  TRY(client::Session* const server, context.session());
  TRY(const json::value environment, server->get(target));
  CHECK_OK(context.print(environment, {}, OutputFormat::kYaml));
  return kExitDone;
}

void declare_prepare(CLI::App& verb, SubmitRequest& request) {
  verb.add_option("-c,--config", request.configuration, "The project's run configuration");
  verb.add_option("-t,--target", request.target, "Compute target (default: the configuration's, or local)");
  verb.add_option("--conda-file", request.conda_file, "This conda_dependencies.yml");
  verb.add_option("--python", request.python, "This interpreter, as it is");
  add_repeatable(verb, "--requirement", request.requirements, "This requirement (repeatable)");
  verb.add_option("--source-directory", request.folder, "The project folder");
}

}  // namespace

void add_environment_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "environment", "Environments that runs are executed in");
  add_verb<NoOptions>(noun, context, {"list", "List the registered environments", "  werkbank environment list"}, nullptr,
                      list_environments);
  add_verb<ShowOptions>(noun, context, {"show", "Show one environment", "  werkbank environment show sklearn -v 2"}, declare_show,
                        show_environment);
  add_verb<SubmitRequest>(noun, context,
                          {"prepare", "Build an environment now, so that the next run finds it ready",
                           "  werkbank environment prepare --conda-file conda_dependencies.yml\n"
                           "  werkbank environment prepare -c local"},
                          declare_prepare, prepare_environment);
}

}  // namespace werkbank::cli
