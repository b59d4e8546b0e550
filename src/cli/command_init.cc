// init: makes a folder a project.
#include <fmt/format.h>

#include "cli/command.hh"
#include "cli/project_files.hh"
#include "cli/project_source.hh"

namespace werkbank::cli {
namespace {

struct InitOptions {
  std::string folder = ".";
  std::string subscription, resource_group;
};

void declare_init(CLI::App& verb, InitOptions& options) {
  verb.add_option("FOLDER", options.folder, "The project folder (default: the current one); made where it is not there");
  verb.add_option("--subscription-id", options.subscription, "Free text, for config.json");
  verb.add_option("-g,--resource-group", options.resource_group, "Free text, for config.json");
}

Result<int> init(Context& context, const InitOptions& options) {
  ProjectFiles files{.folder = options.folder, .workspace = context.workspace_flag};
  CHECK_OK(keep_binding(files));
  if (!options.subscription.empty()) files.subscription_id = options.subscription;
  if (!options.resource_group.empty()) files.resource_group = options.resource_group;
  TRY(const std::vector<std::string> written, write_project_files(files));
  for (const std::string& file : written) context.terminal().say("Wrote " + file);
  if (written.empty()) context.terminal().say("Everything is there already; nothing was changed");
  if (!context.workspace_flag.empty()) tell_new_workspace(context, files.workspace);
  context.terminal().say("Next: werkbank run submit -c local SCRIPT");
  return kExitDone;
}

}  // namespace

void add_init_command(CLI::App& app, Context& context) {
  add_verb<InitOptions>(
      app, context,
      {"init", "Write a project's configuration files; what is there stays", "  werkbank init\n  werkbank init digits -w vision"},
      declare_init, init, {.output = false});
}

}  // namespace werkbank::cli
