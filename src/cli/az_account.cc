// az login, az logout, az account list | set | show | clear; werkbank login, logout.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/login.hh"
#include "cli/project_source.hh"

namespace werkbank::cli {
namespace {

constexpr std::string_view kNone = "local";  // the subscription of a workspace that names none

std::vector<Column> columns() {
  return {text_column("Name", "name"), text_column("CloudName", "cloudName"), text_column("SubscriptionId", "id"),
          text_column("State", "state"), text_column("IsDefault", "isDefault")};
}

// The subscriptions that workspaces of the server name, the project's and the chosen one; free text, so there is no other
// register.
Result<json::array> account_documents(Context& context) {
  TRY(client::Session* const server, context.session());
  TRY(const json::value me, server->get("/api/v1/whoami"));
  JsonReader reader(me, "whoami");
  const std::string user = reader.required_string("user");
  CHECK_OK(reader.finish(false));
  std::set<std::string> known{std::string(kNone)};
  const auto workspaces = client::fetch_list(*server, "/api/v1/workspaces", SIZE_MAX);
  if (!workspaces && workspaces.error().code != &errors::denied) return fail(workspaces.error());
  for (const json::value& workspace : workspaces ? *workspaces : json::array()) {
    const json::value* const id = workspace.is_object() ? workspace.as_object().if_contains("subscriptionId") : nullptr;
    if (id != nullptr && !plain_text(*id).empty()) known.insert(plain_text(*id));
  }
  TRY(const std::optional<ProjectWorkspace> bound, find_project_workspace(context.project_folder));
  if (bound) known.insert(bound->subscription_id);
  TRY(const std::string chosen, chosen_subscription(context));
  if (!chosen.empty()) known.insert(chosen);
  const std::string current = !chosen.empty() ? chosen : bound ? bound->subscription_id : std::string(kNone);
  json::array accounts;
  for (const std::string& subscription : known) {
    accounts.push_back(json::object{{"cloudName", "Werkbank"},
                                    {"id", subscription},
                                    {"isDefault", subscription == current},
                                    {"name", subscription},
                                    {"state", "Enabled"},
                                    {"tenantId", server->address().url},
                                    {"user", json::object{{"name", user}, {"type", "user"}}}});
  }
  return accounts;
}

struct AccountOptions {
  AzCommon common;
  std::string subscription;
};

Result<int> list_accounts(Context& context, const AccountOptions&) {
  TRY(json::array accounts, account_documents(context));
  CHECK_OK(context.print(json::value(std::move(accounts)), columns()));
  return kExitDone;
}

Result<int> show_account(Context& context, const AccountOptions&) {
  TRY(const json::array accounts, account_documents(context));
  const auto current =
      std::ranges::find_if(accounts, [](const json::value& account) { return account.at("isDefault").as_bool(); });
  if (current == accounts.end()) return fail(errors::not_found, "no subscription is chosen", "Choose one: az account set -s ID");
  CHECK_OK(context.print(*current, columns()));
  return kExitDone;
}

Result<int> set_account(Context& context, const AccountOptions& options) {
  TRY(const json::array accounts, account_documents(context));
  const bool known = std::ranges::any_of(
      accounts, [&](const json::value& account) { return account.at("id").as_string() == options.subscription; });
  CHECK_OK(choose_subscription(context, options.subscription));
  if (!known) {
    context.terminal().warn(
        fmt::format("no workspace names the subscription {:?} yet; `az account list` shows those that are used",
                    visible(options.subscription)));
  }
  return kExitDone;
}

Result<int> clear_accounts(Context& context, const AccountOptions&) {
  CHECK_OK(choose_subscription(context, {}));
  TRY([[maybe_unused]] const bool was_there, log_out(context));
  return kExitDone;
}

struct LoginOptions {
  std::string user, password, tenant;
  bool service_principal = false, device_code = false, identity = false;
};

void declare_login(CLI::App& verb, LoginOptions& options) {
  verb.add_flag("--use-device-code", options.device_code, "A code is always asked for");
  verb.add_flag("--service-principal", options.service_principal, "With -p: sign in with a token, nobody is asked");
  verb.add_option("-u,--username", options.user, "Taken; a token knows its user");
  verb.add_option("-p,--password", options.password, "A token of `werkbank token create`; others on this machine may see it");
  verb.add_option("--tenant", options.tenant, "Taken, without effect");
  verb.add_flag("--identity,-i", options.identity)->group("");
  verb.add_flag("--allow-no-subscriptions")->group("");
}

Result<int> login_az(Context& context, const LoginOptions& options) {
  LoginRequest request;
  request.token = Secret(options.password);
  TRY([[maybe_unused]] const std::string user, log_in(context, request));
  context.forget_session();  // the next request is made with the new token
  return list_accounts(context, {});
}

Result<int> login_own(Context& context, const NoOptions&) {
  TRY(const std::string user, log_in(context, {}));
  context.terminal().say(fmt::format("Logged in as {}", visible(user)));
  return kExitDone;
}

template <typename Options>
Result<int> logout(Context& context, const Options&) {
  TRY(const bool was_there, log_out(context));
  context.terminal().say(was_there ? "The token was forgotten; `werkbank token delete` makes it worthless"
                                   : "There was no login of this server to forget");
  return kExitDone;
}

struct ApproveOptions {
  std::string code, user, workspace, role = "contributor";
  std::optional<int64_t> expires_s;
};

void declare_approve(CLI::App& verb, ApproveOptions& options) {
  verb.add_option("CODE", options.code, "What the waiting command line shows")->required();
  verb.add_option("--user", options.user, "Who is signed in (default: yourself)");
  verb.add_option("--role", options.role, "With --user: reader, contributor or owner")->capture_default_str();
  verb.add_option("--expires-in", options.expires_s, "With --user: seconds the token is valid (default: 30 days)");
}

Result<int> approve_login(Context& context, const ApproveOptions& options) {
  TRY(client::Session* const server, context.session());
  json::object body{{"userCode", options.code}};
  if (!options.user.empty()) {
    body["user"] = options.user;
    body["role"] = options.role;
    body["workspace"] = context.workspace_flag.empty() ? "*" : context.workspace_flag;
    if (options.expires_s) body["expiresInSeconds"] = *options.expires_s;
  }
  const std::string target = options.user.empty() ? "/api/v1/login/device/approve" : "/api/v1/login/device/grant";
  TRY(const json::value granted, server->send_json(net::Method::kPost, target, body));
  JsonReader reader(granted, "login");
  context.terminal().say(fmt::format("The command line that showed {} is signed in as {} ({})", visible(options.code),
                                     visible(reader.string_or("user")), reader.string_or("role")));
  CHECK_OK(reader.finish(false));
  return kExitDone;
}

}  // namespace

void add_az_account(CLI::App& az, Context& context) {
  add_verb<LoginOptions>(az, context,
                         {"login", "Sign in at the server: prints an address and a code",
                          "  az login\n  az login --service-principal -u ci -p TOKEN --tenant any"},
                         declare_login, login_az, kAzVerb);
  add_verb<NoOptions>(az, context, {"logout", "Forget the token of this server", "  az logout"}, nullptr, logout<NoOptions>,
                      kAzVerb)
      ->add_option("--username")
      ->group("");
  CLI::App& account = *add_noun(az, "account", "Subscriptions: names that workspaces are grouped by");
  add_verb<AccountOptions>(
      account, context, {"list", "List them", "  az account list -o table"},
      +[](CLI::App& verb, AccountOptions&) {
        for (const char* const name : {"--all", "--refresh"}) verb.add_flag(name)->group("");
      },
      list_accounts, kAzVerb);
  add_verb<AccountOptions>(account, context, {"show", "Show the chosen one", "  az account show"}, nullptr, show_account,
                           kAzVerb);
  add_verb<AccountOptions>(
      account, context, {"set", "Choose one", "  az account set -s research"},
      +[](CLI::App& verb, AccountOptions& options) {
        verb.add_option("-s,-n,--subscription,--name", options.subscription, "Its id or name")->required();
      },
      set_account, kAzVerb);
  add_verb<AccountOptions>(account, context, {"clear", "Forget the choice and the login", "  az account clear"}, nullptr,
                           clear_accounts, kAzVerb);
}

void add_login_commands(CLI::App& app, Context& context) {
  constexpr VerbOptions kPlain{.workspace = false, .output = false};
  add_verb<NoOptions>(
      app, context,
      {"login", "Sign in at the server that WERKBANK_URL names", "  WERKBANK_URL=https://werkbank.example:7331 werkbank login"},
      nullptr, login_own, kPlain);
  add_verb<ApproveOptions>(
      *app.get_subcommand("token"), context,
      {"approve", "Enter the code of a waiting `az login`",
       "  werkbank token approve BCDF-GHJK\n  werkbank token approve BCDF-GHJK --user anna --role reader -w vision"},
      declare_approve, approve_login, {.output = false});
  add_verb<NoOptions>(app, context, {"logout", "Forget the token of that server", "  werkbank logout"}, nullptr,
                      logout<NoOptions>, kPlain);
}

}  // namespace werkbank::cli
