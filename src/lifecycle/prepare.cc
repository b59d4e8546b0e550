#include "lifecycle/prepare.hh"

#include <fmt/format.h>

#include "base/log.hh"
#include "base/logins.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/sealed_spec.hh"
#include "lifecycle/watch.hh"

namespace werkbank::lifecycle {
namespace {

// Carries a build's output into the run's log, and shows Preparing when the first byte of it comes. Used on one builder's thread
// at a time.
class BuildLog {
 public:
  BuildLog(Services& services, const RunKey& key) : services_(services), key_{key, 0, 0, std::string(kBuildLog)} {
    offset_ = services_.logs.size(key_).value_or(0);
  }

  void write(std::string_view bytes) {
    if (!shown_) {
      shown_ = true;
      show_preparing();
    }
    Result<uint64_t> size = sync_wait(services_.logs.append(key_, offset_, std::string(bytes)));
    if (size)
      offset_ = *size;
    else
      log_error("build log not written run={:?} error={:?}", key_.run.run_id, size.error().to_string());
  }

 private:
  void show_preparing() {
    const RunKey key = key_.run;
    const Clock& clock = services_.clock;
    const Status moved = sync_wait(services_.store.write([key, &clock](store::Transaction& transaction) -> Status {
      TRY(auto run, transaction.run(key));
      if (!run || run->status != RunStatus::kNotStarted) return {};
      return move_run(transaction, clock, *run, RunStatus::kPreparing);
    }));
    if (!moved) log_error("run not shown as preparing run={:?} error={:?}", key.run_id, moved.error().to_string());
  }

  Services& services_;
  content::LogKey key_;
  uint64_t offset_ = 0;
  bool shown_ = false;
};

bool cancel_is_asked(Services& services, const RunKey& key) {
  bool asked = false;
  const Status read = services.store.read([&](store::Reader& reader) -> Status {
    TRY(const auto run, reader.run(key));
    asked = !run || run->cancel_requested || is_terminal(run->status);
    return {};
  });
  return read.has_value() && asked;
}

RunEnd environment_end(const Error& error, std::vector<std::string> log_tail) {
  RunEnd end;
  end.kind = RunEndKind::kEnvironment;
  end.code = "UserError";
  end.message = without_logins(error.to_string());
  end.hint = std::string(error.remedy());
  end.log_tail = std::move(log_tail);
  return end;
}

// With the policy "nearest" the run itself tells which pins gave way, not only the log of the build that it may have found made.
void note_relaxed(Run& run, const ReadyEnvironment& ready) {
  if (ready.relaxed.empty()) return;
  run.properties["werkbank.environment.policy"] = "nearest";
  run.properties["werkbank.environment.relaxed"] = fmt::format("{}", fmt::join(ready.relaxed, "; "));
}

}  // namespace

Task<Result<ReadyEnvironment>> ready_environment(Services& services, std::string workspace, RunSpec spec,
                                                 EnvironmentBuilds::Wish wish) {
  CO_CHECK_OK(open_secrets(services.vault, workspace, spec));
  CO_TRY(EnvironmentRecipe recipe, services.environments.plan(spec.environment, spec.submitter_environment));
  CO_TRY(compute::ComputeTarget* const target, services.targets.find(workspace, spec.target));
  co_return co_await services.environment_builds.ready(target, std::move(recipe), std::move(wish));
}

Task<Result<ReadyEnvironment>> ready_environment_of_run(Services& services, RunKey key, RunSpec spec) {
  BuildLog log(services, key);
  EnvironmentBuilds::Wish wish;
  wish.output = [&log](std::string_view bytes) { log.write(bytes); };
  wish.canceled = [&services, key] { return services.is_stopping() || cancel_is_asked(services, key); };
  std::string workspace = key.workspace;
  Result<ReadyEnvironment> built = co_await ready_environment(services, std::move(workspace), std::move(spec), std::move(wish));
  // Whoever opens the build log finds the verdict there, not only with the run.
  if (!built && !services.is_stopping())
    log.write(without_logins(fmt::format("{}\n{}\n", built.error().to_string(), built.error().remedy())));
  co_return built;
}

Task<Status> prepare_run(Services& services, RunKey key) {
  const std::function<Result<std::optional<RunSpec>>(store::Reader&)> find_spec = [&key](store::Reader& reader) {
    return reader.run_spec(key);
  };
  CO_TRY(std::optional<RunSpec> spec, store::read<std::optional<RunSpec>>(services.store, find_spec));
  if (!spec) co_return fail(errors::run_not_found, "the run's specification is gone: " + key.run_id);
  const Result<ReadyEnvironment> ready = co_await ready_environment_of_run(services, key, std::move(*spec));

  if (!ready && services.is_stopping()) co_return Status{};  // the next server builds it
  const std::vector<std::string> tail =
      ready ? std::vector<std::string>() : log_tail(services, {key, 0, 0, std::string(kBuildLog)});
  std::function<Status(store::Transaction&)> apply = [&services, key, ready, tail](store::Transaction& transaction) -> Status {
    TRY(auto run, transaction.run(key));
    if (!run || is_terminal(run->status)) return {};
    if (run->cancel_requested) {
      RunEnd end;
      end.kind = RunEndKind::kCanceled;
      end.who = run->cancel_who;
      return end_run(transaction, services.clock, *run, std::move(end));
    }
    if (!ready) return end_run(transaction, services.clock, *run, environment_end(ready.error(), tail));
    note_relaxed(*run, *ready);
    return move_run(transaction, services.clock, *run, RunStatus::kQueued);
  };
  co_return co_await services.store.write(std::move(apply));
}

}  // namespace werkbank::lifecycle
