// The contract of store/series.hh, run against every implementation.
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "support/series_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

TEST_CASE_TEMPLATE("every kind of value comes back as it was", World, ALL_STORES) {
  World world;
  const std::vector<MetricValue> values{int64_t{1},
                                        INT64_MIN,
                                        INT64_MAX,
                                        0.1,
                                        -0.0,
                                        1e308,
                                        5e-324,
                                        kNan,
                                        kInfinity,
                                        -kInfinity,
                                        std::string("text"),
                                        std::string(),
                                        std::string("a\0b ü🎉", 10),
                                        std::monostate(),
                                        1.0};
  int64_t sequence = 0;
  for (const MetricValue& value : values) {
    ++sequence;
    must_append(world, writer(), {scalar(sequence, "m", value, -sequence, 1000 + sequence)});
  }
  must_append(world, writer(), {scalar(++sequence, "m", 2.5)});
  world.reopen();
  const SeriesPage page = points(*world.store, "m");
  REQUIRE(page.points.size() == values.size() + 1);
  CHECK(!page.more);
  CHECK(page.next_sequence == sequence);
  for (size_t i = 0; i < values.size(); ++i) {
    CHECK(same(page.points[i].value, values[i]));
    CHECK(page.points[i].sequence == static_cast<int64_t>(i));
    CHECK(page.points[i].has_step);
    CHECK(page.points[i].step == -static_cast<int64_t>(i + 1));
    CHECK(page.points[i].timestamp_ms == static_cast<int64_t>(1001 + i));
  }
  CHECK(!page.points.back().has_step);
}

TEST_CASE_TEMPLATE("lists, tables and artifacts are series of their columns", World, ALL_STORES) {
  World world;
  MetricLine list = scalar(1, "fib", int64_t{1});
  list.columns[0].values = {int64_t{1}, int64_t{1}, int64_t{2}, int64_t{3}};
  MetricLine table{.sequence = 2, .name = "table", .kind = MetricKind::kTable, .timestamp_ms = 5, .step = {}};
  table.columns = {{"a", {int64_t{1}, int64_t{2}}}, {"b", {std::string("x"), std::monostate()}}};
  MetricLine image{.sequence = 3, .name = "plot", .kind = MetricKind::kImage, .timestamp_ms = 6, .step = {}};
  image.columns = {{"", {std::string("outputs/plot.png")}}};
  MetricLine empty = scalar(4, "nothing", int64_t{1});
  empty.columns[0].values.clear();
  must_append(world, writer(), {list, table, image, empty});
  CHECK(integers(points(*world.store, "fib")) == std::vector<int64_t>{1, 1, 2, 3});
  CHECK(integers(points(*world.store, "table", "a")) == std::vector<int64_t>{1, 2});
  CHECK(points(*world.store, "table", "b").points.size() == 2);
  CHECK(points(*world.store, "table", "c").points.empty());
  const std::vector<MetricSummary> found = summaries(*world.store);
  REQUIRE(found.size() == 4);
  CHECK(found[0].name == "fib");
  CHECK(found[1].column == "a");
  CHECK(found[2].kind == MetricKind::kTable);
  CHECK(found[3].kind == MetricKind::kImage);
}

TEST_CASE_TEMPLATE("summaries: by first appearance; count, latest, least and greatest", World, ALL_STORES) {
  World world;
  must_append(world, writer(), {scalar(1, "z", 3.0, 5), scalar(2, "a", int64_t{7})});
  must_append(world, writer(), {scalar(3, "z", 9.0, 4, 9999), scalar(4, "z", kNan, 5)});
  must_append(world, writer(),
              {scalar(5, "z", 1.0, 5), scalar(6, "text", std::string("t")), scalar(7, "a", int64_t{8}, {}, 999)});
  world.reopen();
  must_append(world, writer(), {scalar(8, "z", -kInfinity, -3)});
  const std::vector<MetricSummary> found = summaries(*world.store);
  REQUIRE(found.size() == 3);
  CHECK(found[0].name == "z");
  CHECK(found[0].count == 5);
  CHECK(std::get<double>(found[0].last.value) == 3.0);  // the greatest step; of its equals the greatest value
  CHECK(found[0].minimum == -kInfinity);
  CHECK(found[0].maximum == 9.0);
  CHECK(found[1].name == "a");
  CHECK(std::get<int64_t>(found[1].last.value) == 7);  // logged earlier, but later by the clock
  CHECK(found[1].minimum == 7.0);
  CHECK(found[1].maximum == 8.0);
  CHECK(found[2].count == 1);
  CHECK(!found[2].minimum);
  CHECK(summaries(*world.store, {"default", "nobody"}).empty());
}

TEST_CASE_TEMPLATE("without steps the latest is what was logged last, also within one millisecond", World, ALL_STORES) {
  World world;
  must_append(world, writer(), {scalar(1, "loss", 3.0), scalar(2, "loss", 2.0), scalar(3, "loss", 1.0)});
  CHECK(std::get<double>(summaries(*world.store)[0].last.value) == 1.0);
}

TEST_CASE_TEMPLATE("a writer's lines are taken exactly once", World, ALL_STORES) {
  World world;
  must_append(world, writer(), {scalar(1, "m", int64_t{1}), scalar(2, "m", int64_t{2})});
  must_append(world, writer(), {scalar(1, "m", int64_t{1}), scalar(2, "m", int64_t{2})});
  must_append(world, writer(), {scalar(2, "m", int64_t{2}), scalar(3, "m", int64_t{3})});
  CHECK(*append(world, writer(), {scalar(1, "m", int64_t{1})}) == 3);
  CHECK(*append(world, writer(), {}) == 3);
  world.reopen();
  CHECK(*append(world, writer(), {scalar(3, "m", int64_t{3})}) == 3);
  CHECK(*world.store->accepted(writer()) == 3);
  CHECK(*world.store->accepted(writer("other")) == 0);
  const Result<int64_t> gap = append(world, writer(), {scalar(5, "m", int64_t{5})});
  CHECK(code(gap) == "sequence_gap");
  CHECK(gap.error().message.find('4') != std::string::npos);
  CHECK(code(append(world, writer(), {scalar(4, "m", int64_t{4}), scalar(6, "m", int64_t{6})})) == "sequence_gap");
  CHECK(code(append(world, writer("other"), {scalar(2, "m", int64_t{4})})) == "sequence_gap");
  CHECK(*world.store->accepted(writer()) == 3);
  must_append(world, writer("other"), {scalar(1, "m", int64_t{9})});
  SeriesWriter second_attempt = writer();
  second_attempt.attempt = 2;
  must_append(world, second_attempt, {scalar(1, "m", int64_t{10})});
  CHECK(integers(points(*world.store, "m")) == std::vector<int64_t>{1, 2, 3, 9, 10});
}

TEST_CASE_TEMPLATE("a skipped line counts and adds nothing", World, ALL_STORES) {
  World world;
  const auto skipped = [](int64_t sequence) {
    MetricLine line;
    line.sequence = sequence;
    return line;
  };
  must_append(world, writer(), {skipped(1)});
  CHECK(summaries(*world.store).empty());
  world.reopen();
  CHECK(*world.store->accepted(writer()) == 1);
  must_append(world, writer(), {scalar(2, "m", int64_t{2}), skipped(3), scalar(4, "m", int64_t{4})});
  must_append(world, writer(), {skipped(5)});
  must_append(world, writer(), {skipped(5), scalar(6, "m", int64_t{6})});
  CHECK(code(append(world, writer(), {skipped(8)})) == "sequence_gap");
  CHECK(*append(world, writer(), {scalar(5, "m", int64_t{5})}) == 6);  // skipped for good
  world.reopen();
  CHECK(*world.store->accepted(writer()) == 6);
  CHECK(integers(points(*world.store, "m")) == std::vector<int64_t>{2, 4, 6});
  const std::vector<MetricSummary> found = summaries(*world.store);
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 3);
}

TEST_CASE_TEMPLATE("pages go on where the last one ended", World, ALL_STORES) {
  World world;
  for (int64_t i = 0; i < 10; ++i) must_append(world, writer(), {scalar(i + 1, "m", i)});
  for (const int64_t limit : {1, 3, 9, 10, 11}) {
    std::vector<int64_t> seen;
    int64_t from = 0;
    while (true) {
      const SeriesPage page = points(*world.store, "m", "", from, limit);
      CHECK(static_cast<int64_t>(page.points.size()) <= limit);
      for (const int64_t value : integers(page)) seen.push_back(value);
      from = page.next_sequence;
      if (!page.more) break;
      REQUIRE(!page.points.empty());
    }
    CHECK(seen == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(from == 10);
  }
  CHECK(points(*world.store, "m", "", 10).points.empty());
  CHECK(points(*world.store, "m", "", 10).next_sequence == 10);
  CHECK(points(*world.store, "m", "", -5).points.size() == 10);
  CHECK(points(*world.store, "unknown", "", 0).next_sequence == 0);
}

TEST_CASE_TEMPLATE("runs are apart, and a removed one is gone for good", World, ALL_STORES) {
  World world;
  const RunKey other{"elsewhere", kRun.run_id};
  must_append(world, writer(), {scalar(1, "m", int64_t{1})});
  must_append(world, writer("w", other), {scalar(1, "m", int64_t{2})});
  world.roll_up();
  must_append(world, writer(), {scalar(2, "m", int64_t{3})});
  REQUIRE(world.store->remove_run(kRun));
  CHECK(points(*world.store, "m").points.empty());
  CHECK(summaries(*world.store).empty());
  CHECK(*world.store->accepted(writer()) == 0);
  CHECK(integers(points(*world.store, "m", "", 0, 10, other)) == std::vector<int64_t>{2});
  world.reopen();
  CHECK(points(*world.store, "m").points.empty());
  must_append(world, writer(), {scalar(1, "n", int64_t{4})});
  world.roll_up();
  CHECK(points(*world.store, "m").points.empty());
  CHECK(integers(points(*world.store, "n")) == std::vector<int64_t>{4});
  world.reopen();
  CHECK(integers(points(*world.store, "n")) == std::vector<int64_t>{4});
  CHECK(*world.store->accepted(writer()) == 1);
  CHECK(world.store->remove_run({"default", "never there"}));
}

TEST_CASE_TEMPLATE("listeners hear of runs with new points", World, ALL_STORES) {
  World world;
  std::atomic<int> heard = 0;
  world.store->on_points([&](const RunKey& run) { heard += run == kRun ? 1 : 100; });
  must_append(world, writer(), {scalar(1, "m", int64_t{1})});
  CHECK(heard == 1);
  must_append(world, writer(), {scalar(1, "m", int64_t{1})});
  CHECK(heard == 1);
  world.store->close();
}

TEST_CASE_TEMPLATE("many writers at once lose nothing and double nothing", World, ALL_STORES) {
  World world;
  constexpr int kWriters = 4, kBatches = 25, kLines = 4;
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      const SeriesWriter by = writer(std::to_string(w));
      for (int batch = 0; batch < kBatches; ++batch) {
        std::vector<MetricLine> lines;
        for (int i = 0; i < kLines; ++i) {
          const int64_t sequence = batch * kLines + i + 1;
          lines.push_back(scalar(sequence, "m", static_cast<int64_t>(w * 1'000'000 + sequence)));
        }
        std::vector<MetricLine> again = lines;
        if (!sync_wait(world.store->append(by, std::move(lines)))) ++failures;
        if (batch % 5 == 0 && !sync_wait(world.store->append(by, std::move(again)))) ++failures;
      }
    });
  }
  for (int i = 0; i < 5; ++i) world.roll_up();
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  world.reopen();
  std::vector<int64_t> next(kWriters, 1);
  const SeriesPage page = points(*world.store, "m");
  CHECK(page.points.size() == kWriters * kBatches * kLines);
  for (const int64_t value : integers(page)) CHECK(value % 1'000'000 == next[static_cast<size_t>(value / 1'000'000)]++);
}

TEST_CASE_TEMPLATE("a closed store refuses", World, ALL_STORES) {
  World world;
  world.store->close();
  world.store->close();
  CHECK(code(sync_wait(world.store->append(writer(), {scalar(1, "m", int64_t{1})}))) == "unavailable");
  CHECK(!world.store->remove_run(kRun));
}

TEST_CASE("a random life: memory and disk agree, whatever is rolled up or reopened when") {
  const auto seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t n) { return random() % n; };
  MemoryWorld model;
  SqliteWorld world;
  std::map<std::string, int64_t> next;
  const std::vector<std::string> names{"a", "b", "loss"};
  for (int step = 0; step < 120; ++step) {
    const uint64_t dice = below(12);
    if (dice == 0) world.roll_up();
    if (dice == 1) world.reopen();
    if (dice == 2 && below(4) == 0) {
      REQUIRE(model.store->remove_run(kRun));
      REQUIRE(world.store->remove_run(kRun));
      next.clear();
    }
    const std::string by = std::to_string(below(3));
    std::vector<MetricLine> lines;
    for (uint64_t i = below(5) == 0 ? below(3000) : below(5); i > 0; --i) {
      MetricValue value = static_cast<int64_t>(random());
      if (below(2) == 0) value = std::bit_cast<double>(random());
      if (below(9) == 0) value = std::string(below(20), 'x');
      const std::optional<int64_t> at_step =
          below(2) == 0 ? std::nullopt : std::optional<int64_t>(static_cast<int64_t>(below(50)));
      lines.push_back(scalar(++next[by], names[below(3)], value, at_step, static_cast<int64_t>(random())));
    }
    const Result<int64_t> expected = sync_wait(model.store->append(writer(by), lines));
    const Result<int64_t> got = sync_wait(world.store->append(writer(by), lines));
    REQUIRE(code(got) == code(expected));
  }
  for (const std::string& name : names) {
    const int64_t from = static_cast<int64_t>(below(100));
    const SeriesPage expected = points(*model.store, name, "", from), got = points(*world.store, name, "", from);
    REQUIRE(got.points.size() == expected.points.size());
    for (size_t i = 0; i < got.points.size(); ++i) {
      REQUIRE(got.points[i].sequence == expected.points[i].sequence);
      REQUIRE(got.points[i].timestamp_ms == expected.points[i].timestamp_ms);
      REQUIRE(got.points[i].step == expected.points[i].step);
      REQUIRE(same(got.points[i].value, expected.points[i].value));
    }
  }
  const std::vector<MetricSummary> expected = summaries(*model.store), got = summaries(*world.store);
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].name == expected[i].name);
    CHECK(got[i].count == expected[i].count);
    CHECK(same(got[i].last.value, expected[i].last.value));
    CHECK(got[i].minimum == expected[i].minimum);
    CHECK(got[i].maximum == expected[i].maximum);
  }
}
