#include "lifecycle/watch.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.hh"
#include "base/files.hh"
#include "base/log.hh"
#include "domain/work_folder.hh"
#include "lifecycle/gang.hh"
#include "lifecycle/moves.hh"

namespace werkbank::lifecycle {
namespace {

constexpr size_t kTailBytes = 8 * 1024;
constexpr size_t kTailLines = 40;
constexpr int64_t kRecoveriesMax = 5;

bool warns_anew(const Run& run, const RunnerReport& report) {
  return std::ranges::any_of(report.warnings, [&run](const std::string& warning) {
    return std::find(run.warnings.begin(), run.warnings.end(), warning) == run.warnings.end();
  });
}

// Whether the report would change the record; read first, because most reports only renew the lease.
bool says_something_new(const Run& run, const RunnerReport& report) {
  if (is_terminal(run.status)) return false;
  switch (report.phase) {
    case RunnerPhase::kPreparing:
      return warns_anew(run, report) || run.status == RunStatus::kNotResponding;
    case RunnerPhase::kRunning:
      return run.status == RunStatus::kStarting || run.status == RunStatus::kNotResponding || warns_anew(run, report);
    case RunnerPhase::kFinalizing:
      return run.status == RunStatus::kStarting || run.status == RunStatus::kRunning || run.status == RunStatus::kNotResponding;
    case RunnerPhase::kDone:
      return true;
  }
  return true;
}

void add_warnings(Run& run, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    if (std::find(run.warnings.begin(), run.warnings.end(), warning) == run.warnings.end()) run.warnings.push_back(warning);
  }
}

// With an event: whoever waits for a change of the run is woken by nothing else.
Status keep_warnings(store::Transaction& transaction, const Clock& clock, Run& run) {
  CHECK_OK(transaction.update_run(run));
  return note_run_event(transaction, clock, run, "run.warnings",
                        {{"warnings", json::array(run.warnings.begin(), run.warnings.end())}});
}

// The script's own end counts, however late the server hears of it; another machine's clock is believed within reason. 0:
// unknown.
UtcMs end_of_script(const Run& run, const RunnerReport& report, UtcMs now) {
  return report.script_ended_ms == 0 ? 0 : std::clamp(report.script_ended_ms, std::min(run.started_ms, now), now);
}

Status apply_phase(store::Transaction& transaction, const Clock& clock, Run& run, const RunnerReport& report) {
  add_warnings(run, report.warnings);
  switch (report.phase) {
    case RunnerPhase::kPreparing:
      if (run.status == RunStatus::kNotResponding) return move_run(transaction, clock, run, RunStatus::kRunning);
      return keep_warnings(transaction, clock, run);
    case RunnerPhase::kRunning:
      if (run.status == RunStatus::kStarting || run.status == RunStatus::kNotResponding) {
        return move_run(transaction, clock, run, RunStatus::kRunning);
      }
      return keep_warnings(transaction, clock, run);
    case RunnerPhase::kFinalizing:
      if (run.status == RunStatus::kCancelRequested) return {};
      if (run.status == RunStatus::kStarting) CHECK_OK(move_run(transaction, clock, run, RunStatus::kRunning));
      return move_run(transaction, clock, run, RunStatus::kFinalizing);
    case RunnerPhase::kDone: {
      RunEnd end = report.end;
      if (end.kind == RunEndKind::kCanceled && end.who.empty()) end.who = run.cancel_who;
      if (run.status == RunStatus::kStarting) CHECK_OK(move_run(transaction, clock, run, RunStatus::kRunning));
      run.ended_ms = end_of_script(run, report, clock.utc_now_ms());
      return end_run(transaction, clock, run, std::move(end));
    }
  }
  return {};
}

// Of several ranks the first that runs makes the run Running; it is Finalizing when the last one is, and ends with the last one.
Status apply_to_gang(store::Transaction& transaction, const Clock& clock, Run& run, const RunSpec& spec,
                     const RunnerReport& report) {
  if (report.rank >= process_count(spec)) {
    return fail(errors::invalid_request,
                fmt::format("rank {} is none of the {} of run {:?}", report.rank, process_count(spec), run.key.run_id));
  }
  TRY(std::vector<Attempt> attempts, transaction.attempts(run.key));
  if (attempts.empty() || attempts.back().number != report.attempt) return fail(errors::lease_lost, "another attempt has begun");
  std::map<int64_t, RunEnd>& ends = attempts.back().rank_ends;
  if (ends.contains(report.rank)) return {};  // said twice
  if (report.phase == RunnerPhase::kFinalizing && std::ssize(ends) + 1 < process_count(spec)) {
    add_warnings(run, report.warnings);
    const bool is_seen = run.status != RunStatus::kStarting && run.status != RunStatus::kNotResponding;
    return is_seen ? keep_warnings(transaction, clock, run) : move_run(transaction, clock, run, RunStatus::kRunning);
  }
  if (report.phase != RunnerPhase::kDone) return apply_phase(transaction, clock, run, report);
  add_warnings(run, report.warnings);
  ends[report.rank] = noted_end(spec, run, ends, report.rank, report.end);
  CHECK_OK(transaction.put_attempt(attempts.back()));
  CHECK_OK(note_run_event(transaction, clock, run, "run.rank", {{"rank", report.rank}, {"end", to_json(ends[report.rank])}}));
  if (run.status == RunStatus::kStarting) CHECK_OK(move_run(transaction, clock, run, RunStatus::kRunning));
  std::optional<RunEnd> end = end_of_gang(spec, run, ends);
  if (!end) return transaction.update_run(run);
  run.ended_ms = end_of_script(run, report, clock.utc_now_ms());
  return end_run(transaction, clock, run, std::move(*end));
}

Status apply_report(store::Transaction& transaction, const Clock& clock, Run& run, const RunnerReport& report) {
  TRY(const std::optional<RunSpec> spec, transaction.run_spec(run.key));
  if (spec && is_gang(*spec)) return apply_to_gang(transaction, clock, run, *spec, report);
  return apply_phase(transaction, clock, run, report);
}

Status close_attempt(store::Transaction& transaction, const Clock& clock, const RunKey& key, int64_t number) {
  TRY(auto attempts, transaction.attempts(key));
  for (Attempt& attempt : attempts) {
    if (attempt.number != number) continue;
    attempt.ended_ms = clock.utc_now_ms();
    return transaction.put_attempt(attempt);
  }
  return {};
}

Task<Status> mark_not_responding(Services& services, RunKey key) {
  std::function<Status(store::Transaction&)> apply = [&services, key](store::Transaction& transaction) -> Status {
    TRY(auto run, transaction.run(key));
    if (!run || (run->status != RunStatus::kRunning && run->status != RunStatus::kStarting)) return {};
    return move_run(transaction, services.clock, *run, RunStatus::kNotResponding);
  };
  co_return co_await services.store.write(std::move(apply));
}

}  // namespace

std::vector<std::string> log_tail(Services& services, const content::LogKey& log) {
  const uint64_t size = services.logs.size(log).value_or(0);
  const uint64_t from = size > kTailBytes ? size - kTailBytes : 0;
  const std::string text = services.logs.read(log, from, kTailBytes).value_or(std::string());
  std::vector<std::string> lines;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (is_valid_utf8(line)) lines.push_back(std::move(line));
    start = end + 1;
  }
  if (from > 0 && !lines.empty()) lines.erase(lines.begin());  // most likely half a line
  if (lines.size() > kTailLines) lines.erase(lines.begin(), lines.end() - kTailLines);
  return lines;
}

Task<Result<ReportAnswer>> take_report(Services& services, Leases& leases, RunKey key, RunnerReport report) {
  // An end that is not told is never taken for success.
  if (report.phase == RunnerPhase::kDone && report.end.kind == RunEndKind::kNone) {
    co_return fail(errors::invalid_request, "a report that the run is done has to say how it ended (end.reason)");
  }
  const std::function<Result<std::optional<Run>>(store::Reader&)> find = [&key](store::Reader& reader) {
    return reader.run(key);
  };
  CO_TRY(const std::optional<Run> known, store::read<std::optional<Run>>(services.store, find));
  if (!known) co_return fail(errors::run_not_found, fmt::format("there is no run {:?}", key.run_id));
  if (is_terminal(known->status) && report.phase == RunnerPhase::kDone && known->attempt == report.attempt) {
    co_return ReportAnswer{false, true, true};  // the acknowledgement was lost on the way: said again
  }
  CO_CHECK_OK(leases.check(key, report.attempt, report.lease, report.rank));
  if (!says_something_new(*known, report)) co_return ReportAnswer{known->cancel_requested, false, false};

  if (report.phase == RunnerPhase::kDone && final_status(report.end) != RunStatus::kCompleted) {
    report.end.log_tail = log_tail(services, {key, report.attempt, report.rank, path_of_rank(kDriverLog, report.rank)});
  }
  failpoint_kill("report.before_commit");
  std::function<Result<ReportAnswer>(store::Transaction&)> apply =
      [&services, key, report](store::Transaction& transaction) -> Result<ReportAnswer> {
    TRY(auto run, transaction.run(key));
    if (!run) return fail(errors::run_not_found, "the run was deleted: " + key.run_id);
    if (run->attempt != report.attempt) return fail(errors::lease_lost, "another attempt has begun");
    if (says_something_new(*run, report)) CHECK_OK(apply_report(transaction, services.clock, *run, report));
    if (is_terminal(run->status)) CHECK_OK(close_attempt(transaction, services.clock, key, report.attempt));
    return ReportAnswer{run->cancel_requested, is_terminal(run->status), report.phase == RunnerPhase::kDone};
  };
  Result<ReportAnswer> answer = co_await store::write<ReportAnswer>(services.store, std::move(apply));
  failpoint_kill("report.after_commit");
  if (answer && answer->ended) {
    leases.forget(key);
    log_info("run ended run={:?} attempt={} reason={}", key.run_id, report.attempt, to_string(report.end.kind));
  } else if (answer && answer->rank_ended) {
    leases.forget_rank(key, report.rank);
    log_info("rank ended run={:?} attempt={} rank={} reason={}", key.run_id, report.attempt, report.rank,
             to_string(report.end.kind));
  }
  co_return answer;
}

namespace {

// A rank whose runner is silent.
Task<Status> recover_rank(Services& services, Leases& leases, Attempt attempt, RankHandle silent) {
  const RunKey key = attempt.run;
  CO_TRY(compute::ComputeTarget* const target, services.targets.find(key.workspace, attempt.target));
  const auto ask = [target, &silent] { return target->recover(silent.handle); };
  const Result<compute::RunnerStatus> status = co_await services.pool.run(ask);
  if (!status) {
    log_warning("target does not answer run={:?} target={} error={:?}", key.run_id, attempt.target, status.error().to_string());
    leases.expect(key, attempt.number, attempt.lease, silent.rank);  // asked again when this lease has lapsed, too
    co_return co_await mark_not_responding(services, key);
  }
  leases.expect(key, attempt.number, attempt.lease, silent.rank);
  const bool there = status->state == compute::RunnerState::kRunning;
  const int64_t recoveries = there ? leases.count_recovery(key, silent.rank) : 0;
  const bool given_up = recoveries > kRecoveriesMax;
  // One that was started anew just now is about to report; one that was there and stays silent does not respond.
  if (there && !given_up && recoveries == 1) co_return Status{};
  if (there && !given_up) co_return co_await mark_not_responding(services, key);
  RunnerReport report;
  report.attempt = attempt.number;
  report.rank = silent.rank;
  report.lease = attempt.lease;
  report.phase = RunnerPhase::kDone;
  report.end.kind = RunEndKind::kLost;
  if (given_up) {
    // It dies again each time before it can report: a damaged work folder, a missing library.
    const auto kill = [target, &silent] { return target->kill(silent.handle); };
    CO_CHECK_OK(co_await services.pool.run(kill));
    report.end.kind = RunEndKind::kLaunch;
    report.end.message = fmt::format("The runner was started {} times and never reported.", kRecoveriesMax + 1);
  }
  if (status->end) report.end = *status->end;
  Result<ReportAnswer> applied = co_await take_report(services, leases, key, std::move(report));
  if (!applied) co_return fail(std::move(applied).error());
  co_return Status{};
}

}  // namespace

Task<Status> recover_run(Services& services, Leases& leases, RunKey key) {
  const std::function<Result<std::vector<Attempt>>(store::Reader&)> find = [&key](store::Reader& reader) {
    return reader.attempts(key);
  };
  CO_TRY(const std::vector<Attempt> attempts, store::read<std::vector<Attempt>>(services.store, find));
  if (attempts.empty()) co_return Status{};
  const std::vector<RankHandle> ranks = rank_handles(attempts.back());
  for (const RankHandle& rank : ranks) {
    if (attempts.back().rank_ends.contains(rank.rank)) {
      leases.forget_rank(key, rank.rank);
      continue;
    }
    if (ranks.size() > 1 && !leases.is_silent(key, rank.rank)) continue;
    Attempt attempt = attempts.back();
    RankHandle silent = rank;
    CO_CHECK_OK(co_await recover_rank(services, leases, std::move(attempt), std::move(silent)));
  }
  co_return Status{};
}

}  // namespace werkbank::lifecycle
