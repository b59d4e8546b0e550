// Secret: text that no log, event, exception message or JSON document can print by accident.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace werkbank {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();  // wipes the memory

  // The only way to the text. Every call is a place to review: grep for it.
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool equals(std::string_view other) const;  // constant time for texts of one length

 private:
  std::string value_;
};

}  // namespace werkbank

template <>
struct fmt::formatter<werkbank::Secret> : fmt::formatter<std::string_view> {
  auto format(const werkbank::Secret&, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format("***", context);
  }
};
