// The nouns of `werkbank`, one file each (command_<noun>.cc); every one adds its verbs to the parser.
#pragma once

#include "cli/context.hh"

namespace werkbank::cli {

void add_run_commands(CLI::App& app, Context& context);
void add_run_submit(CLI::App& run, Context& context);
void add_run_file_commands(CLI::App& run, Context& context);
void add_experiment_commands(CLI::App& app, Context& context);
void add_workspace_commands(CLI::App& app, Context& context);
void add_snapshot_commands(CLI::App& app, Context& context);
void add_environment_commands(CLI::App& app, Context& context);
void add_compute_commands(CLI::App& app, Context& context);
void add_server_commands(CLI::App& app, Context& context);
void add_backup_commands(CLI::App& app, Context& context);
void add_token_commands(CLI::App& app, Context& context);
void add_secret_commands(CLI::App& app, Context& context);
void add_doctor_command(CLI::App& app, Context& context);
void add_explain_commands(CLI::App& app, Context& context);
void add_init_command(CLI::App& app, Context& context);
void add_completion_command(CLI::App& app, Context& context);
void add_internal_commands(CLI::App& app, Context& context);

// The whole `werkbank` tree.
void add_all_commands(CLI::App& app, Context& context);

// "/runs/<run>" below the workspace's route.
Result<std::string> run_route(Context& context, const std::string& run);
std::vector<Column> run_columns();
// Asks for the end of a run and says so; a run that is over stays as it is, which is said too.
Status cancel_run(Context& context, const std::string& run);

}  // namespace werkbank::cli
