// Logins that wait for somebody to enter their code (`az login` on a machine without a login of its own). In memory: a server
// that is started anew has forgotten them, and the command line says to begin again. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hh"
#include "base/result.hh"
#include "domain/roles.hh"

namespace werkbank::api {

// What whoever enters the code gives to whoever waits.
struct LoginGrant {
  std::string user;
  std::string workspace = "*";
  Role role = Role::kReader;
  int64_t expires_in_s = 0;  // of the token
  std::string token_hash;    // of the login token that entered the code for itself; empty for other logins
};

class DeviceLogins {
 public:
  static constexpr int64_t kWaitSeconds = 900;
  static constexpr size_t kPendingMax = 1000;

  struct Begun {
    std::string device_code;  // secret: whoever has it gets the token
    std::string user_code;    // "BCDF-GHJK", for people: no vowels, no digits
  };
  // Where kPendingMax are waiting, the oldest one whose code nobody entered makes room; unavailable where there is none.
  Result<Begun> begin(UtcMs now);
  // not_found where no such code waits.
  Status check(const std::string& user_code, UtcMs now);
  // Spaces, dashes and case of the code do not matter. not_found where no such code waits.
  Status approve(const std::string& user_code, LoginGrant grant, UtcMs now);
  // Nothing while nobody has entered the code; the grant is answered once. not_found for a code that is unknown or too old.
  Result<std::optional<LoginGrant>> take(const std::string& device_code, UtcMs now);

 private:
  struct Pending {
    std::string user_code;
    UtcMs ends_ms = 0;
    std::optional<LoginGrant> grant;
  };
  void forget_old(UtcMs now);
  bool drop_oldest();

  std::mutex mutex_;
  std::map<std::string, Pending> pending_;  // by the device code's hash
};

}  // namespace werkbank::api
