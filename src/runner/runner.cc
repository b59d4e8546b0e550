#include "runner/runner.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.hh"
#include "base/limits.hh"
#include "base/log.hh"
#include "base/process_tree.hh"
#include "runner/data_outputs.hh"
#include "runner/data_step.hh"
#include "runner/steps.hh"

namespace werkbank::runner {
namespace {

RunEnd end_of_kind(RunEndKind kind, std::string message = {}) {
  RunEnd end;
  end.kind = kind;
  end.message = std::move(message);
  return end;
}

bool is_there(const std::filesystem::path& path) { return access(path.c_str(), F_OK) == 0; }

// Whether the machine was started anew since the target wrote the plan.
bool is_of_another_boot(const LaunchPlan& plan) {
  const Result<ProcessId> self = process_id_of(getpid());
  return self && !plan.boot_id.empty() && plan.boot_id != self->boot_id;
}

}  // namespace

Runner::Runner(LaunchPlan plan, WorkFolder folder, const Bell& dismissed, const data::DataStoreOpener& open_data)
    : plan_(std::move(plan)),
      folder_(std::move(folder)),
      dismissed_(dismissed),
      state_(folder_.state()),
      context_{plan_, folder_, lifeline_, warnings_, state_, raise_open_files_limit(), is_of_another_boot(plan_), &open_data},
      reporter_(context_, [this] { ask_cancel(); }) {}

// The wish travels by the same file, whoever had it: it survives this process.
void Runner::ask_cancel() const {
  const Result<Fd> file = open_file(folder_.cancel(), O_WRONLY | O_CREAT);
  if (!file) log_error("cancel not noted: {}", file.error().to_string());
}

bool Runner::is_cancel_asked() const { return is_there(folder_.cancel()); }

void Runner::start_followers() {
  if (logs_) return;
  std::vector<std::string> watched = usable_directories(plan_, warnings_);
  std::vector<std::string> collected = collected_roots(plan_, watched);
  logs_ = std::make_unique<LogFollower>(context_, std::move(watched));
  metrics_ = std::make_unique<MetricFollower>(context_);
  outputs_ = std::make_unique<OutputCollector>(context_, std::move(collected));
  logs_->start();
  metrics_->start();
  outputs_->start();
}

void Runner::drain_followers() {
  if (!logs_) return;
  failpoint_kill("runner.before_drain");
  metrics_->drain();
  logs_->drain();
  logs_->join();
  failpoint_kill("runner.after_logs");
  outputs_->add_at_end(logs_->rewritten());
  outputs_->drain();
  metrics_->join();
  failpoint_kill("runner.after_metrics");
  outputs_->join();
  failpoint_kill("runner.after_outputs");
}

// Ends the script's tree; with the shim only where nobody needs its word any more.
void Runner::end_everything(bool with_shim) {
  ProcessSelection selection;
  selection.variable = kAttemptMarkVariable;
  selection.value = attempt_mark(plan_);
  const Result<std::optional<ProcessRecord>> shim = read_process_record(folder_.shim());
  if (!with_shim && shim && *shim && is_alive((*shim)->id)) {
    selection.spared.insert((*shim)->id.pid);
    selection.ancestor = (*shim)->id.pid;
  }
  EndOptions options;
  options.grace = with_shim ? std::chrono::milliseconds(0) : std::chrono::milliseconds(plan_.kill_grace_ms);
  const Status ended = end_processes(selection, options);
  if (!ended) warnings_.add("Some processes of the script could not be ended: " + ended.error().message);
}

void Runner::stop_script(RunEndKind reason) {
  log_info("ending the script reason={}", to_string(reason));
  // Before the first signal: a runner that adopts must know whose doing the end is.
  if (const Status noted = write_stop_reason(folder_, reason); !noted) log_error("stop.json: {}", noted.error().to_string());
  failpoint_kill("runner.before_stop");
  end_everything(false);
  failpoint_kill("runner.after_stop");
}

Result<std::optional<std::chrono::milliseconds>> Runner::deadline() const {
  if (plan_.timeout_seconds <= 0) return std::optional<std::chrono::milliseconds>();
  TRY(const auto shim, read_process_record(folder_.shim()));
  if (!shim) return std::optional<std::chrono::milliseconds>();
  return std::optional(std::chrono::milliseconds(shim->monotonic_ms) + std::chrono::seconds(plan_.timeout_seconds));
}

Result<RunEnd> Runner::read_end() const {
  TRY(const ScriptState state, script_state(folder_));
  TRY(const auto stop_reason, read_stop_reason(folder_));
  if (state == ScriptState::kEnded) {
    TRY(const auto record, read_exit_record(folder_));
    if (record) return run_end_of(*record, stop_reason);
  }
  // Ended by us and without a witness: that it was to end is known all the same.
  if (stop_reason) return end_of_kind(*stop_reason);
  return end_of_kind(RunEndKind::kLost, "The process that watched over the script is gone; how the script ended is unknown.");
}

Result<RunEnd> Runner::follow() {
  reporter_.set_phase(RunnerPhase::kRunning);
  start_followers();
  failpoint_kill("runner.following");
  ScriptWatch watch(folder_);
  ScriptWatch::Interest interest;
  TRY(interest.deadline, deadline());
  TRY(const auto earlier_stop, read_stop_reason(folder_));
  if (earlier_stop) stop_script(*earlier_stop);  // the runner before us had begun
  interest.cancel = !earlier_stop;
  if (earlier_stop) interest.deadline.reset();
  while (true) {
    TRY(const ScriptWatch::Event event, watch.wait(interest, dismissed_, lifeline_));
    switch (event) {
      case ScriptWatch::Event::kEnded:
        return read_end();
      case ScriptWatch::Event::kLeaseLost:
        return fail(errors::lease_lost, "another attempt has taken over this run");
      case ScriptWatch::Event::kDismissed:
        is_dismissed_ = true;
        return fail(errors::unavailable, "the runner was told to go; the script goes on");
      case ScriptWatch::Event::kCancelAsked:
        stop_script(RunEndKind::kCanceled);
        break;
      case ScriptWatch::Event::kTimeUp:
        stop_script(RunEndKind::kTimeout);
        break;
    }
    interest.cancel = false;
    interest.deadline.reset();
  }
}

Result<RunEnd> Runner::start_and_follow() {
  const auto launch_end = [](const Error& error) {
    RunEnd end = end_of_kind(RunEndKind::kLaunch, error.to_string());
    end.hint = std::string(error.remedy());
    return end;
  };
  if (is_cancel_asked()) return end_of_kind(RunEndKind::kCanceled);
  if (const Status ready = run_input_steps(context_); !ready) {
    if (is_cancel_asked()) return end_of_kind(RunEndKind::kCanceled);
    if (ready.error().code == &errors::lease_lost) return fail(ready.error());
    return launch_end(ready.error());
  }
  if (is_cancel_asked()) return end_of_kind(RunEndKind::kCanceled);
  start_followers();
  if (const Status started = start_shim(context_); !started) {
    if (started.error().code == &errors::lease_lost) return fail(started.error());
    return launch_end(started.error());
  }
  return follow();
}

// The machine went down under the run. What the folder says of processes is of another boot and perhaps torn; whether the script
// had begun cannot be known, so it is not begun. What it has written is brought in.
Result<RunEnd> Runner::end_after_reboot() {
  log_warning("the machine was restarted since this attempt began: bringing in what is there");
  warnings_.add("The machine was restarted while the run was under way: what was written last may be missing or incomplete.");
  CHECK_OK(make_directories(folder_.code(), 0755));
  start_followers();
  TRY(const auto stop_reason, read_stop_reason(folder_));
  TRY(const auto record, read_exit_record(folder_));
  if (record) return run_end_of(*record, stop_reason);
  if (stop_reason) return end_of_kind(*stop_reason);
  if (is_cancel_asked()) return end_of_kind(RunEndKind::kCanceled);
  return end_of_kind(RunEndKind::kLost,
                     "The machine was restarted while the run was under way; how the script would have ended is unknown.");
}

Result<RunEnd> Runner::bring_to_an_end() {
  for (const std::filesystem::path& path : {folder_.spool(), folder_.metrics()}) CHECK_OK(make_directories(path));
  if (context_.is_after_reboot) return end_after_reboot();
  TRY(const ScriptState state, script_state(folder_));
  switch (state) {
    case ScriptState::kNotStarted:
      return start_and_follow();
    case ScriptState::kRunning:
      log_info("adopting the running script");
      return follow();
    case ScriptState::kEnded:
    case ScriptState::kLost:
      break;
  }
  CHECK_OK(make_directories(folder_.code(), 0755));
  start_followers();
  return read_end();
}

// A script that ended well and whose outputs are not where they belong has not ended well.
void Runner::store_outputs_of(RunEnd& end) {
  const bool ended_well = end.kind == RunEndKind::kNone || (end.kind == RunEndKind::kExitCode && end.exit_code == 0);
  const Status stored = store_outputs(context_, ended_well);
  if (stored) return;
  log_error("outputs: {}", stored.error().to_string());
  if (!ended_well) return warnings_.add("An output was not stored: " + stored.error().to_string());
  end = end_of_kind(RunEndKind::kOutput, stored.error().to_string());
  end.hint = std::string(stored.error().remedy());
}

Status Runner::run() {
  state_.load();
  reporter_.start();
  Result<RunEnd> end = bring_to_an_end();
  if (!end && end.error().code == &errors::lease_lost) {
    end_everything(true);
  } else if (!end && !is_dismissed_) {
    end_everything(true);
    end = end_of_kind(RunEndKind::kLaunch, "The runner cannot work in its folder: " + end.error().to_string());
  }
  if (!end) {
    lifeline_.lose(end.error().message);
    drain_followers();
    if (!is_dismissed_) release_data(context_);
    reporter_.stop();
    state_.save();
    return fail(std::move(end).error());
  }
  // The shim leaves only when nothing of the script's tree is left; where it is gone itself, the mark still finds them.
  if (!is_there(folder_.exit())) end_everything(true);
  reporter_.set_phase(RunnerPhase::kFinalizing);
  failpoint_kill("runner.finalizing");
  drain_followers();
  store_outputs_of(*end);
  release_data(context_);
  failpoint_kill("runner.before_done");
  const auto exit = read_exit_record(folder_);
  const bool acknowledged = reporter_.finish(*end, exit && *exit ? (*exit)->ended_ms : 0);
  failpoint_kill("runner.after_done");
  state_.save();
  if (!acknowledged) return fail(errors::lease_lost, "the attempt was lost before its end was acknowledged");
  if (const Status noted = write_finished(folder_, *end); !noted) log_info("finished.json: {}", noted.error().to_string());
  log_info("end acknowledged reason={}", to_string(end->kind));
  return {};
}

namespace {

// The handler of SIGTERM may only ring.
const Bell* signal_bell = nullptr;

void ring_at(int signal) {
  struct sigaction action{};
  action.sa_handler = [](int) {
    if (signal_bell != nullptr) signal_bell->ring();
  };
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

// Nothing where a living runner is in charge. One that was killed may hold its lock a moment longer than it seems to live: the
// kernel closes the files of a process with its last thread.
Result<std::optional<FileLock>> lock_folder(const WorkFolder& folder) {
  constexpr std::chrono::seconds kPatience{10};
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    TRY(std::optional<FileLock> lock, FileLock::try_lock(folder.runner_lock()));
    if (lock) return lock;
    const Result<std::optional<ProcessRecord>> holder = read_process_record(folder.runner());  // unreadable after a power cut
    if ((holder && *holder && is_alive((*holder)->id)) || std::chrono::steady_clock::now() - start > kPatience) return lock;
    poll(nullptr, 0, 5);
  }
}

Status take_charge(const WorkFolder& folder) {
  TRY(const ProcessId self, process_id_of(getpid()));
  return write_process_record(folder.runner(), {self, system_clock().monotonic_now().count()});
}

}  // namespace

int run_runner(const WorkFolder& folder, const data::DataStoreOpener& open_data) {
  const Bell dismissed;
  signal_bell = &dismissed;
  ring_at(SIGTERM);
  ring_at(SIGINT);
  open_log({.file = folder.runner_log()});
  const Result<std::optional<FileLock>> lock = lock_folder(folder);
  if (!lock) {
    log_error("no runner.lock: {}", lock.error().to_string());
    return 1;
  }
  if (!*lock) return 0;  // another runner is in charge
  failpoint_kill("runner.after_lock");
  const Result<std::optional<RunEnd>> finished = read_finished(folder);
  if (finished && *finished) return 0;  // the server knows everything already

  Result<LaunchPlan> plan = read_plan(folder);
  if (!plan) {
    log_error("plan.json cannot be used: {}", plan.error().to_string());
    return 1;
  }
  if (const Status taken = take_charge(folder); !taken) {
    log_error("cannot take charge: {}", taken.error().to_string());
    return 1;
  }
  failpoint_kill("runner.after_charge");
  log_info("runner begins run={:?} attempt={} rank={} pid={}", plan->run.run_id, plan->attempt, plan->rank, getpid());
  Runner runner(std::move(*plan), folder, dismissed, open_data);
  const Status done = runner.run();
  signal_bell = nullptr;
  if (!done) log_warning("runner leaves: {}", done.error().to_string());
  return done ? 0 : 1;
}

}  // namespace werkbank::runner
