#include "cli/cli.hh"

#include <string_view>

#include "base/process.hh"
#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/conda_list.hh"
#include "cli/dispatch.hh"

namespace werkbank::cli {
namespace {

bool is_called(std::string_view program, std::string_view name) {
  const size_t slash = program.rfind('/');
  return (slash == std::string_view::npos ? program : program.substr(slash + 1)) == name;
}

}  // namespace

void add_all_commands(CLI::App& app, Context& context) {
  add_run_commands(app, context);
  add_experiment_commands(app, context);
  add_workspace_commands(app, context);
  add_snapshot_commands(app, context);
  add_model_commands(app, context);
  add_environment_commands(app, context);
  add_compute_commands(app, context);
  add_datastore_commands(app, context);
  add_mount_commands(app, context);
  add_cache_commands(app, context);
  add_mirror_commands(app, context);
  add_quota_commands(app, context);
  add_dataset_commands(app, context);
  add_secret_commands(app, context);
  add_token_commands(app, context);
  add_server_commands(app, context);
  add_backup_commands(app, context);
  add_init_command(app, context);
  add_pip_config_command(app, context);
  add_shell_command(app, context);
  add_login_commands(app, context);
  add_explain_commands(app, context);
  add_doctor_command(app, context);
  add_completion_command(app, context);
  add_internal_commands(app, context);
  add_complete_command(app, context);
}

int run(int argc, char** argv, const CliPrograms& programs) {
  std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const std::map<std::string, std::string> environment = current_environment();
  Terminal terminal(terminal_of_process(environment));
  if (argc > 0 && is_called(argv[0], "conda")) return run_as_conda(arguments, environment, terminal);
  bool az = argc > 0 && is_called(argv[0], "az");
  if (!az && !arguments.empty() && arguments.front() == "az") {
    az = true;
    arguments.erase(arguments.begin());
  }
  // Scripts ask for it in every step: answered before anything else is set up.
  const bool short_form = arguments.size() == 1 && arguments[0] == (az ? "-v" : "-V");
  if (short_form || (arguments.size() == 1 && (arguments[0] == "--version" || (arguments[0] == "version" && !az)))) {
    terminal.out("werkbank " + programs.version + "\n");
    return kExitDone;
  }
  Context context(programs, environment, terminal);
  const Dialect own{.program = "werkbank",
                    .description = "Werkbank: submit training runs to your own machines and see them through.",
                    .add_commands = add_all_commands};
  return dispatch(az ? az_dialect() : own, context, std::move(arguments));
}

}  // namespace werkbank::cli
