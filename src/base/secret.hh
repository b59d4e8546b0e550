// Secret: text that no log, event, exception message or JSON document can print by accident.
#pragma once

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

inline std::string_view format_as(const Secret&) { return "***"; }  // {fmt}

}  // namespace werkbank
