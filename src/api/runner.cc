// What runners send (docs/reference/runner-protocol.md). Every request is fenced by the attempt's lease.
#include "api/file_places.hh"
#include "api/metric_lines.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "api/runner_sender.hh"
#include "base/failpoint.hh"
#include "base/files.hh"
#include "lifecycle/moves.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr size_t kLogPieceMax = 16 * 1024 * 1024;

Task<Result<net::Response>> report(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  CO_TRY(RunnerReport told, runner_report_from_json(body));
  CO_TRY(const lifecycle::ReportAnswer answer, co_await api.engine.report(call.run(), std::move(told)));
  co_return json_response(json::object{{"cancel", answer.cancel}});
}

Task<Result<net::Response>> take_log(Api& api, Call& call) {
  CO_TRY(const Sender sender, check_sender(api, call));
  CO_TRY(const RelativePath path, RelativePath::parse(query_text(call.request, "path")));
  CO_TRY(const int64_t offset, query_int(call.request, "offset", 0, 0, INT64_MAX));
  CO_TRY(std::string bytes, co_await call.request.body->all(kLogPieceMax));
  const content::LogKey key{call.run(), sender.attempt, sender.rank, path.text()};
  const uint64_t count = bytes.size();
  const Result<uint64_t> size = co_await api.services.logs.append(key, static_cast<uint64_t>(offset), std::move(bytes));
  failpoint_kill("logs.after_append");
  if (!size && size.error().code == &errors::offset_conflict) {
    CO_TRY(const uint64_t length, api.services.logs.size(key));
    net::Response response = problem_response(size.error(), call.request.path);
    json::value document = json::parse(response.body);
    document.as_object()["size"] = length;
    response.body = json::serialize(document);
    co_return response;
  }
  if (!size) co_return fail(size.error());
  api.counters.log_bytes.fetch_add(count, std::memory_order_relaxed);
  co_return json_response(json::object{{"size", *size}});
}

Task<Result<net::Response>> take_metrics(Api& api, Call& call) {
  CO_TRY(const Sender sender, check_sender(api, call));
  const std::string writer = query_text(call.request, "writer");
  if (writer.empty() || writer.size() > 255)
    co_return fail(errors::invalid_request, "query parameter writer (1 to 255 bytes) is missing");
  CO_TRY(std::vector<MetricLine> lines, co_await metric_lines_body(call));
  const size_t count = lines.size();
  store::SeriesWriter from{call.run(), sender.attempt, sender.rank, writer};
  CO_TRY(const int64_t accepted, co_await api.services.series.append(std::move(from), std::move(lines)));
  failpoint_kill("metrics.after_append");
  api.counters.metric_lines.fetch_add(count, std::memory_order_relaxed);
  co_return json_response(json::object{{"accepted", accepted}});
}

Result<std::vector<Artifact>> artifacts_from_json(const json::value& body, const RunKey& run, const Sender& sender) {
  JsonReader reader(body, "request");
  const json::array* const items = reader.array("items");
  if (items == nullptr) reader.refuse("items", "is missing");
  CHECK_OK(reader.finish());
  std::vector<Artifact> artifacts;
  for (const json::value& item : *items) {
    JsonReader entry(item, fmt::format("request.items[{}]", artifacts.size()));
    Artifact artifact;
    artifact.run = run;
    artifact.attempt = sender.attempt;
    artifact.rank = sender.rank;
    const std::string path = entry.required_string("path");
    artifact.hash = entry.required_string("hash");
    artifact.size_bytes = static_cast<uint64_t>(entry.int_or("sizeBytes", 0, 0, INT64_MAX));
    const std::string modified = entry.string_or("modifiedUtc");
    CHECK_OK(entry.finish());
    TRY(const RelativePath safe, RelativePath::parse(path));
    artifact.path = safe.text();
    if (!modified.empty()) {
      TRY(artifact.modified_ms, parse_utc(modified));
    }
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

// Where the script made a folder of what was a file, or the other way round, what it had there before gives way. What others
// brought does not.
Status make_place(store::Transaction& transaction, const Artifact& artifact) {
  TRY(const std::vector<Artifact> others, files_in_the_way(transaction, artifact.run, artifact.path));
  for (const Artifact& other : others) {
    const bool is_of_same_script = other.attempt > 0 && (other.attempt < artifact.attempt ||
                                                         (other.attempt == artifact.attempt && other.rank == artifact.rank));
    if (!is_of_same_script) return no_place(artifact.run, artifact.path, other.path);
    CHECK_OK(transaction.delete_artifact(other.run, other.path));
  }
  return {};
}

// A file that the script wrote again replaces its earlier version: the run's outputs are what lay there at the end.
Task<Result<net::Response>> take_artifacts(Api& api, Call& call) {
  CO_TRY(const Sender sender, check_sender(api, call));
  CO_TRY(const json::value body, co_await json_body(call, 64 * 1024 * 1024));
  const RunKey key = call.run();
  CO_TRY(const std::vector<Artifact> artifacts, artifacts_from_json(body, key, sender));
  std::vector<Hash> hashes;
  for (const Artifact& artifact : artifacts) {
    CO_TRY(const Hash hash, Hash::parse(artifact.hash));
    hashes.push_back(hash);
  }
  CO_TRY(std::vector<Hash> missing, api.services.blobs.missing(hashes));
  if (missing.empty()) {
    CO_TRY(missing, api.holdings.not_held(key.workspace, hashes));
  }
  if (!missing.empty())
    co_return fail(errors::blob_not_found,
                   fmt::format("{} of the blobs are not here, {} first", missing.size(), missing[0].hex()));
  const Clock& clock = api.services.clock;
  std::function<Status(store::Transaction&)> apply = [key, artifacts, hashes, &clock](store::Transaction& transaction) -> Status {
    TRY(const Run run, find_run(transaction, key));
    CHECK_OK(transaction.hold_blobs(key.workspace, hashes));
    for (const Artifact& artifact : artifacts) {
      TRY(const auto known, transaction.artifact(key, artifact.path));
      if (known && known->hash == artifact.hash) continue;
      if (!known) CHECK_OK(make_place(transaction, artifact));
      CHECK_OK(transaction.put_artifact(artifact));
      CHECK_OK(lifecycle::note_run_event(transaction, clock, run, "run.artifact",
                                         {{"path", artifact.path}, {"sizeBytes", artifact.size_bytes}}));
    }
    return {};
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  api.holdings.settled(key.workspace, hashes);
  failpoint_kill("artifacts.after_commit");
  co_return json_response(json::object{{"stored", artifacts.size()}});
}

#define RUNNER "/api/v1/workspaces/{workspace}/runs/{run}/runner"
constexpr Route kRoutes[] = {
    route<Permission::kRunner>(Method::kPost, RUNNER "/report", report,
                               {"A runner's report; renews its lease", "", "RunnerReport", "ReportAnswer"}),
    route<Permission::kRunner>(
        Method::kPost, RUNNER "/logs", take_log,
        {"Bytes of a log at an offset", "attempt:integer,rank:integer,lease:string,path:string,offset:integer",
         "application/octet-stream", "LogSize"}),
    route<Permission::kRunner>(Method::kPost, RUNNER "/metrics", take_metrics,
                               {"Metric lines of one process of the job",
                                "attempt:integer,rank:integer,lease:string,writer:string", "application/x-ndjson", "Accepted"}),
    route<Permission::kRunner>(
        Method::kPost, RUNNER "/artifacts", take_artifacts,
        {"Link uploaded blobs as the run's files", "attempt:integer,rank:integer,lease:string", "ArtifactList", "StoredCount"}),
};
#undef RUNNER

}  // namespace

std::span<const Route> runner_routes() { return kRoutes; }

}  // namespace werkbank::api
