#include "api/reading.hh"
#include "api/responses.hh"
#include "domain/names.hh"
#include "lifecycle/submit.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

Result<LifecycleStage> stage_from(const std::string& text) {
  if (text == "active") return LifecycleStage::kActive;
  if (text == "archived") return LifecycleStage::kArchived;
  if (text == "deleted") return LifecycleStage::kDeleted;
  return fail(errors::invalid_request, fmt::format("stage {:?} is not active, archived or deleted", text));
}

Task<Result<net::Response>> list_experiments(Api& api, Call& call) {
  CO_TRY(const PageRequest page, page_request(call.request));
  CO_TRY(const LifecycleStage stage, stage_from(query_text(call.request, "stage", "active")));
  const std::string workspace = call.workspace();
  using Page = store::Page<Experiment>;
  CO_TRY(const Page found, read<Page>(api, [&](store::Reader& reader) -> Result<Page> {
           TRY(const Workspace known, find_workspace(reader, workspace));
           return reader.experiments(known.name, stage, page.limit, page.cursor);
         }));
  co_return page_response(found.items, found.next);
}

Task<Result<net::Response>> create_experiment(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string name = reader.required_string("name");
  CO_CHECK_OK(reader.finish());
  CO_CHECK_OK(check_experiment_name(name));
  const std::string workspace = call.workspace();
  using Outcome = std::pair<Experiment, bool>;
  const Clock& clock = api.services.clock;
  std::function<Result<Outcome>(store::Transaction&)> apply = [workspace, name,
                                                               &clock](store::Transaction& transaction) -> Result<Outcome> {
    TRY(const auto known, transaction.experiment(workspace, name));
    if (known && known->stage == LifecycleStage::kActive) return Outcome(*known, false);
    TRY(Experiment created, lifecycle::ensure_experiment(transaction, clock, workspace, name));
    return Outcome(std::move(created), true);
  };
  CO_TRY(const Outcome outcome, co_await store::write<Outcome>(api.services.store, std::move(apply)));
  co_return json_response(to_json(outcome.first), outcome.second ? 201 : 200);
}

// Of several that had the name, `?id=` tells which; without it the active one, or else the newest.
Result<Experiment> named_experiment(store::Reader& reader, const std::string& workspace, const std::string& name, int64_t id) {
  if (id == 0) return find_experiment(reader, workspace, name);
  TRY(auto found, reader.experiment_by_id(id));
  if (found && found->workspace == workspace && found->name == name) return std::move(*found);
  return fail(errors::experiment_not_found,
              fmt::format("there is no experiment {:?} with id {} in workspace {:?}", name, id, workspace));
}

Task<Result<net::Response>> get_experiment(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  CO_TRY(const int64_t id, query_int(call.request, "id", 0, 0, INT64_MAX));
  CO_TRY(const Experiment experiment,
         read<Experiment>(api, [&](store::Reader& reader) { return named_experiment(reader, workspace, name, id); }));
  co_return json_response(to_json(experiment));
}

struct ExperimentChange {
  std::string workspace, name;
  int64_t id = 0;
  std::optional<std::string> description;
  std::optional<LifecycleStage> stage;
  json::object tags;
};

// What runs would go on writing into something that nobody sees any more.
Status refuse_active_runs(store::Reader& reader, const Experiment& experiment) {
  TRY(const auto unfinished, reader.unfinished_managed_runs());
  std::string names;
  size_t count = 0;
  for (const Run& run : unfinished) {
    if (run.experiment_id != experiment.id) continue;
    if (++count <= 5) names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", run.key.run_id, to_string(run.status));
  }
  if (count == 0) return {};
  if (count > 5) names += fmt::format(" and {} more", count - 5);
  return fail(errors::run_state_conflict,
              fmt::format("{} run(s) of experiment {:?} are under way: {}", count, experiment.name, names),
              "Wait for them, or cancel them first: werkbank run cancel RUN.");
}

Status note_stage(store::Transaction& transaction, const Experiment& experiment, UtcMs now) {
  RunEvent event;
  event.workspace = experiment.workspace;
  event.experiment = experiment.name;
  event.type = "experiment.stage";
  event.at_ms = now;
  event.data = {{"id", experiment.id}, {"stage", to_json(experiment).at("stage")}};
  TRY([[maybe_unused]] const int64_t cursor, transaction.append_event(std::move(event)));
  return {};
}

// The runs go to the trash with their experiment, and come out of it with it: those that were put there one by one stay.
Status change_stage(store::Transaction& transaction, Experiment& experiment, LifecycleStage to, UtcMs now) {
  const LifecycleStage from = experiment.stage;
  if (from == to) return {};
  if (to == LifecycleStage::kDeleted) {
    CHECK_OK(refuse_active_runs(transaction, experiment));
    TRY([[maybe_unused]] const int64_t moved,
        transaction.move_runs_of_experiment(experiment.id, LifecycleStage::kActive, 0, LifecycleStage::kDeleted, now));
  } else if (from == LifecycleStage::kDeleted) {
    TRY([[maybe_unused]] const int64_t moved,
        transaction.move_runs_of_experiment(experiment.id, LifecycleStage::kDeleted, experiment.stage_ms, LifecycleStage::kActive,
                                            0));
  }
  experiment.stage = to;
  experiment.stage_ms = to == LifecycleStage::kActive ? 0 : now;
  return note_stage(transaction, experiment, now);
}

Task<Result<Experiment>> change_experiment(Api& api, ExperimentChange change) {
  const Clock& clock = api.services.clock;
  std::function<Result<Experiment>(store::Transaction&)> apply = [change,
                                                                  &clock](store::Transaction& transaction) -> Result<Experiment> {
    TRY(Experiment experiment, named_experiment(transaction, change.workspace, change.name, change.id));
    if (change.description) experiment.description = *change.description;
    for (const auto& [key, value] : change.tags) {
      if (value.is_null())
        experiment.tags.erase(std::string(key));
      else
        experiment.tags[std::string(key)] = std::string(value.get_string());
    }
    if (change.stage) CHECK_OK(change_stage(transaction, experiment, *change.stage, clock.utc_now_ms()));
    CHECK_OK(transaction.update_experiment(experiment));
    return experiment;
  };
  co_return co_await store::write<Experiment>(api.services.store, std::move(apply));
}

Task<Result<net::Response>> update_experiment(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  ExperimentChange change;
  change.workspace = call.workspace();
  change.name = call.arguments[1];
  CO_TRY(change.id, query_int(call.request, "id", 0, 0, INT64_MAX));
  change.description = reader.optional_string("description");
  const std::string stage_text = reader.string_or("stage");
  if (const json::object* const tags = reader.object("tags")) change.tags = *tags;
  for (const auto& [key, value] : change.tags) {
    if (!value.is_null() && !value.is_string())
      reader.refuse("tags", fmt::format("{:?} is neither text nor null", std::string_view(key)));
  }
  CO_CHECK_OK(reader.finish());
  if (!stage_text.empty()) {
    CO_TRY(change.stage, stage_from(stage_text));
  }
  CO_TRY(const Experiment experiment, co_await change_experiment(api, std::move(change)));
  co_return json_response(to_json(experiment));
}

Task<Result<net::Response>> delete_experiment(Api& api, Call& call) {
  ExperimentChange change;
  change.workspace = call.workspace();
  change.name = call.arguments[1];
  CO_TRY(change.id, query_int(call.request, "id", 0, 0, INT64_MAX));
  change.stage = LifecycleStage::kDeleted;
  CO_TRY(const Experiment experiment, co_await change_experiment(api, std::move(change)));
  co_return no_content();
}

constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/experiments", list_experiments,
                             {"List experiments", "limit:integer,cursor:string,stage:string", "", "Experiment[]"}),
    route<Permission::kWrite>(Method::kPost, "/api/v1/workspaces/{workspace}/experiments", create_experiment,
                              {"Create an experiment, or answer the one of this name", "", "NewExperiment", "Experiment", 201}),
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/experiments/{name}", get_experiment,
                             {"Get an experiment", "id:integer", "", "Experiment"}),
    route<Permission::kWrite>(
        Method::kPatch, "/api/v1/workspaces/{workspace}/experiments/{name}", update_experiment,
        {"Change an experiment; a tag set to null is removed", "id:integer", "ExperimentChange", "Experiment"}),
    route<Permission::kWrite>(Method::kDelete, "/api/v1/workspaces/{workspace}/experiments/{name}", delete_experiment,
                              {"Move an experiment and its runs to the trash", "id:integer", "", "", 204}),
};

}  // namespace

std::span<const Route> experiment_routes() { return kRoutes; }

}  // namespace werkbank::api
