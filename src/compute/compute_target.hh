// Where runs execute. Adding a kind of target is one folder below compute/ and one line in main/targets.cc; every kind passes
// tests/contract/compute_target.cc. Nothing above this interface asks which kind it talks to: it asks for capabilities.
//
// Contract:
// * Every method may be called again after a crash in between (at least once): start() with an (attempt, rank) that already
//   started answers its handle and starts nothing.
// * A handle is JSON that the target alone understands; it is stored with the attempt and survives a server restart.
// * The target does not read logs or metrics: the runner brings those. It starts, finds, stops and cleans up runners.
// * Methods may block; the lifecycle calls them on the blocking pool. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hh"
#include "base/result.hh"
#include "domain/launch.hh"

namespace werkbank::compute {

struct Capabilities {
  bool same_machine = false;  // may read the content store's folder and the submitter's interpreter paths
  bool several_nodes = false;
  bool enforces_memory = false;
  bool may_overbook = false;  // a run beyond its room slows the others down and harms nothing
  int64_t runs_at_once = 1;   // capacity when nothing is running; a dynamic target answers capacity()
};

struct Capacity {
  int64_t free_slots = 0;
  std::string reason;  // why there is no room, for `why RUN`; empty where there is
};

enum class RunnerState { kRunning, kGone };

struct RunnerStatus {
  RunnerState state = RunnerState::kRunning;
  std::optional<RunEnd> end;  // kGone: what the exit file says, where there is one; the runner's own report counts first
};

// What a target still keeps of an attempt: a work folder, a job in its books.
struct KeptAttempt {
  RunKey run;
  int64_t attempt = 0;
  json::object handle;  // for remove()
};

// Receives build output as it comes; bytes, not lines.
using OutputSink = std::function<void(std::string_view)>;

// An environment that lies ready on a target.
struct BuiltEnvironment {
  ReadyEnvironment ready;
  EnvironmentRecipe recipe;  // what it was made of
  int64_t built_ms = 0;
  int64_t used_ms = 0;      // when a run last asked for it
  uint64_t size_bytes = 0;  // of files that it shares with no other, and its part of those it shares
};

class ComputeTarget {
 public:
  virtual ~ComputeTarget() = default;
  virtual std::string kind() const = 0;  // "local"
  virtual Capabilities capabilities() const = 0;
  virtual Result<Capacity> capacity(int64_t running) = 0;
  // Makes the environment of the recipe ready on this target, or finds it ready. Its output goes to the sink while it works.
  // environment_failed with the tool's own last lines where it cannot be built. `canceled` is polled.
  virtual Result<ReadyEnvironment> prepare(const EnvironmentRecipe& recipe, const OutputSink& output,
                                           const std::function<bool()>& canceled) = 0;
  // The environments that were built here, newest use first; sizes take a walk through their files, so only where asked for.
  virtual Result<std::vector<BuiltEnvironment>> environments([[maybe_unused]] bool with_sizes) {
    return std::vector<BuiltEnvironment>{};
  }
  // What exactly was installed. not_found where the environment is not here.
  virtual Result<std::string> environment_lock(const std::string& hash) {
    return fail(errors::not_found, "there is no built environment " + hash + " on this target");
  }
  // The caller knows that no run uses it. not_found where it is not here; conflict while it is being built.
  virtual Status remove_environment(const std::string& hash) {
    return fail(errors::not_found, "there is no built environment " + hash + " on this target");
  }
  // Starts the runner for the plan and answers the handle.
  virtual Result<json::object> start(const LaunchPlan& plan) = 0;
  // The runners of all ranks of one attempt, by rank, or none: where one cannot be started those begun are taken back. A target
  // whose nodes may be taken by others meanwhile makes sure of all of them first, and holds none while it waits for the rest.
  virtual Result<std::vector<json::object>> start_all(const std::vector<LaunchPlan>& plans) {
    std::vector<json::object> handles;
    for (const LaunchPlan& plan : plans) {
      Result<json::object> handle = start(plan);
      if (!handle) {
        for (const json::object& begun : handles) {
          if (kill(begun)) static_cast<void>(remove(begun));
        }
        return fail(std::move(handle).error());
      }
      handles.push_back(std::move(*handle));
    }
    return handles;
  }
  // After a server restart, or a lapsed lease: is the runner there? Starts a runner again that died beside a living script.
  virtual Result<RunnerStatus> recover(const json::object& handle) = 0;
  // Asks the runner to end the script (SIGTERM, then SIGKILL after the plan's grace time). Idempotent, returns at once.
  virtual Status cancel(const json::object& handle) = 0;
  // Ends everything of this attempt at once, also processes that left the process group.
  virtual Status kill(const json::object& handle) = 0;
  // Is anything of this attempt there: the runner, the script, what either has started? Starts nothing, unlike recover().
  virtual Result<bool> has_processes(const json::object& handle) = 0;
  // Removes the work folder. Only after the run has ended and all is collected.
  virtual Status remove(const json::object& handle) = 0;
  // Everything that start() has left here and remove() has not taken away, whichever server began it: asked when the server
  // starts, so that what a dead one left half done is cleared up.
  virtual Result<std::vector<KeptAttempt>> kept() = 0;
};

}  // namespace werkbank::compute
