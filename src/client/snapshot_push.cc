#include "client/snapshot_push.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include "base/files.hh"
#include "base/process.hh"
#include "domain/snapshot_changes.hh"

namespace werkbank::client {
namespace {

using Steady = std::chrono::steady_clock;

// Small files share a request, and with it the server's way to the disk.
constexpr uint64_t kSmallFileBytes = 256 * 1024;
constexpr size_t kBatchBytes = 4 << 20;
constexpr size_t kBatchFiles = 2000;
constexpr size_t kPieceBytes = 1 << 20;
constexpr auto kProgressInterval = std::chrono::milliseconds(100);
constexpr int kScansMax = 3;
constexpr int kPausesMax = 5;  // of 100, 200 … 1600 ms while the server does not answer

// Below, the manifest is no larger than a few packets.
constexpr size_t kManyFiles = 500;

bool is_worth_a_list_of_changes(const SnapshotScan& scan) {
  if (!scan.changes || scan.manifest.entries.size() < kManyFiles) return false;
  return scan.changes->put.size() + scan.changes->removed.size() <= scan.manifest.entries.size() / 8;
}

std::string list_of_changes(const SnapshotScan& scan) {
  SnapshotChanges changes;
  for (const size_t index : scan.changes->put) changes.put.push_back(scan.manifest.entries[index]);
  changes.removed = scan.changes->removed;
  return changes.to_text();
}

// The manifest's text and id, which take a while of a large folder: made beside the requests.
class LazyText {
 public:
  explicit LazyText(const SnapshotScan& scan) : scan_(scan) {}
  ~LazyText() {
    if (maker_.joinable()) maker_.join();
  }
  LazyText(const LazyText&) = delete;
  LazyText& operator=(const LazyText&) = delete;

  void begin() {
    if (scan_.written || is_base()) return;
    try {
      maker_ = std::thread([this] { made_ = manifest_text(scan_.manifest); });
    } catch (const std::system_error&) {
      // No thread is to be had: made when it is asked for.
    }
  }
  const Hash& id() { return is_base() ? scan_.changes->base : get().id; }
  const std::string& text() { return get().text; }

 private:
  bool is_base() const { return scan_.changes && scan_.changes->put.empty() && scan_.changes->removed.empty(); }
  const ManifestText& get() {
    if (scan_.written) return *scan_.written;
    if (maker_.joinable()) maker_.join();
    if (!made_) made_ = manifest_text(scan_.manifest);
    return *made_;
  }

  const SnapshotScan& scan_;
  std::thread maker_;
  std::optional<ManifestText> made_;
};

class Upload {
 public:
  Upload(net::HttpClient& client, std::string workspace, std::filesystem::path folder, const SnapshotOptions& options)
      : client_(client),
        base_("/api/v1/workspaces/" + net::encode_segment(workspace)),
        folder_(std::move(folder)),
        options_(options) {}

  // False: the folder is no longer what was scanned.
  Result<bool> run(const SnapshotScan& scan, SnapshotResult& result);

 private:
  struct Answer {
    std::string snapshot_id;
    std::vector<Hash> missing;
  };
  // Sends what is most likely new before anybody asked for it: of a large folder with a few changed files the list then travels
  // once instead of twice. A failure costs nothing, the answer to the list still tells what is missing.
  void send_ahead(const SnapshotScan& scan, SnapshotResult& result);
  Result<Answer> announce(const SnapshotScan& scan, LazyText& written);
  Result<net::ClientResponse> post_list(const std::string& target, std::string text);
  static Result<Answer> read_answer(const net::ClientResponse& response);
  Result<bool> send_missing(const SnapshotManifest& manifest, std::vector<Hash> missing, SnapshotResult& result);
  Result<bool> send_small(const std::vector<const SnapshotEntry*>& entries, SnapshotResult& result);
  Result<bool> send_batch(const std::string& body, const std::vector<const SnapshotEntry*>& entries, SnapshotResult& result);
  Result<bool> send_file(const SnapshotEntry& entry, SnapshotResult& result);
  Result<std::string> next_piece(const Fd& fd, const SnapshotEntry& entry, uint64_t& offset);
  void count(const SnapshotEntry& entry, SnapshotResult& result);
  void report(uint64_t bytes_under_way, bool always);

  net::HttpClient& client_;
  const std::string base_;
  const std::filesystem::path folder_;
  const SnapshotOptions& options_;
  bool takes_batches_ = true;
  std::string changes_;  // the list of changes to send in place of the manifest; empty: send the manifest
  bool knows_base_ = true;
  SnapshotProgress progress_;
  Steady::time_point started_, reported_;
};

std::unexpected<Error> bad_answer(std::string_view what) {
  return fail(errors::unavailable, fmt::format("the server's answer to the manifest is not understood: {}", what),
              "Is WERKBANK_URL the address of a Werkbank server of this version or a newer one?");
}

Result<Upload::Answer> Upload::announce(const SnapshotScan& scan, LazyText& written) {
  if (!changes_.empty()) {
    TRY(const net::ClientResponse response, post_list(base_ + "/snapshots/" + scan.changes->base.hex() + "/changes", changes_));
    auto answer = read_answer(response);
    if (response.status >= 500 || (answer && answer->snapshot_id == written.id().hex())) return answer;
    // The base is not there any more, or this is an older server, or what it keeps was damaged: the manifest tells everything.
    changes_.clear();
    knows_base_ = false;
  }
  TRY(const net::ClientResponse response, post_list(base_ + "/snapshots", written.text()));
  return read_answer(response);
}

Result<net::ClientResponse> Upload::post_list(const std::string& target, std::string text) {
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.target = target;
  request.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  request.body = std::move(text);
  return client_.send(request);
}

Result<Upload::Answer> Upload::read_answer(const net::ClientResponse& response) {
  if (response.status != 200 && response.status != 201) return fail(net::error_from_response(response));
  auto document = parse_json(response.body, {.size_bytes_max = size_t{512} << 20});
  if (!document) return bad_answer(document.error().message);
  JsonReader reader(*document, "answer");
  Answer answer;
  answer.snapshot_id = reader.required_string("snapshotId");
  for (const std::string& hex : reader.strings_or_empty("missing")) {
    const auto hash = Hash::parse(hex);
    if (!hash) return bad_answer("a missing blob is not named by a hash");
    answer.missing.push_back(*hash);
  }
  if (Status read = reader.finish(false); !read) return bad_answer(read.error().message);
  return answer;
}

void Upload::send_ahead(const SnapshotScan& scan, SnapshotResult& result) {
  constexpr uint64_t kWorthBytes = 1 << 20;
  std::vector<Hash> hashes;
  uint64_t bytes = 0;
  for (const size_t index : scan.changes->put) {
    hashes.push_back(scan.manifest.entries[index].hash);
    bytes += scan.manifest.entries[index].size_bytes;
  }
  if (hashes.empty() || bytes > kWorthBytes) return;
  std::ranges::sort(hashes);
  hashes.erase(std::ranges::unique(hashes).begin(), hashes.end());
  SnapshotResult sent = result;
  if (send_missing(scan.manifest, std::move(hashes), sent).value_or(false)) result = sent;
}

Result<bool> Upload::run(const SnapshotScan& scan, SnapshotResult& result) {
  LazyText written(scan);
  if (is_worth_a_list_of_changes(scan)) {
    changes_ = list_of_changes(scan);
    written.begin();
    send_ahead(scan, result);
  }
  bool has_answered = false;
  for (int pauses = 0, rounds = 0;;) {
    std::optional<Error> error;
    if (auto answer = announce(scan, written)) {
      has_answered = true;
      const std::string id = written.id().hex();
      if (answer->snapshot_id != id)
        return bad_answer(fmt::format("snapshot {} was sent, {} is answered", id, answer->snapshot_id));
      if (answer->missing.empty()) {
        if (!knows_base_ && !scan.written) remember(scan, written.id());
        result.snapshot_id = id;
        return true;
      }
      // A second round takes up what an interruption left; blobs that keep vanishing are a fault of the server.
      if (++rounds > kPausesMax + 2) return bad_answer("files that were uploaded are missing again");
      auto sent = send_missing(scan.manifest, std::move(answer->missing), result);
      if (sent && !*sent) return false;
      if (!sent) error = std::move(sent.error());
    } else {
      error = std::move(answer.error());
    }
    if (!error) continue;
    // At the first request nobody may be there at all: the caller knows better what to do then.
    if (!has_answered || error->kind() != ErrorKind::kUnavailable || pauses >= kPausesMax) return fail(std::move(*error));
    std::this_thread::sleep_for(std::chrono::milliseconds(100) * (1 << pauses++));
  }
}

Result<bool> Upload::send_missing(const SnapshotManifest& manifest, std::vector<Hash> missing, SnapshotResult& result) {
  std::ranges::sort(missing);
  std::vector<bool> is_taken(missing.size());
  std::vector<const SnapshotEntry*> small, large;
  progress_ = {};
  for (const SnapshotEntry& entry : manifest.entries) {
    const auto found = std::ranges::lower_bound(missing, entry.hash);
    if (found == missing.end() || *found != entry.hash) continue;
    const auto index = static_cast<size_t>(found - missing.begin());
    if (is_taken[index]) continue;  // the same content under another name
    is_taken[index] = true;
    (entry.size_bytes <= kSmallFileBytes ? small : large).push_back(&entry);
    ++progress_.files_total;
    progress_.bytes_total += entry.size_bytes;
  }
  if (progress_.files_total != missing.size()) return bad_answer("a blob is called missing that is not in the manifest");
  started_ = Steady::now();
  TRY(const bool small_sent, send_small(small, result));
  if (!small_sent) return false;
  for (const SnapshotEntry* entry : large) {
    TRY(const bool sent, send_file(*entry, result));
    if (!sent) return false;
  }
  report(0, true);
  return true;
}

Result<bool> Upload::send_small(const std::vector<const SnapshotEntry*>& entries, SnapshotResult& result) {
  std::string body;
  std::vector<const SnapshotEntry*> batch;
  for (const SnapshotEntry* entry : entries) {
    if (!takes_batches_) {
      TRY(const bool sent, send_file(*entry, result));
      if (!sent) return false;
      continue;
    }
    const auto bytes = read_file(folder_ / entry->path, kSmallFileBytes + 1);
    if (!bytes || bytes->size() != entry->size_bytes || Hash::of(*bytes) != entry->hash) return false;
    body += fmt::format("{} {}\n", entry->hash.hex(), bytes->size());
    body += *bytes;
    batch.push_back(entry);
    if (body.size() < kBatchBytes && batch.size() < kBatchFiles) continue;
    TRY(const bool sent, send_batch(body, batch, result));
    if (!sent) return false;
    body.clear();
    batch.clear();
  }
  if (batch.empty()) return true;
  return send_batch(body, batch, result);
}

Result<bool> Upload::send_batch(const std::string& body, const std::vector<const SnapshotEntry*>& entries,
                                SnapshotResult& result) {
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.target = base_ + "/blobs";
  request.headers = {{"Content-Type", "application/vnd.werkbank.blobs"}};
  request.body = body;
  TRY(const net::ClientResponse response, client_.send(request));
  if (response.status >= 300) {
    Error error = net::error_from_response(response);
    const bool has_no_route = response.status == 405 || (response.status == 404 && error.code != &errors::workspace_not_found);
    if (!has_no_route) return fail(std::move(error));
    // A gateway that lets the plain routes through only: the same, one by one.
    takes_batches_ = false;
    return send_small(entries, result);
  }
  for (const SnapshotEntry* entry : entries) count(*entry, result);
  report(0, true);
  return true;
}

Result<bool> Upload::send_file(const SnapshotEntry& entry, SnapshotResult& result) {
  const Fd fd(::open((folder_ / entry.path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return false;
  uint64_t offset = 0;
  bool has_changed = false;
  net::ClientRequest request;
  request.method = net::Method::kPut;
  request.target = base_ + "/blobs/" + entry.hash.hex();
  request.headers = {{"Content-Type", "application/octet-stream"}};
  request.body_length = entry.size_bytes;
  request.body_source = [&]() -> Result<std::string> {
    auto piece = next_piece(fd, entry, offset);
    has_changed = !piece;
    report(offset, false);
    return piece;
  };
  const auto response = client_.send(request);
  if (has_changed) return false;
  if (!response) return fail(response.error());
  if (response->status >= 300) {
    Error error = net::error_from_response(*response);
    if (error.code == &errors::hash_mismatch) return false;
    return fail(std::move(error));
  }
  count(entry, result);
  report(0, true);
  return true;
}

// The next piece of a file that has to have the announced size; empty at its end.
Result<std::string> Upload::next_piece(const Fd& fd, const SnapshotEntry& entry, uint64_t& offset) {
  std::string piece(std::min<uint64_t>(kPieceBytes, entry.size_bytes - offset), '\0');
  for (size_t done = 0; done < piece.size();) {
    const ssize_t count = ::pread(fd.get(), piece.data() + done, piece.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, "cannot read " + escape_snapshot_path(entry.path)));
    if (count == 0) return fail(errors::snapshot_refused, fmt::format("{:?} became shorter", escape_snapshot_path(entry.path)));
    done += static_cast<size_t>(count);
  }
  offset += piece.size();
  return piece;
}

void Upload::count(const SnapshotEntry& entry, SnapshotResult& result) {
  ++progress_.files_done;
  progress_.bytes_done += entry.size_bytes;
  ++result.uploaded_files;
  result.uploaded_bytes += entry.size_bytes;
}

void Upload::report(uint64_t bytes_under_way, bool always) {
  if (!options_.progress) return;
  const auto now = Steady::now();
  if (!always && now - reported_ < kProgressInterval) return;
  reported_ = now;
  SnapshotProgress progress = progress_;
  progress.bytes_done += bytes_under_way;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  progress.bytes_per_second = seconds > 0 ? static_cast<double>(progress.bytes_done) / seconds : 0;
  options_.progress(progress);
}

// Below `parent`, the files of `path`; links to files are followed, links to folders are not.
Status add_files(const std::filesystem::path& parent, const std::filesystem::path& path, SnapshotManifest& manifest) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::file_status status = fs::status(path, failed);
  if (!fs::exists(status)) return fail(errors::not_found, fmt::format("{} is not there", path.string()));
  if (fs::is_directory(status)) {
    auto entry = fs::directory_iterator(path, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
      std::error_code ignored;
      const bool is_folder = entry->is_directory(ignored);
      if (is_folder ? !entry->is_symlink(ignored) : entry->is_regular_file(ignored))
        CHECK_OK(add_files(parent, entry->path(), manifest));
    }
    if (failed) return fail(errors::io_failed, fmt::format("cannot list {}: {}", path.string(), failed.message()));
    return {};
  }
  if (!fs::is_regular_file(status)) return fail(errors::snapshot_refused, fmt::format("{} is no file", path.string()));
  SnapshotEntry file{.path = path.lexically_relative(parent).string()};
  file.size_bytes = fs::file_size(path, failed);
  if (failed) return fail(errors::io_failed, fmt::format("cannot read {}: {}", path.string(), failed.message()));
  TRY(file.hash, Hash::of_file(path));
  manifest.entries.push_back(std::move(file));
  return {};
}

Result<SnapshotManifest> manifest_of(const std::filesystem::path& path) {
  SnapshotManifest manifest;
  CHECK_OK(add_files(path.parent_path(), path, manifest));
  if (manifest.entries.empty()) return fail(errors::snapshot_refused, fmt::format("{} holds no files", path.string()));
  std::ranges::sort(manifest.entries, {}, &SnapshotEntry::path);
  return manifest;
}

}  // namespace

Result<SnapshotResult> take_path(net::HttpClient& client, std::string workspace, std::filesystem::path path,
                                 SnapshotOptions options) {
  std::error_code failed;
  path = std::filesystem::absolute(path, failed).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (path.filename().empty()) return fail(errors::snapshot_refused, fmt::format("{} has no name", path.string()));
  SnapshotResult result;
  for (int scans = 0; scans < kScansMax; ++scans) {
    SnapshotScan scan;
    TRY(scan.manifest, manifest_of(path));
    Upload upload(client, workspace, path.parent_path(), options);
    TRY(const bool is_taken, upload.run(scan, result));
    if (!is_taken) continue;
    result.files = scan.manifest.entries.size();
    result.bytes = scan.manifest.total_bytes();
    return result;
  }
  return fail(errors::snapshot_refused, fmt::format("files in {} change while they are uploaded", path.string()),
              "Wait until they are complete.");
}

Result<SnapshotResult> take_snapshot(net::HttpClient& client, std::string workspace, std::filesystem::path folder,
                                     SnapshotOptions options) {
  if (options.cache_folder.empty()) options.cache_folder = default_cache_folder(current_environment());
  SnapshotResult result;
  for (int scans = 0; scans < kScansMax; ++scans) {
    TRY(SnapshotScan scan, scan_folder(folder, {.cache_folder = options.cache_folder, .threads = 0}));
    Upload upload(client, workspace, folder, options);
    TRY(const bool is_taken, upload.run(scan, result));
    if (!is_taken) continue;
    result.files = scan.manifest.entries.size();
    result.bytes = scan.manifest.total_bytes();
    result.notes = std::move(scan.notes);
    return result;
  }
  return fail(errors::snapshot_refused, fmt::format("files in {} change while they are uploaded", folder.string()),
              "Wait until they are complete, or exclude them in .amlignore.");
}

}  // namespace werkbank::client
