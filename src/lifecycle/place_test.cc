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

namespace {
QueuedRun child(std::string id, std::string parent, int64_t arrival) {
  return {{"default", std::move(id)}, "local", 0, arrival, arrival, std::move(parent)};
}
std::map<RunKey, HoldingRun> at_work(std::initializer_list<std::pair<std::string, std::string>> runs) {
  std::map<RunKey, HoldingRun> holding;
  for (const auto& [id, parent] : runs) holding[{"default", id}] = {"local", parent};
  return holding;
}
}  // namespace

TEST_CASE("where only parents of waiting children are at work, one child is let in") {
  const std::vector<QueuedRun> queue{queued("early", "local", 0, 1, 1), child("p-2", "p", 3), child("q-1", "q", 2)};
  const std::set<std::string> full{"local"};
  CHECK(ids(place_beyond(queue, at_work({{"p", ""}, {"q", ""}}), full)) == std::vector<std::string>{"q-1"});
  CHECK(place_beyond(queue, at_work({{"p", ""}, {"q", ""}}), {}).empty());                  // its room is hard
  CHECK(place_beyond(queue, at_work({{"p", ""}, {"other", ""}}), full).empty());            // it will end
  CHECK(place_beyond(queue, at_work({{"p", ""}, {"q", ""}, {"q-0", "q"}}), full).empty());  // so will the child
  CHECK(ids(place_beyond({child("c", "p", 1)}, at_work({{"g", ""}, {"p", "g"}}), full)) == std::vector<std::string>{"c"});
  CHECK(place_beyond({child("c", "p", 1)}, {}, full).empty());
  CHECK(place_beyond({child("c", "c", 1)}, at_work({{"a", "b"}, {"b", "a"}}), full).empty());  // no family at all
}

TEST_CASE("nothing starts on a target without known room") {
  CHECK(place({queued("a", "gone", 0, 1, 1)}, {{"local", 3}}).empty());
}
