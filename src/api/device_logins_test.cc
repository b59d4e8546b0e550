#include "api/device_logins.hh"

#include <doctest/doctest.h>

namespace werkbank::api {
namespace {

TEST_CASE("a code is entered once and its grant taken once") {
  DeviceLogins logins;
  const DeviceLogins::Begun begun = logins.begin(1000).value();
  CHECK(begun.user_code.size() == 9);
  CHECK_FALSE(logins.take(begun.device_code, 1000).value());
  CHECK(logins.approve("ZZZZ-ZZZZ!", {.user = "anna"}, 1000).error().code == &errors::not_found);
  std::string typed = " " + begun.user_code.substr(0, 4) + begun.user_code.substr(5);
  for (char& c : typed) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  REQUIRE(logins.approve(typed, {.user = "anna", .role = Role::kContributor}, 1000));
  CHECK_FALSE(logins.approve(begun.user_code, {.user = "eve"}, 1000));
  CHECK_FALSE(logins.take(begun.user_code, 1000));
  CHECK(logins.take(begun.device_code, 1000).value()->user == "anna");
  CHECK(logins.take(begun.device_code, 1000).error().code == &errors::not_found);
}

TEST_CASE("a code ends, and there are not endlessly many") {
  DeviceLogins logins;
  const DeviceLogins::Begun oldest = logins.begin(0).value();
  REQUIRE(logins.approve(oldest.user_code, {.user = "anna"}, 0));
  const DeviceLogins::Begun second = logins.begin(1).value();
  const DeviceLogins::Begun begun = logins.begin(2).value();
  for (size_t i = 3; i < DeviceLogins::kPendingMax; ++i) REQUIRE(logins.begin(3));
  REQUIRE(logins.begin(4));
  CHECK_FALSE(logins.check(second.user_code, 4));  // made room: the oldest whose code nobody entered
  CHECK(logins.check(begun.user_code, 4));
  CHECK(logins.take(oldest.device_code, 4).value()->user == "anna");
  const UtcMs late = DeviceLogins::kWaitSeconds * 1000 + 4;
  CHECK_FALSE(logins.approve(begun.user_code, {.user = "anna"}, late));
  CHECK_FALSE(logins.take(begun.device_code, late));
  CHECK(logins.begin(late));
}

TEST_CASE("logins whose code was entered make no room") {
  DeviceLogins logins;
  for (size_t i = 0; i < DeviceLogins::kPendingMax; ++i) {
    const DeviceLogins::Begun begun = logins.begin(0).value();
    REQUIRE(logins.approve(begun.user_code, {.user = "anna"}, 0));
  }
  CHECK(logins.begin(0).error().code == &errors::unavailable);
}

}  // namespace
}  // namespace werkbank::api
