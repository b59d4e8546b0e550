// token create | list | revoke (delete)
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "cli/command.hh"

namespace werkbank::cli {
namespace {

constexpr std::string_view kTokens = "/api/v1/tokens";

struct CreateOptions {
  std::string user, role = "contributor", description, expires_in;
  bool everywhere = false;
};

void declare_create(CLI::App& verb, CreateOptions& options) {
  verb.add_option("--user", options.user, "Whose token (default: the caller)");
  verb.add_option("--role", options.role, "reader, contributor or owner")
      ->capture_default_str()
      ->check(CLI::IsMember({"reader", "contributor", "owner"}));
  verb.add_flag("--all-workspaces", options.everywhere, "Valid in every workspace");
  verb.add_option("--expires-in", options.expires_in, "How long it is valid: 90m, 12h, 30d, 8w (default: for ever)");
  verb.add_option("--name,--description", options.description, "What it is for");
}

// "90", "90s", "15m", "12h", "30d", "8w".
Result<int64_t> seconds_of(const std::string& text) {
  constexpr std::array<std::pair<char, int64_t>, 5> kUnits{{{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}, {'w', 604'800}}};
  std::string_view digits = text;
  int64_t factor = 0;  // a bare number is no length: who writes 90 means days as often as seconds
  for (const auto& [letter, seconds] : kUnits) {
    if (!digits.ends_with(letter)) continue;
    digits.remove_suffix(1);
    factor = seconds;
    break;
  }
  int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  if (whole && factor > 0 && count > 0 && count <= 10LL * 366 * 86'400 / factor) return count * factor;
  return fail(errors::usage, fmt::format("--expires-in {:?} is no length of time", text),
              "Write a number with s, m, h, d or w, at most ten years: --expires-in 30d");
}

// Where the caller's tokens are managed: the installation's owner has all of them, an owner of a workspace that one's.
Result<std::string> tokens_route(Context& context) {
  TRY(client::Session* const server, context.session());
  TRY(const json::value me, server->get("/api/v1/whoami"));
  JsonReader reader(me, "whoami");
  const std::string workspace = reader.string_or("workspace", "*");
  CHECK_OK(reader.finish(false));
  if (workspace == "*") return std::string(kTokens);
  return fmt::format("/api/v1/workspaces/{}/tokens", net::encode_segment(workspace));
}

Result<int> create_token(Context& context, const CreateOptions& options) {
  json::object body{{"role", options.role}, {"description", options.description}};
  if (options.everywhere && !context.workspace_flag.empty()) return fail(errors::usage, "either --workspace or --all-workspaces");
  std::string route(kTokens);
  if (options.everywhere) {
    body["workspace"] = "*";
  } else {
    TRY(route, context.route("/tokens"));
  }
  if (!options.expires_in.empty()) {
    TRY(const int64_t seconds, seconds_of(options.expires_in));
    body["expiresInSeconds"] = seconds;
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
  TRY(const json::value token, server->send_json(net::Method::kPost, route, body));
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
  TRY(const std::string route, tokens_route(context));
  TRY(json::array items, client::fetch_list(*server, route, 100'000));
  CHECK_OK(context.print(
      json::value(std::move(items)),
      {text_column("Id", "id"), text_column("User", "user"), text_column("Workspace", "workspace"), text_column("Role", "role"),
       time_column("Created", "createdUtc"), time_column("Expires", "expiresUtc"), text_column("Name", "description")}));
  return kExitDone;
}

struct IdOptions {
  std::string id;
};

void declare_id(CLI::App& verb, IdOptions& options) {
  verb.add_option("ID", options.id, "The token's id (not the token)")->required();
}

Result<int> revoke_token(Context& context, const IdOptions& options) {
  TRY(client::Session* const server, context.session());
  TRY(const std::string route, tokens_route(context));
  TRY([[maybe_unused]] const json::value gone,
      server->send_empty(net::Method::kDelete, fmt::format("{}/{}", route, net::encode_segment(options.id))));
  context.terminal().say(fmt::format("Revoked token {}", visible(options.id)));
  return kExitDone;
}

}  // namespace

void add_token_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "token", "Logins for use over TCP");
  add_verb<CreateOptions>(noun, context,
                          {"create", "Make a token and print it once",
                           "  werkbank token create --user anna --role reader --name laptop --expires-in 90d\n"
                           "  WERKBANK_TOKEN=$(werkbank token create --all-workspaces --role owner)"},
                          declare_create, create_token);
  add_verb<NoOptions>(noun, context, {"list", "List the tokens, without their text", "  werkbank token list"}, nullptr,
                      list_tokens, {.workspace = false});
  add_verb<IdOptions>(noun, context, {"revoke", "Make a token invalid", "  werkbank token revoke ID"}, declare_id, revoke_token,
                      {.workspace = false, .output = false})
      ->alias("delete");
}

}  // namespace werkbank::cli
