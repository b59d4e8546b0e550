#include <doctest/doctest.h>

#include <atomic>
#include <numeric>
#include <vector>

#include "base/blocking_pool.hh"
#include "base/task.hh"

using namespace werkbank;

namespace {

Task<int> add_on_pool(BlockingPool& pool, int a, int b) {
  const auto call = [a, b] { return a + b; };
  const int sum = co_await pool.run(call);
  co_return sum;
}

Task<Result<int>> fails() { co_return fail(errors::unavailable, "not today"); }

Task<Result<int>> passes_on() {
  CO_TRY(const int value, co_await fails());
  co_return value + 1;
}

Task<void> add_to(BlockingPool& pool, std::atomic<int>& total, int value) {
  const int sum = co_await add_on_pool(pool, value, 0);
  total += sum;
}

}  // namespace

TEST_CASE("a blocking call runs on the pool and the coroutine goes on") {
  BlockingPool pool(2);
  CHECK(sync_wait(add_on_pool(pool, 2, 3)) == 5);
}

TEST_CASE("failures travel through coroutines") {
  const auto result = sync_wait(passes_on());
  REQUIRE_FALSE(result);
  CHECK(result.error().code == &errors::unavailable);
}

TEST_CASE("a group's stop waits for every task, and refuses later ones") {
  std::atomic<int> total = 0;
  BlockingPool pool(3);
  TaskGroup group;
  for (int i = 1; i <= 1000; ++i) CHECK(group.spawn(add_to(pool, total, i)));
  group.stop();
  CHECK(total == 500'500);
  CHECK(group.running() == 0);
  CHECK_FALSE(group.spawn(add_to(pool, total, 1)));
  CHECK(total == 500'500);
}

TEST_CASE("a stopped pool has run what was queued and still answers") {
  std::vector<int> order;
  BlockingPool pool(1);
  for (int i = 0; i < 100; ++i) pool.post([&order, i] { order.push_back(i); });
  pool.stop();
  pool.stop();
  std::vector<int> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(order == expected);
  CHECK(sync_wait(add_on_pool(pool, 1, 1)) == 2);
}
