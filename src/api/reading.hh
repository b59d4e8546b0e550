// Short reads of the store for handlers: the value, or the typed "not found" of its noun.
#pragma once

#include <fmt/format.h>

#include "api/api.hh"
#include "lifecycle/workspace_removal.hh"

namespace werkbank::api {

template <typename T>
Result<T> read(Api& api, const std::function<Result<T>(store::Reader&)>& action) {
  return store::read<T>(api.services.store, action);
}

inline Result<Run> find_run(store::Reader& reader, const RunKey& key) {
  TRY(auto run, reader.run(key));
  if (!run) return fail(errors::run_not_found, fmt::format("there is no run {:?} in workspace {:?}", key.run_id, key.workspace));
  return std::move(*run);
}
inline Result<Run> find_run(Api& api, const RunKey& key) {
  return read<Run>(api, [&](store::Reader& reader) { return find_run(reader, key); });
}

inline Result<Workspace> find_workspace(store::Reader& reader, const std::string& name) {
  TRY(auto workspace, reader.workspace(name));
  if (!workspace) return fail(errors::workspace_not_found, fmt::format("there is no workspace {:?}", name));
  CHECK_OK(lifecycle::refuse_being_removed(reader, name));
  return std::move(*workspace);
}

inline Result<Experiment> find_experiment(store::Reader& reader, const std::string& workspace, const std::string& name) {
  TRY(auto experiment, reader.experiment(workspace, name));
  if (!experiment)
    return fail(errors::experiment_not_found, fmt::format("there is no experiment {:?} in workspace {:?}", name, workspace));
  return std::move(*experiment);
}

// The property of a run that a job has submitted beside itself: the id of the job's run. A submission does not bring it itself.
inline constexpr std::string_view kSubmittedByRun = "werkbank.submittedByRun";

// Is the run `ancestor` itself, or a child of it at any depth, or made by its job?
inline Result<bool> descends_from(store::Reader& reader, const RunKey& run, const std::string& ancestor) {
  std::string id = run.run_id;
  for (int depth = 0; depth < 1000 && !id.empty(); ++depth) {
    if (id == ancestor) return true;
    TRY(const auto found, reader.run({run.workspace, id}));
    if (!found) return false;
    id = found->parent_id;
    if (!id.empty()) continue;
    const auto maker = found->properties.find(std::string(kSubmittedByRun));
    if (maker != found->properties.end()) id = maker->second;
  }
  return false;
}

}  // namespace werkbank::api
