// workspace list | show | create | delete | member list | member add | member remove
#include <fmt/format.h>

#include "cli/command.hh"

namespace werkbank::cli {
namespace {

constexpr std::string_view kWorkspaces = "/api/v1/workspaces";

std::vector<Column> columns() {
  return {text_column("Name", "name"), text_column("Location", "location"), text_column("ResourceGroup", "resourceGroup"),
          text_column("SubscriptionId", "subscriptionId"), time_column("Created", "createdUtc")};
}

Result<int> list_workspaces(Context& context, const NoOptions&) {
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, std::string(kWorkspaces), 10'000));
  CHECK_OK(context.print(json::value(std::move(items)), columns()));
  return kExitDone;
}

struct NameOptions {
  std::string name;
};

void declare_name(CLI::App& verb, NameOptions& options) {
  verb.add_option("NAME", options.name, "The workspace (default: the project's)");
}

Result<std::string> chosen_name(Context& context, const std::string& name) {
  return name.empty() ? context.workspace() : Result<std::string>(name);
}

Result<int> show_workspace(Context& context, const NameOptions& options) {
  TRY(const std::string name, chosen_name(context, options.name));
  TRY(client::Session* const server, context.session());
  TRY(const json::value workspace, server->get(fmt::format("{}/{}", kWorkspaces, net::encode_segment(name))));
  CHECK_OK(context.print(workspace, columns()));
  return kExitDone;
}

struct CreateOptions {
  std::string name, location, resource_group, subscription, description;
  bool exist_ok = false;
};

void declare_create(CLI::App& verb, CreateOptions& options) {
  verb.add_option("NAME", options.name, "3 to 33 letters, digits, - and _")->required();
  verb.add_option("-l,--location", options.location, "Free text");
  verb.add_option("-g,--resource-group", options.resource_group, "Free text");
  verb.add_option("--subscription-id", options.subscription, "Free text");
  verb.add_option("--description", options.description, "What it is for");
  verb.add_flag("--exist-ok", options.exist_ok, "One that is there is fine");
}

Result<int> create_workspace(Context& context, const CreateOptions& options) {
  TRY(client::Session* const server, context.session());
  const json::object body{{"name", options.name},
                          {"location", options.location},
                          {"resourceGroup", options.resource_group},
                          {"subscriptionId", options.subscription},
                          {"description", options.description},
                          {"existOk", options.exist_ok}};
  TRY(const json::value workspace, server->send_json(net::Method::kPost, std::string(kWorkspaces), body));
  CHECK_OK(context.print(workspace, columns()));
  return kExitDone;
}

struct DeleteOptions {
  std::string name;
  bool yes = false, dry_run = false;
};

void declare_delete(CLI::App& verb, DeleteOptions& options) {
  verb.add_option("NAME", options.name, "The workspace")->required();
  verb.add_flag("-y,--yes", options.yes, "With all its runs and files; without this nothing is deleted");
  verb.add_flag("--dry-run", options.dry_run, "Only tell how much would be deleted");
}

Result<int> tell_contents(Context& context, const DeleteOptions& options) {
  TRY(client::Session* const server, context.session());
  TRY(const json::value contents, server->get(fmt::format("{}/{}/contents", kWorkspaces, net::encode_segment(options.name))));
  CHECK_OK(context.print(contents, {text_column("Workspace", "workspace"), number_column("Experiments", "experiments"),
                                    number_column("Runs", "runs"), number_column("Active", "activeRuns"),
                                    number_column("Files", "blobs"), number_column("Bytes", "totalBytes")}));
  const auto bytes = contents.at("totalBytes").to_number<uint64_t>();
  context.terminal().say(fmt::format("Deleting it would free {}", human_bytes(bytes)));
  return kExitDone;
}

Result<int> delete_workspace(Context& context, const DeleteOptions& options) {
  if (options.dry_run) return tell_contents(context, options);
  if (!options.yes) {
    return fail(errors::usage, fmt::format("deleting workspace {:?} deletes all its experiments, runs and files", options.name),
                "Add --yes to do it.");
  }
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value gone,
      server->send_empty(net::Method::kDelete, fmt::format("{}/{}", kWorkspaces, net::encode_segment(options.name))));
  context.terminal().say(fmt::format("Deleted workspace {}", visible(options.name)));
  return kExitDone;
}

Result<int> list_members(Context& context, const NoOptions&) {
  TRY(const std::string target, context.route("/members"));
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, target, 100'000));
  CHECK_OK(context.print(json::value(std::move(items)), {text_column("User", "user"), text_column("Role", "role")}));
  return kExitDone;
}

struct MemberOptions {
  std::string user, role = "contributor";
};

void declare_user(CLI::App& verb, MemberOptions& options) {
  verb.add_option("USER", options.user, "The user's name")->required();
}

void declare_member(CLI::App& verb, MemberOptions& options) {
  declare_user(verb, options);
  verb.add_option("--role", options.role, "reader, contributor or owner")
      ->capture_default_str()
      ->check(CLI::IsMember({"reader", "contributor", "owner"}));
}

Result<int> add_member(Context& context, const MemberOptions& options) {
  TRY(const std::string target, context.route("/members/" + net::encode_segment(options.user)));
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value answer,
      server->send_json(net::Method::kPut, target, json::object{{"role", options.role}}));
  context.terminal().say(fmt::format("{} is {} now", visible(options.user), options.role));
  return kExitDone;
}

Result<int> remove_member(Context& context, const MemberOptions& options) {
  TRY(const std::string target, context.route("/members/" + net::encode_segment(options.user)));
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value answer, server->send_empty(net::Method::kDelete, target));
  context.terminal().say(
      fmt::format("{} is no member any more; what tokens there were for this workspace are revoked", visible(options.user)));
  return kExitDone;
}

}  // namespace

void add_workspace_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "workspace", "Workspaces and who may use them");
  constexpr VerbOptions kOfNone{.workspace = false};
  add_verb<NoOptions>(noun, context, {"list", "List the workspaces", "  werkbank workspace list"}, nullptr, list_workspaces,
                      kOfNone);
  add_verb<NameOptions>(noun, context, {"show", "Show one workspace", "  werkbank workspace show vision"}, declare_name,
                        show_workspace);
  add_verb<CreateOptions>(noun, context, {"create", "Create a workspace", "  werkbank workspace create vision --exist-ok"},
                          declare_create, create_workspace, kOfNone);
  add_verb<DeleteOptions>(noun, context,
                          {"delete", "Delete a workspace with all that is in it",
                           "  werkbank workspace delete vision --dry-run\n  werkbank workspace delete vision --yes"},
                          declare_delete, delete_workspace, kOfNone);
  CLI::App& member = *add_noun(noun, "member", "Users of a workspace and their roles");
  add_verb<NoOptions>(member, context, {"list", "List the members", "  werkbank workspace member list -w vision"}, nullptr,
                      list_members);
  add_verb<MemberOptions>(member, context, {"add", "Give a user a role", "  werkbank workspace member add anna --role reader"},
                          declare_member, add_member, {.output = false});
  add_verb<MemberOptions>(member, context, {"remove", "Take a user's role away", "  werkbank workspace member remove anna"},
                          declare_user, remove_member, {.output = false});
}

}  // namespace werkbank::cli
