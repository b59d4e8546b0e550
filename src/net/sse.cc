// SseParser of http_client.hh: the event stream format of the HTML standard, except that comments and `retry` are passed over.
#include "net/http_client.hh"

namespace werkbank::net {
namespace {

// The value behind the colon, without the one blank that may follow it.
std::string_view value_of(std::string_view line, size_t colon) {
  if (colon == line.npos) return {};
  line.remove_prefix(colon + 1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

}  // namespace

void SseParser::feed(std::string_view bytes, const std::function<void(const ServerSentEvent&)>& on_event) {
  for (const char c : bytes) {
    // "\r\n" is one line end, also where the two come in different pieces.
    const bool second_of_two = c == '\n' && after_return_;
    after_return_ = c == '\r';
    if (second_of_two) continue;
    if (c == '\n' || c == '\r') {
      take_line(on_event);
      buffer_.clear();
    } else {
      buffer_ += c;
    }
  }
}

void SseParser::take_line(const std::function<void(const ServerSentEvent&)>& on_event) {
  std::string_view line = buffer_;
  if (!std::exchange(is_begun_, true) && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (line.empty()) {
    if (has_data_) {
      pending_.data.pop_back();  // the line end of the last data line
      on_event(pending_);
    }
    has_data_ = false;
    pending_.data.clear();
    pending_.event.clear();  // the id stays: it is the last one seen
    return;
  }
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  const std::string_view value = value_of(line, colon);
  if (field == "data") {
    has_data_ = true;
    pending_.data += value;
    pending_.data += '\n';
  } else if (field == "event") {
    pending_.event = value;
  } else if (field == "id" && value.find('\0') == value.npos) {
    pending_.id = value;
  }
}

}  // namespace werkbank::net
