// az ml workspace show | list | create, az ml folder attach (2018 to 2020)
#include <fmt/format.h>

#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/project_files.hh"

namespace werkbank::cli {
namespace {

constexpr VerbOptions kBare{.workspace = false, .output = false};

struct WorkspaceOptions {
  AzCommon common;
  std::string name, location, friendly_name;
  bool exist_ok = false;
};

void declare_workspace(CLI::App& verb, WorkspaceOptions& options) {
  verb.add_option("-w,--workspace-name,-n,--name", options.name, "Workspace");
  verb.add_option("-g,--resource-group", options.common.resource_group, "Free text");
  verb.add_option("--subscription-id", options.common.subscription, "Free text");
  verb.add_option("--account")->group("");  // 2017: the experimentation account
}

void declare_create(CLI::App& verb, WorkspaceOptions& options) {
  declare_workspace(verb, options);
  verb.add_option("-l,--location", options.location, "Free text");
  verb.add_option("-f,--friendly-name", options.friendly_name, "Kept as the description");
  verb.add_flag("--exist-ok", options.exist_ok, "One that is there is fine");
  verb.add_flag("-y,--yes")->group("");
}

std::vector<Column> columns() {
  return {text_column("Name", "name"), text_column("ResourceGroup", "resourceGroup"), text_column("Location", "location"),
          time_column("Created", "createdUtc")};
}

Result<int> list_workspaces(Context& context, const WorkspaceOptions&) {
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, "/api/v1/workspaces", 10'000));
  CHECK_OK(context.print(json::value(std::move(items)), columns()));
  return kExitDone;
}

Result<int> show_workspace(Context& context, const WorkspaceOptions& options) {
  std::string name = options.name;
  if (name.empty()) {
    TRY(name, context.workspace(context.project_folder));
  }
  TRY(client::Session* const server, context.session());
  TRY(const json::value workspace, server->get("/api/v1/workspaces/" + net::encode_segment(name)));
  CHECK_OK(context.print(workspace, columns()));
  return kExitDone;
}

Result<int> create_workspace(Context& context, const WorkspaceOptions& options) {
  if (options.name.empty()) return fail(errors::usage, "no workspace is named", "Name it with -w NAME.");
  TRY(client::Session* const server, context.session());
  const json::object body{{"name", options.name},
                          {"subscriptionId", options.common.subscription},
                          {"resourceGroup", options.common.resource_group},
                          {"location", options.location},
                          {"description", options.friendly_name},
                          {"existOk", options.exist_ok}};
  TRY(const json::value workspace, server->send_json(net::Method::kPost, "/api/v1/workspaces", body));
  CHECK_OK(context.print(workspace, columns()));
  return kExitDone;
}

struct AttachOptions {
  WorkspaceOptions workspace;
  std::string experiment;
};

void declare_attach(CLI::App& verb, AttachOptions& options) {
  declare_workspace(verb, options.workspace);
  verb.add_option("-e,--experiment-name", options.experiment,
                  "Taken; the experiment is the folder's name, or named at each submit");
}

Result<int> attach_folder(Context& context, const AttachOptions& options) {
  ProjectFiles files{.folder = context.project_folder,
                     .workspace = options.workspace.name.empty() ? "default" : options.workspace.name};
  if (!options.workspace.common.subscription.empty()) files.subscription_id = options.workspace.common.subscription;
  if (!options.workspace.common.resource_group.empty()) files.resource_group = options.workspace.common.resource_group;
  TRY(const std::vector<std::string> written, write_project_files(files));
  json::array list(written.begin(), written.end());
  CHECK_OK(context.print(json::object{{"workspaceName", files.workspace}, {"written", std::move(list)}}, {}));
  return kExitDone;
}

void add_context_options(CLI::App* verb, Context& context) {
  verb->add_option("--path", context.project_folder, "The project folder");
  verb->add_option("-o,--output", context.output, "json, table, tsv, yaml or none");
  verb->add_option("--query", context.query, "JMESPath expression");
}

}  // namespace

void add_az_workspaces(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "workspace", "Workspaces");
  add_context_options(
      add_verb<WorkspaceOptions>(noun, context, {"list", "List the workspaces", ""}, declare_workspace, list_workspaces, kBare),
      context);
  add_context_options(add_verb<WorkspaceOptions>(noun, context, {"show", "Show one", "  az ml workspace show -w vision"},
                                                 declare_workspace, show_workspace, kBare),
                      context);
  add_context_options(
      add_verb<WorkspaceOptions>(noun, context, {"create", "Create one", "  az ml workspace create -w vision -g team"},
                                 declare_create, create_workspace, kBare),
      context);
  CLI::App& folder = *add_noun(ml, "folder", "Project folders");
  add_context_options(
      add_verb<AttachOptions>(folder, context,
                              {"attach", "Write the folder's configuration files", "  az ml folder attach -w vision -e digits"},
                              declare_attach, attach_folder, kBare),
      context);
}

}  // namespace werkbank::cli
