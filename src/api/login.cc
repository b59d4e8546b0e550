#include "api/login.hh"

#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <array>

#include "access/tokens.hh"
#include "base/text.hh"

namespace werkbank::api {
namespace {

struct NameAndPort {
  std::string name;       // lower case; a v6 address keeps its brackets
  std::string_view port;  // empty where none is told
};

// Of "host:port" or "[v6]:port".
NameAndPort split_port(std::string_view host) {
  const size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  const size_t colon = bracket == std::string_view::npos ? bracket : host.find(':', bracket);
  NameAndPort parts{lower(host.substr(0, colon)), {}};
  if (colon != std::string_view::npos) parts.port = host.substr(colon + 1);
  return parts;
}

std::string host_name(std::string_view host) { return split_port(host).name; }

bool is_allowed(const ServerFacts& facts, const std::string& name) {
  if (name == "localhost" || name == "127.0.0.1" || name == "[::1]") return true;
  return std::ranges::any_of(facts.allowed_hosts,
                             [&](const std::string& allowed) { return !allowed.empty() && host_name(allowed) == name; });
}

// What a browser says of the page that makes it ask. Another port is another origin: it may be anybody's page. Behind a proxy the
// page has the address of --allow-host, which may differ from the Host that the proxy asks with.
bool is_own_origin(const ServerFacts& facts, std::string_view origin, std::string_view host) {
  const bool is_secured = origin.starts_with("https://");
  if (!is_secured && !origin.starts_with("http://")) return false;
  const std::string_view usual_port = is_secured ? "443" : "80";
  const auto port_of = [usual_port](const NameAndPort& address) { return address.port.empty() ? usual_port : address.port; };
  const NameAndPort page = split_port(origin.substr(origin.find("://") + 3));
  if (is_allowed(facts, page.name) && port_of(page) == port_of(split_port(host))) return true;
  return std::ranges::any_of(facts.allowed_hosts, [&](const std::string& allowed) {
    const NameAndPort known = split_port(allowed);
    return !allowed.empty() && known.name == page.name && port_of(known) == port_of(page);
  });
}

access::Identity nobody(std::string refusal = {}) {
  access::Identity identity;
  identity.refusal = std::move(refusal);
  return identity;
}

access::Identity owner(access::LoginKind kind, std::string user) {
  access::Identity identity;
  identity.kind = kind;
  identity.user = std::move(user);
  identity.role = Role::kOwner;
  return identity;
}

struct TokenLogin {
  std::optional<store::TokenRecord> token;
  std::optional<store::MemberRecord> member;  // of the token's workspace: its user, with the role as it is now
};

Result<TokenLogin> find_token(store::Reader& reader, const std::string& hash) {
  TokenLogin login;
  TRY(login.token, reader.token_by_hash(hash));
  if (login.token && login.token->workspace != "*") {
    TRY(login.member, reader.member(login.token->workspace, login.token->user));
  }
  return login;
}

}  // namespace

Result<access::Identity> identify_token(Api& api, std::string_view token) {
  const UtcMs now = api.services.clock.utc_now_ms();
  // A run's token has two dots; whatever else does not begin like a login token is one that was cut or mistaken for it.
  if (!token.starts_with(access::kTokenPrefix) && std::ranges::count(token, '.') != 2) {
    return nobody(
        fmt::format("this is no login token: those of this server begin with {:?}; perhaps it was cut when it was copied",
                    access::kTokenPrefix));
  }
  if (!token.starts_with(access::kTokenPrefix)) {
    const Result<access::RunTokenClaims> claims = api.services.run_tokens.verify(token, now);
    if (!claims) return nobody(claims.error().message);
    const std::function<Result<std::optional<Run>>(store::Reader&)> find_run = [&claims](store::Reader& reader) {
      return reader.run(claims->run);
    };
    TRY(const std::optional<Run> run, store::read<std::optional<Run>>(api.services.store, find_run));
    if (!run || run->attempt != claims->attempt) return nobody("the run that this token was made for is gone, or begun anew");
    access::Identity identity;
    identity.kind = claims->scope == access::TokenScope::kRunner ? access::LoginKind::kRunnerToken : access::LoginKind::kRunToken;
    // What a job does counts as its user's: a child run shows who submitted the root.
    identity.user = run->created_by.empty() ? fmt::format("run {}", claims->run.run_id) : run->created_by;
    identity.workspace = claims->run.workspace;
    identity.role = Role::kContributor;
    identity.run = claims->run;
    identity.run_ended = is_terminal(run->status);
    return identity;
  }
  const std::string hash = access::hash_token(token);
  const std::function<Result<TokenLogin>(store::Reader&)> find = [&hash](store::Reader& reader) {
    return find_token(reader, hash);
  };
  TRY(const TokenLogin login, store::read<TokenLogin>(api.services.store, find));
  if (!login.token)
    return nobody("the login token is not known to this server: it was deleted, made by another server, or not copied whole");
  const store::TokenRecord& record = *login.token;
  if (record.expires_ms != 0 && record.expires_ms <= now)
    return nobody(fmt::format("the login token has expired at {}", format_utc(record.expires_ms)));
  access::Identity identity;
  identity.kind = access::LoginKind::kToken;
  identity.user = record.user;
  identity.workspace = record.workspace;
  identity.role = record.role;
  if (record.workspace == "*") return identity;
  if (!login.member) return nobody(fmt::format("{:?} is no member of workspace {:?} any more", record.user, record.workspace));
  identity.role = std::min(record.role, login.member->role);
  return identity;
}

std::string user_name(uint32_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return entry.pw_name;
  return fmt::format("uid {}", uid);
}

Status check_host(const ServerFacts& facts, const net::Request& request) {
  if (request.peer.unix_socket) return {};
  const std::string host = host_name(request.header("host"));
  if (!is_allowed(facts, host))
    return fail(errors::host_refused,
                fmt::format("the Host header {:?} is not one of this server's names", request.header("host")));
  const std::string_view origin = request.header("origin");
  if (origin.empty()) return {};
  if (is_own_origin(facts, origin, request.header("host"))) return {};
  return fail(errors::host_refused, fmt::format("the Origin header {:?} is another site", origin));
}

std::string_view bearer_token(const net::Request& request) {
  const std::string_view authorization = request.header("authorization");
  const bool is_bearer = authorization.starts_with("Bearer ") || authorization.starts_with("bearer ");
  return is_bearer ? authorization.substr(7) : std::string_view();
}

// Other logins are worth more than a job is: by the door that every process on this machine can reach they do not come in.
static Result<access::Identity> identify_job(Api& api, std::string_view token) {
  if (token.empty()) return nobody();
  TRY(access::Identity identity, identify_token(api, token));
  if (identity.kind == access::LoginKind::kRunToken || identity.kind == access::LoginKind::kNobody) return identity;
  return nobody("this address is for jobs: it takes the tokens of runs only");
}

Result<access::Identity> identify(Api& api, const net::Request& request, Door door) {
  const std::string_view token = bearer_token(request);
  if (door == Door::kJobs) return identify_job(api, token);
  // A token that is sent counts, also on the socket: a job acts as its run, not as the user who owns the socket.
  if (!token.empty()) return identify_token(api, token);
  if (request.peer.unix_socket) {
    if (request.peer.uid == api.facts.own_uid || request.peer.uid == 0)
      return owner(access::LoginKind::kUnixSocket, user_name(request.peer.uid));
    return nobody(fmt::format("the socket belongs to another user (uid {})", api.facts.own_uid));
  }
  if (api.facts.no_auth) return owner(access::LoginKind::kNoAuth, user_name(api.facts.own_uid));
  return nobody();
}

}  // namespace werkbank::api
