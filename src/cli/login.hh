// `az login` and `werkbank login`: who this command line is for a server that asks, kept in the command line's own cache.
#pragma once

#include "cli/context.hh"

namespace werkbank::cli {

struct LoginRequest {
  bool device_code = true;
  Secret token;  // of a service principal: checked and kept, nobody is asked
};

// Prints address and code, waits until they were entered somewhere by somebody who is logged in, and keeps the token. A server on
// this user's own socket, or one without login, knows its user already: that is said, and nothing is kept. The user's name.
Result<std::string> log_in(Context& context, const LoginRequest& request);
// Forgets the token for this server; whether there was one.
Result<bool> log_out(Context& context);

// The subscription that `az account set` chose; empty: none.
Result<std::string> chosen_subscription(const Context& context);
Status choose_subscription(const Context& context, const std::string& subscription);
// One line on stderr where the project's workspace belongs to another subscription than the chosen one.
Status tell_other_subscription(Context& context, const std::filesystem::path& folder);

}  // namespace werkbank::cli
