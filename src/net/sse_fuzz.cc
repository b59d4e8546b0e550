#include <cstdlib>
#include <string>
#include <vector>

#include "net/http_client.hh"

using namespace werkbank;

namespace {

std::vector<std::string> events_of(std::string_view bytes, size_t piece) {
  std::vector<std::string> events;
  net::SseParser parser;
  for (size_t i = 0; i < bytes.size(); i += piece) {
    parser.feed(bytes.substr(i, piece),
                [&](const net::ServerSentEvent& event) { events.push_back(event.id + '\0' + event.event + '\0' + event.data); });
  }
  return events;
}

}  // namespace

// Where the bytes are cut must not matter.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = events_of(bytes, size + 1);
  if (events_of(bytes, 1) != whole || events_of(bytes, 7) != whole) std::abort();
  return 0;
}
