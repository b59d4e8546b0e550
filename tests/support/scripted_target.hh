// A compute target without processes: it does what a test tells it, and remembers what it was asked. For suites of what lies
// above ComputeTarget, and for simulations in which every act may fail, hang, or happen twice. It passes the contract's cases on
// handles.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "compute/compute_target.hh"

namespace werkbank::test {

class ScriptedTarget final : public compute::ComputeTarget {
 public:
  struct Started {
    LaunchPlan plan;
    bool cancel_asked = false;
    bool killed = false;
    bool removed = false;
    std::optional<RunEnd> end;  // set: the runner is gone
  };

  std::string kind() const override { return "scripted"; }
  compute::Capabilities capabilities() const override {
    const std::lock_guard lock(mutex_);
    return capabilities_;
  }
  Result<compute::Capacity> capacity(int64_t running) override {
    const std::lock_guard lock(mutex_);
    CHECK_OK(next_failure("capacity"));
    const int64_t free = capabilities_.runs_at_once - running;
    if (free > 0) return compute::Capacity{free, ""};
    return compute::Capacity{0, "all places of the scripted target are taken"};
  }
  Result<ReadyEnvironment> prepare(const EnvironmentRecipe& recipe, const compute::OutputSink& output,
                                   const std::function<bool()>& canceled) override {
    std::function<Result<ReadyEnvironment>(const EnvironmentRecipe&, const compute::OutputSink&, const std::function<bool()>&)>
        act;
    {
      const std::lock_guard lock(mutex_);
      ++prepared_;
      CHECK_OK(next_failure("prepare"));
      act = on_prepare_;
    }
    if (act) return act(recipe, output, canceled);
    ReadyEnvironment ready;
    ready.hash = recipe.hash;
    ready.interpreter = "/usr/bin/python3";
    ready.python_version = "3.11.2";
    return ready;
  }
  Result<json::object> start(const LaunchPlan& plan) override {
    const std::lock_guard lock(mutex_);
    ++start_calls_;
    CHECK_OK(next_failure("start"));
    const std::string name =
        plan.run.workspace + "/" + plan.run.run_id + "/" + std::to_string(plan.attempt) + "/" + std::to_string(plan.rank);
    started_.try_emplace(name, Started{plan, false, false, false, std::nullopt});
    return json::object{{"scripted", name}};
  }
  Result<compute::RunnerStatus> recover(const json::object& handle) override {
    const std::lock_guard lock(mutex_);
    CHECK_OK(next_failure("recover"));
    const Started* const started = find(handle);
    if (started == nullptr || started->removed) return compute::RunnerStatus{compute::RunnerState::kGone, std::nullopt};
    if (started->killed || started->end) return compute::RunnerStatus{compute::RunnerState::kGone, started->end};
    return compute::RunnerStatus{compute::RunnerState::kRunning, std::nullopt};
  }
  Status cancel(const json::object& handle) override {
    const std::lock_guard lock(mutex_);
    CHECK_OK(next_failure("cancel"));
    if (Started* const started = find(handle)) started->cancel_asked = true;
    return {};
  }
  Status kill(const json::object& handle) override {
    const std::lock_guard lock(mutex_);
    CHECK_OK(next_failure("kill"));
    if (Started* const started = find(handle)) started->killed = true;
    return {};
  }
  Result<bool> has_processes(const json::object& handle) override {
    const std::lock_guard lock(mutex_);
    CHECK_OK(next_failure("has_processes"));
    const Started* const started = find(handle);
    return started != nullptr && !started->removed && !started->killed && !started->end;
  }
  Status remove(const json::object& handle) override {
    const std::lock_guard lock(mutex_);
    CHECK_OK(next_failure("remove"));
    if (Started* const started = find(handle)) started->removed = true;
    return {};
  }
  Result<std::vector<compute::KeptAttempt>> kept() override {
    const std::lock_guard lock(mutex_);
    CHECK_OK(next_failure("kept"));
    std::vector<compute::KeptAttempt> kept;
    for (const auto& [name, started] : started_) {
      if (!started.removed) kept.push_back({started.plan.run, started.plan.attempt, json::object{{"scripted", name}}});
    }
    return kept;
  }

  // -- what a test tells it
  void set_capabilities(compute::Capabilities capabilities) {
    const std::lock_guard lock(mutex_);
    capabilities_ = capabilities;
  }
  // The next call of the verb ("start", "recover" …) fails so; several are answered in turn.
  void fail_next(const std::string& verb, Error error) {
    const std::lock_guard lock(mutex_);
    failures_[verb].push_back(std::move(error));
  }
  void on_prepare(
      std::function<Result<ReadyEnvironment>(const EnvironmentRecipe&, const compute::OutputSink&, const std::function<bool()>&)>
          act) {
    const std::lock_guard lock(mutex_);
    on_prepare_ = std::move(act);
  }
  // The runner (of the rank, otherwise of each) is gone from now on, as recover() sees it.
  void end_runner(const std::string& run_id, RunEnd end, std::optional<int64_t> rank = std::nullopt) {
    const std::lock_guard lock(mutex_);
    for (auto& [name, started] : started_) {
      if (started.plan.run.run_id == run_id && started.plan.rank == rank.value_or(started.plan.rank)) started.end = end;
    }
  }

  // -- what a test asks it
  std::vector<Started> started() const {
    const std::lock_guard lock(mutex_);
    std::vector<Started> all;
    for (const auto& [name, started] : started_) all.push_back(started);
    return all;
  }
  std::optional<Started> started(const std::string& run_id) const {
    for (Started& found : started()) {
      if (found.plan.run.run_id == run_id) return std::move(found);
    }
    return std::nullopt;
  }
  int start_calls() const {
    const std::lock_guard lock(mutex_);
    return start_calls_;
  }
  int prepared() const {
    const std::lock_guard lock(mutex_);
    return prepared_;
  }

 private:
  Status next_failure(const std::string& verb) {
    std::deque<Error>& failures = failures_[verb];
    if (failures.empty()) return {};
    Error error = std::move(failures.front());
    failures.pop_front();
    return fail(std::move(error));
  }
  Started* find(const json::object& handle) {
    const auto name = handle.find("scripted");
    if (name == handle.end() || !name->value().is_string()) return nullptr;
    const auto found = started_.find(std::string(name->value().as_string()));
    return found == started_.end() ? nullptr : &found->second;
  }

  mutable std::mutex mutex_;
  compute::Capabilities capabilities_{.same_machine = true, .runs_at_once = 2};
  std::map<std::string, std::deque<Error>> failures_;
  std::function<Result<ReadyEnvironment>(const EnvironmentRecipe&, const compute::OutputSink&, const std::function<bool()>&)>
      on_prepare_;
  std::map<std::string, Started> started_;
  int start_calls_ = 0;
  int prepared_ = 0;
};

}  // namespace werkbank::test
