// Time, through one door, so that tests and the simulation can own it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hh"

namespace werkbank {

using UtcMs = int64_t;  // milliseconds since 1970-01-01T00:00:00Z

class Clock {
 public:
  virtual ~Clock() = default;
  // For what people read and what is stored.
  virtual UtcMs utc_now_ms() const = 0;
  // For leases and timeouts: CLOCK_MONOTONIC, which stands still while the machine is suspended.
  virtual std::chrono::milliseconds monotonic_now() const = 0;
};

const Clock& system_clock();

// "2026-11-21T08:37:21.123456Z", always UTC, always six fractional digits (v1's form). parse accepts an offset, no zone
// (UTC is meant), a blank for the T, and up to nine digits or none; below a millisecond it cuts. invalid_request otherwise.
std::string format_utc(UtcMs time);
Result<UtcMs> parse_utc(std::string_view text);

}  // namespace werkbank
