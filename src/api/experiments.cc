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
    if (known) return Outcome(*known, false);
    TRY(Experiment created, lifecycle::ensure_experiment(transaction, clock, workspace, name));
    return Outcome(std::move(created), true);
  };
  CO_TRY(const Outcome outcome, co_await store::write<Outcome>(api.services.store, std::move(apply)));
  co_return json_response(to_json(outcome.first), outcome.second ? 201 : 200);
}

Task<Result<net::Response>> get_experiment(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  CO_TRY(const Experiment experiment,
         read<Experiment>(api, [&](store::Reader& reader) { return find_experiment(reader, workspace, name); }));
  co_return json_response(to_json(experiment));
}

Task<Result<Experiment>> change_experiment(Api& api, std::string workspace, std::string name,
                                           std::function<void(Experiment&)> change) {
  std::function<Result<Experiment>(store::Transaction&)> apply = [workspace, name,
                                                                  change](store::Transaction& transaction) -> Result<Experiment> {
    TRY(Experiment experiment, find_experiment(transaction, workspace, name));
    change(experiment);
    CHECK_OK(transaction.update_experiment(experiment));
    return experiment;
  };
  co_return co_await store::write<Experiment>(api.services.store, std::move(apply));
}

Task<Result<net::Response>> update_experiment(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const auto description = reader.optional_string("description");
  const std::string stage_text = reader.string_or("stage");
  const json::object* const tags_given = reader.object("tags");
  CO_CHECK_OK(reader.finish());
  std::optional<LifecycleStage> stage;
  if (!stage_text.empty()) {
    CO_TRY(stage, stage_from(stage_text));
  }
  const json::object tags = tags_given == nullptr ? json::object{} : *tags_given;
  std::function<void(Experiment&)> change = [description, stage, tags](Experiment& experiment) {
    if (description) experiment.description = *description;
    if (stage) experiment.stage = *stage;
    for (const auto& [key, value] : tags) {
      if (value.is_null())
        experiment.tags.erase(std::string(key));
      else if (value.is_string())
        experiment.tags[std::string(key)] = std::string(value.get_string());
    }
  };
  CO_TRY(const Experiment experiment, co_await change_experiment(api, call.workspace(), call.arguments[1], std::move(change)));
  co_return json_response(to_json(experiment));
}

Task<Result<net::Response>> delete_experiment(Api& api, Call& call) {
  std::function<void(Experiment&)> change = [](Experiment& experiment) { experiment.stage = LifecycleStage::kDeleted; };
  CO_TRY(const Experiment experiment, co_await change_experiment(api, call.workspace(), call.arguments[1], std::move(change)));
  co_return no_content();
}

constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/experiments", list_experiments,
                             {"List experiments", "limit:integer,cursor:string,stage:string", "", "Experiment[]"}),
    route<Permission::kWrite>(Method::kPost, "/api/v1/workspaces/{workspace}/experiments", create_experiment,
                              {"Create an experiment, or answer the one of this name", "", "NewExperiment", "Experiment", 201}),
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/experiments/{name}", get_experiment,
                             {"Get an experiment", "", "", "Experiment"}),
    route<Permission::kWrite>(Method::kPatch, "/api/v1/workspaces/{workspace}/experiments/{name}", update_experiment,
                              {"Change an experiment; a tag set to null is removed", "", "ExperimentChange", "Experiment"}),
    route<Permission::kWrite>(Method::kDelete, "/api/v1/workspaces/{workspace}/experiments/{name}", delete_experiment,
                              {"Move an experiment to the trash", "", "", "", 204}),
};

}  // namespace

std::span<const Route> experiment_routes() { return kRoutes; }

}  // namespace werkbank::api
