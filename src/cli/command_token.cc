// token create | list | delete
#include <fmt/format.h>

#include "cli/command.hh"

namespace werkbank::cli {
namespace {

constexpr std::string_view kTokens = "/api/v1/tokens";

struct CreateOptions {
  std::string user, role = "contributor", description;
  std::optional<int64_t> expires_s;
  bool everywhere = false;
};

void declare_create(CLI::App& verb, CreateOptions& options) {
  verb.add_option("--user", options.user, "Whose token (default: the caller)");
  verb.add_option("--role", options.role, "reader, contributor or owner")->capture_default_str();
  verb.add_flag("--all-workspaces", options.everywhere, "Valid in every workspace");
  verb.add_option("--expires-in", options.expires_s, "Seconds it is valid (default: for ever)");
  verb.add_option("--description", options.description, "What it is for");
}

Result<int> create_token(Context& context, const CreateOptions& options) {
  json::object body{{"role", options.role}, {"description", options.description}};
  if (options.everywhere && !context.workspace_flag.empty()) return fail(errors::usage, "either --workspace or --all-workspaces");
  if (options.everywhere) {
    body["workspace"] = "*";
  } else {
    TRY(const std::string workspace, context.workspace());
    body["workspace"] = workspace;
  }
  TRY(client::Session* const server, context.session());
  std::string user = options.user;
  if (user.empty()) {
    TRY(const json::value me, server->get("/api/v1/whoami"));
    JsonReader reader(me, "whoami");
    user = reader.required_string("user");
    CHECK_OK(reader.finish(false));
  }
  body["user"] = user;
  if (options.expires_s) body["expiresInSeconds"] = *options.expires_s;
  TRY(const json::value token, server->send_json(net::Method::kPost, std::string(kTokens), body));
  if (context.query.empty() && context.format(context.default_format) == OutputFormat::kTable) {
    JsonReader reader(token, "token");
    context.terminal().out(reader.required_string("token") + "\n");
    CHECK_OK(reader.finish(false));
    context.terminal().say("This is its only appearance. Use it with: export WERKBANK_TOKEN=...");
    return kExitDone;
  }
  CHECK_OK(context.print(token, {}));
  return kExitDone;
}

Result<int> list_tokens(Context& context, const NoOptions&) {
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, std::string(kTokens), 100'000));
  CHECK_OK(context.print(
      json::value(std::move(items)),
      {text_column("Id", "id"), text_column("User", "user"), text_column("Workspace", "workspace"), text_column("Role", "role"),
       time_column("Created", "createdUtc"), time_column("Expires", "expiresUtc"), text_column("Description", "description")}));
  return kExitDone;
}

struct IdOptions {
  std::string id;
};

void declare_id(CLI::App& verb, IdOptions& options) {
  verb.add_option("ID", options.id, "The token's id (not the token)")->required();
}

Result<int> delete_token(Context& context, const IdOptions& options) {
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value gone,
      server->send_empty(net::Method::kDelete, fmt::format("{}/{}", kTokens, net::encode_segment(options.id))));
  context.terminal().say(fmt::format("Deleted token {}", visible(options.id)));
  return kExitDone;
}

}  // namespace

void add_token_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "token", "Logins for use over TCP");
  add_verb<CreateOptions>(noun, context,
                          {"create", "Make a token and print it once",
                           "  werkbank token create --user anna --role reader\n"
                           "  WERKBANK_TOKEN=$(werkbank token create --all-workspaces --role owner)"},
                          declare_create, create_token);
  add_verb<NoOptions>(noun, context, {"list", "List the tokens, without their text", "  werkbank token list"}, nullptr,
                      list_tokens, {.workspace = false});
  add_verb<IdOptions>(noun, context, {"delete", "Make a token invalid", "  werkbank token delete ID"}, declare_id, delete_token,
                      {.workspace = false, .output = false});
}

}  // namespace werkbank::cli
