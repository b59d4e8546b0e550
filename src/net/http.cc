#include "net/http.hh"

#include <array>

namespace werkbank::net {
namespace {

struct MethodName {
  Method method;
  std::string_view text;
};
constexpr std::array<MethodName, 7> kMethods = {{{Method::kGet, "GET"},
                                                 {Method::kHead, "HEAD"},
                                                 {Method::kPost, "POST"},
                                                 {Method::kPut, "PUT"},
                                                 {Method::kPatch, "PATCH"},
                                                 {Method::kDelete, "DELETE"},
                                                 {Method::kOptions, "OPTIONS"}}};

}  // namespace

std::string_view to_string(Method method) {
  for (const MethodName& name : kMethods) {
    if (name.method == method) return name.text;
  }
  return "GET";
}

std::optional<Method> parse_method(std::string_view text) {
  for (const MethodName& name : kMethods) {
    if (name.text == text) return name.method;
  }
  return std::nullopt;
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view Request::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace werkbank::net
