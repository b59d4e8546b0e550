#include "base/clock.hh"

#include <fmt/format.h>

#include <ctime>

namespace werkbank {
namespace {

class SystemClock final : public Clock {
 public:
  UtcMs utc_now_ms() const override { return milliseconds_of(CLOCK_REALTIME).count(); }
  std::chrono::milliseconds monotonic_now() const override { return milliseconds_of(CLOCK_MONOTONIC); }

 private:
  static std::chrono::milliseconds milliseconds_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return std::chrono::milliseconds(int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000);
  }
};

// Reads digits and punctuation off the front of a text; after the first mismatch `ok` stays false.
struct Scanner {
  std::string_view rest;
  bool ok = true;

  int digits(size_t count) {
    if (!ok || rest.size() < count) return stop();
    int value = 0;
    for (size_t i = 0; i < count; ++i) {
      if (rest[i] < '0' || rest[i] > '9') return stop();
      value = value * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(count);
    return value;
  }
  void expect(char c) {
    if (!take(c)) ok = false;
  }
  bool take(char c) {
    if (!ok || rest.empty() || rest[0] != c) return false;
    rest.remove_prefix(1);
    return true;
  }

 private:
  int stop() {
    ok = false;
    return 0;
  }
};

// The digits after the point, cut to milliseconds.
int scan_fraction_ms(Scanner& scan) {
  int fraction_ms = 0;
  int place = 100;
  size_t count = 0;
  while (!scan.rest.empty() && scan.rest[0] >= '0' && scan.rest[0] <= '9') {
    fraction_ms += (scan.rest[0] - '0') * place;
    place /= 10;
    scan.rest.remove_prefix(1);
    ++count;
  }
  if (count == 0 || count > 9) scan.ok = false;
  return fraction_ms;
}

int scan_offset_minutes(Scanner& scan) {
  if (scan.rest.empty() || scan.take('Z') || scan.take('z')) return 0;
  const bool east = scan.take('+');
  if (!east) scan.expect('-');
  const int hours = scan.digits(2);
  scan.take(':');
  const int minutes = scan.digits(2);
  if (hours > 23 || minutes > 59) scan.ok = false;
  return (east ? 1 : -1) * (hours * 60 + minutes);
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string format_utc(UtcMs time) {
  using namespace std::chrono;
  const sys_time<milliseconds> point{milliseconds(time)};
  const auto day = floor<days>(point);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> clock(point - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}000Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

Result<UtcMs> parse_utc(std::string_view text) {
  using namespace std::chrono;
  Scanner scan{text};
  const int year_number = scan.digits(4);
  scan.expect('-');
  const int month_number = scan.digits(2);
  scan.expect('-');
  const int day_number = scan.digits(2);
  if (!scan.take('T') && !scan.take('t')) scan.expect(' ');
  const int hour = scan.digits(2);
  scan.expect(':');
  const int minute = scan.digits(2);
  scan.expect(':');
  const int second = scan.digits(2);
  const int fraction_ms = scan.take('.') ? scan_fraction_ms(scan) : 0;
  const int offset_minutes = scan_offset_minutes(scan);
  const year_month_day date{year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number))};
  if (!scan.ok || !scan.rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    return fail(errors::invalid_request, fmt::format("{:?} is not a time", text.substr(0, 64)),
                "Write times as 2026-11-21T08:37:21.123456Z.");
  }
  const auto time = sys_days(date) + hours(hour) + minutes(minute - offset_minutes) + seconds(second) + milliseconds(fraction_ms);
  return time.time_since_epoch().count();
}

}  // namespace werkbank
