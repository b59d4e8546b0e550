#include "lifecycle/place.hh"

#include <doctest/doctest.h>

using namespace werkbank;
using namespace werkbank::lifecycle;

namespace {
QueuedRun queued(std::string id, std::string target, int64_t priority, UtcMs at, int64_t arrival) {
  return {{"default", std::move(id)}, std::move(target), priority, at, arrival};
}
std::vector<std::string> ids(const std::vector<RunKey>& keys) {
  std::vector<std::string> found;
  for (const RunKey& key : keys) found.push_back(key.run_id);
  return found;
}
}  // namespace

TEST_CASE("runs of one priority start in the order they came") {
  const std::vector<QueuedRun> queue{queued("b", "local", 0, 2, 2), queued("a", "local", 0, 1, 1), queued("c", "local", 0, 2, 3)};
  CHECK(ids(place(queue, {{"local", 2}})) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a higher priority goes first") {
  const std::vector<QueuedRun> queue{queued("early", "local", 0, 1, 1), queued("urgent", "local", 5, 9, 2)};
  CHECK(ids(place(queue, {{"local", 1}})) == std::vector<std::string>{"urgent"});
}

TEST_CASE("a full target does not hold up another one") {
  const std::vector<QueuedRun> queue{queued("a", "full", 9, 1, 1), queued("b", "free", 0, 2, 2)};
  CHECK(ids(place(queue, {{"full", 0}, {"free", 3}})) == std::vector<std::string>{"b"});
}

TEST_CASE("nothing starts on a target without known room") {
  CHECK(place({queued("a", "gone", 0, 1, 1)}, {{"local", 3}}).empty());
}
