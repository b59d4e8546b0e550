// HTTP as plain values: what handlers see. Only connection.cc and http_client.cc know Beast.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.hh"
#include "base/task.hh"

namespace werkbank::net {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions };
std::string_view to_string(Method method);
std::optional<Method> parse_method(std::string_view text);

// Who is at the other end of the connection, as the kernel tells it.
struct Peer {
  bool unix_socket = false;
  uint32_t uid = 0;     // unix_socket only (SO_PEERCRED)
  std::string address;  // "127.0.0.1:51234" for TCP
};

// The request body, read on demand: large uploads never lie in memory whole.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next piece; empty at the end. invalid_request where the client closed early or was silent too long; too_large past the
  // limit.
  virtual Task<Result<std::string>> next() = 0;
  // All of it, refused with too_large above size_max.
  virtual Task<Result<std::string>> all(size_t size_max) = 0;
};

struct Request {
  Method method = Method::kGet;
  std::string target;                                       // as sent
  std::string path;                                         // without the query, not decoded
  std::vector<std::string> segments;                        // of the path, percent-decoded, valid UTF-8 without NUL; a / at
                                                            // the end adds none
  std::vector<std::pair<std::string, std::string>> query;   // decoded, in order
  std::map<std::string, std::string, std::less<>> headers;  // lower-case names; repeated ones joined with ", "
  Peer peer;
  BodyReader* body = nullptr;  // never null in a handler

  std::optional<std::string> query_value(std::string_view name) const;
  std::string_view header(std::string_view name) const;  // empty where absent
};

// Writes a body of unknown length (SSE, large downloads). write() waits for the peer: back-pressure. Fails when the peer is gone.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  virtual Task<Status> write(std::string bytes) = 0;
  virtual bool is_closed() const = 0;  // the peer is gone, or the server stops: end soon
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Set: `body` is ignored and this writes the body in chunks after the head is sent (fixed length where the header is given).
  std::function<Task<Status>(BodyWriter&)> stream;
};

// Answers every request: the server itself knows no routes. Runs on any thread.
using Handler = std::function<Task<Response>(Request&)>;

}  // namespace werkbank::net
