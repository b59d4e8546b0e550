#include "lifecycle/retries.hh"

#include <doctest/doctest.h>

using namespace werkbank;
using lifecycle::Retries;
using std::chrono::milliseconds;

namespace {

const RunKey kRun{"w", "r"};
Error broken() { return Error{&errors::unavailable, "the connection broke", "", {}}; }

}  // namespace

TEST_CASE("pauses grow to their longest, and the run is given up after so many failures") {
  Retries retries({milliseconds(1000), milliseconds(60'000), 12});
  milliseconds now{5};
  std::vector<int64_t> pauses;
  for (int failure = 1; failure <= 12; ++failure) {
    CHECK(retries.note_failure(kRun, broken(), now) == (failure < 12));
    const Retries::Entry entry = retries.find(kRun).value();
    CHECK(entry.failures == failure);
    CHECK(entry.last.message == "the connection broke");
    pauses.push_back((entry.due - now).count() / 1000);
    CHECK(retries.take_due(entry.due - milliseconds(1)).empty());
    CHECK(retries.take_due(entry.due) == std::vector<RunKey>{kRun});
    CHECK(retries.take_due(entry.due + milliseconds(100'000)).empty());  // it is under way
    now = entry.due;
  }
  CHECK(pauses == std::vector<int64_t>{1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60});
}

TEST_CASE("a step that goes well begins the count anew") {
  Retries retries({milliseconds(10), milliseconds(100), 2});
  CHECK(retries.note_failure(kRun, broken(), milliseconds(0)));
  retries.forget(kRun);
  CHECK_FALSE(retries.find(kRun).has_value());
  CHECK(retries.note_failure(kRun, broken(), milliseconds(0)));
  CHECK_FALSE(retries.note_failure(kRun, broken(), milliseconds(0)));
}

TEST_CASE("a full disk is waited for without end") {
  Retries retries({milliseconds(10), milliseconds(100), 2});
  for (int failure = 0; failure < 50; ++failure) {
    CHECK(retries.note_failure(kRun, Error{&errors::disk_full, "no room", "", {}}, milliseconds(0)));
  }
  CHECK(retries.find(kRun)->due == milliseconds(100));
}
