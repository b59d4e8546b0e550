// The shapes of answers that all routes share.
#pragma once

#include <functional>
#include <string>

#include "api/route.hh"
#include "base/json.hh"

namespace werkbank::api {

net::Response json_response(const json::value& value, int status = 200);
net::Response text_response(std::string text, std::string_view media_type);
net::Response no_content();
// RFC 9457 with our stable code; 401 asks for a bearer token.
// `status`: where HTTP has a more exact one than the error's kind.
net::Response problem_response(const Error& error, std::string_view instance, int status = 0);

// The request has an If-None-Match that names this ETag (quoted), or *: its client has this state already.
bool is_known_to_client(const net::Request& request, std::string_view etag);

// The JSON body, parsed within limits.
Task<Result<json::value>> json_body(Call& call, size_t size_max = 8 * 1024 * 1024);

struct PageRequest {
  int64_t limit = 50;
  std::string cursor;
};
Result<PageRequest> page_request(const net::Request& request);
// A whole number in a query parameter, or the fallback; invalid_request outside [minimum, maximum].
Result<int64_t> query_int(const net::Request& request, std::string_view name, int64_t fallback, int64_t minimum, int64_t maximum);
bool query_flag(const net::Request& request, std::string_view name, bool fallback = false);
std::string query_text(const net::Request& request, std::string_view name, std::string_view fallback = {});

template <typename T>
net::Response page_response(const std::vector<T>& items, const std::string& next) {
  json::array list;
  for (const T& item : items) list.push_back(to_json(item));
  return json_response(json::object{{"items", std::move(list)}, {"next", next}});
}

// Bytes that can be asked for in parts: Range, HEAD, ETag. `read(offset, size)` is called in pieces.
using PieceReader = std::function<Result<std::string>(uint64_t offset, uint64_t size_max)>;
Result<net::Response> bytes_response(const net::Request& request, uint64_t size_bytes, std::string media_type, std::string etag,
                                     PieceReader read);
// By the name's ending; application/octet-stream where unknown. Never a type that a browser would run as a page.
std::string media_type_of(std::string_view path);

}  // namespace werkbank::api
