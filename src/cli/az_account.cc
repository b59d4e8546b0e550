// az login, az account: there is no cloud account; what is answered is this server's login.
#include <fmt/format.h>

#include "cli/az.hh"

namespace werkbank::cli {
namespace {

struct AccountOptions {
  AzCommon common;
  std::string subscription;
};

Result<json::object> account_document(Context& context) {
  TRY(client::Session* const server, context.session());
  TRY(const json::value me, server->get("/api/v1/whoami"));
  JsonReader reader(me, "whoami");
  const std::string user = reader.required_string("user");
  CHECK_OK(reader.finish(false));
  return json::object{{"environmentName", "Werkbank"},
                      {"id", "local"},
                      {"isDefault", true},
                      {"name", server->address().url},
                      {"state", "Enabled"},
                      {"tenantId", "local"},
                      {"user", json::object{{"name", user}, {"type", "user"}}}};
}

std::vector<Column> columns() {
  return {text_column("Name", "name"), text_column("Id", "id"), text_column("State", "state"),
          text_column("IsDefault", "isDefault"), text_column("User", "user.name")};
}

Result<int> list_accounts(Context& context, const AccountOptions&) {
  TRY(json::object account, account_document(context));
  json::array accounts;
  accounts.push_back(std::move(account));
  CHECK_OK(context.print(json::value(std::move(accounts)), columns()));
  return kExitDone;
}

Result<int> login(Context& context, const AccountOptions& options) {
  context.terminal().say(
      "No login is needed here: this user's own server knows its user. Another server is named by WERKBANK_URL and "
      "WERKBANK_TOKEN.");
  return list_accounts(context, options);
}

Result<int> show_account(Context& context, const AccountOptions&) {
  TRY(json::object account, account_document(context));
  CHECK_OK(context.print(json::value(std::move(account)), columns()));
  return kExitDone;
}

Result<int> set_account(Context& context, const AccountOptions& options) {
  context.terminal().say(
      fmt::format("Subscriptions are free text here; {:?} needs no selection and nothing was changed.", options.subscription));
  return kExitDone;
}

}  // namespace

void add_az_account(CLI::App& az, Context& context) {
  constexpr VerbOptions kBare{.workspace = false, .output = false};
  // Options of a cloud login (--tenant, --service-principal …) have nothing to say here; none is refused.
  const auto declare = +[](CLI::App& verb, AccountOptions& options) {
    verb.add_option("-s,--subscription", options.subscription, "Free text")->group("");
    verb.allow_extras();
  };
  const auto add = [&](CLI::App& noun, const std::string& name, const std::string& description,
                       Result<int> (*call)(Context&, const AccountOptions&)) {
    CLI::App* const verb = add_verb<AccountOptions>(noun, context, {name, description, ""}, declare, call, kBare);
    verb->add_option("-o,--output", context.output, "json, table, tsv, yaml or none");
    verb->add_option("--query", context.query, "JMESPath expression");
  };
  add(az, "login", "Says who you are; no cloud login is needed", login);
  CLI::App& account = *add_noun(az, "account", "The login of this user's server");
  add(account, "list", "The one account there is", list_accounts);
  add(account, "show", "The account", show_account);
  add(account, "set", "Taken; subscriptions are free text", set_account);
}

}  // namespace werkbank::cli
