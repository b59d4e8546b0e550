#include "runner/reporter.hh"

#include "base/failpoint.hh"
#include "base/json.hh"
#include "base/log.hh"

namespace werkbank::runner {
namespace {

constexpr std::chrono::seconds kSignOfLife{5};
constexpr std::chrono::milliseconds kShortFinalizing{20};

}  // namespace

Reporter::Reporter(const AttemptContext& context, std::function<void()> on_cancel)
    : context_(context), on_cancel_(std::move(on_cancel)), link_(context.plan, context.lifeline) {}

Reporter::~Reporter() { stop(); }

void Reporter::start() {
  thread_ = std::thread([this] { work(); });
}

void Reporter::set_phase(RunnerPhase phase) {
  const std::lock_guard lock(mutex_);
  phase_ = phase;
  has_news_ = true;
  changed_.notify_all();
}

bool Reporter::finish(RunEnd end, UtcMs script_ended_ms) {
  std::unique_lock lock(mutex_);
  phase_ = RunnerPhase::kDone;
  end_ = std::move(end);
  script_ended_ms_ = script_ended_ms;
  has_news_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return done_acknowledged_ || stopping_; });
  return done_acknowledged_;
}

void Reporter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Reporter::send(const RunnerReport& report) {
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.target = link_.runner_route("report");
  request.headers = {{"Content-Type", "application/json"}};
  request.body = json::serialize(to_json(report));
  if (report.phase == RunnerPhase::kRunning) failpoint_kill("runner.before_report_running");
  if (report.phase == RunnerPhase::kDone) failpoint_kill("runner.before_report_done");
  const Result<net::ClientResponse> answer = link_.ask(request);
  if (report.phase == RunnerPhase::kRunning) failpoint_kill("runner.after_report_running");
  if (report.phase == RunnerPhase::kDone) failpoint_kill("runner.after_report_done");
  if (!answer) return;
  if (is_success(*answer)) {
    const Result<json::value> body = parse_json(answer->body);
    if (body && JsonReader(*body, "answer").bool_or("cancel", false)) on_cancel_();
  } else {
    // A refusal that no repeating changes, such as a run that has ended already: there is nothing more to say.
    log_error("report refused phase={} error={:?}", to_string(report.phase), net::error_from_response(*answer).to_string());
  }
  if (report.phase != RunnerPhase::kDone) return;
  const std::lock_guard lock(mutex_);
  done_acknowledged_ = true;
  changed_.notify_all();
}

void Reporter::work() {
  while (!context_.lifeline.is_lost()) {
    RunnerReport report;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kSignOfLife, [this] { return has_news_ || stopping_; });
      if (stopping_) return;
      // A run with little left to bring is done at once: its end tells that it was finalizing, and saves the server a commit.
      if (phase_ == RunnerPhase::kFinalizing && has_news_) {
        changed_.wait_for(lock, kShortFinalizing, [this] { return phase_ == RunnerPhase::kDone || stopping_; });
        if (stopping_) return;
      }
      has_news_ = false;
      report.phase = phase_;
      report.end = end_;
      report.script_ended_ms = script_ended_ms_;
    }
    report.attempt = context_.plan.attempt;
    report.rank = context_.plan.rank;
    report.lease = context_.plan.lease;
    report.warnings = context_.warnings.all();
    context_.state.save();
    send(report);
    if (report.phase == RunnerPhase::kDone) return;
  }
  const std::lock_guard lock(mutex_);
  stopping_ = true;  // finish() waits no longer
  changed_.notify_all();
}

}  // namespace werkbank::runner
