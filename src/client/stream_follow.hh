// Follows a run to its end over the event stream, and goes on where it was when the server goes away and comes back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "client/session.hh"

namespace werkbank::client {

struct LogPiece {
  std::string run;
  std::string path;
  int64_t attempt = 1, rank = 0;
  uint64_t offset = 0;
  uint64_t size_bytes = 0;  // of the stream; `text` may differ where bytes were no UTF-8
  std::string text;
};

struct FollowOptions {
  std::string workspace;
  std::string run;
  std::vector<std::string> logs;                  // paths, or "*" for all of the run's logs
  std::chrono::milliseconds silence_max{45'000};  // the server comments every 15 s
  std::chrono::milliseconds patience{600'000};    // how long a server may be away
};

// What the caller hears, in the stream's order, on the calling thread. Empty functions are skipped.
struct FollowListener {
  std::function<void(const LogPiece&)> on_log;
  std::function<void(const std::string& status, const json::object& event)> on_status;
  std::function<void(const std::string& text)> on_notice;  // "the server is away, …"
};

// The terminal status, after everything else was told. not_found and denied come back at once; server_unreachable when the server
// stayed away longer than `patience`.
Result<std::string> follow_run(Session& session, const FollowOptions& options, const FollowListener& listener);

}  // namespace werkbank::client
