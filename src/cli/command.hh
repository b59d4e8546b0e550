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
void add_quota_commands(CLI::App& app, Context& context);
void add_secret_commands(CLI::App& app, Context& context);
void add_datastore_commands(CLI::App& app, Context& context);
void add_mount_commands(CLI::App& app, Context& context);
void add_cache_commands(CLI::App& app, Context& context);
void add_mirror_commands(CLI::App& app, Context& context);
void add_doctor_command(CLI::App& app, Context& context);
void add_explain_commands(CLI::App& app, Context& context);
void add_init_command(CLI::App& app, Context& context);
void add_completion_command(CLI::App& app, Context& context);
void add_complete_command(CLI::App& app, Context& context);
void add_internal_commands(CLI::App& app, Context& context);
void add_login_commands(CLI::App& app, Context& context);
void add_shell_command(CLI::App& app, Context& context);
void add_run_rerun(CLI::App& run, Context& context);
void add_model_commands(CLI::App& app, Context& context);
void add_dataset_commands(CLI::App& app, Context& context);
void add_pip_config_command(CLI::App& app, Context& context);

// The whole `werkbank` tree.
void add_all_commands(CLI::App& app, Context& context);

// "/runs/<run>" below the workspace's route.
Result<std::string> run_route(Context& context, const std::string& run);
std::vector<Column> run_columns();
// The documents of the server's compute targets.
Result<json::array> fetch_targets(Context& context);
// A run's snapshot, file by file, below `folder`; what is there under the same name is replaced only with `overwrite`, otherwise
// nothing is written and already_exists is answered. The paths written.
Result<std::vector<std::string>> write_snapshot(Context& context, const std::string& run, const std::filesystem::path& folder,
                                                bool overwrite);
// Asks for the end of a run and says so; a run that is over stays as it is, which is said too.
Status cancel_run(Context& context, const std::string& run);

}  // namespace werkbank::cli
