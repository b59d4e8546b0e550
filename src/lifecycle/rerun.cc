#include "lifecycle/rerun.hh"

#include <fmt/format.h>

#include "base/log.hh"
#include "lifecycle/sealed_spec.hh"

namespace werkbank::lifecycle {
namespace {

constexpr const char* kHash = "werkbank.environment.hash";
constexpr const char* kPython = "werkbank.environment.python";
constexpr const char* kInterpreter = "werkbank.environment.interpreter";
constexpr const char* kRerunOf = "werkbank.rerun_of";

struct Original {
  Run run;
  RunSpec spec;
};

Result<Original> load(Services& services, const RunKey& key) {
  const std::function<Result<Original>(store::Reader&)> action = [&key](store::Reader& reader) -> Result<Original> {
    TRY(auto run, reader.run(key));
    if (!run)
      return fail(errors::run_not_found, fmt::format("there is no run {:?} in workspace {:?}", key.run_id, key.workspace));
    TRY(auto spec, reader.run_spec(key));
    if (!spec)
      return fail(errors::not_supported, fmt::format("run {:?} was tracked by a client: nothing was submitted", key.run_id),
                  "Start its script again where it was started.");
    return Original{std::move(*run), std::move(*spec)};
  };
  return store::read<Original>(services.store, action);
}

std::string property(const Run& run, const char* name) {
  const auto found = run.properties.find(name);
  return found == run.properties.end() ? std::string() : found->second;
}

// The environment as it is now. An interpreter is looked at; what was built is found, or answered as an error: nothing is built
// here.
Result<ReadyEnvironment> environment_now(Services& services, const std::string& workspace, const RunSpec& spec) {
  RunSpec opened = spec;
  CHECK_OK(open_secrets(services.vault, workspace, opened));
  TRY(const EnvironmentRecipe recipe, services.environments.plan(opened.environment, opened.submitter_environment));
  TRY(compute::ComputeTarget* const target, services.targets.find(workspace, spec.target));
  const bool is_built = recipe.kind != "system";
  auto ready = target->prepare(recipe, [](std::string_view) {}, [is_built] { return is_built; });
  if (!ready && is_built) return fail(errors::environment_failed, "it would have to be built again, from its requirements");
  return ready;
}

std::vector<Difference> differences(const Original& original, const Result<ReadyEnvironment>& now, const std::string& user) {
  std::vector<Difference> all;
  const auto compare = [&](const char* what, const std::string& then, const std::string& is) {
    if (!then.empty() && then != is) all.push_back({what, then, is});
  };
  if (now) {
    compare("environment", property(original.run, kHash), now->hash);
    compare("python", property(original.run, kPython), now->python_version);
    compare("interpreter", property(original.run, kInterpreter), now->interpreter);
    if (property(original.run, kHash).empty() && property(original.run, kInterpreter).empty())
      all.push_back({"environment", "not recorded: the run was never started", now->interpreter});
  } else {
    all.push_back({"environment", property(original.run, kHash), now.error().to_string()});
  }
  if (original.run.created_by != user) all.push_back({"user", original.run.created_by, user, false});
  return all;
}

Submission submission_of(const Original& original, const RerunRequest& request) {
  Submission submission;
  submission.workspace = original.run.key.workspace;
  submission.experiment = original.run.experiment;
  submission.description = original.run.description;
  submission.parent_id = request.parent_id.empty() ? original.run.parent_id : request.parent_id;
  submission.run_type = original.run.run_type;
  submission.tags = original.run.tags;
  // What the source was is a fact of the snapshot; the others are facts of the run that was.
  for (const auto& [name, value] : original.run.properties) {
    if (name.starts_with("azureml.git.") || name.starts_with("mlflow.source.git.")) submission.properties[name] = value;
  }
  submission.properties[kRerunOf] = original.run.key.run_id;
  submission.spec = original.spec;
  submission.registers_environment = false;  // it is the original's, whose version the spec names
  submission.user = request.user;
  submission.idempotency_key = request.idempotency_key;
  submission.request_hash = request.request_hash;
  return submission;
}

}  // namespace

json::object to_json(const Difference& difference) {
  return {{"what", difference.what}, {"then", difference.then}, {"now", difference.now}, {"matters", difference.matters}};
}

void note_environment(Run& run, const ReadyEnvironment& environment) {
  run.properties[kHash] = environment.hash;
  run.properties[kPython] = environment.python_version;
  run.properties[kInterpreter] = environment.interpreter;
}

Task<Result<Rerun>> rerun(Services& services, RerunRequest request) {
  CO_TRY(const Original original, load(services, request.original));
  const auto look = [&services, &original] { return environment_now(services, original.run.key.workspace, original.spec); };
  const Result<ReadyEnvironment> now = co_await services.builders.run(look);
  Rerun answer;
  answer.differences = differences(original, now, request.user);
  if (request.exact) {
    std::string told;
    for (const Difference& difference : answer.differences) {
      if (!difference.matters) continue;
      told +=
          fmt::format("{}{}: {:?} then, {:?} now", told.empty() ? "" : "; ", difference.what, difference.then, difference.now);
    }
    if (!told.empty())
      co_return fail(errors::rerun_differs,
                     fmt::format("run {:?} cannot be made again exactly: {}", request.original.run_id, told),
                     "Without --exact (exact: false) it is made with these differences.");
  }
  Submission submission = submission_of(original, request);
  CO_TRY(answer.submitted, co_await submit(services, std::move(submission)));
  log_info("run submitted again run={:?} of={:?} differences={}", answer.submitted.run.key.run_id, original.run.key.run_id,
           answer.differences.size());
  co_return answer;
}

}  // namespace werkbank::lifecycle
