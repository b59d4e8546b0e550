// Who is woken by what: live streams, waiting requests, and builds that several wait for.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <future>
#include <semaphore>

#include "support/scripted_target.hh"
#include "support/test_world.hh"

using namespace werkbank;
using namespace std::chrono_literals;
using net::Method;

namespace {

constexpr const char* kRun = "/api/v1/workspaces/default/runs/r";

struct CollectingWriter final : net::BodyWriter {
  Task<Status> write(std::string bytes) override {
    pieces.push_back(bytes.size());
    text += bytes;
    co_return Status{};
  }
  bool is_closed() const override { return false; }
  std::string text;
  std::vector<size_t> pieces;
};

std::string body_of(net::Response& response, CollectingWriter& writer) {
  if (!response.stream) return response.body;
  REQUIRE(sync_wait(response.stream(writer)).has_value());
  return writer.text;
}

void add_points(test::TestWorld& world, const std::string& metric, int64_t count) {
  MetricLine line;
  line.sequence = 1;
  line.name = metric;
  line.timestamp_ms = 1;
  MetricLine::Column column;
  for (int64_t i = 0; i < count; ++i) column.values.emplace_back(i);
  line.columns.push_back(std::move(column));
  REQUIRE(sync_wait(world.series->append({{"default", "r"}, 0, 0, "w-" + metric}, {line})).has_value());
}

void add_run(test::TestWorld& world, const std::string& id) {
  REQUIRE(
      world.ask(Method::kPost, "/api/v1/workspaces/default/tracked-runs", R"({"experiment":"e","runId":")" + id + "\"}").status ==
      201);
}

}  // namespace

TEST_CASE("a listener hears of its own topics only, and misses none of them") {
  test::TestWorld world;
  const RunKey mine{"default", "mine"}, other{"default", "other"};
  const auto listener = world.hub.listen({api::Topic::logs_of_run(mine), api::Topic::events_of_run(mine)});
  const uint64_t seen = world.hub.position(listener);
  world.hub.notify_log(other);
  world.hub.notify_points(mine);
  RunEvent foreign;
  foreign.workspace = "default";
  foreign.run_id = "other";
  foreign.cursor = 41;
  world.hub.notify_events({foreign});
  CHECK(world.hub.position(listener) == seen);
  CHECK(world.hub.last_event() == 41);
  world.hub.notify_log(mine);
  CHECK(world.hub.position(listener) != seen);
  CHECK(sync_wait(world.hub.wait(listener, seen, 1h)));  // at once: it has been notified since
  RunEvent event = foreign;
  event.run_id = "mine";
  event.cursor = 42;
  const uint64_t before = world.hub.position(listener);
  auto waiting = std::async(std::launch::async, [&] { return sync_wait(world.hub.wait(listener, before, 1h)); });
  world.hub.notify_events({event});
  CHECK(waiting.get());
  CHECK(sync_wait(world.hub.wait(listener, world.hub.position(listener), 1ms)));  // the time is over
}

TEST_CASE("every listener is let go when the hub stops") {
  test::TestWorld world;
  const auto listener = world.hub.listen({});
  auto waiting =
      std::async(std::launch::async, [&] { return sync_wait(world.hub.wait(listener, world.hub.position(listener), 1h)); });
  world.hub.stop();
  CHECK_FALSE(waiting.get());
  CHECK_FALSE(sync_wait(world.hub.wait(listener, world.hub.position(listener), 1h)));
}

TEST_CASE("many notifiers and many listeners: nobody is left waiting") {
  test::TestWorld world;
  std::atomic<int> woken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&world, &woken, i] {
      const RunKey run{"default", std::to_string(i % 2)};
      const auto listener = world.hub.listen({api::Topic::logs_of_run(run)});
      for (uint64_t seen = world.hub.position(listener); seen < 50; seen = world.hub.position(listener)) {
        if (!sync_wait(world.hub.wait(listener, seen, 1h))) return;
      }
      ++woken;
    });
  }
  std::atomic<bool> done{false};
  std::thread notifier([&] {
    while (!done) {
      world.hub.notify_log({"default", "0"});
      world.hub.notify_log({"default", "1"});
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  notifier.join();
  CHECK(woken == 8);
}

TEST_CASE("the metrics of a run come whole, in pieces, and page by page") {
  test::TestWorld world;
  add_run(world, "r");
  add_points(world, "few", 3);
  add_points(world, "many", 50'000);
  CollectingWriter writer;
  net::Response whole = world.ask(Method::kGet, std::string(kRun) + "/metrics");
  const json::value document = json::parse(body_of(whole, writer));
  CHECK(writer.pieces.size() > 1);
  for (const size_t size : writer.pieces) CHECK(size < 512 * 1024);
  REQUIRE(document.at("metrics").as_array().size() == 2);
  CHECK(document.at("next").as_string().empty());
  const json::value& many = document.at("metrics").as_array()[1].at("columns").as_array()[0];
  CHECK(many.at("count").as_int64() == 50'000);
  CHECK(many.at("values").as_array().size() == 50'000);
  CHECK(many.at("values").as_array()[49'999].as_int64() == 49'999);

  net::Response summaries = world.ask(Method::kGet, std::string(kRun) + "/metrics?values=false");
  CHECK_FALSE(json::parse(summaries.body).at("metrics").as_array()[1].at("columns").as_array()[0].as_object().contains("values"));
  net::Response one = world.ask(Method::kGet, std::string(kRun) + "/metrics?name=few");
  CHECK(json::parse(one.body).at("metrics").as_array().size() == 1);
  net::Response none = world.ask(Method::kGet, std::string(kRun) + "/metrics?name=none");
  CHECK(json::parse(none.body).at("metrics").as_array().empty());

  std::vector<int64_t> values;
  std::string cursor;
  size_t pages = 0;
  do {
    CollectingWriter page_writer;
    net::Response response = world.ask(Method::kGet, fmt::format("{}/metrics?limit=20000&cursor={}", kRun, cursor));
    const json::value page = json::parse(body_of(response, page_writer));
    for (const json::value& metric : page.at("metrics").as_array()) {
      const json::value& column = metric.at("columns").as_array()[0];
      if (metric.at("name").as_string() != "many") continue;
      CHECK(column.at("from").as_int64() == static_cast<int64_t>(values.size()));
      for (const json::value& value : column.at("values").as_array()) values.push_back(value.as_int64());
    }
    cursor = std::string(page.at("next").as_string());
    ++pages;
  } while (!cursor.empty());
  CHECK(pages == 3);
  REQUIRE(values.size() == 50'000);
  for (size_t i = 0; i < values.size(); ++i) REQUIRE(values[i] == static_cast<int64_t>(i));
  CHECK(world.ask(Method::kGet, std::string(kRun) + "/metrics?cursor=nonsense").status == 400);
  CHECK(world.ask(Method::kGet, std::string(kRun) + "/metrics?limit=0").status == 400);
}

namespace {

// Prepares when it is told to, and counts.
struct SlowTarget {
  explicit SlowTarget(test::ScriptedTarget& target) {
    target.on_prepare([this](const EnvironmentRecipe&, const compute::OutputSink& output,
                             const std::function<bool()>& canceled) -> Result<ReadyEnvironment> {
      ++builds;
      output("begun\n");
      while (!go_on.try_acquire_for(1ms)) {
        if (canceled()) return fail(errors::environment_failed, "the build was canceled");
      }
      output("ended\n");
      return ReadyEnvironment{};
    });
  }
  std::atomic<int> builds{0};
  std::counting_semaphore<> go_on{0};
};

EnvironmentRecipe recipe(const std::string& hash) {
  EnvironmentRecipe made;
  made.hash = hash;
  return made;
}

}  // namespace

TEST_CASE("one build serves all who want the same environment, and takes one thread") {
  test::ScriptedTarget target;
  SlowTarget slow(target);
  BlockingPool builders(1);  // the waiters cannot have one each
  lifecycle::EnvironmentBuilds builds(builders);
  std::mutex mutex;
  std::vector<std::string> outputs(4);
  std::vector<std::future<bool>> waiting;
  std::counting_semaphore<> heard(0);
  for (size_t i = 0; i < outputs.size(); ++i) {
    waiting.push_back(std::async(std::launch::async, [&, i] {
      lifecycle::EnvironmentBuilds::Wish wish;
      wish.output = [&, i](std::string_view bytes) {
        const std::lock_guard lock(mutex);
        if (outputs[i].empty()) heard.release();
        outputs[i] += bytes;
      };
      return sync_wait(builds.ready(&target, recipe("same"), std::move(wish))).has_value();
    }));
  }
  for (size_t i = 0; i < outputs.size(); ++i) heard.acquire();
  slow.go_on.release();
  for (auto& each : waiting) CHECK(each.get());
  CHECK(slow.builds == 1);
  for (const std::string& output : outputs) CHECK(output == "begun\nended\n");
  slow.go_on.release();
  CHECK(sync_wait(builds.ready(&target, recipe("same"), {})).has_value());
  CHECK(slow.builds == 2);  // the next one asks the target again: it knows what is ready
}

TEST_CASE("who gives up leaves the build to the others; it ends with the last one") {
  test::ScriptedTarget target;
  SlowTarget slow(target);
  BlockingPool builders(2);
  lifecycle::EnvironmentBuilds builds(builders);
  std::atomic<bool> first_gone{false}, second_gone{false};
  const auto want = [&](std::atomic<bool>& gone, std::counting_semaphore<>& heard) {
    return std::async(std::launch::async, [&] {
      lifecycle::EnvironmentBuilds::Wish wish;
      wish.output = [&](std::string_view) { heard.release(); };
      wish.canceled = [&] { return gone.load(); };
      return sync_wait(builds.ready(&target, recipe("same"), std::move(wish))).has_value();
    });
  };
  std::counting_semaphore<> first_heard(0), second_heard(0);
  auto first = want(first_gone, first_heard);
  first_heard.acquire();
  auto second = want(second_gone, second_heard);
  second_heard.acquire();
  first_gone = true;
  CHECK_FALSE(first.get());
  CHECK(slow.builds == 1);
  SUBCASE("the other has it") {
    slow.go_on.release();
    CHECK(second.get());
  }
  SUBCASE("the last one, too, gives up: the build ends, and a later wish begins another") {
    second_gone = true;
    CHECK_FALSE(second.get());
    slow.go_on.release();
    CHECK(sync_wait(builds.ready(&target, recipe("same"), {})).has_value());
    CHECK(slow.builds == 2);
  }
}
