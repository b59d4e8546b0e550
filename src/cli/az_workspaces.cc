// az ml workspace show | list | create | update | delete | share | sync-keys, az ml folder attach
#include <fmt/format.h>

#include "base/text.hh"
#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/project_files.hh"
#include "cli/project_source.hh"

namespace werkbank::cli {
namespace {

struct WorkspaceOptions {
  AzCommon common;
  std::string name, location, friendly_name, description;
  std::vector<std::string> tags;
  bool exist_ok = false, all_resources = false, yes = false;
};

void declare_workspace(CLI::App& verb, WorkspaceOptions& options) {
  verb.add_option("-w,--workspace-name,-n,--name,--workspace", options.name, "Workspace");
  verb.add_option("-g,--resource-group", options.common.resource_group, "Free text");
  verb.add_option("--subscription-id", options.common.subscription, "Free text");
  verb.add_option("-a,--account")->group("");  // 2017: the experimentation account
}

void declare_create(CLI::App& verb, WorkspaceOptions& options) {
  declare_workspace(verb, options);
  verb.add_option("-l,--location", options.location, "Free text");
  verb.add_option("-f,--friendly-name", options.friendly_name, "Kept as the description");
  add_repeatable(verb, "--tags", options.tags, "NAME=VALUE (repeatable)");
  verb.add_flag("--exist-ok", options.exist_ok, "One that is there is fine");
  verb.add_flag("-y,--yes", options.yes)->group("");
  // The cloud's parts of a workspace; here the server is all of them.
  for (const char* const name : {"--sku", "--storage-account", "--keyvault", "--application-insights", "--container-registry"}) {
    verb.add_option(name)->group("");
  }
}

void declare_update(CLI::App& verb, WorkspaceOptions& options) {
  declare_workspace(verb, options);
  verb.add_option("-f,--friendly-name", options.friendly_name, "Kept as the description");
  verb.add_option("-d,--description", options.description, "What it is for");
  add_repeatable(verb, "--tags", options.tags, "NAME=VALUE (repeatable)");
}

void declare_delete(CLI::App& verb, WorkspaceOptions& options) {
  declare_workspace(verb, options);
  verb.add_flag("--all-resources", options.all_resources, "With all that is in it");
  verb.add_flag("-y,--yes", options.yes, "Do not ask; without it and without --all-resources nothing is deleted");
}

std::vector<Column> columns() {
  return {text_column("Name", "name"), text_column("ResourceGroup", "resourceGroup"), text_column("Location", "location"),
          text_column("SubscriptionId", "subscriptionId"), time_column("Created", "createdUtc")};
}

Result<std::string> chosen_route(Context& context, const WorkspaceOptions& options) {
  std::string name = options.name;
  if (name.empty()) {
    TRY(name, context.workspace(context.project_folder));
  }
  return "/api/v1/workspaces/" + net::encode_segment(name);
}

Result<json::object> tags_of(const std::vector<std::string>& words) {
  json::object tags;
  for (const std::string& word : words) {
    TRY(const auto pair, split_assignment(word, "--tags"));
    tags[pair.first] = pair.second;
  }
  return tags;
}

Result<int> list_workspaces(Context& context, const WorkspaceOptions& options) {
  TRY(client::Session* const server, context.session());
  TRY(const json::array items, client::fetch_list(*server, "/api/v1/workspaces", SIZE_MAX));
  json::array chosen;
  for (const json::value& item : items) {
    const json::value* const group = item.is_object() ? item.as_object().if_contains("resourceGroup") : nullptr;
    const std::string text = group == nullptr ? std::string() : plain_text(*group);
    if (options.common.resource_group.empty() || text == options.common.resource_group) chosen.push_back(item);
  }
  CHECK_OK(context.print(json::value(std::move(chosen)), columns()));
  return kExitDone;
}

Result<int> show_workspace(Context& context, const WorkspaceOptions& options) {
  TRY(const std::string target, chosen_route(context, options));
  TRY(client::Session* const server, context.session());
  TRY(const json::value workspace, server->get(target));
  CHECK_OK(context.print(workspace, columns()));
  return kExitDone;
}

Result<int> create_workspace(Context& context, const WorkspaceOptions& options) {
  if (options.name.empty()) return fail(errors::usage, "no workspace is named", "Name it with -w NAME.");
  TRY(json::object tags, tags_of(options.tags));
  TRY(client::Session* const server, context.session());
  const json::object body{{"name", options.name},
                          {"subscriptionId", options.common.subscription},
                          {"resourceGroup", options.common.resource_group},
                          {"location", options.location},
                          {"description", options.friendly_name},
                          {"tags", std::move(tags)},
                          {"existOk", options.exist_ok}};
  TRY(const json::value workspace, server->send_json(net::Method::kPost, "/api/v1/workspaces", body));
  CHECK_OK(context.print(workspace, columns()));
  return kExitDone;
}

Result<int> update_workspace(Context& context, const WorkspaceOptions& options) {
  TRY(json::object tags, tags_of(options.tags));
  json::object change;
  if (!tags.empty()) change["tags"] = std::move(tags);
  const std::string& description = options.description.empty() ? options.friendly_name : options.description;
  if (!description.empty()) change["description"] = description;
  if (change.empty()) return fail(errors::usage, "nothing to change", "Give --description, --friendly-name or --tags.");
  TRY(const std::string target, chosen_route(context, options));
  TRY(client::Session* const server, context.session());
  TRY(const json::value workspace, server->send_json(net::Method::kPatch, target, change));
  CHECK_OK(context.print(workspace, columns()));
  return kExitDone;
}

Result<int> delete_workspace(Context& context, const WorkspaceOptions& options) {
  if (options.name.empty()) return fail(errors::usage, "no workspace is named", "Name it with -w NAME.");
  if (!options.yes && !options.all_resources) {
    return fail(errors::usage, fmt::format("deleting workspace {:?} deletes all its experiments, runs and files", options.name),
                "Add --all-resources (or --yes) to do it.");
  }
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value gone,
      server->send_empty(net::Method::kDelete, "/api/v1/workspaces/" + net::encode_segment(options.name)));
  context.terminal().say(fmt::format("Deleted workspace {}", visible(options.name)));
  return kExitDone;
}

struct ShareOptions {
  WorkspaceOptions workspace;
  std::string user, role;
};

void declare_share(CLI::App& verb, ShareOptions& options) {
  declare_workspace(verb, options.workspace);
  verb.add_option("--user", options.user, "The user's name")->required();
  verb.add_option("--role", options.role, "owner, contributor or reader")->required();
}

Result<int> share_workspace(Context& context, const ShareOptions& options) {
  const std::string role = lower(options.role);
  TRY(const std::string target, chosen_route(context, options.workspace));
  TRY(client::Session* const server, context.session());
  TRY(const json::value member, server->send_json(net::Method::kPut, target + "/members/" + net::encode_segment(options.user),
                                                  json::object{{"role", role}}));
  CHECK_OK(context.print(member, {}));
  return kExitDone;
}

Result<int> sync_keys(Context& context, const WorkspaceOptions& options) {
  TRY(const std::string target, chosen_route(context, options));
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value known, server->get(target));
  context.terminal().say("Nothing was changed: a workspace here has no keys of other services to fetch.");
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

// What is not given stays as the folder has it; otherwise a workspace that the server knows says its subscription and group.
Result<ProjectFiles> binding_of(Context& context, const AttachOptions& options) {
  ProjectFiles files{
      .folder = context.project_folder, .layout = ProjectLayout::kExtension, .workspace = options.workspace.name, .rebind = true};
  CHECK_OK(keep_binding(files));
  TRY(client::Session* const server, context.session());
  const auto known = server->get("/api/v1/workspaces/" + net::encode_segment(files.workspace));
  if (!known && known.error().kind() != ErrorKind::kNotFound) return fail(known.error());
  if (known) {
    JsonReader reader(*known, "workspace");
    const std::string subscription = reader.string_or("subscriptionId");
    const std::string group = reader.string_or("resourceGroup");
    CHECK_OK(reader.finish(false));
    if (!subscription.empty()) files.subscription_id = subscription;
    if (!group.empty()) files.resource_group = group;
  } else {
    say_workspace_is_new(context, files.workspace, server->address().local);
  }
  if (!options.workspace.common.subscription.empty()) files.subscription_id = options.workspace.common.subscription;
  if (!options.workspace.common.resource_group.empty()) files.resource_group = options.workspace.common.resource_group;
  return files;
}

Result<int> attach_folder(Context& context, const AttachOptions& options) {
  TRY(const ProjectFiles files, binding_of(context, options));
  TRY(const std::vector<std::string> written, write_project_files(files));
  json::array list(written.begin(), written.end());
  CHECK_OK(context.print(json::object{{"Workspace name", files.workspace},
                                      {"Resource group", files.resource_group},
                                      {"Subscription id", files.subscription_id},
                                      {"Experiment name", options.experiment},
                                      {"Project path", std::filesystem::absolute(files.folder).lexically_normal().string()},
                                      {"Written", std::move(list)}},
                         {}));
  return kExitDone;
}

}  // namespace

void add_az_workspaces(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "workspace", "Workspaces");
  const auto add = [&](const VerbText& text, void (*declare)(CLI::App&, WorkspaceOptions&),
                       Result<int> (*call)(Context&, const WorkspaceOptions&)) {
    CLI::App* const verb = add_verb<WorkspaceOptions>(noun, context, text, declare, call, kAzVerb);
    verb->add_option("--path", context.project_folder, "The project folder (default: the current one)");
  };
  add({"list", "List the workspaces", "  az ml workspace list -o table"}, declare_workspace, list_workspaces);
  add({"show", "Show one", "  az ml workspace show -w vision"}, declare_workspace, show_workspace);
  add({"create", "Create one", "  az ml workspace create -w vision -g team --exist-ok"}, declare_create, create_workspace);
  add({"update", "Change its description or tags", "  az ml workspace update -w vision -d 'camera models'"}, declare_update,
      update_workspace);
  add({"delete", "Delete one with all that is in it", "  az ml workspace delete -w vision --all-resources"}, declare_delete,
      delete_workspace);
  add({"sync-keys", "Taken; there are no keys to fetch", "  az ml workspace sync-keys -w vision"}, declare_workspace, sync_keys);
  add_verb<ShareOptions>(noun, context,
                         {"share", "Give a user a role in it", "  az ml workspace share -w vision --user anna --role reader"},
                         declare_share, share_workspace, kAzVerb);
  CLI::App& folder = *add_noun(ml, "folder", "Project folders");
  add_verb<AttachOptions>(folder, context,
                          {"attach", "Bind the folder to a workspace, and write its configuration files",
                           "  az ml folder attach -w vision -g team -e digits"},
                          declare_attach, attach_folder, kAzVerb)
      ->add_option("--path", context.project_folder, "The project folder (default: the current one)");
}

}  // namespace werkbank::cli
