// az group: every workspace may carry the name of a resource group, and that is all a group is here
#include <fmt/format.h>

#include <set>

#include "cli/az.hh"
#include "cli/command.hh"

namespace werkbank::cli {
namespace {

constexpr VerbOptions kBare{.workspace = false, .output = false};

struct GroupOptions {
  std::string name, location;
  std::vector<std::string> tags;
  bool yes = false, no_wait = false;
};

void declare_name(CLI::App& verb, GroupOptions& options) {
  verb.add_option("-n,--name,-g,--resource-group", options.name, "The resource group")->required();
}

void declare_create(CLI::App& verb, GroupOptions& options) {
  declare_name(verb, options);
  verb.add_option("-l,--location", options.location, "Taken, without effect");
  verb.add_option("--tags", options.tags, "Taken, without effect");
}

void declare_delete(CLI::App& verb, GroupOptions& options) {
  declare_name(verb, options);
  verb.add_flag("-y,--yes", options.yes, "Do it; without this nothing is deleted");
  verb.add_flag("--no-wait", options.no_wait, "Taken: it is done when the command ends")->group("");
}

Result<std::vector<std::string>> workspaces_of(client::Session& server, const std::string& group) {
  TRY(const json::array items, client::fetch_list(server, "/api/v1/workspaces", 100'000));
  std::vector<std::string> names;
  for (const json::value& item : items) {
    const json::object& workspace = item.as_object();
    const json::value* const of = workspace.if_contains("resourceGroup");
    if (of != nullptr && of->is_string() && std::string_view(of->get_string()) == group)
      names.emplace_back(workspace.at("name").as_string());
  }
  return names;
}

json::object group_document(const std::string& name) {
  return {{"id", "/resourceGroups/" + name},
          {"location", "local"},
          {"name", name},
          {"properties", json::object{{"provisioningState", "Succeeded"}}}};
}

std::vector<Column> columns() { return {text_column("Name", "name"), text_column("Location", "location")}; }

Result<std::set<std::string>> group_names(Context& context) {
  TRY(client::Session* const server, context.session());
  TRY(const json::array items, client::fetch_list(*server, "/api/v1/workspaces", 100'000));
  std::set<std::string> names;
  for (const json::value& item : items) {
    const json::value* const of = item.is_object() ? item.as_object().if_contains("resourceGroup") : nullptr;
    if (of != nullptr && of->is_string() && !of->get_string().empty()) names.emplace(of->get_string());
  }
  return names;
}

Result<int> list_groups(Context& context, const NoOptions&) {
  TRY(const std::set<std::string> names, group_names(context));
  json::array groups;
  for (const std::string& name : names) groups.push_back(group_document(name));
  CHECK_OK(context.print(json::value(std::move(groups)), columns()));
  return kExitDone;
}

Result<int> show_group(Context& context, const GroupOptions& options) {
  TRY(const std::set<std::string> names, group_names(context));
  if (!names.contains(options.name)) {
    const auto nearest = nearest_word(options.name, std::vector<std::string>(names.begin(), names.end()));
    return fail(errors::not_found,
                fmt::format("no workspace is in the resource group {:?}{}", options.name,
                            nearest ? fmt::format("; did you mean {:?}?", *nearest) : ""),
                "az group list shows those that workspaces are in.");
  }
  CHECK_OK(context.print(group_document(options.name), columns()));
  return kExitDone;
}

Result<int> tell_whether_group_exists(Context& context, const GroupOptions& options) {
  TRY(const std::set<std::string> names, group_names(context));
  CHECK_OK(context.print(json::value(names.contains(options.name)), {}));
  return kExitDone;
}

// Scripts that begin with it go on; what they want to know of the answer is there.
Result<int> create_group(Context& context, const GroupOptions& options) {
  context.terminal().say(
      fmt::format("Nothing was created: a resource group is a word here that workspaces carry. `az ml workspace create -w NAME "
                  "-g {}` puts one in it.",
                  visible(options.name)));
  CHECK_OK(context.print(group_document(options.name), columns()));
  return kExitDone;
}

Result<int> delete_group(Context& context, const GroupOptions& options) {
  TRY(client::Session* const server, context.session());
  TRY(const std::vector<std::string> names, workspaces_of(*server, options.name));
  if (names.empty()) {
    return fail(errors::not_found, fmt::format("no workspace is in the resource group {:?}", options.name),
                "az ml workspace list shows the groups.");
  }
  if (!options.yes) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return fail(errors::usage, fmt::format("this deletes {} workspace(s) with all that is in them: {}", names.size(), list),
                "Add --yes to do it; `werkbank workspace delete NAME --dry-run` tells how much that is.");
  }
  for (const std::string& name : names) {
    TRY([[maybe_unused]] const json::value gone,
        server->send_empty(net::Method::kDelete, "/api/v1/workspaces/" + net::encode_segment(name)));
    context.terminal().say(fmt::format("Deleted workspace {}", visible(name)));
  }
  return kExitDone;
}

}  // namespace

void add_az_groups(CLI::App& az, Context& context) {
  CLI::App& noun = *add_noun(az, "group", "Resource groups");
  add_verb<NoOptions>(noun, context, {"list", "List those that workspaces are in", "  az group list -o table"}, nullptr,
                      list_groups, kBare);
  add_verb<GroupOptions>(noun, context, {"show", "Show one", "  az group show -n team"}, declare_name, show_group, kBare);
  add_verb<GroupOptions>(noun, context, {"exists", "Is a workspace in it?", "  az group exists -n team"}, declare_name,
                         tell_whether_group_exists, kBare);
  add_verb<GroupOptions>(
      noun, context,
      {"create", "Taken: a group is there as soon as a workspace names it", "  az group create -n team -l westeurope"},
      declare_create, create_group, kBare);
  add_verb<GroupOptions>(noun, context, {"delete", "Delete all workspaces of a group", "  az group delete -n team --yes"},
                         declare_delete, delete_group, kBare);
}

}  // namespace werkbank::cli
