// az group delete: every workspace of a resource group, which here is a word that workspaces carry
#include <fmt/format.h>

#include "cli/az.hh"
#include "cli/command.hh"

namespace werkbank::cli {
namespace {

constexpr VerbOptions kBare{.workspace = false, .output = false};

struct GroupOptions {
  std::string name;
  bool yes = false, no_wait = false;
};

void declare_delete(CLI::App& verb, GroupOptions& options) {
  verb.add_option("-n,--name,-g,--resource-group", options.name, "The resource group")->required();
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
  add_verb<GroupOptions>(noun, context, {"delete", "Delete all workspaces of a group", "  az group delete -n team --yes"},
                         declare_delete, delete_group, kBare);
}

}  // namespace werkbank::cli
