#include "cli/login.hh"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "base/clock.hh"
#include "cli/project_source.hh"
#include "client/login_cache.hh"

namespace werkbank::cli {
namespace {

constexpr std::string_view kDevice = "/api/v1/login/device";

struct Who {
  std::string user, via;
};

Result<Who> who_am_i(client::Session& server) {
  TRY(const json::value me, server.get("/api/v1/whoami"));
  JsonReader reader(me, "whoami");
  Who who{.user = reader.required_string("user"), .via = reader.string_or("via")};
  CHECK_OK(reader.finish(false));
  return who;
}

Status keep(const Context& context, client::CachedLogin login) {
  TRY(const std::filesystem::path home, client::find_home(context.environment()));
  TRY(client::LoginCache cache, client::read_login_cache(home));
  cache.put(std::move(login));
  return client::write_login_cache(home, cache);
}

void wait_ms(int64_t milliseconds) {
  static_cast<void>(poll(nullptr, 0, static_cast<int>(std::min<int64_t>(milliseconds, 60'000))));
}

// The token, once somebody has entered the code.
Result<client::CachedLogin> wait_for_approval(client::Session& server, const std::string& device_code, int64_t interval_s,
                                              int64_t expires_s) {
  const auto end = system_clock().monotonic_now() + std::chrono::seconds(expires_s);
  while (system_clock().monotonic_now() < end) {
    TRY(const json::value answer,
        server.send_json(net::Method::kPost, std::string(kDevice) + "/token", json::object{{"deviceCode", device_code}}));
    JsonReader reader(answer, "login");
    const std::string status = reader.required_string("status");
    client::CachedLogin login;
    login.url = server.address().url;
    login.user = reader.string_or("user");
    login.token = Secret(reader.string_or("token"));
    login.expires_utc = reader.string_or("expiresUtc");
    CHECK_OK(reader.finish(false));
    if (status == "approved") return login;
    wait_ms(interval_s * 1000);
  }
  return fail(errors::unauthenticated, "nobody has entered the code in time", "Run `az login` again.");
}

Result<std::string> log_in_by_code(Context& context, client::Session& server) {
  TRY(const json::value begun, server.send_json(net::Method::kPost, std::string(kDevice), json::object{}));
  JsonReader reader(begun, "login");
  const std::string device_code = reader.required_string("deviceCode");
  const std::string user_code = reader.required_string("userCode");
  const std::string path = reader.string_or("path", "/login");
  const int64_t interval_s = reader.int_or("interval", 2, 1, 60);
  const int64_t expires_s = reader.int_or("expiresIn", 900, 1, 3600);
  CHECK_OK(reader.finish(false));
  context.terminal().say(fmt::format("To sign in, open the page {}{} in a web browser and enter the code {}",
                                     server.address().url, path, visible(user_code)));
  context.terminal().say(
      fmt::format("An owner of the server can enter it as well: werkbank token approve {} --user NAME", visible(user_code)));
  TRY(client::CachedLogin login, wait_for_approval(server, device_code, interval_s, expires_s));
  const std::string user = login.user;
  CHECK_OK(keep(context, std::move(login)));
  return user;
}

}  // namespace

Result<std::string> log_in(Context& context, const LoginRequest& request) {
  TRY(client::Session* const server, context.session());
  if (!request.token.empty()) {
    client::ServerAddress address = server->address();
    address.token = request.token;
    client::Session as(std::move(address), {});
    TRY(const Who who, who_am_i(as));
    CHECK_OK(keep(context, {.url = server->address().url, .user = who.user, .expires_utc = {}, .token = request.token}));
    return who.user;
  }
  const auto who = who_am_i(*server);
  if (!who && who.error().code != &errors::unauthenticated) return fail(who.error());
  if (who && (who->via == "unix" || who->via == "none")) {
    context.terminal().say(
        fmt::format("{} knows its user: nothing has to be entered. A server elsewhere is named by WERKBANK_URL; `az login` then "
                    "asks for a code.",
                    who->via == "unix" ? "This user's own server" : "A server without login"));
    return who->user;
  }
  return log_in_by_code(context, *server);
}

Result<bool> log_out(Context& context) {
  TRY(const client::ServerAddress address, client::find_server(context.environment()));
  TRY(client::LoginCache cache, client::read_login_cache(address.home));
  if (!cache.erase(address.url)) return false;
  CHECK_OK(client::write_login_cache(address.home, cache));
  return true;
}

Result<std::string> chosen_subscription(const Context& context) {
  TRY(const std::filesystem::path home, client::find_home(context.environment()));
  TRY(const client::LoginCache cache, client::read_login_cache(home));
  return cache.subscription;
}

Status choose_subscription(const Context& context, const std::string& subscription) {
  TRY(const std::filesystem::path home, client::find_home(context.environment()));
  TRY(client::LoginCache cache, client::read_login_cache(home));
  cache.subscription = subscription;
  return client::write_login_cache(home, cache);
}

Status tell_other_subscription(Context& context, const std::filesystem::path& folder) {
  TRY(const std::string chosen, chosen_subscription(context));
  if (chosen.empty()) return {};
  TRY(const std::optional<ProjectWorkspace> bound, find_project_workspace(folder));
  if (!bound || bound->subscription_id == chosen) return {};
  context.terminal().warn(visible(fmt::format(
      "this folder belongs to subscription {:?} (workspace {:?}), `az account set` chose {:?}; the run goes to the folder's. "
      "To choose it: az account set -s {}",
      bound->subscription_id, bound->name, chosen, bound->subscription_id)));
  return {};
}

}  // namespace werkbank::cli
