#include "client/session.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/logins.hh"
#include "client/login_cache.hh"

namespace werkbank::client {
namespace {

constexpr size_t kPageMax = 1000;
constexpr JsonLimits kAnswerLimits{.size_bytes_max = size_t{1} << 30, .depth_max = 64};

std::string value_of(const EnvironmentMap& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

Result<json::value> document_of(const net::ClientResponse& response, const std::string& target) {
  if (response.body.empty()) return json::value(nullptr);
  auto document = parse_json(response.body, kAnswerLimits);
  if (!document) {
    return fail(errors::unavailable, fmt::format("{}: the answer is not JSON: {}", target, document.error().message),
                "Check that WERKBANK_URL names a Werkbank server and not a proxy's page.");
  }
  return document;
}

bool is_repeatable(net::Method method) {
  return method == net::Method::kGet || method == net::Method::kHead || method == net::Method::kPut ||
         method == net::Method::kDelete;
}

}  // namespace

Result<std::filesystem::path> find_home(const EnvironmentMap& environment) {
  std::error_code ignored;
  if (const std::string home = value_of(environment, "WERKBANK_HOME"); !home.empty()) {
    return std::filesystem::absolute(home, ignored).lexically_normal();
  }
  const std::string user_home = value_of(environment, "HOME");
  if (user_home.empty()) {
    return fail(errors::home_refused, "neither WERKBANK_HOME nor HOME is set", "Set WERKBANK_HOME to a folder on a local disk.");
  }
  return (std::filesystem::absolute(user_home, ignored) / ".werkbank").lexically_normal();
}

std::string socket_url(const std::filesystem::path& home) { return "unix://" + (home / "server.sock").string(); }

Result<ServerAddress> find_server(const EnvironmentMap& environment) {
  ServerAddress address;
  address.token = Secret(value_of(environment, "WERKBANK_TOKEN"));
  std::string url = value_of(environment, "WERKBANK_URL");
  auto home = find_home(environment);
  if (home) address.home = *home;
  if (url.empty()) {
    if (!home) return fail(std::move(home).error());
    address.url = socket_url(address.home);
    address.token = Secret();  // the socket's login is the uid
    return address;
  }
  if (without_logins(url) != url) {
    return fail(errors::invalid_request, "WERKBANK_URL holds a login",
                "Put the token into WERKBANK_TOKEN; the address is http://HOST:PORT.");
  }
  while (url.size() > 1 && url.ends_with('/')) url.pop_back();
  const bool known = url.starts_with("http://") || url.starts_with("https://") || url.starts_with("unix:///");
  if (!known) {
    return fail(errors::invalid_request, fmt::format("WERKBANK_URL is {:?}", url),
                "Write http://HOST:PORT, https://HOST:PORT or unix:///PATH; without WERKBANK_URL the local server is used.");
  }
  address.local = home.has_value() && url == socket_url(address.home);
  if (home && !address.local && address.token.empty()) {
    TRY(const LoginCache cache, read_login_cache(*home));
    if (const CachedLogin* const login = cache.find(url)) address.token = login->token;
  }
  address.url = std::move(url);
  return address;
}

Session::Session(ServerAddress address, std::function<Status()> start)
    : address_(std::move(address)),
      start_(std::move(start)),
      http_(net::ClientConfig{.server_url = address_.url, .token = address_.token}) {}

Status Session::ensure_running() {
  if (!address_.local || !start_) return {};
  return start_();
}

Result<net::ClientResponse> Session::send(const net::ClientRequest& request, Repeat repeat) {
  auto response = http_.send(request);
  if (response || response.error().kind() != ErrorKind::kUnavailable) return response;
  const bool never_sent = response.error().code == &errors::server_unreachable;
  const bool replayable = !request.body_source && (never_sent || repeat == Repeat::kSafe);
  if (!replayable || !address_.local || !start_) return response;
  CHECK_OK(start_());
  return http_.send(request);
}

Result<net::ClientResponse> Session::call(const net::ClientRequest& request, Repeat repeat) {
  auto response = send(request, repeat);
  if (response && response->status >= 400) return fail(net::error_from_response(*response));
  return response;
}

Result<net::ClientResponse> Session::stream(const net::ClientRequest& request, const std::function<bool(std::string_view)>& sink,
                                            std::chrono::milliseconds silence_max) {
  auto response = http_.stream(request, sink, silence_max);
  const bool never_sent = !response && response.error().code == &errors::server_unreachable;
  if (!never_sent || !address_.local || !start_) return response;
  CHECK_OK(start_());
  return http_.stream(request, sink, silence_max);
}

Result<json::value> Session::get(const std::string& target) {
  const net::ClientRequest request{.method = net::Method::kGet, .target = target};
  TRY(const net::ClientResponse response, call(request, Repeat::kSafe));
  return document_of(response, target);
}

Result<json::value> Session::send_json(net::Method method, const std::string& target, const json::value& body,
                                       const std::string& idempotency_key) {
  net::ClientRequest request{.method = method, .target = target, .headers = {{"Content-Type", "application/json"}}};
  request.body = json::serialize(body);
  if (!idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", idempotency_key);
  const bool repeatable = !idempotency_key.empty() || is_repeatable(method);
  TRY(const net::ClientResponse response, call(request, repeatable ? Repeat::kSafe : Repeat::kNever));
  return document_of(response, target);
}

Result<json::value> Session::send_empty(net::Method method, const std::string& target) {
  const net::ClientRequest request{.method = method, .target = target};
  TRY(const net::ClientResponse response, call(request, is_repeatable(method) ? Repeat::kSafe : Repeat::kNever));
  return document_of(response, target);
}

Result<ListAnswer> fetch_some(Session& session, const std::string& target, size_t limit) {
  ListAnswer list;
  json::array& items = list.items;
  std::string cursor;
  const char separator = target.find('?') == std::string::npos ? '?' : '&';
  while (items.size() < limit) {
    std::string page = fmt::format("{}{}limit={}", target, separator, std::min(kPageMax, limit - items.size()));
    if (!cursor.empty()) page += "&cursor=" + net::encode_segment(cursor);
    TRY(const json::value answer, session.get(page));
    JsonReader reader(answer, target);
    const json::array* const part = reader.array("items");
    cursor = reader.string_or("next");
    CHECK_OK(reader.finish(false));
    if (part != nullptr) items.insert(items.end(), part->begin(), part->end());
    if (cursor.empty() || part == nullptr || part->empty()) return list;
  }
  list.more = true;
  return list;
}

Result<json::array> fetch_list(Session& session, const std::string& target, size_t limit) {
  TRY(ListAnswer list, fetch_some(session, target, limit));
  return std::move(list.items);
}

}  // namespace werkbank::client
