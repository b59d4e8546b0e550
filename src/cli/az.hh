// `az …` as users of Azure ML typed it: Workbench's `az ml` of 2017 and the extension of 2018 to 2020, on this user's server.
#pragma once

#include "cli/context.hh"
#include "cli/dispatch.hh"

namespace werkbank::cli {

Dialect az_dialect();

void add_az_account(CLI::App& az, Context& context);         // az login, az account
void add_az_experiment(CLI::App& ml, Context& context);      // 2017: submit, prepare, cancel; 2018: list
void add_az_history(CLI::App& ml, Context& context);         // 2017
void add_az_configurations(CLI::App& ml, Context& context);  // 2017: runconfiguration, computetarget
void add_az_runs(CLI::App& ml, Context& context);            // 2018: run
void add_az_groups(CLI::App& az, Context& context);
void add_az_workspaces(CLI::App& ml, Context& context);  // 2018: workspace, folder

// What the verbs of az have in common; most are taken and need nothing here (there is one server, nobody is asked for a
// subscription).
struct AzCommon {
  bool debug = false, verbose = false, only_show_errors = false;
  std::string resource_group, subscription;
};
void add_az_common(CLI::App& verb, Context& context, AzCommon& common);

}  // namespace werkbank::cli
