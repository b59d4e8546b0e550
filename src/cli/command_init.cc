// init: makes the current folder a project.
#include <fmt/format.h>

#include "base/files.hh"
#include "cli/command.hh"
#include "cli/project_files.hh"

namespace werkbank::cli {
namespace {

struct InitOptions {
  std::string folder = ".";
};

void declare_init(CLI::App& verb, InitOptions& options) {
  verb.add_option("FOLDER", options.folder, "The project folder (default: the current one)");
}

Result<int> init(Context& context, const InitOptions& options) {
  ProjectFiles files{.folder = options.folder, .workspace = context.workspace_flag.empty() ? "default" : context.workspace_flag};
  TRY(const std::vector<std::string> written, write_project_files(files));
  for (const std::string& file : written) context.terminal().say("Wrote " + file);
  if (written.empty()) context.terminal().say("Everything is there already; nothing was changed");
  context.terminal().say("Next: werkbank run submit -c local SCRIPT");
  return kExitDone;
}

}  // namespace

void add_init_command(CLI::App& app, Context& context) {
  add_verb<InitOptions>(
      app, context,
      {"init", "Write a project's configuration files; what is there stays", "  werkbank init\n  werkbank init -w vision"},
      declare_init, init, {.output = false});
}

}  // namespace werkbank::cli
