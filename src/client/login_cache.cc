#include "client/login_cache.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "base/json.hh"

namespace werkbank::client {
namespace {

constexpr int64_t kVersion = 1;
constexpr size_t kFileBytesMax = 1 << 20;

Result<CachedLogin> login_of(const json::value& item, const std::string& name) {
  JsonReader reader(item, name);
  CachedLogin login;
  login.url = reader.required_string("url");
  login.user = reader.string_or("user");
  login.expires_utc = reader.string_or("expiresUtc");
  login.token = Secret(reader.required_string("token"));
  CHECK_OK(reader.finish(false));
  return login;
}

}  // namespace

const CachedLogin* LoginCache::find(std::string_view url) const {
  const auto found = std::ranges::find(logins, url, &CachedLogin::url);
  return found == logins.end() ? nullptr : &*found;
}

void LoginCache::put(CachedLogin login) {
  erase(login.url);
  logins.push_back(std::move(login));
}

bool LoginCache::erase(std::string_view url) {
  return std::erase_if(logins, [&](const CachedLogin& login) { return login.url == url; }) > 0;
}

std::filesystem::path login_cache_file(const std::filesystem::path& home) { return home / "client" / "login.json"; }

Result<LoginCache> read_login_cache(const std::filesystem::path& home) {
  const std::filesystem::path file = login_cache_file(home);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return LoginCache{};
  const auto refuse = [&](const std::string& why) {
    return fail(errors::config_invalid, fmt::format("{}: {}", file.string(), why), "Delete the file, then run `az login` again.");
  };
  const auto text = read_file(file, kFileBytesMax);
  if (!text) return refuse(text.error().message);
  const auto document = parse_json(*text);
  if (!document) return refuse(document.error().message);
  JsonReader reader(*document, file.string());
  const int64_t version = reader.int_or("version", 0, 0, INT64_MAX);
  LoginCache cache;
  cache.subscription = reader.string_or("subscription");
  const json::array* const logins = reader.array("logins");
  if (const Status read = reader.finish(false); !read) return refuse(read.error().message);
  if (version != kVersion) return refuse(fmt::format("it has the format {}, this program knows {}", version, kVersion));
  for (const json::value& item : logins == nullptr ? json::array() : *logins) {
    auto login = login_of(item, file.string());
    if (!login) return refuse(login.error().message);
    cache.logins.push_back(std::move(*login));
  }
  return cache;
}

Status write_login_cache(const std::filesystem::path& home, const LoginCache& cache) {
  json::array logins;
  for (const CachedLogin& login : cache.logins) {
    logins.push_back(json::object{
        {"url", login.url}, {"user", login.user}, {"expiresUtc", login.expires_utc}, {"token", login.token.reveal()}});
  }
  const json::object document{{"version", kVersion}, {"subscription", cache.subscription}, {"logins", std::move(logins)}};
  const std::filesystem::path file = login_cache_file(home);
  CHECK_OK(make_directories(file.parent_path(), 0700));
  return write_file_atomically(file, pretty_json(document) + "\n", 0600, false);
}

}  // namespace werkbank::client
