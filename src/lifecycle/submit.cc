#include "lifecycle/submit.hh"

#include <fmt/format.h>

#include "base/logins.hh"
#include "content/snapshot_store.hh"
#include "domain/names.hh"
#include "lifecycle/data_ports.hh"
#include "lifecycle/environment_versions.hh"
#include "lifecycle/gang.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/quotas.hh"
#include "lifecycle/sealed_spec.hh"
#include "lifecycle/target_changes.hh"
#include "lifecycle/workspace_removal.hh"

namespace werkbank::lifecycle {
namespace {

Status check_script(Services& services, const RunSpec& spec) {
  if (spec.script.empty() == spec.command.empty()) {
    return fail(errors::invalid_request, "spec: exactly one of script and command is needed");
  }
  if (spec.snapshot_id.empty()) {
    if (!spec.script.empty())
      return fail(errors::script_not_found, fmt::format("{:?} was submitted without a snapshot", spec.script));
    return {};
  }
  TRY(const Hash id, Hash::parse(spec.snapshot_id));
  if (spec.script.empty()) {
    TRY([[maybe_unused]] const std::string manifest, content::get_manifest_text(services.blobs, id));
    return {};
  }
  const Result<SnapshotEntry> found = content::find_snapshot_file(services.blobs, id, spec.script);
  if (found) return {};
  if (found.error().code != &errors::not_found) return fail(found.error());
  TRY(const SnapshotManifest manifest, content::get_manifest(services.blobs, id));
  std::vector<std::string> names;
  for (const SnapshotEntry& entry : manifest.entries) names.push_back(entry.path);
  const std::optional<std::string> nearest = nearest_word(spec.script, names);
  return fail(errors::script_not_found, fmt::format("the script {:?} is not in the submitted folder ({} files){}", spec.script,
                                                    names.size(), nearest ? fmt::format("; did you mean {:?}?", *nearest) : ""));
}

// Plans the environment; where there is nothing to build, the target also checks at once that what is named is there.
Task<Result<bool>> check_environment(Services& services, const std::string& workspace, const RunSpec& spec) {
  CO_TRY(EnvironmentRecipe recipe, services.environments.plan(spec.environment, spec.submitter_environment));
  CO_TRY(compute::ComputeTarget* const target, services.targets.find(workspace, spec.target));
  if (!recipe.requirements.empty() || !target->capabilities().same_machine || recipe.kind != "system") co_return false;
  // A probe of an interpreter may take long: not on the pool of short calls.
  Result<ReadyEnvironment> ready = co_await services.environment_builds.ready(target, std::move(recipe), {});
  if (!ready) co_return fail(std::move(ready).error());
  co_return true;
}

// The definition that the workspace keeps; nothing where the run brings none.
std::optional<EnvironmentDefinition> definition_to_register(const Submission& submission) {
  if (!submission.registers_environment) return std::nullopt;
  EnvironmentDefinition definition = submission.environment.value_or(submission.spec.environment);
  if (!is_registered_by_submit(definition)) return std::nullopt;
  definition.docker.erase("useDocker");  // how this run is started; no part of what the environment is
  return definition;
}

Status check_submission(Services& services, const Submission& submission) {
  CHECK_OK(check_experiment_name(submission.experiment));
  if (const auto definition = definition_to_register(submission)) {
    CHECK_OK(check_environment_name(definition->name));
    if (!definition->version.empty()) CHECK_OK(check_environment_version(definition->version));
  }
  CHECK_OK(services.store.read([&](store::Reader& reader) -> Status {
    TRY(const auto workspace, reader.workspace(submission.workspace));
    if (!workspace) return fail(errors::workspace_not_found, fmt::format("there is no workspace {:?}", submission.workspace));
    CHECK_OK(refuse_being_removed(reader, submission.workspace));
    RunSpec settled = submission.spec;
    CHECK_OK(settle_data_ports(reader, submission.workspace, settled));
    return check_snapshot_of(reader, submission.workspace, submission.spec.snapshot_id);
  }));
  if (!submission.run_id.empty()) CHECK_OK(check_stored_name("the run id", submission.run_id));
  TRY(compute::ComputeTarget* const target, services.targets.find(submission.workspace, submission.spec.target));
  if (submission.spec.node_count > 1 && !target->capabilities().several_nodes) {
    return fail(
        errors::not_supported,
        fmt::format("a run gets one node of target {:?}, {} were asked for", submission.spec.target, submission.spec.node_count),
        "Set node_count to 1, or use a target with several nodes.");
  }
  CHECK_OK(check_gang(submission.spec));
  CHECK_OK(check_quota(services, submission.workspace, submission.user, submission.spec));
  if (compute::ManagedTarget* const managed = services.targets.find_managed(submission.workspace, submission.spec.target))
    CHECK_OK(managed->check_nodes(submission.spec.node_count));
  return check_script(services, submission.spec);
}

bool asks_for_docker(const json::object& docker) {
  return std::ranges::any_of(std::array{"enabled", "useDocker"}, [&](const char* key) {
    const json::value* const value = docker.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
  });
}

Run make_run(const Services& services, const Submission& submission) {
  Run run;
  const UtcMs now = services.clock.utc_now_ms();
  run.key = {submission.workspace, submission.run_id.empty() ? make_run_id(submission.experiment, now) : submission.run_id};
  run.display_name = submission.display_name.empty() ? "run_" + run.key.run_id : submission.display_name;
  run.description = submission.description;
  run.run_type = submission.run_type.empty() ? "azureml.scriptrun" : submission.run_type;
  run.target = submission.spec.target;
  run.script = submission.spec.script.empty() ? submission.spec.command : submission.spec.script;
  run.created_by = submission.user;
  run.created_ms = now;
  run.priority = submission.spec.priority;
  run.tags = submission.tags;
  run.properties = submission.properties;
  run.properties.try_emplace("azureml.runsource", "experiment");
  const auto target = services.targets.find(submission.workspace, submission.spec.target);
  run.properties.try_emplace("_azureml.ComputeTargetType", target ? (*target)->kind() : submission.spec.target);
  if (!submission.spec.snapshot_id.empty()) run.properties["ContentSnapshotId"] = submission.spec.snapshot_id;
  add_git_properties(run.properties, submission.git);
  if (asks_for_docker(submission.spec.environment.docker)) {
    run.warnings.push_back(fmt::format("The configuration asks for Docker; the target {:?} runs the script without a container.",
                                       submission.spec.target));
  }
  return run;
}

Result<std::optional<Run>> repeated_run(store::Reader& reader, const Submission& submission) {
  if (submission.idempotency_key.empty()) return std::optional<Run>();
  TRY(const auto record, reader.idempotency(submission.workspace, submission.idempotency_key));
  if (!record) return std::optional<Run>();
  if (record->request_hash != submission.request_hash) {
    return fail(errors::idempotency_conflict, fmt::format("the idempotency key {:?} was used for run {:?} with another request",
                                                          submission.idempotency_key, record->answer));
  }
  return reader.run({submission.workspace, record->answer});
}

// Fills root and checks that the parent is there.
Status join_parent(store::Transaction& transaction, Run& run, const std::string& parent_id) {
  run.root_id = run.key.run_id;
  if (parent_id.empty()) return {};
  TRY(const auto parent, transaction.run({run.key.workspace, parent_id}));
  if (!parent) return fail(errors::run_not_found, fmt::format("the parent run {:?} does not exist", parent_id));
  run.parent_id = parent_id;
  run.root_id = parent->root_id;
  return {};
}

}  // namespace

std::string make_run_id(const std::string& experiment, UtcMs now) {
  return fmt::format("{}_{}_{}", experiment, now / 1000, random_hex(4));
}

void add_git_properties(TextMap& properties, const GitFacts& git) {
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) properties.try_emplace(key, value);
  };
  set("azureml.git.repository_uri", git.repository_url);
  set("mlflow.source.git.repoURL", git.repository_url);
  set("azureml.git.branch", git.branch);
  set("mlflow.source.git.branch", git.branch);
  set("azureml.git.commit", git.commit);
  set("mlflow.source.git.commit", git.commit);
  if (!git.commit.empty()) set("azureml.git.dirty", git.dirty ? "True" : "False");
}

Result<GitFacts> git_facts_from_json(const json::value* value) {
  GitFacts git;
  if (value == nullptr) return git;
  JsonReader reader(*value, "request.git");
  git.repository_url = without_logins(reader.string_or("repositoryUrl"));
  git.branch = reader.string_or("branch");
  git.commit = reader.string_or("commit");
  git.dirty = reader.bool_or("dirty", false);
  CHECK_OK(reader.finish());
  return git;
}

Status check_snapshot_of(store::Reader& reader, const std::string& workspace, const std::string& snapshot_id) {
  if (snapshot_id.empty()) return {};
  TRY(const Hash id, Hash::parse(snapshot_id));
  TRY(const std::optional<UtcMs> used, reader.snapshot_used(workspace, id));
  if (used) return {};
  return fail(errors::snapshot_not_found, fmt::format("no snapshot {} in workspace {:?}", snapshot_id, workspace),
              "Send it first: POST …/snapshots.");
}

Result<Experiment> ensure_experiment(store::Transaction& transaction, const Clock& clock, const std::string& workspace,
                                     const std::string& name) {
  TRY(const auto known_workspace, transaction.workspace(workspace));
  if (!known_workspace) return fail(errors::workspace_not_found, fmt::format("there is no workspace {:?}", workspace));
  CHECK_OK(refuse_being_removed(transaction, workspace));
  TRY(auto known, transaction.experiment(workspace, name));
  if (known && known->stage == LifecycleStage::kActive) return std::move(*known);
  Experiment experiment;
  experiment.workspace = workspace;
  experiment.name = name;
  experiment.created_ms = clock.utc_now_ms();
  TRY(Experiment created, transaction.create_experiment(std::move(experiment)));
  RunEvent event;
  event.workspace = workspace;
  event.experiment = name;
  event.type = "experiment.created";
  event.at_ms = clock.utc_now_ms();
  event.data = {{"id", created.id}};
  TRY([[maybe_unused]] const int64_t cursor, transaction.append_event(std::move(event)));
  return created;
}

Result<Run> record_run(store::Transaction& transaction, const Clock& clock, NewRun made) {
  Run run = std::move(made.run);
  TRY(const Experiment experiment, ensure_experiment(transaction, clock, run.key.workspace, made.experiment));
  run.experiment = experiment.name;
  run.experiment_id = experiment.id;
  CHECK_OK(join_parent(transaction, run, made.parent_id));
  TRY(run, transaction.create_run(std::move(run), made.spec, made.git.commit.empty() ? nullptr : &made.git));
  CHECK_OK(note_run_event(transaction, clock, run, "run.created", {{"status", to_string(run.status)}}));
  return run;
}

Result<Submission> submission_from_json(const json::value& value, std::string workspace) {
  JsonReader reader(value, "request");
  Submission submission;
  submission.workspace = std::move(workspace);
  submission.experiment = reader.required_string("experiment");
  submission.run_id = reader.string_or("runId");
  submission.display_name = reader.string_or("displayName");
  submission.description = reader.string_or("description");
  submission.parent_id = reader.string_or("parentRunId");
  submission.run_type = reader.string_or("runType");
  for (auto& [key, text] : reader.string_map_or_empty("tags")) submission.tags[key] = text;
  for (auto& [key, text] : reader.string_map_or_empty("properties")) submission.properties[key] = text;
  const json::value* const git = reader.value("git");
  const json::value* const spec = reader.value("spec");
  const json::object* const pool = reader.object("pool");
  const json::value* const environment = reader.value("environment");
  if (spec == nullptr) reader.refuse("spec", "is missing");
  CHECK_OK(reader.finish());
  if (pool != nullptr) submission.pool = *pool;
  TRY(submission.git, git_facts_from_json(git));
  TRY(submission.spec, run_spec_from_json(*spec, "request.spec"));
  if (environment != nullptr) {
    TRY(submission.environment, environment_from_json(*environment, "request.environment"));
  }
  return submission;
}

Task<Result<Submitted>> submit(Services& services, Submission submission) {
  if (!submission.idempotency_key.empty()) {
    // Before the checks: a repeated request is answered although its snapshot or interpreter may be gone by now.
    using Known = std::optional<Run>;
    const std::function<Result<Known>(store::Reader&)> look = [&submission](store::Reader& reader) {
      return repeated_run(reader, submission);
    };
    CO_TRY(Known known, store::read<Known>(services.store, look));
    if (known) co_return Submitted{std::move(*known), true};
  }
  CO_CHECK_OK(check_submission(services, submission));
  // A definition that was read back from here comes with sealed logins.
  RunSpec opened = submission.spec;
  CO_CHECK_OK(open_secrets(services.vault, submission.workspace, opened));
  Result<bool> ready = co_await check_environment(services, submission.workspace, opened);
  if (!ready) co_return fail(std::move(ready).error());
  const bool needs_no_build = *ready;
  seal_secrets(services.vault, submission.workspace, submission.spec);
  if (submission.environment) seal_secrets(services.vault, submission.workspace, *submission.environment);
  std::function<Result<Submitted>(store::Transaction&)> record =
      [&services, submission, needs_no_build](store::Transaction& transaction) -> Result<Submitted> {
    TRY(auto repeated, repeated_run(transaction, submission));
    if (repeated) return Submitted{std::move(*repeated), true};
    CHECK_OK(check_snapshot_of(transaction, submission.workspace, submission.spec.snapshot_id));  // not collected meanwhile
    CHECK_OK(check_target_of(transaction, services.targets, submission.workspace, submission.spec.target));
    RunSpec spec = submission.spec;
    CHECK_OK(settle_data_ports(transaction, submission.workspace, spec));
    if (auto definition = definition_to_register(submission)) {
      store::EnvironmentVersion wanted{.workspace = submission.workspace, .definition = std::move(*definition)};
      wanted.created_ms = services.clock.utc_now_ms();
      spec.environment.name = wanted.definition.name;
      TRY(spec.environment.version, register_submitted(transaction, std::move(wanted)));
    }
    NewRun made{make_run(services, submission), submission.experiment, submission.parent_id, &spec, submission.git};
    TRY(Run run, record_run(transaction, services.clock, std::move(made)));
    CHECK_OK(note_inputs(transaction, run.key, spec));
    if (needs_no_build) CHECK_OK(move_run(transaction, services.clock, run, RunStatus::kQueued));
    if (!submission.idempotency_key.empty()) {
      CHECK_OK(transaction.put_idempotency({submission.workspace, submission.idempotency_key, submission.request_hash,
                                            run.key.run_id, services.clock.utc_now_ms()}));
    }
    return Submitted{std::move(run), false};
  };
  co_return co_await store::write<Submitted>(services.store, std::move(record));
}

}  // namespace werkbank::lifecycle
