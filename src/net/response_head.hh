// The head of an answer as text. Internal to net/.
#pragma once

#include <optional>
#include <string>

#include "net/http.hh"

namespace werkbank::net {

// How the end of the body is told.
enum class Framing { kNone, kLength, kChunked, kClose };

struct HeadPlan {
  Framing framing = Framing::kNone;
  uint64_t length = 0;  // kLength, and kNone where `tells_length` (HEAD)
  bool tells_length = false;
  bool keep_alive = true;
};
// Names and values that would break the head apart lose the bytes that do; the framing is ours, whatever the handler wrote.
std::string response_head(const Response& response, const HeadPlan& plan);
// The Content-Length that the handler has set.
std::optional<uint64_t> announced_length(const Response& response);

}  // namespace werkbank::net
