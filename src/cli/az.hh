// `az …` as users of Azure ML typed it: Workbench's `az ml` of 2017 and the extension of 2018 to 2020, on this user's server.
#pragma once

#include "cli/context.hh"
#include "cli/dispatch.hh"

namespace werkbank::cli {

Dialect az_dialect();

void add_az_account(CLI::App& az, Context& context);            // az login, az logout, az account
void add_az_experiment(CLI::App& ml, Context& context);         // 2017: submit, prepare, cancel; 2018: list
void add_az_history(CLI::App& ml, Context& context);            // 2017: history, asset
void add_az_configurations(CLI::App& ml, Context& context);     // 2017: runconfiguration
void add_az_targets(CLI::App& ml, Context& context);            // computetarget
void add_az_attach(CLI::App& computetarget, Context& context);  // 2017: attach, detach, delete
void add_az_projects(CLI::App& ml, Context& context);           // 2017: project
void add_az_runs(CLI::App& ml, Context& context);               // 2018: run
void add_az_workspaces(CLI::App& ml, Context& context);         // both: workspace; 2018: folder
void add_az_environments(CLI::App& ml, Context& context);       // 2018: environment
void add_az_models(CLI::App& ml, Context& context);             // both: model
void add_az_datastores(CLI::App& ml, Context& context);         // 2018: datastore
void add_az_datasets(CLI::App& ml, Context& context);           // 2018: dataset
void add_az_groups(CLI::App& az, Context& context);             // az group

void add_az_settings(CLI::App& az, Context& context);  // az configure, az version

// What the verbs of az have in common; most are taken and need nothing here (there is one server, nobody is asked for a
// subscription).
struct AzCommon {
  bool debug = false, verbose = false, only_show_errors = false;
  std::string resource_group, subscription;
};

// Verbs of az print JSON and have options of their own; the common ones are added to all at the end.
inline constexpr VerbOptions kAzVerb{.workspace = false, .output = false};
// -w/--workspace-name and --path of the extension.
void add_az_place(CLI::App& verb, Context& context);

// A noun or verb that comes with a later part of Werkbank. Its words are taken, so that the answer is about it and not about a
// spelling: not_supported, "`az ml service` is not available in this version: services for models come with a later one".
struct AzLater {
  std::string_view name;
  std::string_view what;        // "services for models come"
  std::string_view until_then;  // what to use meanwhile
};
void add_az_later(CLI::App& parent, Context& context, const AzLater& later);

}  // namespace werkbank::cli
