#include "api/responses.hh"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "net/problem.hh"

namespace werkbank::api {
namespace {

constexpr uint64_t kPieceBytes = 256 * 1024;

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Range {
  uint64_t from = 0;
  uint64_t size = 0;
  bool partial = false;
};

// One byte range (RFC 9110, 14.2); several or malformed ones are ignored, which the RFC allows. Nothing: not satisfiable.
std::optional<Range> requested_range(const net::Request& request, uint64_t size_bytes) {
  const Range whole{0, size_bytes, false};
  std::string_view header = request.header("range");
  if (!header.starts_with("bytes=") || header.find(',') != std::string_view::npos) return whole;
  header.remove_prefix(6);
  const size_t dash = header.find('-');
  if (dash == std::string_view::npos) return whole;
  const std::optional<uint64_t> first = parse_number(header.substr(0, dash));
  const std::optional<uint64_t> last = parse_number(header.substr(dash + 1));
  if (!first) {
    if (!last || dash != 0) return whole;
    if (*last == 0) return std::nullopt;
    const uint64_t size = std::min(*last, size_bytes);
    return Range{size_bytes - size, size, true};
  }
  if (*first >= size_bytes) return std::nullopt;
  const uint64_t end = last ? std::min(*last + 1, size_bytes) : size_bytes;
  if (end <= *first) return whole;
  return Range{*first, end - *first, true};
}

// A named coroutine with parameters by value: a capturing lambda's captures would be gone after the first suspension.
Task<Status> stream_pieces(net::BodyWriter& writer, PieceReader read, uint64_t from, uint64_t size) {
  uint64_t sent = 0;
  while (sent < size) {
    Result<std::string> piece = read(from + sent, std::min(kPieceBytes, size - sent));
    if (!piece) co_return fail(std::move(piece).error());
    if (piece->empty()) co_return fail(errors::internal, "a file became shorter while it was sent");
    sent += piece->size();
    CO_CHECK_OK(co_await writer.write(std::move(*piece)));
  }
  co_return Status{};
}

}  // namespace

net::Response json_response(const json::value& value, int status) {
  net::Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = json::serialize(value);
  return response;
}

net::Response text_response(std::string text, std::string_view media_type) {
  net::Response response;
  response.headers.emplace_back("Content-Type", std::string(media_type));
  response.body = std::move(text);
  return response;
}

net::Response no_content() {
  net::Response response;
  response.status = 204;
  return response;
}

net::Response problem_response(const Error& error, std::string_view instance, int status) {
  net::Response response;
  response.status = status != 0 ? status : net::status_of(error.kind());
  response.headers.emplace_back("Content-Type", "application/problem+json");
  response.body = net::problem_json(error, response.status, instance);
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"werkbank\"");
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

bool is_known_to_client(const net::Request& request, std::string_view etag) {
  std::string_view list = request.header("if-none-match");
  // An ETag of ours has no comma in it. Weak comparison, as RFC 9110, 13.1.2 wants it here.
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view entry = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (entry.starts_with(' ') || entry.starts_with('\t')) entry.remove_prefix(1);
    while (entry.ends_with(' ') || entry.ends_with('\t')) entry.remove_suffix(1);
    if (entry.starts_with("W/")) entry.remove_prefix(2);
    if (entry == etag || entry == "*") return true;
  }
  return false;
}

Task<Result<json::value>> json_body(Call& call, size_t size_max) {
  CO_TRY(const std::string text, co_await call.request.body->all(size_max));
  JsonLimits limits;
  limits.size_bytes_max = size_max;
  co_return parse_json(text, limits);
}

Result<int64_t> query_int(const net::Request& request, std::string_view name, int64_t fallback, int64_t minimum,
                          int64_t maximum) {
  const std::optional<std::string> text = request.query_value(name);
  if (!text) return fallback;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < minimum || number > maximum) {
    return fail(errors::invalid_request,
                fmt::format("query parameter {}: {:?} is not a whole number from {} to {}", name, *text, minimum, maximum));
  }
  return number;
}

bool query_flag(const net::Request& request, std::string_view name, bool fallback) {
  const std::optional<std::string> text = request.query_value(name);
  if (!text) return fallback;
  return *text != "false" && *text != "0";
}

std::string query_text(const net::Request& request, std::string_view name, std::string_view fallback) {
  return request.query_value(name).value_or(std::string(fallback));
}

Result<PageRequest> page_request(const net::Request& request) {
  PageRequest page;
  TRY(page.limit, query_int(request, "limit", 50, 1, 1000));
  page.cursor = query_text(request, "cursor");
  return page;
}

Result<net::Response> bytes_response(const net::Request& request, uint64_t size_bytes, std::string media_type, std::string etag,
                                     PieceReader read) {
  net::Response response;
  response.headers.emplace_back("Content-Type", std::move(media_type));
  response.headers.emplace_back("Accept-Ranges", "bytes");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  if (!etag.empty()) {
    const std::string quoted = fmt::format("\"{}\"", etag);
    response.headers.emplace_back("ETag", quoted);
    if (is_known_to_client(request, quoted)) {
      response.status = 304;
      return response;
    }
  }
  const std::optional<Range> range = requested_range(request, size_bytes);
  if (!range) {
    response.status = 416;
    response.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size_bytes));
    return response;
  }
  if (range->partial) {
    response.status = 206;
    response.headers.emplace_back("Content-Range",
                                  fmt::format("bytes {}-{}/{}", range->from, range->from + range->size - 1, size_bytes));
  }
  if (request.method != net::Method::kHead && range->size <= kPieceBytes) {
    if (range->size > 0) {
      TRY(response.body, read(range->from, range->size));
    }
    return response;
  }
  response.headers.emplace_back("Content-Length", std::to_string(range->size));
  if (request.method == net::Method::kHead) return response;
  response.stream = [read = std::move(read), from = range->from, size = range->size](net::BodyWriter& writer) {
    return stream_pieces(writer, read, from, size);
  };
  return response;
}

std::string media_type_of(std::string_view path) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTypes{{
      {".txt", "text/plain; charset=utf-8"},
      {".log", "text/plain; charset=utf-8"},
      {".py", "text/plain; charset=utf-8"},
      {".md", "text/plain; charset=utf-8"},
      {".csv", "text/csv; charset=utf-8"},
      {".json", "application/json"},
      {".yml", "text/plain; charset=utf-8"},
      {".yaml", "text/plain; charset=utf-8"},
      {".html", "text/plain; charset=utf-8"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".gif", "image/gif"},
      {".pdf", "application/pdf"},
  }};
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return std::string(type);
  }
  return "application/octet-stream";
}

}  // namespace werkbank::api
