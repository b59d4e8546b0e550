#include <cstdlib>

#include "base/files.hh"
#include "net/http_client.hh"
#include "net/url.hh"

using namespace werkbank;

// Whatever comes: no crash; what is accepted is valid UTF-8 without NUL, and encoding it again gives the same target's parts.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto target = net::parse_target(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!target || target->path == "*") return 0;
  std::string again;
  for (const std::string& segment : target->segments) {
    if (!is_valid_utf8(segment) || segment.find('\0') != std::string::npos) std::abort();
    again += '/' + net::encode_segment(segment);
  }
  if (!target->segments.empty() && target->segments.back().empty()) again += '/';
  if (again.empty()) again = "/";
  const auto second = net::parse_target(again);
  if (!second || second->segments != target->segments) std::abort();
  return 0;
}
