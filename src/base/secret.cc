#include "base/secret.hh"

#include <sodium.h>

#include <utility>

namespace werkbank {
namespace {

// The whole buffer, not only the text: a shorter value may have followed a longer one.
void wipe(std::string& text) {
  text.resize(text.capacity());
  sodium_memzero(text.data(), text.size());
  text.clear();
}

}  // namespace

// A moved-from std::string keeps the bytes of a short text; so both moves wipe their source.
Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { wipe(other.value_); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(value_);
  value_ = std::move(other.value_);
  wipe(other.value_);
  return *this;
}

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe(value_);
  value_ = other.value_;
  return *this;
}

Secret::~Secret() { wipe(value_); }

bool Secret::equals(std::string_view other) const {
  return value_.size() == other.size() && sodium_memcmp(value_.data(), other.data(), other.size()) == 0;
}

}  // namespace werkbank
