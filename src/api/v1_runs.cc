// Run history as Microsoft's client in a job asks for it.
#include "api/details.hh"
#include "api/login.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "api/run_change.hh"
#include "api/v1_filter.hh"
#include "api/v1_wire.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/tracked.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr size_t kRunsAtOnce = 100;
constexpr std::string_view kEventPrefix = "Microsoft.MachineLearning.Run.";

// The client gives texts; what is none is kept as it is written, and null is an empty one.
std::string text_of(const json::value& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return std::string(value.get_string());
  return json::serialize(value);
}

TextMap texts_of(const json::object* map) {
  TextMap texts;
  if (map == nullptr) return texts;
  for (const auto& [key, value] : *map) texts[std::string(key)] = text_of(value);
  return texts;
}

// A run as it is sent to be made or changed; newer clients send more than is read here.
Result<lifecycle::TrackedRun> run_from_json(const json::value& body, const std::string& workspace, const std::string& run_id) {
  JsonReader reader(body, "request");
  lifecycle::TrackedRun run;
  run.workspace = workspace;
  run.run_id = reader.string_or("runId", run_id);
  if (!run_id.empty() && run.run_id != run_id) reader.refuse("runId", "is another one than in the address");
  run.parent_id = reader.string_or("parentRunId");
  run.display_name = reader.string_or("displayName", reader.string_or("name"));
  run.run_type = reader.string_or("runType");
  run.tags = texts_of(reader.object("tags"));
  run.properties = texts_of(reader.object("properties"));
  if (reader.string_or("status") == "Running") run.status = RunStatus::kRunning;
  CHECK_OK(reader.finish(false));
  if (run.run_id.empty()) return fail(errors::invalid_request, "request.runId: is missing");
  return run;
}

RunChange change_from(const json::value& body, const lifecycle::TrackedRun& run) {
  RunChange change;
  JsonReader reader(body, "request");
  if (!run.display_name.empty()) change.display_name = run.display_name;
  change.description = reader.optional_string("description");
  for (const auto& [key, value] : run.tags) change.tags[key] = value;
  change.properties = run.properties;
  return change;
}

Status check_reach(store::Reader& reader, const access::Identity& identity, const RunKey& key) {
  if (identity.kind != access::LoginKind::kRunToken) return {};
  TRY(const bool belongs, descends_from(reader, key, identity.run.run_id));
  if (belongs) return {};
  return fail(errors::denied, fmt::format("the token of run {:?} does not reach run {:?}", identity.run.run_id, key.run_id),
              "A job writes to its own run and its children.");
}

// The client makes a child by changing what is not there yet.
Task<Result<Run>> put_run(Api& api, access::Identity identity, json::value body, lifecycle::TrackedRun wanted) {
  RunKey key{wanted.workspace, wanted.run_id};
  using Known = std::optional<Run>;
  CO_TRY(const Known known, read<Known>(api, [&](store::Reader& reader) -> Result<Known> {
           TRY(const Workspace workspace, find_workspace(reader, key.workspace));
           TRY(Known run, reader.run(key));
           if (run) CHECK_OK(check_reach(reader, identity, key));
           return run;
         }));
  if (known) {
    RunChange change = change_from(body, wanted);
    co_return co_await change_run(api, std::move(key), std::move(change));
  }
  CO_CHECK_OK(check_family(api, identity, wanted.workspace, wanted.parent_id));
  if (wanted.parent_id.empty())
    co_return fail(errors::run_not_found, fmt::format("there is no run {:?}, and no parentRunId to make it below", key.run_id));
  CO_TRY(const Run parent, find_run(api, RunKey{wanted.workspace, wanted.parent_id}));
  wanted.experiment = parent.experiment;
  wanted.user = identity.user;
  co_return co_await lifecycle::create_tracked_run(api.services, std::move(wanted));
}

Task<Result<net::Response>> get_run(Api& api, Call& call) {
  CO_TRY(const Run run, find_run(api, call.run()));
  co_return json_response(v1_run(api, run));
}

Task<Result<net::Response>> patch_run(Api& api, Call& call) {
  CO_TRY(json::value body, co_await json_body(call));
  CO_TRY(lifecycle::TrackedRun wanted, run_from_json(body, call.workspace(), call.arguments[1]));
  CO_TRY(const Run run, co_await put_run(api, call.identity, std::move(body), std::move(wanted)));
  co_return json_response(v1_run(api, run));
}

// Each by itself, as the service does it: those that fail are told beside those that are done.
Task<Result<net::Response>> patch_runs(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const json::array* const entries = reader.array("runs");
  if (entries == nullptr) reader.refuse("runs", "is missing");
  if (entries != nullptr && entries->size() > kRunsAtOnce)
    reader.refuse("runs", fmt::format("has more than {} entries", kRunsAtOnce));
  CO_CHECK_OK(reader.finish(false));
  std::vector<lifecycle::TrackedRun> wanted;
  for (const json::value& entry : *entries) {
    CO_TRY(lifecycle::TrackedRun run, run_from_json(entry, call.workspace(), ""));
    wanted.push_back(std::move(run));
  }
  json::object done, refused;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const std::string id = wanted[i].run_id;
    const Result<Run> run = co_await put_run(api, call.identity, (*entries)[i], std::move(wanted[i]));
    if (run)
      done[id] = v1_run(api, *run);
    else
      refused[id] = json::object{{"error", json::object{{"code", "UserError"}, {"message", run.error().to_string()}}}};
  }
  co_return json_response(json::object{{"runs", std::move(done)}, {"errors", std::move(refused)}});
}

Task<Result<net::Response>> delete_tags(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  if (!body.is_array()) co_return fail(errors::invalid_request, "request: is not a list of tags");
  RunChange change;
  for (const json::value& key : body.get_array()) change.tags[text_of(key)] = nullptr;
  CO_TRY(const Run run, co_await change_run(api, call.run(), std::move(change)));
  co_return json_response(json::object{{"errors", json::object{}}});
}

Task<Result<net::Response>> get_details(Api& api, Call& call) {
  const RunKey key = call.run();
  CO_TRY(json::object details, run_details(api, key));
  const std::string address = v1_address(api, call.request);
  for (auto& [path, target] : details["logFiles"].as_object()) target = address + std::string(target.as_string());
  co_return json_response(std::move(details));
}

// What is acknowledged is durable, so there is nothing to wait for.
Task<Result<net::Response>> wait_for_metrics(Api& api, Call& call) {
  CO_TRY(const Run run, find_run(api, call.run()));
  co_return json_response(json::object{});
}

// A run's token lasts as long as the run may, so there is no other one to hand out.
Task<Result<net::Response>> get_token(Api& api, Call& call) {
  CO_TRY(const Run run, find_run(api, call.run()));
  if (call.identity.kind != access::LoginKind::kRunToken)
    co_return fail(errors::invalid_request, "only a job asks for its token here", "Outside a job: werkbank token create.");
  const std::string token(bearer_token(call.request));
  CO_TRY(const access::RunTokenClaims claims, api.services.run_tokens.verify(token, api.services.clock.utc_now_ms()));
  json::object document = v1_run(api, run);
  document["token"] = token;
  document["tokenExpiryTimeUtc"] = format_utc(claims.expires_ms);
  net::Response response = json_response(std::move(document));
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

bool is_oldest_first(std::string_view order) { return !order.empty() && order.find("desc") == std::string_view::npos; }

net::Response page_of(const Api& api, const std::vector<Run>& runs, const std::string& next) {
  json::array items;
  for (const Run& run : runs) items.push_back(v1_run(api, run));
  return json_response(v1_page(std::move(items), next));
}

// One page of the store's answer, or the first that holds something.
Result<store::Page<Run>> filtered(store::Reader& reader, store::RunQuery query, const RunFilter& filter) {
  while (true) {
    TRY(store::Page<Run> page, reader.runs(query));
    std::erase_if(page.items, [&filter](const Run& run) { return !filter(run); });
    if (!page.items.empty() || page.next.empty()) return page;
    query.cursor = page.next;
  }
}

Task<Result<net::Response>> list_children(Api& api, Call& call) {
  store::RunQuery query;
  query.workspace = call.workspace();
  query.parent_id = call.arguments[1];
  CO_TRY(query.limit, query_int(call.request, "$top", 500, 1, 1000));
  query.cursor = query_text(call.request, "$continuationToken");
  query.oldest_first = is_oldest_first(query_text(call.request, "$orderby"));
  CO_TRY(const RunFilter filter, parse_v1_filter(query_text(call.request, "$filter")));
  const RunKey key = call.run();
  using Page = store::Page<Run>;
  CO_TRY(const Page page, read<Page>(api, [&](store::Reader& reader) -> Result<Page> {
           TRY(const Run parent, find_run(reader, key));
           return filtered(reader, query, filter);
         }));
  co_return page_of(api, page.items, page.next);
}

Task<Result<net::Response>> query_runs(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string text = reader.string_or("filter");
  store::RunQuery query;
  query.workspace = call.workspace();
  query.experiment = call.arguments[1];
  query.limit = reader.int_or("top", 500, 1, 1000);
  query.cursor = reader.string_or("continuationToken");
  query.oldest_first = is_oldest_first(reader.string_or("orderby"));
  CO_CHECK_OK(reader.finish(false));
  CO_TRY(const RunFilter filter, parse_v1_filter(text));
  using Page = store::Page<Run>;
  CO_TRY(const Page page, read<Page>(api, [&](store::Reader& store) -> Result<Page> {
           TRY(const Experiment known, find_experiment(store, query.workspace, *query.experiment));
           return filtered(store, query, filter);
         }));
  co_return page_of(api, page.items, page.next);
}

json::object v1_experiment(const Experiment& experiment) {
  return {{"experimentId", std::to_string(experiment.id)},
          {"name", experiment.name},
          {"description", experiment.description},
          {"createdUtc", format_utc(experiment.created_ms)},
          {"tags", text_map_to_json(experiment.tags)}};
}

Task<Result<net::Response>> get_experiment(Api& api, Call& call) {
  const std::string workspace = call.workspace(), name = call.arguments[1];
  CO_TRY(const Experiment experiment,
         read<Experiment>(api, [&](store::Reader& reader) { return find_experiment(reader, workspace, name); }));
  co_return json_response(v1_experiment(experiment));
}

struct Happening {
  std::string name;
  json::object data;
};

Result<Happening> happening_from_json(const json::value& body) {
  JsonReader reader(body, "request");
  Happening happening;
  happening.name = reader.required_string("name");
  if (const json::object* const data = reader.object("data")) happening.data = *data;
  CHECK_OK(reader.finish(false));
  if (!happening.name.starts_with(kEventPrefix))
    return fail(errors::invalid_request, fmt::format("request.name: {:?} is no event of a run", happening.name));
  happening.name.erase(0, kEventPrefix.size());
  return happening;
}

// The error document inside: {"ErrorResponse": {"error": {"code", "message", …}}}.
json::object error_in(const json::object& data) {
  const json::value* const response = data.if_contains("ErrorResponse");
  const json::object* const outer = response == nullptr ? nullptr : response->if_object();
  const json::value* const inner = outer == nullptr ? nullptr : outer->if_contains("error");
  const json::object* const error = inner == nullptr ? nullptr : inner->if_object();
  return error == nullptr ? json::object{} : *error;
}

Task<Status> note_warning(Api& api, RunKey key, json::object data) {
  const json::value* const message = data.if_contains("Message");
  const std::string text = message == nullptr ? json::serialize(data) : text_of(*message);
  std::function<Status(store::Transaction&)> apply = [key, text](store::Transaction& transaction) -> Status {
    TRY(Run run, find_run(transaction, key));
    if (run.warnings.size() < 100) run.warnings.push_back(text);
    return transaction.update_run(run);
  };
  co_return co_await api.services.store.write(std::move(apply));
}

// A client-tracked run follows these; the status of the job itself follows from its script, so only a cancel counts there.
Task<Status> take_happening(Api& api, access::Identity identity, RunKey key, Happening happening) {
  CO_TRY(const Run run, find_run(api, key));
  const std::string& name = happening.name;
  if (name == "Warning") co_return co_await note_warning(api, std::move(key), std::move(happening.data));
  if (name == "Heartbeat" || name == "Queued" || name == "QueueingInfo") co_return Status{};
  std::optional<RunStatus> status = parse_run_status(name == "Start" ? "Running" : name == "Error" ? "Failed" : name);
  if (name == "CancelRequested") status = RunStatus::kCanceled;
  if (!status) co_return fail(errors::invalid_request, fmt::format("the event {}{} is not known", kEventPrefix, name));
  const bool is_cancel = *status == RunStatus::kCanceled;
  if (run.control == RunControl::kManaged && !is_cancel) co_return Status{};
  if (is_cancel) {
    const Result<Run> canceled = co_await api.engine.cancel(std::move(key), identity.user);
    if (!canceled) co_return fail(canceled.error());
    co_return Status{};
  }
  const Result<Run> moved =
      co_await lifecycle::set_tracked_status(api.services, std::move(key), *status, error_in(happening.data), identity.user);
  if (!moved) co_return fail(moved.error());
  co_return Status{};
}

Task<Result<net::Response>> post_event(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  CO_TRY(Happening happening, happening_from_json(body));
  CO_CHECK_OK(co_await take_happening(api, call.identity, call.run(), std::move(happening)));
  co_return json_response(json::object{});
}

#define EXPERIMENT "/history/v1.0" V1_WORKSPACE "/experiments/{experiment}"
#define RUN "/history/v1.0" V1_WORKSPACE "/experiments/*/runs/{run}"
#define RUN_BY_ID "/history/v1.0" V1_WORKSPACE "/experimentids/*/runs/{run}"
constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, RUN, get_run, {"v1: a run", "", "", "application/json"}),
    route<Permission::kRead>(Method::kGet, RUN_BY_ID, get_run, {"v1: a run", "", "", "application/json"}),
    route<Permission::kRead>(Method::kGet, "/history/v1.0" V1_WORKSPACE "/runs/{run}", get_run,
                             {"v1: a run", "", "", "application/json"}),
    route<Permission::kJob>(Method::kPatch, RUN, patch_run,
                            {"v1: change a run, or make a child", "", "application/json", "application/json"}),
    route<Permission::kJob>(Method::kPatch, RUN_BY_ID, patch_run,
                            {"v1: change a run, or make a child", "", "application/json", "application/json"}),
    route<Permission::kJob>(Method::kPatch, "/history/v1.0" V1_WORKSPACE "/experiments/*/batch/runs", patch_runs,
                            {"v1: change runs, or make children", "", "application/json", "application/json"}),
    route<Permission::kWrite>(Method::kDelete, RUN "/tags", delete_tags,
                              {"v1: take tags away", "", "application/json", "application/json"}),
    route<Permission::kRead>(Method::kGet, RUN "/details", get_details, {"v1: a run's details", "", "", "application/json"}),
    route<Permission::kRead>(Method::kGet, RUN "/metricsingest/wait", wait_for_metrics,
                             {"v1: until metrics are durable", "", "", "application/json"}),
    route<Permission::kWrite>(Method::kGet, RUN "/token", get_token, {"v1: the job's token", "", "", "application/json"}),
    route<Permission::kWrite>(Method::kGet, RUN_BY_ID "/token", get_token, {"v1: the job's token", "", "", "application/json"}),
    route<Permission::kRead>(Method::kGet, RUN "/children", list_children, {"v1: child runs", "", "", "application/json"}),
    route<Permission::kWrite>(Method::kPost, RUN "/events", post_event,
                              {"v1: something happened to a run", "", "application/json", "application/json"}),
    route<Permission::kRead>(Method::kPost, EXPERIMENT "/runs:query", query_runs,
                             {"v1: runs by a filter", "", "application/json", "application/json"}),
    route<Permission::kRead>(Method::kGet, EXPERIMENT, get_experiment, {"v1: an experiment", "", "", "application/json"}),
};
#undef EXPERIMENT
#undef RUN
#undef RUN_BY_ID

}  // namespace

std::span<const Route> v1_run_routes() { return kRoutes; }

}  // namespace werkbank::api
