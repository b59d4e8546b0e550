// Tokens, members and secrets.
#include "access/tokens.hh"

#include <algorithm>

#include "api/login.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "api/v1_wire.hh"
#include "domain/names.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

json::object token_json(const store::TokenRecord& token) {
  return {{"id", token.id},
          {"user", token.user},
          {"workspace", token.workspace},
          {"role", to_string(token.role)},
          {"description", token.description},
          {"createdUtc", format_utc(token.created_ms)},
          {"expiresUtc", token.expires_ms == 0 ? json::value(nullptr) : json::value(format_utc(token.expires_ms))}};
}

// Of one workspace, or of the whole installation where `workspace` is empty.
Task<Result<net::Response>> tokens_response(Api& api, std::string workspace) {
  using Tokens = std::vector<store::TokenRecord>;
  CO_TRY(const Tokens tokens, read<Tokens>(api, [](store::Reader& reader) { return reader.tokens(); }));
  json::array items;
  for (const store::TokenRecord& token : tokens) {
    if (workspace.empty() || token.workspace == workspace) items.push_back(token_json(token));
  }
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

Task<Result<net::Response>> list_tokens(Api& api, Call&) { co_return co_await tokens_response(api, ""); }

Task<Result<net::Response>> list_workspace_tokens(Api& api, Call& call) {
  std::string workspace = call.workspace();
  co_return co_await tokens_response(api, std::move(workspace));
}

Result<store::TokenRecord> token_from_json(const json::value& body, const access::Identity& caller, UtcMs now,
                                           const std::string& workspace) {
  JsonReader reader(body, "request");
  store::TokenRecord token;
  token.user = reader.string_or("user", caller.user);
  token.workspace = reader.string_or("workspace", workspace.empty() ? "*" : workspace);
  token.description = reader.string_or("description");
  const std::string role_text = reader.string_or("role", "contributor");
  const int64_t expires_in_s = reader.int_or("expiresInSeconds", 0, 0, 10LL * 366 * 24 * 3600);
  const std::optional<Role> role = parse_role(role_text);
  if (!role) reader.refuse("role", fmt::format("{:?} is not owner, contributor or reader", role_text));
  if (!workspace.empty() && token.workspace != workspace) reader.refuse("workspace", "is not the one of the route");
  CHECK_OK(reader.finish());
  CHECK_OK(check_stored_name("the user", token.user));
  token.id = random_hex(8);
  token.role = *role;
  token.created_ms = now;
  if (expires_in_s > 0) token.expires_ms = now + expires_in_s * 1000;
  return token;
}

Task<Result<net::Response>> make_token(Api& api, Call& call, std::string workspace) {
  CO_TRY(const json::value body, co_await json_body(call));
  CO_TRY(store::TokenRecord token, token_from_json(body, call.identity, api.services.clock.utc_now_ms(), workspace));
  const Secret text = access::new_token();
  token.hash = access::hash_token(text.reveal());
  std::function<Status(store::Transaction&)> apply = [token](store::Transaction& transaction) -> Status {
    CHECK_OK(enrol(transaction, token));
    return transaction.put_token(token);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  json::object document = token_json(token);
  document["token"] = text.reveal();  // its only appearance
  net::Response response = json_response(std::move(document), 201);
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

Task<Result<net::Response>> create_token(Api& api, Call& call) { co_return co_await make_token(api, call, ""); }

Task<Result<net::Response>> create_workspace_token(Api& api, Call& call) {
  std::string workspace = call.workspace();
  co_return co_await make_token(api, call, std::move(workspace));
}

// `workspace` empty: any of the installation's.
Task<Result<net::Response>> remove_token(Api& api, std::string id, std::string workspace) {
  std::function<Status(store::Transaction&)> apply = [id, workspace](store::Transaction& transaction) -> Status {
    TRY(const auto tokens, transaction.tokens());
    for (const store::TokenRecord& token : tokens) {
      if (token.id == id && (workspace.empty() || token.workspace == workspace)) return transaction.delete_token(id);
    }
    return fail(errors::not_found, fmt::format("there is no token {:?}", id),
                "The id is not the token's text; werkbank token list shows it.");
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return no_content();
}

Task<Result<net::Response>> delete_token(Api& api, Call& call) {
  std::string id = call.arguments[0];
  co_return co_await remove_token(api, std::move(id), "");
}

Task<Result<net::Response>> delete_workspace_token(Api& api, Call& call) {
  std::string workspace = call.workspace();
  std::string id = call.arguments[1];
  co_return co_await remove_token(api, std::move(id), std::move(workspace));
}

json::object member_json(const store::MemberRecord& member) {
  return {{"user", member.user}, {"workspace", member.workspace}, {"role", to_string(member.role)}};
}

Task<Result<net::Response>> list_members(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  using Members = std::vector<store::MemberRecord>;
  CO_TRY(const Members members, read<Members>(api, [&](store::Reader& reader) -> Result<Members> {
           TRY(const Workspace known, find_workspace(reader, workspace));
           return reader.members(known.name);
         }));
  json::array items;
  for (const store::MemberRecord& member : members) items.push_back(member_json(member));
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

// A workspace that has an owner keeps one.
Status keep_an_owner(store::Transaction& transaction, const store::MemberRecord& leaving) {
  if (leaving.role != Role::kOwner) return {};
  TRY(const auto members, transaction.members(leaving.workspace));
  const auto is_other_owner = [&leaving](const store::MemberRecord& member) {
    return member.role == Role::kOwner && member.user != leaving.user;
  };
  if (std::ranges::any_of(members, is_other_owner)) return {};
  return fail(errors::denied, fmt::format("{:?} is the last owner of workspace {:?}", leaving.user, leaving.workspace),
              "Make somebody else an owner first: werkbank workspace member add USER --role owner");
}

Task<Result<net::Response>> put_member(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string role_text = reader.required_string("role");
  const std::optional<Role> role = parse_role(role_text);
  if (!role) reader.refuse("role", fmt::format("{:?} is not owner, contributor or reader", role_text));
  CO_CHECK_OK(reader.finish());
  const store::MemberRecord member{call.workspace(), call.arguments[1], *role};
  CO_CHECK_OK(check_stored_name("the user", member.user));
  std::function<Status(store::Transaction&)> apply = [member](store::Transaction& transaction) -> Status {
    TRY([[maybe_unused]] const Workspace known, find_workspace(transaction, member.workspace));
    TRY(const auto before, transaction.member(member.workspace, member.user));
    if (before && member.role < before->role) CHECK_OK(keep_an_owner(transaction, *before));
    return transaction.put_member(member);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return json_response(member_json(member));
}

Task<Result<net::Response>> get_member(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string user = call.arguments[1];
  using Found = std::optional<store::MemberRecord>;
  CO_TRY(const Found member, read<Found>(api, [&](store::Reader& reader) { return reader.member(workspace, user); }));
  if (!member) co_return fail(errors::not_found, fmt::format("{:?} is not a member of workspace {:?}", user, workspace));
  co_return json_response(member_json(*member));
}

Task<Result<net::Response>> delete_member(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string user = call.arguments[1];
  std::function<Status(store::Transaction&)> apply = [workspace, user](store::Transaction& transaction) -> Status {
    TRY(const auto member, transaction.member(workspace, user));
    if (!member) return fail(errors::not_found, fmt::format("{:?} is not a member of workspace {:?}", user, workspace));
    CHECK_OK(keep_an_owner(transaction, *member));
    // Who comes back later gets a new token.
    TRY(const auto tokens, transaction.tokens());
    for (const store::TokenRecord& token : tokens) {
      if (token.workspace == workspace && token.user == user) CHECK_OK(transaction.delete_token(token.id));
    }
    return transaction.delete_member(workspace, user);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return no_content();
}

json::object secret_json(const store::SecretRecord& secret) {
  return {{"name", secret.name}, {"createdUtc", format_utc(secret.created_ms)}};
}

Task<Result<net::Response>> list_secrets(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  using Secrets = std::vector<store::SecretRecord>;
  CO_TRY(const Secrets secrets, read<Secrets>(api, [&](store::Reader& reader) { return reader.secrets(workspace); }));
  json::array items;
  for (const store::SecretRecord& secret : secrets) items.push_back(secret_json(secret));
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<store::SecretRecord> find_secret(store::Reader& reader, const std::string& workspace, const std::string& name) {
  TRY(auto secret, reader.secret(workspace, name));
  if (!secret) return fail(errors::not_found, fmt::format("there is no secret {:?} in workspace {:?}", name, workspace));
  return std::move(*secret);
}

Task<Result<net::Response>> put_secret(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call, 256 * 1024));
  JsonReader reader(body, "request");
  const Secret value(reader.required_string("value"));
  if (value.reveal().find('\0') != std::string::npos) reader.refuse("value", "holds a NUL character");
  CO_CHECK_OK(reader.finish());
  store::SecretRecord secret;
  secret.workspace = call.workspace();
  secret.name = call.arguments[1];
  CO_CHECK_OK(check_stored_name("the secret's name", secret.name));
  secret.sealed = api.vault.seal(value);
  secret.created_ms = api.services.clock.utc_now_ms();
  std::function<Status(store::Transaction&)> apply = [secret](store::Transaction& transaction) -> Status {
    TRY([[maybe_unused]] const Workspace known, find_workspace(transaction, secret.workspace));
    return transaction.put_secret(secret);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return json_response(secret_json(secret));
}

Task<Result<net::Response>> get_secret(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  CO_TRY(const store::SecretRecord secret,
         read<store::SecretRecord>(api, [&](store::Reader& reader) { return find_secret(reader, workspace, name); }));
  co_return json_response(secret_json(secret));
}

Task<Result<net::Response>> reveal_secret(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  CO_TRY(const store::SecretRecord secret,
         read<store::SecretRecord>(api, [&](store::Reader& reader) { return find_secret(reader, workspace, name); }));
  CO_TRY(const Secret value, api.vault.unseal(secret.sealed));
  net::Response response = json_response(json::object{{"name", name}, {"value", value.reveal()}});
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

Task<Result<net::Response>> delete_secret(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  std::function<Status(store::Transaction&)> apply = [workspace, name](store::Transaction& transaction) -> Status {
    TRY([[maybe_unused]] const store::SecretRecord secret, find_secret(transaction, workspace, name));
    return transaction.delete_secret(workspace, name);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return no_content();
}

#define W "/api/v1/workspaces/{workspace}"
constexpr Route kRoutes[] = {
    route<Permission::kOwn>(Method::kGet, "/api/v1/tokens", list_tokens,
                            {"List login tokens (without their text)", "", "", "Token[]"}),
    route<Permission::kOwn>(Method::kPost, "/api/v1/tokens", create_token,
                            {"Create a login token; its text is answered this once", "", "NewToken", "CreatedToken", 201}),
    route<Permission::kOwn>(Method::kDelete, "/api/v1/tokens/{id}", delete_token, {"Revoke a login token", "", "", "", 204}),
    route<Permission::kOwn>(Method::kGet, W "/tokens", list_workspace_tokens,
                            {"List a workspace's login tokens (without their text)", "", "", "Token[]"}),
    route<Permission::kOwn>(
        Method::kPost, W "/tokens", create_workspace_token,
        {"Create a login token for a workspace; its user becomes a member", "", "NewToken", "CreatedToken", 201}),
    route<Permission::kOwn>(Method::kDelete, W "/tokens/{id}", delete_workspace_token,
                            {"Revoke a login token of a workspace", "", "", "", 204}),
    route<Permission::kOwn>(Method::kGet, W "/members", list_members, {"List members and their roles", "", "", "Member[]"}),
    route<Permission::kOwn>(Method::kGet, W "/members/{user}", get_member, {"Get a member", "", "", "Member"}),
    route<Permission::kOwn>(Method::kPut, W "/members/{user}", put_member, {"Give a user a role", "", "RoleChange", "Member"}),
    route<Permission::kOwn>(Method::kDelete, W "/members/{user}", delete_member, {"Remove a member", "", "", "", 204}),
    route<Permission::kWrite>(Method::kGet, W "/secrets", list_secrets, {"List secrets by name", "", "", "SecretName[]"}),
    route<Permission::kWrite>(Method::kGet, W "/secrets/{name}", get_secret,
                              {"Get a secret's record, without its value", "", "", "SecretName"}),
    route<Permission::kWrite>(Method::kPut, W "/secrets/{name}", put_secret, {"Set a secret", "", "NewSecret", "SecretName"}),
    route<Permission::kJob>(Method::kGet, "/credential/v2.0" V1_WORKSPACE "/secrets/{name}", reveal_secret,
                            {"v1: a secret", "", "", "application/json"}),
    route<Permission::kJob>(Method::kGet, W "/secrets/{name}/value", reveal_secret,
                            {"Get a secret's value", "", "", "SecretValue"}),
    route<Permission::kWrite>(Method::kDelete, W "/secrets/{name}", delete_secret, {"Delete a secret", "", "", "", 204}),
};
#undef W

}  // namespace

Status enrol(store::Transaction& transaction, const store::TokenRecord& token) {
  if (token.workspace == "*") return {};
  TRY([[maybe_unused]] const Workspace known, find_workspace(transaction, token.workspace));
  TRY(const auto member, transaction.member(token.workspace, token.user));
  if (!member) return transaction.put_member({token.workspace, token.user, token.role});
  if (member->role >= token.role) return {};
  return fail(errors::denied,
              fmt::format("{:?} is {} in workspace {:?}; a token for {} would be more than that", token.user,
                          to_string(member->role), token.workspace, to_string(token.role)),
              fmt::format("Give the role first: werkbank workspace member add {} --role {}", token.user, to_string(token.role)));
}

std::span<const Route> access_routes() { return kRoutes; }

}  // namespace werkbank::api
