#include "api/details.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "api/run_change.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/rerun.hh"
#include "lifecycle/sealed_spec.hh"
#include "lifecycle/tracked.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

net::Response run_response(const Run& run, int status = 200) {
  net::Response response = json_response(to_json(run), status);
  response.headers.emplace_back("ETag", etag_of(run));
  return response;
}

// To a GET: without the document where the client has it already.
net::Response run_or_unchanged(const net::Request& request, const Run& run) {
  net::Response response = run_response(run);
  if (!is_known_to_client(request, etag_of(run))) return response;
  response.status = 304;
  response.body.clear();
  return response;
}

// v1's Run.get_context().experiment.submit(…) makes a run of its own beside the job: in the job's experiment only, and marked
// with the run that made it, which may also cancel it. Everything else a job submits is its child.
Status admit_submission_of_job(Api& api, const access::Identity& identity, lifecycle::Submission& submission) {
  submission.properties.erase(std::string(kSubmittedByRun));
  if (identity.kind != access::LoginKind::kRunToken) return {};
  if (!submission.parent_id.empty()) return check_family(api, identity, submission.workspace, submission.parent_id);
  TRY(const Run own, find_run(api, identity.run));
  if (own.experiment != submission.experiment) {
    return fail(errors::denied,
                fmt::format("the job of run {:?} submits runs to its own experiment {:?}, not to {:?}", identity.run.run_id,
                            own.experiment, submission.experiment),
                "Submit it as a child with run.submit_child(), or with a token that has a role.");
  }
  submission.properties[std::string(kSubmittedByRun)] = identity.run.run_id;
  return {};
}

Task<Result<net::Response>> submit_run(Api& api, Call& call) {
  CO_TRY(const std::string text, co_await call.request.body->all(16 * 1024 * 1024));
  JsonLimits limits;
  limits.size_bytes_max = 16 * 1024 * 1024;
  CO_TRY(const json::value body, parse_json(text, limits));
  CO_TRY(lifecycle::Submission submission, lifecycle::submission_from_json(body, call.workspace()));
  submission.user = call.identity.user;
  CO_CHECK_OK(admit_submission_of_job(api, call.identity, submission));
  CO_CHECK_OK(api.services.store.read([&submission](store::Reader& reader) -> Status {
    CHECK_OK(lifecycle::check_sealed(reader, submission.workspace, submission.spec));
    if (!submission.environment) return {};
    return lifecycle::check_sealed(reader, submission.workspace, *submission.environment);
  }));
  submission.idempotency_key = std::string(call.request.header("idempotency-key"));
  if (submission.idempotency_key.size() > 255)
    co_return fail(errors::invalid_request, "Idempotency-Key is longer than 255 bytes");
  submission.request_hash = Hash::of(canonical_json(body)).hex();
  CO_TRY(const lifecycle::Submitted submitted, co_await api.engine.submit(std::move(submission)));
  if (!submitted.repeated) api.counters.runs_submitted.fetch_add(1, std::memory_order_relaxed);
  co_return run_response(submitted.run, submitted.repeated ? 200 : 202);
}

Task<Result<net::Response>> rerun(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  lifecycle::RerunRequest request{.original = call.run(), .exact = reader.bool_or("exact", false)};
  CO_CHECK_OK(reader.finish());
  request.user = call.identity.user;
  if (call.identity.kind == access::LoginKind::kRunToken) request.parent_id = call.identity.run.run_id;
  request.idempotency_key = std::string(call.request.header("idempotency-key"));
  request.request_hash = Hash::of(call.request.target + canonical_json(body)).hex();
  CO_TRY(const lifecycle::Rerun again, co_await lifecycle::rerun(api.services, std::move(request)));
  if (!again.submitted.repeated) {
    api.counters.runs_submitted.fetch_add(1, std::memory_order_relaxed);
    api.engine.wake(again.submitted.run.key);
  }
  json::array differences;
  for (const lifecycle::Difference& difference : again.differences) differences.push_back(to_json(difference));
  co_return json_response(json::object{{"run", to_json(again.submitted.run)}, {"differences", std::move(differences)}},
                          again.submitted.repeated ? 200 : 202);
}

Task<Result<net::Response>> create_tracked(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  CO_TRY(lifecycle::TrackedRun tracked, lifecycle::tracked_run_from_json(body, call.workspace()));
  tracked.user = call.identity.user;
  CO_CHECK_OK(check_family(api, call.identity, tracked.workspace, tracked.parent_id));
  CO_TRY(const Run run, co_await lifecycle::create_tracked_run(api.services, std::move(tracked)));
  co_return run_response(run, 201);
}

// "k" asks for the key with any value, "k=v" for the pair.
void add_filter(TextMap& filters, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos)
    filters[text] = "";
  else
    filters[text.substr(0, equals)] = text.substr(equals + 1);
}

Result<store::RunQuery> run_query(const Call& call) {
  store::RunQuery query;
  query.workspace = call.workspace();
  TRY(const PageRequest page, page_request(call.request));
  query.limit = page.limit;
  query.cursor = page.cursor;
  for (const auto& [name, value] : call.request.query) {
    if (name == "experiment")
      query.experiment = value;
    else if (name == "experimentId") {
      TRY(query.experiment_id, query_int(call.request, name, 0, 1, INT64_MAX));
    } else if (name == "parent")
      query.parent_id = value;
    else if (name == "root")
      query.root_id = value;
    else if (name == "target")
      query.target = value;
    else if (name == "type")
      query.run_type = value;
    else if (name == "createdBy")
      query.created_by = value;
    else if (name == "tag")
      add_filter(query.tags, value);
    else if (name == "property")
      add_filter(query.properties, value);
    else if (name == "order" && (value == "oldest" || value == "newest"))
      query.oldest_first = value == "oldest";
    else if (name == "stage" && (value == "active" || value == "deleted")) {
      query.stage = value == "deleted" ? LifecycleStage::kDeleted : LifecycleStage::kActive;
    } else if (name == "status") {
      const std::optional<RunStatus> status = parse_run_status(value);
      if (!status) {
        return fail(errors::invalid_request, fmt::format("query parameter status: {:?} is not a status", value),
                    fmt::format("It is one of {}.", fmt::join(run_status_names(), ", ")));
      }
      query.statuses.push_back(*status);
    } else if (name != "limit" && name != "cursor") {
      return fail(errors::invalid_request, fmt::format("query parameter {}={:?} is not understood here", name, value),
                  "Filters: experiment, experimentId, parent, root, status, tag, property, target, type, createdBy, stage "
                  "(active, deleted), "
                  "order (newest, oldest), limit, cursor.");
    }
  }
  return query;
}

Task<Result<net::Response>> list_runs(Api& api, Call& call) {
  CO_TRY(const store::RunQuery query, run_query(call));
  using Page = store::Page<Run>;
  CO_TRY(const Page page, read<Page>(api, [&query](store::Reader& reader) -> Result<Page> {
           TRY(const Workspace known, find_workspace(reader, query.workspace));
           return reader.runs(query);
         }));
  co_return page_response(page.items, page.next);
}

Task<Result<net::Response>> get_run(Api& api, Call& call) {
  CO_TRY(const int64_t wait_s, query_int(call.request, "wait", 0, 0, 60));
  CO_TRY(const int64_t revision, query_int(call.request, "revision", -1, -1, INT64_MAX));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(wait_s);
  const EventHub::ListenerPointer listener = api.hub.listen({Topic::events_of_run(call.run())});
  while (true) {
    const uint64_t seen = api.hub.position(listener);
    CO_TRY(const Run run, find_run(api, call.run()));
    const auto now = std::chrono::steady_clock::now();
    if (run.revision > revision || now >= deadline) co_return run_or_unchanged(call.request, run);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
    const bool goes_on = co_await api.hub.wait(listener, seen, left);
    if (!goes_on) co_return run_or_unchanged(call.request, run);
  }
}

Task<Result<net::Response>> get_details(Api& api, Call& call) {
  const RunKey key = call.run();
  CO_TRY(json::object details, run_details(api, key));
  co_return json_response(std::move(details));
}

Task<Result<net::Response>> get_spec(Api& api, Call& call) {
  const RunKey key = call.run();
  CO_TRY(const RunSpec spec, read<RunSpec>(api, [&key](store::Reader& reader) -> Result<RunSpec> {
           TRY(const Run run, find_run(reader, key));
           TRY(auto found, reader.run_spec(key));
           if (!found)
             return fail(errors::not_found, fmt::format("run {:?} was not submitted with a specification", run.key.run_id));
           return std::move(*found);
         }));
  json::object document = to_json(spec);
  document.erase("submitterEnvironment");  // the submitter's shell is nobody else's matter
  co_return json_response(std::move(document));
}

Result<RunChange> run_change_from_json(const json::value& body) {
  JsonReader reader(body, "request");
  RunChange change;
  change.display_name = reader.optional_string("displayName");
  change.description = reader.optional_string("description");
  if (const json::object* const tags = reader.object("tags")) change.tags = *tags;
  for (auto& [key, text] : reader.string_map_or_empty("properties")) change.properties[key] = text;
  for (auto& [key, text] : reader.string_map_or_empty("params")) change.params[key] = text;
  for (const auto& [key, value] : change.tags) {
    if (!value.is_null() && !value.is_string())
      reader.refuse("tags", fmt::format("{:?} is neither text nor null", std::string_view(key)));
  }
  CHECK_OK(reader.finish());
  return change;
}

Task<Result<net::Response>> update_run(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  CO_TRY(RunChange change, run_change_from_json(body));
  std::string if_match(call.request.header("if-match"));
  RunKey key = call.run();
  const Result<Run> run = co_await change_run(api, std::move(key), std::move(change), std::move(if_match));
  if (!run && run.error().code == &errors::run_state_conflict) co_return problem_response(run.error(), call.request.path, 412);
  if (!run) co_return fail(run.error());
  co_return run_response(*run);
}

Task<Result<net::Response>> set_status(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string text = reader.required_string("status");
  const json::object* const given = reader.object("error");
  const std::optional<RunStatus> status = parse_run_status(text);
  if (!status) reader.refuse("status", fmt::format("{:?} is not a status", text));
  CO_CHECK_OK(reader.finish());
  const json::object error = given == nullptr ? json::object{} : *given;
  CO_TRY(const Run run, co_await lifecycle::set_tracked_status(api.services, call.run(), *status, error, call.identity.user));
  co_return run_response(run);
}

Task<Result<net::Response>> cancel_run(Api& api, Call& call) {
  CO_TRY(const Run run, co_await api.engine.cancel(call.run(), call.identity.user));
  co_return run_response(run, 202);
}

Task<Result<Run>> set_stage(Api& api, RunKey key, LifecycleStage stage) {
  const Clock& clock = api.services.clock;
  std::function<Result<Run>(store::Transaction&)> apply = [key, stage, &clock](store::Transaction& transaction) -> Result<Run> {
    TRY(Run run, find_run(transaction, key));
    if (run.stage == stage) return run;
    if (run.stage == LifecycleStage::kDeleted && run.deleted_ms == 0)
      return fail(errors::run_not_found, fmt::format("run {:?} is being deleted for good", key.run_id));
    const bool under_way = run.control == RunControl::kManaged && !is_terminal(run.status);
    if (stage == LifecycleStage::kDeleted && under_way) {
      return fail(errors::run_state_conflict, fmt::format("run {:?} is {}", key.run_id, to_string(run.status)),
                  "Cancel it first: werkbank run cancel RUN.");
    }
    run.stage = stage;
    run.deleted_ms = stage == LifecycleStage::kDeleted ? clock.utc_now_ms() : 0;
    CHECK_OK(transaction.update_run(run));
    CHECK_OK(lifecycle::note_run_event(transaction, clock, run,
                                       stage == LifecycleStage::kDeleted ? "run.deleted" : "run.restored", {}));
    return run;
  };
  co_return co_await store::write<Run>(api.services.store, std::move(apply));
}

Task<Result<net::Response>> delete_run(Api& api, Call& call) {
  CO_TRY(const Run run, co_await set_stage(api, call.run(), LifecycleStage::kDeleted));
  co_return no_content();
}

Task<Result<net::Response>> restore_run(Api& api, Call& call) {
  CO_TRY(const Run run, co_await set_stage(api, call.run(), LifecycleStage::kActive));
  co_return run_response(run);
}

Task<Result<net::Response>> list_children(Api& api, Call& call) {
  CO_TRY(const PageRequest page, page_request(call.request));
  const bool recursive = query_flag(call.request, "recursive");
  const RunKey key = call.run();
  using Page = store::Page<Run>;
  CO_TRY(const Page found, read<Page>(api, [&](store::Reader& reader) -> Result<Page> {
           TRY(const Run parent, find_run(reader, key));
           store::RunQuery query;
           query.workspace = key.workspace;
           query.limit = page.limit;
           query.cursor = page.cursor;
           // The descendants of a root are all that share it; of an inner run only its children are known by an index.
           if (recursive && parent.root_id == key.run_id)
             query.root_id = key.run_id;
           else
             query.parent_id = key.run_id;
           TRY(Page list, reader.runs(query));
           std::erase_if(list.items, [&](const Run& run) { return run.key == key; });
           return list;
         }));
  co_return page_response(found.items, found.next);
}

Task<Result<net::Response>> add_children(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const int64_t count = reader.int_or("count", 0, 0, 100);
  const std::string tag_key = reader.string_or("tagKey");
  const std::vector<std::string> tag_values = reader.strings_or_empty("tagValues");
  if ((count == 0) == tag_values.empty()) reader.refuse("count", "is needed, or tagKey with tagValues");
  if (tag_values.size() > 100) reader.refuse("tagValues", "has more than 100 entries");
  CO_CHECK_OK(reader.finish());
  std::vector<TextMap> tags;
  for (int64_t i = 0; i < count; ++i) tags.push_back({{"azureml.batch_child_number", std::to_string(i)}});
  for (const std::string& value : tag_values) tags.push_back({{tag_key, value}});
  CO_TRY(const std::vector<Run> children,
         co_await lifecycle::create_children(api.services, call.run(), std::move(tags), call.identity.user));
  net::Response response = page_response(children, "");
  response.status = 201;
  co_return response;
}

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

Task<Result<net::Response>> explain_run(Api& api, Call& call) {
  CO_TRY(const lifecycle::Explanation told, api.engine.explain(call.run()));
  co_return json_response(json::object{
      {"status", told.status}, {"summary", told.summary}, {"reasons", texts(told.reasons)}, {"next", texts(told.next)}});
}

#define RUN "/api/v1/workspaces/{workspace}/runs/{run}"
constexpr Route kRoutes[] = {
    route<Permission::kJob>(Method::kPost, "/api/v1/workspaces/{workspace}/runs", submit_run,
                            {"Submit a run", "", "Submission", "Run", 202, "Idempotency-Key"}),
    route<Permission::kJob>(Method::kPost, "/api/v1/workspaces/{workspace}/tracked-runs", create_tracked,
                            {"Create a run that its client drives", "", "TrackedRun", "Run", 201}),
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/runs", list_runs,
                             {"List runs",
                              "experiment:string,experimentId:integer,parent:string,root:string,status:string,tag:string,"
                              "property:string,target:string,type:string,"
                              "createdBy:string,stage:string,order:string,limit:integer,cursor:string",
                              "", "Run[]"}),
    route<Permission::kRead>(
        Method::kGet, RUN, get_run,
        {"Get a run; with wait, once it changes", "wait:integer,revision:integer", "", "Run", 200, "If-None-Match"}),
    route<Permission::kRead>(Method::kGet, RUN "/details", get_details, {"Get v1's details document", "", "", "RunDetails"}),
    route<Permission::kRead>(Method::kGet, RUN "/spec", get_spec, {"Get what was submitted", "", "", "RunSpec"}),
    route<Permission::kWrite>(Method::kPatch, RUN, update_run,
                              {"Change name, tags, params; set properties once", "", "RunChange", "Run", 200, "If-Match"}),
    route<Permission::kWrite>(Method::kPost, RUN "/status", set_status, {"Move a client-tracked run", "", "StatusChange", "Run"}),
    route<Permission::kWrite>(Method::kPost, RUN "/rerun", rerun,
                              {"Submit the run again; what is not the same is listed, or refused with `exact`", "",
                               "RerunRequest", "Rerun", 202, "Idempotency-Key"}),
    route<Permission::kWrite>(Method::kPost, RUN "/cancel", cancel_run, {"Cancel a run and its children", "", "", "Run", 202}),
    route<Permission::kWrite>(Method::kDelete, RUN, delete_run, {"Move a run to the trash", "", "", "", 204}),
    route<Permission::kWrite>(Method::kPost, RUN "/restore", restore_run, {"Take a run out of the trash", "", "", "Run"}),
    route<Permission::kRead>(Method::kGet, RUN "/children", list_children,
                             {"List child runs", "recursive:boolean,limit:integer,cursor:string", "", "Run[]"}),
    route<Permission::kWrite>(Method::kPost, RUN "/children", add_children,
                              {"Create up to 100 child runs", "", "NewChildren", "Run[]", 201}),
    route<Permission::kRead>(Method::kGet, RUN "/why", explain_run,
                             {"Why a run waits, or ended as it did", "", "", "Explanation"}),
};
#undef RUN

}  // namespace

std::span<const Route> run_routes() { return kRoutes; }

}  // namespace werkbank::api
