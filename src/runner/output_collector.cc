#include "runner/output_collector.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/failpoint.hh"
#include "base/json.hh"
#include "base/log.hh"

namespace werkbank::runner {
namespace {

constexpr int64_t kStillForMs = 1000;
constexpr size_t kNamesPerRequest = 500;
constexpr size_t kPieceBytes = 1024 * 1024;
constexpr uint64_t kWorthAsking = 256 * 1024;  // below, sending the blob is as quick as asking whether it is there
constexpr std::chrono::milliseconds kScanPause{1000};
constexpr int kTries = 3;

FileIdentity identity_of(const struct stat& status) {
  return {status.st_ino, static_cast<uint64_t>(status.st_size), status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec};
}

std::optional<FileIdentity> look_at(int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return identity_of(status);
}

Result<Hash> hash_of(int fd) {
  Hasher hasher;
  std::string piece(kPieceBytes, '\0');
  uint64_t offset = 0;
  while (true) {
    const ssize_t got = pread(fd, piece.data(), piece.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(errno, "read an output"));
    if (got == 0) return hasher.finish();
    hasher.update(std::string_view(piece.data(), static_cast<size_t>(got)));
    offset += static_cast<uint64_t>(got);
  }
}

// The pieces of the file up to `size`. A file that became shorter meanwhile is an error: the request cannot be completed.
std::function<Result<std::string>()> pieces_of(int fd, uint64_t size) {
  auto offset = std::make_shared<uint64_t>(0);  // shared with the copies that std::function makes
  return [fd, size, offset]() -> Result<std::string> {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(kPieceBytes, size - *offset));
    std::string piece(wanted, '\0');
    if (wanted == 0) return piece;
    const ssize_t got = pread(fd, piece.data(), wanted, static_cast<off_t>(*offset));
    if (got < 0) return fail(errno_error(errno, "read an output"));
    if (got == 0) return fail(errors::hash_mismatch, "an output became shorter while it was uploaded");
    piece.resize(static_cast<size_t>(got));
    *offset += static_cast<uint64_t>(got);
    return piece;
  };
}

}  // namespace

std::vector<std::string> collected_roots(const LaunchPlan& plan, const std::vector<std::string>& watched) {
  std::vector<std::string> roots;
  if (plan.collect_outputs) roots.emplace_back("outputs");
  if (std::ranges::find(watched, "logs") == watched.end()) roots.emplace_back("logs");
  return roots;
}

OutputCollector::OutputCollector(const AttemptContext& context, std::vector<std::string> roots)
    : Follower(context), roots_(std::move(roots)), link_(context.plan, context.lifeline), watch_(context.folder.code(), roots_) {}

// True once the blob is up as the file was; false where the file changed meanwhile or was refused.
Result<bool> OutputCollector::upload(const FoundFile& file, const FileIdentity& identity) {
  TRY(const Fd fd, open_file(context_.folder.code() / file.relative, O_RDONLY | O_NONBLOCK));
  if (look_at(fd.get()) != identity) return false;
  TRY(const Hash hash, hash_of(fd.get()));
  if (look_at(fd.get()) != identity) return false;

  const std::string target = link_.workspace_route("blobs/" + hash.hex());
  net::ClientRequest head;
  head.method = net::Method::kHead;
  head.target = target;
  bool is_there = false;
  if (identity.size_bytes >= kWorthAsking) {
    TRY(const net::ClientResponse answer, link_.ask(head));
    is_there = is_success(answer);
  }
  if (!is_there) {
    failpoint_kill("runner.outputs.before_blob");
    const auto make = [&]() -> Result<net::ClientRequest> {
      net::ClientRequest put;
      put.method = net::Method::kPut;
      put.target = target;
      put.headers = {{"Content-Type", "application/octet-stream"}};
      put.body_length = identity.size_bytes;
      if (look_at(fd.get()) != identity) return fail(errors::hash_mismatch, "the file changed while it was uploaded");
      put.body_source = pieces_of(fd.get(), identity.size_bytes);
      return put;
    };
    TRY(const net::ClientResponse answer, link_.ask(make));
    failpoint_kill("runner.outputs.after_blob");
    if (!is_success(answer)) return fail(net::error_from_response(answer));
  }
  uploaded_.push_back({file.relative, identity, hash});
  return true;
}

// True where the server does not know a blob any more: its file waits to be sent again.
bool OutputCollector::post_names(const std::vector<Collected>& items) {
  json::array array;
  for (const Collected& item : items) {
    array.push_back({{"path", item.path},
                     {"hash", item.hash.hex()},
                     {"sizeBytes", item.identity.size_bytes},
                     {"modifiedUtc", format_utc(item.identity.modified_ns / 1'000'000)}});
  }
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.target = link_.runner_route("artifacts");
  request.headers = {{"Content-Type", "application/json"}};
  request.body = json::serialize(json::object{{"items", std::move(array)}});
  failpoint_kill("runner.outputs.before_names");
  const Result<net::ClientResponse> answer = link_.ask(request);
  failpoint_kill("runner.outputs.after_names");
  if (!answer) return false;
  if (is_success(*answer)) {
    for (const Collected& item : items) settle(item);
    return false;
  }
  bool is_waiting = false;
  if (items.size() > 1) {
    // One refused name must not keep the others out.
    for (const Collected& item : items) is_waiting = (!is_lost() && post_names({item})) || is_waiting;
    return is_waiting;
  }
  const Error why = net::error_from_response(*answer);
  // What was brought but not named yet is forgotten by a server that is killed; garbage collection may have freed it.
  if (why.code == &errors::blob_not_found && ++refused_[items[0].path] < kTries) return true;
  context_.warnings.add(fmt::format("The file {:?} was not collected: {}", items[0].path, why.message));
  settle(items[0]);
  return false;
}

void OutputCollector::settle(const Collected& item) {
  context_.state.set_uploaded(item.path, item.identity);
  refused_.erase(item.path);
}

bool OutputCollector::name_uploaded() {
  bool is_waiting = false;
  for (size_t from = 0; from < uploaded_.size() && !is_lost(); from += kNamesPerRequest) {
    const size_t to = std::min(uploaded_.size(), from + kNamesPerRequest);
    const std::vector<Collected> items(uploaded_.begin() + static_cast<ptrdiff_t>(from),
                                       uploaded_.begin() + static_cast<ptrdiff_t>(to));
    is_waiting = post_names(items) || is_waiting;
  }
  uploaded_.clear();
  return is_waiting;
}

void OutputCollector::consider(const FoundFile& file, bool at_end, bool& is_waiting) {
  const FileIdentity identity = identity_of(file.status);
  if (context_.state.uploaded(file.relative) == identity) return;
  const int64_t age_ms = system_clock().utc_now_ms() - identity.modified_ns / 1'000'000;
  // A time in the future (a copied file, a wrong clock) says nothing about stillness, but must not keep the file out either.
  if (!at_end && age_ms >= 0 && age_ms < kStillForMs) {
    is_waiting = true;
    return;
  }
  if (const Result<RelativePath> path = RelativePath::parse(file.relative); !path) {
    context_.warnings.add(fmt::format("The file {:?} was not collected: {}", file.relative, path.error().message));
    context_.state.set_uploaded(file.relative, identity);
    return;
  }
  const Result<bool> done = upload(file, identity);
  if (is_lost()) return;
  const bool has_changed = done ? !*done : done.error().code == &errors::hash_mismatch || done.error().code == &errors::not_found;
  if (has_changed) {
    is_waiting = true;
  } else if (!done) {
    context_.warnings.add(fmt::format("The file {:?} was not collected: {}", file.relative, done.error().to_string()));
    context_.state.set_uploaded(file.relative, identity);
  }
}

// True where a file is still being written, or has to be sent again: it has to be looked at again.
bool OutputCollector::collect(bool at_end) {
  bool is_waiting = false;
  std::vector<FoundFile> files;
  for (const std::string& root : roots_) std::ranges::move(list_files(context_.folder.code(), root), std::back_inserter(files));
  for (const std::string& path : at_end ? at_end_ : std::vector<std::string>()) {
    FoundFile file{path, {}};
    if (stat((context_.folder.code() / path).c_str(), &file.status) == 0) files.push_back(std::move(file));
  }
  for (const FoundFile& file : files) {
    if (is_lost()) return false;
    consider(file, at_end, is_waiting);
    // What was forgotten once is named at once: the less time between, the less can happen.
    const bool is_due = uploaded_.size() >= kNamesPerRequest || refused_.contains(file.relative);
    if (is_due) is_waiting = name_uploaded() || is_waiting;
  }
  return name_uploaded() || is_waiting;
}

void OutputCollector::work() {
  bool is_waiting = true;  // an adopting runner looks at once
  while (!is_lost() && !is_draining()) {
    if (is_waiting) is_waiting = collect(false);
    // With nothing to wait for, this sleeps until something changes; then files get time to become whole.
    wait({is_waiting ? -1 : watch_.fd()}, is_waiting ? kScanPause : watch_.is_blind() ? kScanPause : std::chrono::minutes(1));
    const TreeWatch::Changes changes = watch_.take();
    const bool is_changed = watch_.is_blind() || changes.look_everywhere || !changes.files.empty();
    if (is_changed && !is_waiting) wait({}, kScanPause);
    is_waiting = is_waiting || is_changed;
  }
  for (int tries = 0; tries < kTries && !is_lost(); ++tries) {
    if (!collect(true)) return;
  }
  if (!is_lost())
    context_.warnings.add(
        "Some files were still being written when the run had ended, or not kept by the server: not collected.");
}

}  // namespace werkbank::runner
