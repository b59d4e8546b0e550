#include "lifecycle/launch.hh"

#include <algorithm>
#include <array>

#include "base/failpoint.hh"
#include "base/log.hh"
#include "lifecycle/data_ports.hh"
#include "lifecycle/gang.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/prepare.hh"
#include "lifecycle/rerun.hh"
#include "lifecycle/sealed_spec.hh"

namespace werkbank::lifecycle {
namespace {

struct Loaded {
  Run run;
  RunSpec spec;
  Workspace workspace;
  Attempt attempt;
};

Result<Loaded> load(Services& services, const RunKey& key) {
  const std::function<Result<Loaded>(store::Reader&)> action = [&key](store::Reader& reader) -> Result<Loaded> {
    TRY(auto run, reader.run(key));
    TRY(auto spec, reader.run_spec(key));
    TRY(auto workspace, reader.workspace(key.workspace));
    TRY(auto attempts, reader.attempts(key));
    if (!run || !spec || !workspace || attempts.empty()) {
      return fail(errors::run_not_found, "the run, its specification or its attempt is gone: " + key.run_id);
    }
    return Loaded{std::move(*run), std::move(*spec), std::move(*workspace), std::move(attempts.back())};
  };
  return store::read<Loaded>(services.store, action);
}

// A token lives as long as the run may, plus time to come back after an outage.
UtcMs token_expiry(const Services& services, const RunSpec& spec) {
  constexpr int64_t kDayMs = 24 * 3600 * 1000LL;
  const int64_t limit_ms = spec.timeout_seconds > 0 ? spec.timeout_seconds * 1000 : 365 * kDayMs;
  return services.clock.utc_now_ms() + limit_ms + 7 * kDayMs;
}

LaunchPlan make_plan(Services& services, const Loaded& loaded, const compute::Capabilities& capabilities,
                     ReadyEnvironment environment) {
  const UtcMs expires_ms = token_expiry(services, loaded.spec);
  LaunchPlan plan;
  plan.run = loaded.run.key;
  plan.experiment = loaded.run.experiment;
  plan.experiment_id = loaded.run.experiment_id;
  plan.attempt = loaded.attempt.number;
  plan.lease = loaded.attempt.lease;
  const auto issue = [&](access::TokenScope scope) {
    return services.run_tokens.issue(loaded.run.key, loaded.attempt.number, expires_ms, scope);
  };
  plan.token = issue(access::TokenScope::kRunner);
  const Secret job_token = issue(access::TokenScope::kJob);
  plan.server_url = services.runner.server_url;
  plan.snapshot_id = loaded.spec.snapshot_id;
  if (capabilities.same_machine) plan.blob_folder = services.runner.blob_folder;
  plan.script = loaded.spec.script;
  plan.arguments = loaded.spec.arguments;
  plan.command = loaded.spec.command;
  plan.environment = std::move(environment);
  plan.variables =
      script_variables(services, loaded.workspace, loaded.run, loaded.spec, capabilities, job_token.reveal(), expires_ms);
  plan.sdk_folder = services.runner.sdk_folder;
  plan.watched_directories = loaded.spec.watched_directories;
  plan.collect_outputs = loaded.spec.collect_outputs;
  plan.timeout_seconds = loaded.spec.timeout_seconds;
  plan.inputs = loaded.spec.inputs;
  for (const RunOutput& output : loaded.spec.outputs) plan.outputs.push_back(placed_output(output, loaded.run.key));
  if (capabilities.same_machine) plan.data_cache = services.runner.data_cache;
  return plan;
}

// A proxy is for addresses beyond this machine. Clients read the one spelling or the other.
void reach_without_proxy(TextMap& variables, const std::string& host) {
  const auto is_set = [&variables](const char* name) {
    const auto found = variables.find(name);
    return found != variables.end() && !found->second.empty();
  };
  if (std::ranges::none_of(std::array{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}, is_set)) return;
  const bool has_any = is_set("NO_PROXY") || is_set("no_proxy");
  for (const char* name : {"NO_PROXY", "no_proxy"}) {
    if (has_any && !is_set(name)) continue;  // an empty one would hide what the other says
    std::string& list = variables[name];
    if (list != "*") list += (list.empty() ? "" : ",") + host;
  }
}

struct Started {
  json::object handle;
  ReadyEnvironment environment;
};

Result<std::vector<int64_t>> ports_for(const Loaded& loaded) {
  if (std::optional<std::vector<int64_t>> kept = ports_of(loaded.attempt)) return std::move(*kept);
  return pick_ports(ports_needed(loaded.spec));
}

// The ports of several ranks are on record before the first one is started.
Task<Status> keep_ports(Services& services, Loaded& loaded) {
  if (!is_gang(loaded.spec) || ports_of(loaded.attempt)) co_return Status{};
  CO_TRY(const std::vector<int64_t> ports, pick_ports(ports_needed(loaded.spec)));
  loaded.attempt.handle = handle_with_ports(ports);
  const Attempt attempt = loaded.attempt;
  std::function<Status(store::Transaction&)> apply = [attempt](store::Transaction& transaction) -> Status {
    TRY(auto attempts, transaction.attempts(attempt.run));
    if (attempts.empty() || attempts.back().number != attempt.number || is_started(attempts.back())) return {};
    attempts.back().handle = attempt.handle;
    return transaction.put_attempt(attempts.back());
  };
  co_return co_await services.store.write(std::move(apply));
}

// An environment that has vanished since the run was prepared is built again here.
Task<Result<Started>> start_runner(Services& services, const Loaded& loaded) {
  CO_TRY(compute::ComputeTarget* const target, services.targets.find(loaded.run.key.workspace, loaded.spec.target));
  RunKey key = loaded.run.key;
  RunSpec spec = loaded.spec;
  CO_TRY(ReadyEnvironment environment, co_await ready_environment_of_run(services, std::move(key), std::move(spec)));
  Loaded opened = loaded;
  CO_CHECK_OK(open_secrets(services.vault, loaded.run.key.workspace, opened.spec));
  const LaunchPlan plan = make_plan(services, opened, target->capabilities(), environment);
  CO_TRY(const std::vector<int64_t> ports, ports_for(loaded));
  const std::vector<LaunchPlan> plans = plans_of_ranks(plan, opened.spec, ports);
  const auto start = [target, &plans] { return target->start_all(plans); };
  CO_TRY(const std::vector<json::object> handles, co_await services.pool.run(start));
  co_return Started{plans.size() == 1 ? handles.at(0) : handle_of_gang(ports, handles), std::move(environment)};
}

}  // namespace

TextMap script_variables(const Services& services, const Workspace& workspace, const Run& run, const RunSpec& spec,
                         const compute::Capabilities& capabilities, const std::string& token, UtcMs token_expires_ms) {
  const auto target = services.targets.find(workspace.name, spec.target);
  const std::string target_type = target ? (*target)->kind() : spec.target;
  TextMap variables;
  if (capabilities.same_machine) {
    variables = spec.submitter_environment;
    if (!services.runner.program.empty()) variables.try_emplace("WERKBANK_BINARY", services.runner.program);
  }
  for (const auto& [name, value] : spec.environment.variables) variables[name] = value;
  for (const auto& [name, value] : spec.environment_variables) variables[name] = value;
  // Microsoft's own azureml-core knows http and https only; on another machine there is no door of jobs.
  const bool has_door = capabilities.same_machine && !services.runner.job_url.empty();
  const std::string& address = has_door ? services.runner.job_url : services.runner.server_url;
  if (has_door) reach_without_proxy(variables, "127.0.0.1");
  const TextMap ours{
      {"AZUREML_RUN_ID", run.key.run_id},
      {"AZUREML_ARM_SUBSCRIPTION", workspace.subscription_id},
      {"AZUREML_ARM_RESOURCEGROUP", workspace.resource_group},
      {"AZUREML_ARM_WORKSPACE_NAME", workspace.name},
      {"AZUREML_ARM_PROJECT_NAME", run.experiment},
      {"AZUREML_RUN_TOKEN", token},
      {"AZUREML_RUN_TOKEN_EXPIRY", std::to_string(token_expires_ms / 1000)},
      {"AZUREML_SERVICE_ENDPOINT", address},
      {"AZUREML_DISCOVERY_SERVICE_ENDPOINT", address + "/discovery"},
      {"AZUREML_EXPERIMENT_ID", std::to_string(run.experiment_id)},
      {"AZUREML_WORKSPACE_ID", workspace.name},
      {"AZUREML_IDENTITY_IN_USE", "AMLToken"},
      {"AZUREML_CURRENT_CLOUD", "AzureCloud"},
      {"AZUREML_FRAMEWORK", spec.framework},
      {"AZUREML_COMMUNICATOR", spec.distribution.communicator},
      {"AZUREML_TARGET_TYPE", target_type},
      {"AZUREML_CR_NODE_RANK", "0"},
      {"AZUREML_ROOT_RUN_ID", run.root_id},
      {"MLFLOW_TRACKING_URI", services.runner.server_url},
      {"MLFLOW_TRACKING_TOKEN", token},
      {"MLFLOW_RUN_ID", run.key.run_id},
      {"MLFLOW_EXPERIMENT_ID", std::to_string(run.experiment_id)},
      {"MLFLOW_EXPERIMENT_NAME", run.experiment},
      {"WERKBANK_URL", services.runner.server_url},
      {"WERKBANK_TOKEN", token},
      {"WERKBANK_WORKSPACE", workspace.name},
      {"WERKBANK_ATTEMPT", std::to_string(run.attempt)},
      {"WERKBANK_RANK", "0"},
  };
  for (const auto& [name, value] : ours) variables[name] = value;
  return variables;
}

Task<Status> launch_run(Services& services, RunKey key) {
  CO_TRY(Loaded loaded, load(services, key));
  // A cancel that came between start() and its handle needs the handle all the same: start() is idempotent and answers it.
  const bool wanted = loaded.run.status == RunStatus::kStarting || loaded.run.status == RunStatus::kCancelRequested;
  if (!wanted || is_started(loaded.attempt)) co_return Status{};
  CO_CHECK_OK(co_await keep_ports(services, loaded));

  failpoint_kill("launch.before_start");
  const Result<Started> started = co_await start_runner(services, loaded);
  failpoint_kill("launch.after_start");
  if (!started && services.is_stopping()) co_return Status{};  // the next server starts it

  const int64_t number = loaded.attempt.number;
  std::function<Status(store::Transaction&)> apply = [&services, key, number,
                                                      started](store::Transaction& transaction) -> Status {
    TRY(auto run, transaction.run(key));
    TRY(auto attempts, transaction.attempts(key));
    if (!run || attempts.empty() || attempts.back().number != number) return {};
    if (!started) {
      if (is_terminal(run->status)) return {};
      if (started.error().code == &errors::target_full && run->status == RunStatus::kStarting)
        return move_run(transaction, services.clock, *run, RunStatus::kQueued);  // another one was quicker
      RunEnd end;
      if (run->cancel_requested) {  // given up while its environment was built again
        end.kind = RunEndKind::kCanceled;
        end.who = run->cancel_who;
        return end_run(transaction, services.clock, *run, std::move(end));
      }
      end.kind = RunEndKind::kLaunch;
      end.message = "The runner could not be started: " + started.error().to_string();
      end.hint = std::string(started.error().remedy());
      return end_run(transaction, services.clock, *run, std::move(end));
    }
    note_environment(*run, started->environment);
    CHECK_OK(transaction.update_run(*run));
    attempts.back().handle = started->handle;
    return transaction.put_attempt(attempts.back());
  };
  Status applied = co_await services.store.write(std::move(apply));
  failpoint_kill("launch.after_handle");
  if (started) log_info("run started run={:?} attempt={} target={}", key.run_id, number, loaded.spec.target);
  co_return applied;
}

}  // namespace werkbank::lifecycle
