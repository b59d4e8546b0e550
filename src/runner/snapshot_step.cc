#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "base/failpoint.hh"
#include "domain/snapshot.hh"
#include "runner/server_link.hh"
#include "runner/steps.hh"

namespace werkbank::runner {
namespace {

constexpr size_t kPieceBytes = 1024 * 1024;
constexpr uint64_t kWorthCloning = 64 * 1024;
constexpr size_t kThreadsMax = 4;
constexpr size_t kFilesPerThread = 128;
constexpr uint64_t kManifestBytesMax = 1ULL << 30;

std::unexpected<Error> wrong_content(const SnapshotEntry& entry) {
  return fail(errors::hash_mismatch,
              fmt::format("the content of {:?} is not what the snapshot says", escape_snapshot_path(entry.path)),
              "The content store is damaged: run `werkbank doctor`.");
}

// A copy that shares its blocks with the store's file, where the file system can. It needs no reading back: no byte has moved.
bool clone_file(int from, int to) { return ioctl(to, FICLONE, from) == 0; }

Status copy_verified(int from, int to, const SnapshotEntry& entry) {
  struct stat status{};
  if (fstat(from, &status) != 0) return fail(errno_error(errno, "look at a blob"));
  if (static_cast<uint64_t>(status.st_size) != entry.size_bytes) return wrong_content(entry);
  if (entry.size_bytes >= kWorthCloning && clone_file(from, to)) return {};
  Hasher hasher;
  std::string piece(std::min<uint64_t>(kPieceBytes, entry.size_bytes + 1), '\0');
  while (true) {
    const ssize_t got = read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(errno, "read a blob"));
    if (got == 0) break;
    const std::string_view bytes(piece.data(), static_cast<size_t>(got));
    hasher.update(bytes);
    CHECK_OK(write_all(to, bytes));
  }
  return hasher.finish() == entry.hash ? Status{} : wrong_content(entry);
}

Status download_blob(ServerLink& link, int to, const SnapshotEntry& entry) {
  net::ClientRequest request;
  request.target = link.workspace_route("blobs/" + entry.hash.hex());
  Hasher hasher;
  Status written;
  const auto restart = [&]() -> Status {
    CHECK_OK(written);  // it was our disk that ended the last try
    hasher = Hasher();
    if (ftruncate(to, 0) != 0 || lseek(to, 0, SEEK_SET) != 0) return fail(errno_error(errno, "start a file again"));
    return {};
  };
  const auto sink = [&](std::string_view bytes) {
    hasher.update(bytes);
    written = write_all(to, bytes);
    return written.has_value();
  };
  TRY(const net::ClientResponse answer, link.fetch(request, restart, sink));
  if (!is_success(answer)) return fail(net::error_from_response(answer));
  CHECK_OK(written);
  return hasher.finish() == entry.hash ? Status{} : wrong_content(entry);
}

// A blob file of the store on this machine; nothing where it is not there, or another user's.
std::optional<Fd> open_local_blob(const LaunchPlan& plan, const Hash& hash) {
  if (plan.blob_folder.empty()) return std::nullopt;
  Result<Fd> fd = open_file(blob_path(plan.blob_folder, hash), O_RDONLY);
  if (!fd) return std::nullopt;
  return std::move(*fd);
}

Status bring_file(const AttemptContext& context, ServerLink& link, const std::filesystem::path& folder,
                  const SnapshotEntry& entry) {
  const std::filesystem::path path = folder / entry.path;
  const mode_t mode = entry.executable ? 0755 : 0644;
  TRY(const Fd to, open_file(path, O_WRONLY | O_CREAT | O_EXCL, static_cast<int>(mode)));
  if (fchmod(to.get(), mode) != 0)
    return fail(errno_error(errno, "set the mode of " + path.native()));  // the umask may have cut it
  if (const std::optional<Fd> from = open_local_blob(context.plan, entry.hash))
    return copy_verified(from->get(), to.get(), entry);
  return download_blob(link, to.get(), entry);
}

Result<SnapshotManifest> get_manifest(const AttemptContext& context) {
  TRY(const Hash id, Hash::parse(context.plan.snapshot_id));
  std::string text;
  if (!context.plan.blob_folder.empty()) {
    Result<std::string> local = read_file(blob_path(context.plan.blob_folder, id), kManifestBytesMax);
    if (local) text = std::move(*local);
  }
  if (text.empty()) {
    ServerLink link(context.plan, context.lifeline);
    net::ClientRequest request;
    request.target = link.workspace_route("snapshots/" + id.hex());
    TRY(net::ClientResponse answer, link.ask(request));
    if (!is_success(answer)) return fail(net::error_from_response(answer));
    text = std::move(answer.body);
  }
  if (Hash::of(text) != id) return fail(errors::hash_mismatch, "the manifest of the snapshot does not have its hash");
  return SnapshotManifest::parse(text);
}

Status make_folders(const std::filesystem::path& folder, const SnapshotManifest& manifest) {
  CHECK_OK(make_directories(folder, 0755));
  std::string last;
  for (const SnapshotEntry& entry : manifest.entries) {
    const size_t slash = entry.path.rfind('/');
    if (slash == entry.path.npos || entry.path.compare(0, slash, last) == 0) continue;  // sorted: a folder's files are neighbours
    last = entry.path.substr(0, slash);
    CHECK_OK(make_directories(folder / last, 0755));
  }
  return {};
}

Status bring_files(const AttemptContext& context, const std::filesystem::path& folder, const SnapshotManifest& manifest) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Status first_failure;
  const auto work = [&] {
    ServerLink link(context.plan, context.lifeline);
    for (size_t i = next++; i < manifest.entries.size() && !context.lifeline.is_lost(); i = next++) {
      const bool is_canceled = access(context.folder.cancel().c_str(), F_OK) == 0;
      Status done =
          is_canceled ? Status(fail(errors::unavailable, "canceled")) : bring_file(context, link, folder, manifest.entries[i]);
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (first_failure) first_failure = std::move(done);
      next = manifest.entries.size();
    }
  };
  const size_t threads = std::clamp<size_t>(manifest.entries.size() / kFilesPerThread, 1,
                                            std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kThreadsMax));
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  if (first_failure && context.lifeline.is_lost()) return fail(errors::lease_lost, "another attempt has taken over this run");
  return first_failure;
}

}  // namespace

Status materialise_snapshot(const AttemptContext& context) {
  const std::filesystem::path code = context.folder.code();
  std::error_code error;
  if (std::filesystem::is_directory(code, error)) return {};  // it gets its name only when it is whole
  const std::filesystem::path partial = context.folder.root / "code.partial";
  CHECK_OK(remove_tree(partial));
  SnapshotManifest manifest;
  if (!context.plan.snapshot_id.empty()) {
    TRY(manifest, get_manifest(context));
  }
  CHECK_OK(make_folders(partial, manifest));
  failpoint_kill("runner.snapshot.before_files");
  CHECK_OK(bring_files(context, partial, manifest));
  failpoint_kill("runner.snapshot.before_rename");
  if (rename(partial.c_str(), code.c_str()) != 0) return fail(errno_error(errno, "name " + code.native()));
  failpoint_kill("runner.after_snapshot");
  return {};
}

}  // namespace werkbank::runner
