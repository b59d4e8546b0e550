// Who is calling: the one place where a connection and its headers become an Identity, and where Host and Origin are checked.
#pragma once

#include "api/api.hh"
#include "net/http.hh"

namespace werkbank::api {

// By which listener a request came in. The door of jobs is on 127.0.0.1, where every process of this machine can knock: it takes
// the tokens of runs, and nothing else.
enum class Door { kUsual, kJobs };

// host_refused where Host or Origin name another site (DNS rebinding, a foreign page). Unix sockets have neither.
Status check_host(const ServerFacts& facts, const net::Request& request);
// Of a login token, or of a run's. A token that is not taken is nobody, with the reason.
Result<access::Identity> identify_token(Api& api, std::string_view token);
// What follows "Bearer" in Authorization; empty where nothing does.
std::string_view bearer_token(const net::Request& request);
// Whoever gets a token of a workspace is made a member of it; denied where the token would have more than the member's role.
Status enrol(store::Transaction& transaction, const store::TokenRecord& token);
// Unix socket: the server's uid and root. TCP: bearer token, run token, or --no-auth. Never fails: nobody is an identity, too.
Result<access::Identity> identify(Api& api, const net::Request& request, Door door = Door::kUsual);
// The login name of a uid, or "uid 1000" where it has none.
std::string user_name(uint32_t uid);

}  // namespace werkbank::api
