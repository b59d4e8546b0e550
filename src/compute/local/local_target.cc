#include "compute/local/local_target.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/failpoint.hh"
#include "base/hash.hh"
#include "base/limits.hh"
#include "base/log.hh"
#include "base/memory_group.hh"
#include "base/process_tree.hh"
#include "compute/local/builder_process.hh"
#include "compute/local/child_reaper.hh"
#include "compute/local/ready_environments.hh"
#include "domain/work_folder.hh"
#include "mount/mount_table.hh"

namespace werkbank::compute {
namespace {

constexpr size_t kNameDigits = 32;
constexpr std::chrono::milliseconds kRunnerLeavesWithin{2000};

struct Handle {
  std::string folder;  // below the work folder: hex digits only
  std::string mark;    // attempt_mark()
};

// No text of a client is in the name: it is a hash of what makes the rank unique.
std::string folder_name(const LaunchPlan& plan) {
  std::string text = plan.run.workspace;
  text.push_back('\0');
  text += plan.run.run_id;
  text.push_back('\0');
  text += fmt::format("{}/{}", plan.attempt, plan.rank);
  return Hash::of(text).hex().substr(0, kNameDigits);
}

json::object handle_of(const LaunchPlan& plan) { return {{"folder", folder_name(plan)}, {"mark", attempt_mark(plan)}}; }

bool is_folder_name(std::string_view name) {
  return name.size() == kNameDigits &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f'); });
}

Result<Handle> read_handle(const json::object& value) {
  const json::value document(value);  // a reader keeps the address of what it reads
  JsonReader reader(document, "handle");
  Handle handle{reader.required_string("folder"), reader.required_string("mark")};
  if (!is_folder_name(handle.folder)) reader.refuse("folder", "is no name that this target gives");
  if (handle.mark.empty()) reader.refuse("mark", "is empty");
  CHECK_OK(reader.finish(false));
  return handle;
}

bool is_there(const std::filesystem::path& path) { return access(path.c_str(), F_OK) == 0; }

// A runner that was killed may have left data mounted: what is behind that is not ours to remove.
Status remove_work_folder(const WorkFolder& folder) {
  if (is_there(folder.data())) CHECK_OK(mount::unmount_below(folder.data()));
  return remove_tree(folder.root);
}

// A shim that was killed has left its control group.
void remove_memory_group(const WorkFolder& folder) {
  const Result<std::string> noted = read_file(folder.memory_group(), 4096);
  if (!noted) return;
  const Status removed = MemoryGroup(std::filesystem::path(*noted)).leave_and_remove();
  const bool is_shared = !removed && removed.error().code == &errors::unavailable;  // the last one that leaves removes it
  if (!removed && !is_shared) log_warning("{}", removed.error().to_string());
}

class LocalTarget final : public ComputeTarget {
 public:
  explicit LocalTarget(LocalConfig config)
      : config_(std::move(config)),
        runs_at_once_(config_.max_runs_at_once > 0 ? config_.max_runs_at_once
                                                   : std::max<int64_t>(1, std::thread::hardware_concurrency())),
        environments_(config_.environment_cache) {
    // Of builds that a server before us followed; they themselves go on and fill the cache.
    if (const Status removed = remove_tree(builds_folder()); !removed) log_warning("{}", removed.error().to_string());
    if (const Status linked = link_sdk(); !linked) log_warning("{}", linked.error().to_string());
  }

  std::string kind() const override { return "local"; }
  Capabilities capabilities() const override {
    return {.same_machine = true, .may_overbook = true, .runs_at_once = runs_at_once_};
  }
  Result<Capacity> capacity(int64_t running) override {
    if (running < runs_at_once_) return Capacity{runs_at_once_ - running, ""};
    return Capacity{0, fmt::format("{} of {} runs at a time are under way on this machine", running, runs_at_once_)};
  }
  Result<ReadyEnvironment> prepare(const EnvironmentRecipe& recipe, const OutputSink& output,
                                   const std::function<bool()>& canceled) override;
  Result<std::vector<BuiltEnvironment>> environments(bool with_sizes) override { return environments_.list(with_sizes); }
  Result<std::string> environment_lock(const std::string& hash) override { return environments_.lock_text(hash); }
  Status remove_environment(const std::string& hash) override { return environments_.remove(hash); }
  Result<json::object> start(const LaunchPlan& plan) override;
  Result<RunnerStatus> recover(const json::object& handle) override;
  Status cancel(const json::object& handle) override;
  Status kill(const json::object& handle) override;
  Result<bool> has_processes(const json::object& handle) override;
  Status remove(const json::object& handle) override;
  Result<std::vector<KeptAttempt>> kept() override;

 private:
  Status link_sdk() const;
  std::filesystem::path builds_folder() const { return config_.work_folder / "builds"; }
  WorkFolder work_folder(const std::string& name) const { return {config_.work_folder / name}; }
  std::vector<ProcessId> runners_of(const WorkFolder& folder, const std::string& name);
  Status ensure_runner(const WorkFolder& folder, const std::string& name, const std::string& mark);
  Status end_all(const Handle& handle);

  const LocalConfig config_;
  const int64_t runs_at_once_;
  ReadyEnvironments environments_;
  ChildReaper reaper_;
  std::mutex mutex_;                          // one decision at a time whether a runner is to be started
  std::map<std::string, ProcessId> started_;  // the last runner started here for a folder; runner.json knows it a little later
};

// Environments that hold our SDK hold this link: with a new server they have the new SDK.
Status LocalTarget::link_sdk() const {
  if (config_.sdk_folder.empty()) return {};
  const std::filesystem::path link = config_.environment_cache / "sdk";
  std::error_code error;
  if (std::filesystem::read_symlink(link, error) == config_.sdk_folder) return {};
  CHECK_OK(make_directories(config_.environment_cache));
  const std::filesystem::path fresh = config_.environment_cache / ("sdk-" + random_hex(8));
  std::filesystem::create_symlink(config_.sdk_folder, fresh, error);
  if (!error) std::filesystem::rename(fresh, link, error);
  if (error) return fail(errno_error(error.value(), "link " + link.string()));
  return {};
}

// The runners that may be in charge of the folder. A second one, if there ever is one, leaves by itself at the first one's lock.
std::vector<ProcessId> LocalTarget::runners_of(const WorkFolder& folder, const std::string& name) {
  std::vector<ProcessId> alive;
  const Result<std::optional<ProcessRecord>> record = read_process_record(folder.runner());
  if (record && *record && is_alive((*record)->id)) alive.push_back((*record)->id);
  const auto started = started_.find(name);
  if (started == started_.end()) return alive;
  if (!is_alive(started->second))
    started_.erase(started);
  else if (alive.empty() || !(alive[0] == started->second))
    alive.push_back(started->second);
  return alive;
}

// With mutex_ held.
Status LocalTarget::ensure_runner(const WorkFolder& folder, const std::string& name, const std::string& mark) {
  if (!runners_of(folder, name).empty()) return {};
  SpawnPlan plan;
  plan.argv = {config_.runner_binary.native(), "run", folder.root.native()};
  // Nothing of the server's environment: its secrets are not the script's, nor the runner's.
  plan.environment = {{std::string(kAttemptMarkVariable), mark}};
  pass_open_files_limit(plan.environment, config_.open_files);
  const std::map<std::string, std::string> own = current_environment();
  for (const char* const failpoints : {"WERKBANK_FAILPOINTS", "WERKBANK_FAILPOINTS_ONCE"}) {
    if (const auto armed = own.find(failpoints); armed != own.end()) plan.environment.insert(*armed);
  }
  plan.working_directory = folder.root;
  plan.stdout_path = folder.runner_log();
  plan.stderr_path = folder.runner_log();
  plan.new_session = true;
  const Result<pid_t> pid = spawn_process(plan);
  if (!pid) return fail(errors::launch_failed, pid.error().to_string());
  const Result<ProcessId> id = process_id_of(*pid);
  if (id) started_[name] = *id;
  reaper_.add(*pid);
  return {};
}

Result<json::object> LocalTarget::start(const LaunchPlan& plan) {
  const std::string name = folder_name(plan);
  const WorkFolder folder = work_folder(name);
  LaunchPlan here = plan;
  TRY(ProcessId self, process_id_of(getpid()));
  here.boot_id = std::move(self.boot_id);
  const std::lock_guard lock(mutex_);
  if (!is_there(folder.plan())) {
    CHECK_OK(make_directories(folder.root, 0700));
    CHECK_OK(write_plan(folder, here));
  }
  failpoint_kill("local.after_plan");
  if (!is_there(folder.finished())) CHECK_OK(ensure_runner(folder, name, attempt_mark(plan)));
  failpoint_kill("local.after_runner");
  return handle_of(plan);
}

Result<RunnerStatus> LocalTarget::recover(const json::object& value) {
  TRY(const Handle handle, read_handle(value));
  const WorkFolder folder = work_folder(handle.folder);
  const std::lock_guard lock(mutex_);
  if (!runners_of(folder, handle.folder).empty()) return RunnerStatus{RunnerState::kRunning, std::nullopt};
  if (!is_there(folder.plan())) return RunnerStatus{RunnerState::kGone, std::nullopt};
  TRY(auto finished, read_finished(folder));
  if (finished) return RunnerStatus{RunnerState::kGone, std::move(finished)};
  // Also after the machine was restarted: the runner sees that by its plan and only brings in what is there.
  log_info("runner is gone, starting another one folder={}", handle.folder);
  CHECK_OK(ensure_runner(folder, handle.folder, handle.mark));
  return RunnerStatus{RunnerState::kRunning, std::nullopt};
}

Status LocalTarget::cancel(const json::object& value) {
  TRY(const Handle handle, read_handle(value));
  const WorkFolder folder = work_folder(handle.folder);
  if (!is_there(folder.root) || is_there(folder.finished())) return {};
  TRY(const Fd file, open_file(folder.cancel(), O_WRONLY | O_CREAT));
  failpoint_kill("local.after_cancel_file");
  // The file alone is enough for a runner that lives; a dead one is replaced, and its successor finds the file.
  const std::lock_guard lock(mutex_);
  CHECK_OK(ensure_runner(folder, handle.folder, handle.mark));
  const Result<std::optional<ProcessRecord>> runner = read_process_record(folder.runner());
  // Only a runner that has signed runner.json has its handler in place.
  if (runner && *runner) return signal_process((*runner)->id, SIGTERM);
  return {};
}

// With mutex_ held. The runner goes first, so that it does not start anew what is being ended.
Status LocalTarget::end_all(const Handle& handle) {
  for (const ProcessId& runner : runners_of(work_folder(handle.folder), handle.folder)) {
    const Fd ended = process_handle(runner.pid);
    CHECK_OK(signal_process(runner, SIGKILL));
    pollfd polled{ended.get(), POLLIN, 0};
    if (ended && is_alive(runner)) poll(&polled, 1, static_cast<int>(kRunnerLeavesWithin.count()));
  }
  ProcessSelection selection;
  selection.variable = kAttemptMarkVariable;
  selection.value = handle.mark;
  EndOptions options;
  options.grace = std::chrono::milliseconds(0);
  return end_processes(selection, options);
}

Status LocalTarget::kill(const json::object& value) {
  TRY(const Handle handle, read_handle(value));
  const WorkFolder folder = work_folder(handle.folder);
  const std::lock_guard lock(mutex_);
  CHECK_OK(end_all(handle));
  if (!is_there(folder.root) || is_there(folder.finished())) return {};
  // recover() must not bring it back to life.
  RunEnd end;
  end.kind = RunEndKind::kLost;
  end.message = "The run was killed.";
  TRY(const auto record, read_exit_record(folder));
  if (record) {
    TRY(const auto stop_reason, read_stop_reason(folder));
    end = run_end_of(*record, stop_reason);
  }
  return write_finished(folder, end);
}

Result<bool> LocalTarget::has_processes(const json::object& value) {
  TRY(const Handle handle, read_handle(value));
  {
    const std::lock_guard lock(mutex_);
    if (!runners_of(work_folder(handle.folder), handle.folder).empty()) return true;
  }
  ProcessSelection selection;
  selection.variable = kAttemptMarkVariable;
  selection.value = handle.mark;
  return !find_processes(selection).empty();
}

Status LocalTarget::remove(const json::object& value) {
  TRY(const Handle handle, read_handle(value));
  const WorkFolder folder = work_folder(handle.folder);
  if (!is_there(folder.root)) return {};
  const auto runners_now = [&] {
    const std::lock_guard lock(mutex_);
    return runners_of(folder, handle.folder);
  };
  // A runner whose report was just acknowledged is on its way out.
  for (const ProcessId& runner : runners_now()) {
    const Fd pidfd = process_handle(runner.pid);
    pollfd polled{pidfd.get(), POLLIN, 0};
    if (pidfd && is_alive(runner)) poll(&polled, 1, static_cast<int>(kRunnerLeavesWithin.count()));
  }
  if (!runners_now().empty()) {
    const std::lock_guard lock(mutex_);
    CHECK_OK(end_all(handle));
  }
  remove_memory_group(folder);
  failpoint_kill("local.before_remove");
  // The plan first: it holds the tokens, and kept() knows by it that somebody began to remove.
  Status removed = remove_tree(folder.plan());
  failpoint_kill("local.after_plan_removed");
  if (removed) removed = remove_work_folder(folder);
  const std::lock_guard lock(mutex_);
  started_.erase(handle.folder);
  return removed;
}

Result<std::vector<KeptAttempt>> LocalTarget::kept() {
  std::vector<KeptAttempt> kept;
  std::error_code error;
  std::filesystem::directory_iterator entry(config_.work_folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().native();
    if (!is_folder_name(name)) continue;
    const std::lock_guard lock(mutex_);  // nobody is between a folder and its plan now
    const Result<LaunchPlan> plan = read_plan(work_folder(name));
    if (plan && folder_name(*plan) == name) {
      kept.push_back({plan->run, plan->attempt, handle_of(*plan)});
    } else if (!plan && plan.error().code == &errors::not_found) {
      // Somebody died before the plan was written, or while the folder was removed.
      if (const Status removed = remove_work_folder({entry->path()}); !removed) log_warning("{}", removed.error().to_string());
    } else {
      log_warning("work folder {} is not known by its plan: {}", name, plan ? "it is another run's" : plan.error().to_string());
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(errno_error(error.value(), fmt::format("list {}", config_.work_folder.native())));
  }
  return kept;
}

Result<ReadyEnvironment> LocalTarget::prepare(const EnvironmentRecipe& recipe, const OutputSink& output,
                                              const std::function<bool()>& canceled) {
  if (std::optional<ReadyEnvironment> ready = environments_.find(recipe)) return std::move(*ready);
  const BuilderCall call{config_.runner_binary, config_.environment_cache, builds_folder() / random_hex(8), config_.open_files};
  Result<ReadyEnvironment> ready = run_builder(call, recipe, output, canceled);
  if (const Status removed = remove_tree(call.scratch_folder); !removed) log_warning("{}", removed.error().to_string());
  if (ready) environments_.remember(recipe, *ready);
  return ready;
}

}  // namespace

std::unique_ptr<ComputeTarget> make_local_target(LocalConfig config) { return std::make_unique<LocalTarget>(std::move(config)); }

}  // namespace werkbank::compute
