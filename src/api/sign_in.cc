// Signing in with a code: `az login` begins and waits, somebody who is logged in enters the code, here or on the page /login.
#include <algorithm>

#include "access/tokens.hh"
#include "api/login.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "domain/names.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr int64_t kTokenSeconds = 30LL * 24 * 3600;
constexpr int64_t kTokenSecondsMax = 10LL * 366 * 24 * 3600;

Task<Result<net::Response>> begin_login(Api& api, Call&) {
  CO_TRY(const DeviceLogins::Begun begun, api.device_logins->begin(api.services.clock.utc_now_ms()));
  co_return json_response(json::object{{"deviceCode", begun.device_code},
                                       {"userCode", begun.user_code},
                                       {"path", "/login"},
                                       {"interval", 1},
                                       {"expiresIn", DeviceLogins::kWaitSeconds}},
                          201);
}

// When the token ends that a grant comes to. What was true when the code was entered may not be any more: the login that entered
// it may have been revoked, the member removed. Nobody is enrolled here.
Result<UtcMs> end_of_token(store::Transaction& transaction, const LoginGrant& grant, const store::TokenRecord& token) {
  constexpr const char* kAgain = "Run `az login` again, with a login that is valid.";
  UtcMs ends = token.expires_ms;
  if (!grant.token_hash.empty()) {
    TRY(const auto entered_by, transaction.token_by_hash(grant.token_hash));
    const bool is_over = !entered_by || (entered_by->expires_ms != 0 && entered_by->expires_ms <= token.created_ms);
    if (is_over) return fail(errors::denied, "the token that entered the code was revoked, or has expired", kAgain);
    if (entered_by->expires_ms != 0) ends = std::min(ends, entered_by->expires_ms);
  }
  if (grant.workspace == "*") return ends;
  TRY(const auto member, transaction.member(grant.workspace, grant.user));
  if (member && member->role >= grant.role) return ends;
  return fail(errors::denied,
              fmt::format("{:?} does not have the role {} in workspace {:?} any more", grant.user, to_string(grant.role),
                          grant.workspace),
              kAgain);
}

Task<Result<net::Response>> collect_login(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string device_code = reader.required_string("deviceCode");
  CO_CHECK_OK(reader.finish());
  const UtcMs now = api.services.clock.utc_now_ms();
  CO_TRY(const std::optional<LoginGrant> grant, api.device_logins->take(device_code, now));
  if (!grant) co_return json_response(json::object{{"status", "pending"}});
  const Secret text = access::new_token();
  store::TokenRecord token;
  token.id = random_hex(8);
  token.user = grant->user;
  token.workspace = grant->workspace;
  token.role = grant->role;
  token.description = "az login";
  token.hash = access::hash_token(text.reveal());
  token.created_ms = now;
  token.expires_ms = now + grant->expires_in_s * 1000;
  std::function<Result<store::TokenRecord>(store::Transaction&)> apply =
      [token, grant = *grant](store::Transaction& transaction) -> Result<store::TokenRecord> {
    store::TokenRecord made = token;
    TRY(made.expires_ms, end_of_token(transaction, grant, token));
    CHECK_OK(transaction.put_token(made));
    return made;
  };
  CO_TRY(token, co_await store::write<store::TokenRecord>(api.services.store, std::move(apply)));
  net::Response response = json_response(json::object{{"status", "approved"},
                                                      {"id", token.id},
                                                      {"user", token.user},
                                                      {"workspace", token.workspace},
                                                      {"role", to_string(token.role)},
                                                      {"expiresUtc", format_utc(token.expires_ms)},
                                                      {"token", text.reveal()}});
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

// Whoever enters a code signs the waiting command line in as himself. `token` is what he is logged in with, if it is one.
Result<LoginGrant> grant_of(const access::Identity& identity, std::string_view token) {
  CHECK_OK(access::authorize(identity, Permission::kRead, {}));
  LoginGrant grant{identity.user, identity.workspace, identity.role, kTokenSeconds, {}};
  switch (identity.kind) {
    case access::LoginKind::kUnixSocket:
    case access::LoginKind::kNoAuth:
      return grant;
    case access::LoginKind::kToken:
      grant.token_hash = access::hash_token(token);
      return grant;
    default:
      return fail(errors::invalid_request, "a run's token signs nobody in", "Enter the code where a person is logged in.");
  }
}

Task<Result<net::Response>> approve_login(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string code = reader.required_string("userCode");
  CO_CHECK_OK(reader.finish());
  CO_TRY(LoginGrant grant, grant_of(call.identity, bearer_token(call.request)));
  CO_CHECK_OK(api.device_logins->approve(code, grant, api.services.clock.utc_now_ms()));
  co_return json_response(json::object{{"user", grant.user}, {"workspace", grant.workspace}, {"role", to_string(grant.role)}});
}

// An owner of the installation signs somebody else in.
Task<Result<net::Response>> grant_login(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string code = reader.required_string("userCode");
  LoginGrant grant;
  grant.user = reader.required_string("user");
  grant.workspace = reader.string_or("workspace", "*");
  const std::string role_text = reader.string_or("role", "contributor");
  grant.expires_in_s = reader.int_or("expiresInSeconds", kTokenSeconds, 1, kTokenSecondsMax);
  const std::optional<Role> role = parse_role(role_text);
  if (!role) reader.refuse("role", fmt::format("{:?} is not owner, contributor or reader", role_text));
  CO_CHECK_OK(reader.finish());
  grant.role = *role;
  CO_CHECK_OK(check_stored_name("the user", grant.user));
  const UtcMs now = api.services.clock.utc_now_ms();
  CO_CHECK_OK(api.device_logins->check(code, now));
  store::TokenRecord token;
  token.user = grant.user;
  token.workspace = grant.workspace;
  token.role = grant.role;
  std::function<Status(store::Transaction&)> apply = [token](store::Transaction& transaction) {
    return enrol(transaction, token);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  CO_CHECK_OK(api.device_logins->approve(code, grant, now));
  co_return json_response(json::object{{"user", grant.user}, {"workspace", grant.workspace}, {"role", role_text}});
}

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    if (c == '&')
      html += "&amp;";
    else if (c == '<')
      html += "&lt;";
    else if (c == '"')
      html += "&quot;";
    else
      html += c;
  }
  return html;
}

net::Response page(std::string_view message, bool with_form, bool asks_token, int status = 200) {
  std::string html =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Werkbank: sign in</title><h1>Sign in</h1>\n";
  html += fmt::format("<p>{}</p>\n", escaped(message));
  if (with_form) {
    html += "<form method=\"post\" action=\"/login\"><p><label>Code <input name=\"code\" autofocus required></label></p>\n";
    if (asks_token) {
      html +=
          "<p><label>Your token <input name=\"token\" type=\"password\" autocomplete=\"off\" required></label> "
          "(an owner of the server makes one with <code>werkbank token create</code>, or enters the code with "
          "<code>werkbank token approve CODE --user NAME</code>)</p>\n";
    }
    html += "<p><button>Sign in</button></p></form>\n";
  }
  net::Response response = text_response(std::move(html), "text/html; charset=utf-8");
  response.status = status;
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

bool asks_token(const Call& call) { return call.identity.kind == access::LoginKind::kNobody; }

Task<Result<net::Response>> show_page(Api&, Call& call) {
  co_return page("Enter the code that the command line shows.", true, asks_token(call));
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// One field of application/x-www-form-urlencoded.
std::string form_field(std::string_view body, std::string_view name) {
  while (!body.empty()) {
    const size_t end = std::min(body.find('&'), body.size());
    const std::string_view pair = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    const std::string_view encoded = pair.substr(equals + 1);
    std::string text;
    for (size_t i = 0; i < encoded.size(); ++i) {
      const bool escape =
          encoded[i] == '%' && i + 2 < encoded.size() && digit_of(encoded[i + 1]) >= 0 && digit_of(encoded[i + 2]) >= 0;
      if (escape) {
        text += static_cast<char>(digit_of(encoded[i + 1]) * 16 + digit_of(encoded[i + 2]));
        i += 2;
      } else {
        text += encoded[i] == '+' ? ' ' : encoded[i];
      }
    }
    return text;
  }
  return {};
}

Task<Result<net::Response>> enter_on_page(Api& api, Call& call) {
  CO_TRY(const std::string body, co_await call.request.body->all(64 * 1024));
  const bool asks = asks_token(call);
  access::Identity identity = call.identity;
  std::string token(bearer_token(call.request));
  if (asks) {
    token = form_field(body, "token");
    CO_TRY(identity, identify_token(api, token));
  }
  const Result<LoginGrant> grant = grant_of(identity, token);
  if (!grant) co_return page(grant.error().message, true, asks, 400);
  const Status approved = api.device_logins->approve(form_field(body, "code"), *grant, api.services.clock.utc_now_ms());
  if (!approved) co_return page(fmt::format("{}. {}", approved.error().message, approved.error().remedy()), true, asks, 400);
  co_return page(fmt::format("The command line is signed in as {}. This page can be closed.", grant->user), false, false);
}

#define DEVICE "/api/v1/login/device"
constexpr Route kRoutes[] = {
    route<Permission::kPublic>(Method::kPost, DEVICE, begin_login,
                               {"Begin a login: a code for people, and one to wait with", "", "", "DeviceLogin", 201}),
    route<Permission::kPublic>(Method::kPost, DEVICE "/token", collect_login,
                               {"The token, once the code was entered; `pending` before", "", "DeviceCode", "DeviceToken"}),
    route<Permission::kRead>(Method::kPost, DEVICE "/approve", approve_login,
                             {"Enter a code: whoever waits is signed in as the caller", "", "UserCode", "Member"}),
    route<Permission::kOwn>(Method::kPost, DEVICE "/grant", grant_login,
                            {"Enter a code for somebody else", "", "LoginGrant", "Member"}),
    route<Permission::kPublic>(Method::kGet, "/login", show_page, {"The page that asks for a code", "", "", "text/html"}),
    route<Permission::kPublic>(Method::kPost, "/login", enter_on_page,
                               {"The page's form", "", "application/x-www-form-urlencoded", "text/html"}),
};
#undef DEVICE

}  // namespace

std::span<const Route> sign_in_routes() { return kRoutes; }

}  // namespace werkbank::api
