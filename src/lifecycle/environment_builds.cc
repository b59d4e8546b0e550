#include "lifecycle/environment_builds.hh"

#include <algorithm>
#include <utility>

namespace werkbank::lifecycle {
namespace {

// What who comes late is told of the output so far; a build that prints more has its end kept.
constexpr size_t kOutputKeptMax = 4 << 20;

}  // namespace

// Lives in the frame of the coroutine that awaits `done`.
struct EnvironmentBuilds::Waiter {
  Wish wish;
  size_t told = 0;  // bytes of the output, counted from its beginning
  OneShot<Result<ReadyEnvironment>> done;
};

// `waiters` and `output` are guarded by the lock; a waiter's sink is called by the build's thread only, and without it.
struct EnvironmentBuilds::Build {
  EnvironmentRecipe recipe;
  std::vector<Waiter*> waiters;
  std::string output;
  size_t output_dropped = 0;
};

Task<Result<ReadyEnvironment>> EnvironmentBuilds::ready(compute::ComputeTarget* target, EnvironmentRecipe recipe, Wish wish) {
  Waiter waiter;
  waiter.wish = std::move(wish);
  const Key key{target, recipe.hash};
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Build>& build = builds_[key];
    const bool is_new = build == nullptr;
    if (is_new) {
      build = std::make_shared<Build>();
      build->recipe = std::move(recipe);
    }
    build->waiters.push_back(&waiter);
    if (is_new) builders_.post([this, build, key] { work(build, key); });
  }
  Result<ReadyEnvironment> outcome = co_await waiter.done;
  co_return outcome;
}

// Everybody hears all, each from where they are. A waiter is taken out of the list only by this thread.
void EnvironmentBuilds::tell(Build& build, std::string_view bytes) {
  std::vector<std::pair<Waiter*, std::string>> messages;
  {
    const std::lock_guard lock(mutex_);
    build.output += bytes;
    if (build.output.size() > kOutputKeptMax) {
      const size_t surplus = build.output.size() - kOutputKeptMax / 2;
      build.output.erase(0, surplus);
      build.output_dropped += surplus;
    }
    const size_t end = build.output_dropped + build.output.size();
    for (Waiter* const waiter : build.waiters) {
      if (waiter->told == end) continue;
      const size_t from = std::max(waiter->told, build.output_dropped) - build.output_dropped;
      messages.emplace_back(waiter, build.output.substr(from));
      waiter->told = end;
    }
  }
  for (auto& [waiter, text] : messages) waiter->wish.output(text);
}

// With the lock held. Whoever comes from now on begins a build of their own.
void EnvironmentBuilds::forget(const std::shared_ptr<Build>& build, const Key& key) {
  const auto found = builds_.find(key);
  if (found != builds_.end() && found->second == build) builds_.erase(found);
}

// Those who do not want it any more go; true where nobody would be left: the build is given up, and they hear of its end.
bool EnvironmentBuilds::release_canceled(const std::shared_ptr<Build>& build, const Key& key) {
  std::vector<Waiter*> waiters;
  {
    const std::lock_guard lock(mutex_);
    waiters = build->waiters;
  }
  std::vector<Waiter*> leaving;
  for (Waiter* const waiter : waiters) {
    if (waiter->wish.canceled()) leaving.push_back(waiter);
  }
  {
    const std::lock_guard lock(mutex_);
    if (leaving.size() == build->waiters.size()) {
      forget(build, key);
      return true;
    }
    for (Waiter* const waiter : leaving) std::erase(build->waiters, waiter);
  }
  for (Waiter* const waiter : leaving) {
    waiter->done.set(fail(errors::environment_failed, "the build was given up: nobody waits for it here any more"));
  }
  return false;
}

void EnvironmentBuilds::work(const std::shared_ptr<Build>& build, const Key& key) {
  tell(*build, {});
  const Result<ReadyEnvironment> outcome = key.first->prepare(
      build->recipe, [&](std::string_view bytes) { tell(*build, bytes); },
      [&] {
        tell(*build, {});  // who came meanwhile reads what there is before the next line comes
        return release_canceled(build, key);
      });
  tell(*build, {});
  std::vector<Waiter*> waiters;
  {
    const std::lock_guard lock(mutex_);
    forget(build, key);
    waiters = std::move(build->waiters);
  }
  for (Waiter* const waiter : waiters) {
    Result<ReadyEnvironment> answer = outcome;
    waiter->done.set(std::move(answer));
  }
}

}  // namespace werkbank::lifecycle
