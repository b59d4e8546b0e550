#include "api/reading.hh"
#include "api/responses.hh"
#include "base/files.hh"
#include "content/blob_frames.hh"
#include "content/snapshot_store.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

// A snapshot that was put lately is not put down again: that would cost a write per submit.
constexpr UtcMs kUseNotedEveryMs = 3600 * 1000;

Result<std::optional<UtcMs>> snapshot_used(Api& api, const std::string& workspace, const Hash& id) {
  return read<std::optional<UtcMs>>(api, [&](store::Reader& reader) { return reader.snapshot_used(workspace, id); });
}

Status check_snapshot(Api& api, const std::string& workspace, const Hash& id) {
  TRY(const std::optional<UtcMs> used, snapshot_used(api, workspace, id));
  if (used) return {};
  return fail(errors::snapshot_not_found, fmt::format("no snapshot {} in workspace {:?}", id.hex(), workspace));
}

Task<Status> note_snapshot(Api& api, std::string workspace, Hash id) {
  const UtcMs now = api.services.clock.utc_now_ms();
  CO_TRY(const std::optional<UtcMs> used, snapshot_used(api, workspace, id));
  if (used && *used > now - kUseNotedEveryMs) co_return Status{};
  const std::vector<Hash> brought = api.holdings.unsettled(workspace);
  std::function<Status(store::Transaction&)> apply = [workspace, id, now, brought](store::Transaction& transaction) -> Status {
    TRY([[maybe_unused]] const Workspace known, find_workspace(transaction, workspace));
    CHECK_OK(transaction.hold_blobs(workspace, brought));
    CHECK_OK(transaction.hold_blobs(workspace, {id}));
    return transaction.put_snapshot(workspace, id, now);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  api.holdings.settled(workspace, brought);
  co_return Status{};
}

// The answer to a snapshot that was announced; one that is whole is the workspace's from now on.
Task<Result<net::Response>> answer_announcement(Api& api, std::string workspace, content::PutManifest outcome) {
  if (outcome.missing.empty()) CO_CHECK_OK(co_await note_snapshot(api, std::move(workspace), outcome.id));
  json::array missing;
  for (const Hash& hash : outcome.missing) missing.emplace_back(hash.hex());
  co_return json_response(json::object{{"snapshotId", outcome.id.hex()}, {"missing", std::move(missing)}});
}

content::NotHeld not_held_by(Api& api, const std::string& workspace) {
  return [&api, workspace](const std::vector<Hash>& hashes) { return api.holdings.not_held(workspace, hashes); };
}

Task<Result<net::Response>> put_snapshot(Api& api, Call& call) {
  CO_TRY(const std::string text, co_await call.request.body->all(content::kManifestBytesMax));
  lifecycle::Services& services = api.services;
  const content::NotHeld not_held = not_held_by(api, call.workspace());
  const auto put = [&services, &text, &not_held] {
    return content::put_manifest(services.blobs, *services.checked_snapshots, text, not_held);
  };
  CO_TRY(content::PutManifest outcome, co_await services.pool.run(put));
  std::string workspace = call.workspace();
  co_return co_await answer_announcement(api, std::move(workspace), std::move(outcome));
}

Task<Result<net::Response>> put_snapshot_changes(Api& api, Call& call) {
  CO_TRY(const Hash base, Hash::parse(call.arguments[1]));
  CO_TRY(const std::string text, co_await call.request.body->all(content::kManifestBytesMax));
  CO_CHECK_OK(check_snapshot(api, call.workspace(), base));
  lifecycle::Services& services = api.services;
  const content::NotHeld not_held = not_held_by(api, call.workspace());
  const auto put = [&services, &base, &text, &not_held] {
    return content::put_changes(services.blobs, *services.checked_snapshots, base, text, not_held);
  };
  CO_TRY(content::PutManifest outcome, co_await services.pool.run(put));
  std::string workspace = call.workspace();
  co_return co_await answer_announcement(api, std::move(workspace), std::move(outcome));
}

Task<Result<net::Response>> get_snapshot(Api& api, Call& call) {
  CO_TRY(const Hash id, Hash::parse(call.arguments[1]));
  CO_CHECK_OK(check_snapshot(api, call.workspace(), id));
  const auto get = [&api, id] { return content::get_manifest_text(api.services.blobs, id); };
  CO_TRY(std::string text, co_await api.services.pool.run(get));
  co_return text_response(std::move(text), "text/plain; charset=utf-8");
}

Result<net::Response> blob_response(Api& api, const net::Request& request, const Hash& hash, std::string_view name) {
  TRY(const uint64_t size, api.services.blobs.size(hash));
  content::BlobStore& blobs = api.services.blobs;
  return bytes_response(request, size, media_type_of(name), hash.hex(),
                        [&blobs, hash](uint64_t offset, uint64_t size_max) { return blobs.read(hash, offset, size_max); });
}

Task<Result<net::Response>> get_snapshot_file(Api& api, Call& call) {
  CO_TRY(const Hash id, Hash::parse(call.arguments[1]));
  CO_CHECK_OK(check_snapshot(api, call.workspace(), id));
  const std::string path = call.arguments[2];
  const auto find = [&api, &id, &path] { return content::find_snapshot_file(api.services.blobs, id, path); };
  CO_TRY(const SnapshotEntry entry, co_await api.services.pool.run(find));
  co_return blob_response(api, call.request, entry.hash, path);
}

Task<Result<net::Response>> put_blob(Api& api, Call& call) {
  CO_TRY(const Hash expected, Hash::parse(call.arguments[1]));
  CO_TRY(const std::unique_ptr<content::BlobWriter> writer, api.services.blobs.create());
  while (true) {
    CO_TRY(const std::string piece, co_await call.request.body->next());
    if (piece.empty()) break;
    const auto append = [&writer, &piece] { return writer->append(piece); };
    CO_CHECK_OK(co_await api.services.pool.run(append));
  }
  const auto finish = [&writer, &expected] { return writer->finish(expected); };
  CO_TRY(const Hash hash, co_await api.services.pool.run(finish));
  std::vector<Hash> brought{hash};
  CO_CHECK_OK(co_await api.holdings.hold(call.workspace(), std::move(brought)));
  api.counters.blobs.fetch_add(1, std::memory_order_relaxed);
  co_return json_response(json::object{{"hash", hash.hex()}}, 201);
}

Task<Result<net::Response>> put_blobs(Api& api, Call& call) {
  CO_TRY(content::BlobFrames frames, content::BlobFrames::open(api.services.blobs));
  while (true) {
    CO_TRY(const std::string piece, co_await call.request.body->next());
    if (piece.empty()) break;
    const auto feed = [&frames, &piece] { return frames.feed(piece); };
    CO_CHECK_OK(co_await api.services.pool.run(feed));
  }
  const auto finish = [&frames] { return frames.finish(); };
  CO_TRY(const uint64_t stored, co_await api.services.pool.run(finish));
  std::vector<Hash> brought = frames.hashes();
  CO_CHECK_OK(co_await api.holdings.hold(call.workspace(), std::move(brought)));
  api.counters.blobs.fetch_add(stored, std::memory_order_relaxed);
  co_return json_response(json::object{{"stored", stored}}, 201);
}

Task<Result<net::Response>> get_blob(Api& api, Call& call) {
  CO_TRY(const Hash hash, Hash::parse(call.arguments[1]));
  CO_TRY(const bool held, api.holdings.holds(call.workspace(), hash));
  if (!held) co_return fail(errors::blob_not_found, fmt::format("no blob {} in workspace {:?}", hash.hex(), call.workspace()));
  co_return blob_response(api, call.request, hash, "");
}

constexpr Route kRoutes[] = {
    route<Permission::kJob>(Method::kPost, "/api/v1/workspaces/{workspace}/snapshots", put_snapshot,
                            {"Announce a snapshot: answers which blobs are missing; with none missing it is stored", "",
                             "text/plain", "SnapshotAnswer"}),
    route<Permission::kJob>(Method::kPost, "/api/v1/workspaces/{workspace}/snapshots/{id}/changes", put_snapshot_changes,
                            {"Announce what a stored snapshot becomes when some of its files change; answers as for a whole one",
                             "", "text/plain", "SnapshotAnswer"}),
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/snapshots/{id}", get_snapshot,
                             {"Get a snapshot's manifest", "", "", "text/plain"}),
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/snapshots/{id}/files/{path...}", get_snapshot_file,
                             {"Get one file of a snapshot", "", "", "application/octet-stream", 200, "Range,If-None-Match"}),
    route<Permission::kContent>(
        Method::kPut, "/api/v1/workspaces/{workspace}/blobs/{hash}", put_blob,
        {"Store a blob; refused where the bytes do not have this hash", "", "application/octet-stream", "BlobAnswer", 201}),
    route<Permission::kContent>(Method::kPost, "/api/v1/workspaces/{workspace}/blobs", put_blobs,
                                {"Store many small blobs, durable together", "", "application/octet-stream", "StoredCount", 201}),
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/blobs/{hash}", get_blob,
                             {"Get a blob, or a range of it", "", "", "application/octet-stream", 200, "Range,If-None-Match"}),
};

}  // namespace

std::span<const Route> snapshot_routes() { return kRoutes; }

}  // namespace werkbank::api
