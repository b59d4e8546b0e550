#include "api/details.hh"
#include "api/file_places.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "base/files.hh"
#include "lifecycle/moves.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

Task<Result<net::Response>> list_files(Api& api, Call& call) {
  const RunKey key = call.run();
  CO_TRY(const Run run, find_run(api, key));
  CO_TRY(const std::vector<Artifact> files, run_files(api, key, query_text(call.request, "prefix")));
  json::array items;
  for (const Artifact& file : files) {
    json::object item = to_json(file);
    if (is_terminal(run.status)) item["live"] = false;  // its logs stay where they grew
    items.push_back(std::move(item));
  }
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

// The newest attempt's stream of a path, lowest rank first.
Result<std::optional<content::LogInfo>> find_log(Api& api, const RunKey& key, const std::string& path) {
  TRY(const std::vector<content::LogInfo> logs, api.services.logs.list(key));
  std::optional<content::LogInfo> found;
  for (const content::LogInfo& log : logs) {
    if (log.key.path != path) continue;
    if (!found || log.key.attempt > found->key.attempt) found = log;
  }
  return found;
}

Task<Result<net::Response>> get_file(Api& api, Call& call) {
  CO_TRY(const RelativePath path, RelativePath::parse(call.arguments[2]));
  const RunKey key = call.run();
  CO_TRY(const auto artifact, read<std::optional<Artifact>>(api, [&](store::Reader& reader) -> Result<std::optional<Artifact>> {
           TRY(const Run run, find_run(reader, key));
           return reader.artifact(run.key, path.text());
         }));
  if (artifact) {
    CO_TRY(const Hash hash, Hash::parse(artifact->hash));
    content::BlobStore& blobs = api.services.blobs;
    co_return bytes_response(call.request, artifact->size_bytes, media_type_of(path.text()), artifact->hash,
                             [&blobs, hash](uint64_t offset, uint64_t size_max) { return blobs.read(hash, offset, size_max); });
  }
  CO_TRY(const auto log, find_log(api, key, path.text()));
  if (!log) {
    co_return fail(errors::not_found, fmt::format("run {:?} has no file {:?}", key.run_id, path.text()),
                   "`werkbank run logs RUN --list` shows its logs, GET …/files all its files.");
  }
  content::LogStore& logs = api.services.logs;
  co_return bytes_response(
      call.request, log->size_bytes, "text/plain; charset=utf-8", "",
      [&logs, from = log->key](uint64_t offset, uint64_t size_max) { return logs.read(from, offset, size_max); });
}

Task<Result<Artifact>> link_artifact(Api& api, Artifact artifact, bool overwrite) {
  const Clock& clock = api.services.clock;
  std::function<Result<Artifact>(store::Transaction&)> apply = [artifact, overwrite,
                                                                &clock](store::Transaction& transaction) -> Result<Artifact> {
    TRY(const Run run, find_run(transaction, artifact.run));
    TRY(const auto known, transaction.artifact(artifact.run, artifact.path));
    if (known && known->hash == artifact.hash) return *known;
    if (known && !overwrite) {
      return fail(errors::already_exists, fmt::format("run {:?} has a file {:?} already", artifact.run.run_id, artifact.path),
                  "Choose another name; files of a run are not replaced.");
    }
    if (!known) {
      TRY(const std::vector<Artifact> others, files_in_the_way(transaction, artifact.run, artifact.path));
      if (!others.empty()) return no_place(artifact.run, artifact.path, others[0].path);
    }
    TRY(const Hash hash, Hash::parse(artifact.hash));
    CHECK_OK(transaction.hold_blobs(artifact.run.workspace, {hash}));
    CHECK_OK(transaction.put_artifact(artifact));
    CHECK_OK(lifecycle::note_run_event(transaction, clock, run, "run.artifact",
                                       {{"path", artifact.path}, {"sizeBytes", artifact.size_bytes}}));
    return artifact;
  };
  co_return co_await store::write<Artifact>(api.services.store, std::move(apply));
}

Result<RelativePath> new_path(const Call& call) {
  if (call.request.path.ends_with('/')) {
    return fail(errors::path_refused, fmt::format("{:?} ends with a slash: it names a folder, not a file", call.request.path),
                "Name the file; its folders need not be made.");
  }
  return RelativePath::parse(call.arguments[2]);
}

// Refused where a log that grows beside the files is in the way.
Result<Artifact> new_artifact(const Api& api, const Call& call, const RelativePath& path) {
  Artifact artifact;
  artifact.run = call.run();
  artifact.path = path.text();
  artifact.modified_ms = api.services.clock.utc_now_ms();
  TRY(const std::vector<content::LogInfo> logs, api.services.logs.list(artifact.run));
  for (const content::LogInfo& log : logs) {
    if (is_above(log.key.path, artifact.path) || is_above(artifact.path, log.key.path))
      return no_place(artifact.run, artifact.path, log.key.path);
  }
  return artifact;
}

Task<Result<net::Response>> put_file(Api& api, Call& call) {
  CO_TRY(const RelativePath path, new_path(call));
  const bool overwrite = query_flag(call.request, "overwrite");
  CO_TRY(const Run run, find_run(api, call.run()));  // before a byte is stored
  CO_TRY(Artifact artifact, new_artifact(api, call, path));
  CO_TRY(const std::unique_ptr<content::BlobWriter> writer, api.services.blobs.create());
  while (true) {
    CO_TRY(const std::string piece, co_await call.request.body->next());
    if (piece.empty()) break;
    artifact.size_bytes += piece.size();
    const auto append = [&writer, &piece] { return writer->append(piece); };
    CO_CHECK_OK(co_await api.services.pool.run(append));
  }
  const auto finish = [&writer] { return writer->finish(std::nullopt); };
  CO_TRY(const Hash hash, co_await api.services.pool.run(finish));
  artifact.hash = hash.hex();
  CO_TRY(const Artifact stored, co_await link_artifact(api, std::move(artifact), overwrite));
  co_return json_response(to_json(stored), 201);
}

Task<Result<net::Response>> link_file(Api& api, Call& call) {
  CO_TRY(const RelativePath path, new_path(call));
  CO_TRY(const Hash hash, Hash::parse(query_text(call.request, "hash")));
  CO_TRY(const Run run, find_run(api, call.run()));
  CO_TRY(Artifact artifact, new_artifact(api, call, path));
  CO_TRY(const bool held, api.holdings.holds(artifact.run.workspace, hash));
  CO_TRY(const auto sizes, api.services.blobs.sizes({hash}));  // counts as a use: it is not collected meanwhile
  if (!held || !sizes[0]) {
    co_return fail(errors::blob_not_found, fmt::format("no blob {} in workspace {:?}", hash.hex(), artifact.run.workspace),
                   "Upload it first: PUT …/blobs/HASH.");
  }
  artifact.size_bytes = *sizes[0];
  artifact.hash = hash.hex();
  CO_TRY(const Artifact stored, co_await link_artifact(api, std::move(artifact), query_flag(call.request, "overwrite")));
  co_return json_response(to_json(stored), 201);
}

Task<Result<net::Response>> delete_file(Api& api, Call& call) {
  CO_TRY(const RelativePath path, RelativePath::parse(call.arguments[2]));
  const RunKey key = call.run();
  std::function<Status(store::Transaction&)> apply = [key, text = path.text()](store::Transaction& transaction) -> Status {
    TRY(const auto known, transaction.artifact(key, text));
    if (!known) return fail(errors::not_found, fmt::format("run {:?} has no file {:?}", key.run_id, text));
    return transaction.delete_artifact(key, text);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return no_content();
}

#define FILES "/api/v1/workspaces/{workspace}/runs/{run}/files"
constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, FILES, list_files,
                             {"List a run's files, its logs among them", "prefix:string", "", "Artifact[]"}),
    route<Permission::kRead>(Method::kGet, FILES "/{path...}", get_file,
                             {"Get a file, or a range of it", "", "", "application/octet-stream", 200, "Range,If-None-Match"}),
    route<Permission::kWrite>(Method::kPut, FILES "/{path...}", put_file,
                              {"Upload a file", "overwrite:boolean", "application/octet-stream", "Artifact", 201}),
    route<Permission::kWrite>(Method::kPost, FILES "/{path...}", link_file,
                              {"Link a blob that was uploaded before", "hash:string,overwrite:boolean", "", "Artifact", 201}),
    route<Permission::kWrite>(Method::kDelete, FILES "/{path...}", delete_file, {"Delete a file", "", "", "", 204}),
};
#undef FILES

}  // namespace

std::span<const Route> run_file_routes() { return kRoutes; }

}  // namespace werkbank::api
