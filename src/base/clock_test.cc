#include "base/clock.hh"

#include <doctest/doctest.h>

using namespace werkbank;

TEST_CASE("times are written in v1's form and read back") {
  CHECK(format_utc(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(format_utc(1'795'250'241'123) == "2026-11-21T08:37:21.123000Z");
  CHECK(format_utc(-1) == "1969-12-31T23:59:59.999000Z");
  for (const UtcMs time : {UtcMs{0}, UtcMs{1'795'250'241'123}, UtcMs{-86'400'001}, UtcMs{951'782'400'000}}) {
    CHECK(parse_utc(format_utc(time)).value() == time);
  }
}

TEST_CASE("parse_utc takes offsets, fewer digits and no zone") {
  const UtcMs expected = 1'795'250'241'000;
  CHECK(parse_utc("2026-11-21T08:37:21Z").value() == expected);
  CHECK(parse_utc("2026-11-21 08:37:21").value() == expected);
  CHECK(parse_utc("2026-11-21T10:07:21+01:30").value() == expected);
  CHECK(parse_utc("2026-11-21T03:37:21-0500").value() == expected);
  CHECK(parse_utc("2026-11-21T08:37:21.5Z").value() == expected + 500);
  CHECK(parse_utc("2026-11-21T08:37:21.1239999Z").value() == expected + 123);
}

TEST_CASE("parse_utc refuses what is no time") {
  for (const char* text : {"", "yesterday", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
                           "2026-11-21T08:37:21.Z", "2026-11-21T08:37:21Zx", "2026-11-21T08:37:21+24:00", "2026-11-21T08:37:2"}) {
    CAPTURE(text);
    const auto time = parse_utc(text);
    REQUIRE_FALSE(time);
    CHECK(time.error().code == &errors::invalid_request);
  }
}

TEST_CASE("the system's monotonic clock does not go back") {
  const auto before = system_clock().monotonic_now();
  CHECK(system_clock().monotonic_now() >= before);
  CHECK(system_clock().utc_now_ms() > 1'600'000'000'000);
}
