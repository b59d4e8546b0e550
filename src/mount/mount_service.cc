// The process that serves a mount.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include "base/clock.hh"
#include "base/files.hh"
#include "base/limits.hh"
#include "mount/fuse_server.hh"
#include "mount/mount_process.hh"
#include "mount/mount_table.hh"

namespace werkbank::mount {
namespace {

namespace fs = std::filesystem;

constexpr timespec kLook{.tv_sec = 1, .tv_nsec = 0};
constexpr std::chrono::seconds kWritePatience{5};
constexpr size_t kRequestBytesMax = size_t{4} << 30;

// Is the place fit to be mounted on? What a killed process left there is taken away. True: the folder was made for it.
Result<bool> prepare_folder(const fs::path& place) {
  // The kernel answers stat for the dead: it keeps what it knows of them.
  struct statvfs file_system{};
  if (::statvfs(place.c_str(), &file_system) != 0 && errno == ENOTCONN) CHECK_OK(unmount(place));
  struct stat facts{};
  if (::stat(place.c_str(), &facts) != 0) {
    if (errno != ENOENT) return fail(errno_error(errno, place.string()));
    CHECK_OK(make_directories(place, 0755));
    return true;
  }
  if (!S_ISDIR(facts.st_mode)) return fail(errors::already_exists, fmt::format("{} is there and is no folder", place.string()));
  TRY(const std::vector<MountPoint> points, mount_points());
  for (const MountPoint& point : points) {
    if (point.folder == place)
      return fail(errors::already_exists, fmt::format("something is mounted at {} already", place.string()),
                  "Take it away with `werkbank unmount FOLDER`, or choose another folder.");
  }
  std::error_code failure;
  if (!fs::is_empty(place, failure) || failure)
    return fail(errors::already_exists, fmt::format("{} is not empty", place.string()),
                "Choose an empty folder, or one that is not there yet.");
  return false;
}

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// What has to be taken down; from whichever thread comes first, once.
struct TakeDown {
  fs::path place, state_file;
  bool made_folder = false;
  PieceReader& reader;
  std::atomic<bool> begun = false;

  // The kernel ends what is left when the process does: threads that wait for a silent storage are not waited for.
  void end_process() {
    if (begun.exchange(true)) {
      while (true) ::pause();
    }
    reader.stop();
    (void)unmount(place);  // not there any more where somebody else has unmounted it
    reader.finish_writes(kWritePatience);
    if (made_folder) ::rmdir(place.c_str());
    if (!state_file.empty()) ::unlink(state_file.c_str());
    ::_exit(0);
  }
};

void watch(TakeDown& take_down) {
  const sigset_t signals = ending_signals();
  while (true) {
    if (sigtimedwait(&signals, nullptr, &kLook) > 0) break;
    if (!take_down.state_file.empty() && ::access(take_down.state_file.c_str(), F_OK) != 0 && errno == ENOENT) break;
  }
  take_down.end_process();
}

void append_line(const fs::path& file, const std::string& line) {
  const std::string text = fmt::format("{} werkbank mount: {}\n", format_utc(system_clock().utc_now_ms()), line);
  const Result<Fd> fd = open_file(file.empty() ? "/dev/stderr" : file, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd) (void)write_all(fd->get(), text);
}

Status write_state(const MountRequest& request) {
  if (request.state_file.empty()) return {};
  TRY(const ProcessId self, process_id_of(::getpid()));
  const json::object state{
      {"folder", request.folder.string()}, {"pid", self.pid}, {"startTicks", self.start_ticks}, {"bootId", self.boot_id}};
  return write_file_atomically(request.state_file, json::serialize(state), 0600, false);
}

void write_failure(const MountRequest& request, const Error& error) {
  if (request.state_file.empty()) return;
  const json::object failure{{"code", error.code->id}, {"message", error.to_string()}, {"hint", error.hint}};
  (void)write_file_atomically(request.state_file, json::serialize(json::object{{"error", failure}}), 0600, false);
}

Result<MountRequest> take_request(const fs::path& file) {
  const Result<std::string> text = read_file(file, kRequestBytesMax);
  ::unlink(file.c_str());
  if (!text) return fail(text.error());
  TRY(const json::value document, parse_json(*text, {.size_bytes_max = kRequestBytesMax}));
  return mount_request_from_json(document);
}

}  // namespace

Status serve_mount(const MountRequest& request, const SourceOpener& open, const std::function<void(const std::string& line)>& log,
                   const std::function<Status()>& on_mounted) {
  CHECK_OK(check_mounts_possible());
  TRY(const FileTree tree, FileTree::make(request.files));
  TRY(const fs::path place, mount_place(request.folder));
  TRY(const bool made_folder, prepare_folder(place));
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<data::FileCache> cache;
  if (!request.cache_folder.empty()) {
    data::CacheOptions options{.folder = request.cache_folder};
    options.log = log;
    cache = std::make_unique<data::FileCache>(std::move(options));
  }
  std::vector<PieceSource> sources;
  for (const MountSource& source : request.sources) {
    const auto open_source = [&open, &source] { return open(source.description); };
    sources.push_back({source.identity, source.local_folder, open_source});
  }
  PieceReader reader(request.files, std::move(sources), cache.get(), {.patience = request.patience, .log = log});
  auto server = FuseServer::mount(tree, request.files, reader, {.folder = place, .allow_other = request.allow_other, .log = log});
  TakeDown take_down{.place = place, .state_file = request.state_file, .made_folder = made_folder, .reader = reader};
  Status outcome;
  if (!server) {
    outcome = fail(server.error());
  } else {
    outcome = on_mounted();
  }
  if (!outcome) {
    server = fail(outcome.error());  // unmounts
    if (made_folder) ::rmdir(place.c_str());
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    return outcome;
  }
  std::thread([&take_down] { watch(take_down); }).detach();
  (*server)->serve();
  take_down.end_process();
  return {};
}

int run_mount_process(const fs::path& request_file, const SourceOpener& open) {
  raise_open_files_limit();
  const Result<MountRequest> request = take_request(request_file);
  if (!request) {
    append_line({}, request.error().to_string());
    return 1;
  }
  const auto log = [&request](const std::string& line) { append_line(request->log_file, line); };
  const Status outcome = serve_mount(*request, open, log, [&request] { return write_state(*request); });
  write_failure(*request, outcome.error());
  return 1;
}

}  // namespace werkbank::mount
