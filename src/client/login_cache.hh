// What `az login` and `az account set` keep on this machine, apart from any browser's session: WERKBANK_HOME/client/login.json,
// mode 0600, format version 1 (docs/reference/login.md).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hh"
#include "base/secret.hh"

namespace werkbank::client {

struct CachedLogin {
  std::string url;  // of the server, as WERKBANK_URL names it, without a '/' at the end
  std::string user;
  std::string expires_utc;  // empty: never
  Secret token;
};

struct LoginCache {
  std::string subscription;  // of `az account set`; empty: none was chosen
  std::vector<CachedLogin> logins;

  const CachedLogin* find(std::string_view url) const;
  // Replaces the login of the same server.
  void put(CachedLogin login);
  // Whether there was one.
  bool erase(std::string_view url);
};

std::filesystem::path login_cache_file(const std::filesystem::path& home);
// Nothing in it where there is no file; config_invalid where the file cannot be understood.
Result<LoginCache> read_login_cache(const std::filesystem::path& home);
Status write_login_cache(const std::filesystem::path& home, const LoginCache& cache);

}  // namespace werkbank::client
