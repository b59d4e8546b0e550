#include "net/response_head.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/text.hh"

namespace werkbank::net {
namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

bool is_token(unsigned char c) {
  return std::isalnum(c) != 0 || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  std::ranges::copy_if(name, std::back_inserter(head), [](unsigned char c) { return is_token(c); });
  head += ": ";
  std::ranges::copy_if(value, std::back_inserter(head), [](unsigned char c) { return c >= 0x20 ? c != 0x7f : c == '\t'; });
  head += "\r\n";
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.substr(3 * static_cast<size_t>(parts.tm_wday), 3),
                     parts.tm_mday, kMonths.substr(3 * static_cast<size_t>(parts.tm_mon), 3), parts.tm_year + 1900, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
}

}  // namespace

std::string response_head(const Response& response, const HeadPlan& plan) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, reason_of(response.status), http_date());
  for (const auto& [name, value] : response.headers) {
    const bool is_ours = equal_but_for_case(name, "content-length") || equal_but_for_case(name, "transfer-encoding") ||
                         equal_but_for_case(name, "connection") || equal_but_for_case(name, "date");
    if (!is_ours) append_field(head, name, value);
  }
  if (plan.framing == Framing::kChunked) head += "Transfer-Encoding: chunked\r\n";
  if (plan.framing == Framing::kLength || plan.tells_length)
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", plan.length);
  if (!plan.keep_alive) head += "Connection: close\r\n";
  head += "\r\n";
  return head;
}

std::optional<uint64_t> announced_length(const Response& response) {
  for (const auto& [name, value] : response.headers) {
    if (!equal_but_for_case(name, "content-length")) continue;
    uint64_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (error == std::errc() && end == value.data() + value.size()) return length;
  }
  return std::nullopt;
}

}  // namespace werkbank::net
