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
std::vector<std::string> started(std::vector<QueuedRun> queue, std::map<std::string, TargetRoom> rooms) {
  return ids(place(std::move(queue), std::move(rooms)).runs);
}
QueuedRun wide(QueuedRun run, int64_t slots, int64_t overtaken = 0) {
  run.slots = slots;
  run.overtaken = overtaken;
  return run;
}
}  // namespace

TEST_CASE("runs of one priority start in the order they came") {
  const std::vector<QueuedRun> queue{queued("b", "local", 0, 2, 2), queued("a", "local", 0, 1, 1), queued("c", "local", 0, 2, 3)};
  CHECK(started(queue, {{"local", {2}}}) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a higher priority goes first") {
  const std::vector<QueuedRun> queue{queued("early", "local", 0, 1, 1), queued("urgent", "local", 5, 9, 2)};
  CHECK(started(queue, {{"local", {1}}}) == std::vector<std::string>{"urgent"});
}

TEST_CASE("a full target does not hold up another one") {
  const std::vector<QueuedRun> queue{queued("a", "full", 9, 1, 1), queued("b", "free", 0, 2, 2)};
  CHECK(started(queue, {{"full", {0}}, {"free", {3}}}) == std::vector<std::string>{"b"});
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
  CHECK(started({queued("a", "gone", 0, 1, 1)}, {{"local", {3}}}).empty());
}

TEST_CASE("a run of several nodes starts with all of them or not at all") {
  const QueuedRun three = wide(queued("three", "pool", 0, 1, 1), 3);
  CHECK(started({three}, {{"pool", {2}}}).empty());
  CHECK(started({three}, {{"pool", {3}}}) == std::vector<std::string>{"three"});
  // Two that do not both fit: the first one has its whole room, the other waits.
  const QueuedRun two = wide(queued("two", "pool", 0, 2, 2), 2);
  CHECK(started({three, two}, {{"pool", {4}}}) == std::vector<std::string>{"three"});
  CHECK(started({three, two}, {{"pool", {5}}}) == std::vector<std::string>{"three", "two"});
}

TEST_CASE("smaller runs go before one that waits for several nodes, and not without end") {
  std::vector<QueuedRun> queue{wide(queued("wide", "pool", 0, 1, 1), 4)};
  for (int64_t i = 2; i <= 9; ++i) queue.push_back(queued("small-" + std::to_string(i), "pool", 0, i, i));
  const Placed first = place(queue, {{"pool", {3}}});
  CHECK(ids(first.runs) == std::vector<std::string>{"small-2", "small-3", "small-4"});
  CHECK(first.overtaken == std::map<RunKey, int64_t>{{{"default", "wide"}, 3}});
  // One more may go; then the nodes are kept.
  queue[0].overtaken = 3;
  CHECK(started(queue, {{"pool", {3}}}) == std::vector<std::string>{"small-2"});
  queue[0].overtaken = kOvertakenMax;
  CHECK(started(queue, {{"pool", {3}}}).empty());
  CHECK(started(queue, {{"pool", {4}}}) == std::vector<std::string>{"wide"});
}

TEST_CASE("who has a higher priority is not overtaken; who can never fit holds up nobody") {
  const QueuedRun urgent = wide(queued("urgent", "pool", 1, 9, 9), 3);
  const QueuedRun small = queued("small", "pool", 0, 1, 1);
  CHECK(started({urgent, small}, {{"pool", {2, 4}}}).empty());
  CHECK(started({urgent, small}, {{"pool", {2, 2}}}) == std::vector<std::string>{"small"});
}

TEST_CASE("a run that a quota keeps waiting holds up nobody, and says why") {
  QuotaBook book;
  book.quotas.each_user.runs = 1;
  QueuedRun first = queued("first", "local", 0, 1, 1), second = queued("second", "local", 0, 2, 2);
  QueuedRun others = queued("others", "local", 0, 3, 3);
  first.user = second.user = "ann";
  others.user = "bob";
  for (QueuedRun* const run : {&first, &second, &others}) run->needs.runs = 1;
  const Placed placed = place({first, second, others}, {{"local", {9}}}, {{"default", book}});
  CHECK(ids(placed.runs) == std::vector<std::string>{"first", "others"});
  CHECK(placed.beyond_quota.at({"default", "second"}).find("1 runs: 1 in use") != std::string::npos);
}
