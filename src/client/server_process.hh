// The local server as a process: started when a command needs it, once at a time, detached from the command that did.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/session.hh"

namespace werkbank::client {

struct ServerProgram {
  std::filesystem::path executable;  // its `serve` verb is run
  std::filesystem::path home;
  EnvironmentMap environment;               // the caller's; only what server_environment() lets through reaches the server
  std::chrono::seconds idle_exit{15 * 60};  // 0: stays
  std::vector<std::string> arguments;       // further ones for `serve` (--listen …)
  std::chrono::milliseconds patience{30'000};
};

// What of the caller's environment the server gets: a login's basics, proxies, WERKBANK_* without address and token.
EnvironmentMap server_environment(const ServerProgram& program);

// Does a server answer on the home's socket?
bool is_server_answering(const std::filesystem::path& home);

// Returns when the server of this home answers; starts it unless it already runs. Callers that come at the same time wait for the
// first one (home/start.lock). server_unreachable with the end of its log where it ended instead of answering.
// True: started here; false: was running.
Result<bool> start_server(const ServerProgram& program);

// Asks the server of this home to stop and waits until it has ended. False: none was running.
Result<bool> stop_server(const std::filesystem::path& home, std::chrono::milliseconds patience = std::chrono::seconds(30));

}  // namespace werkbank::client
