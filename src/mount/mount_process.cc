#include "mount/mount_process.hh"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "base/files.hh"
#include "domain/work_folder.hh"
#include "mount/mount_table.hh"

namespace werkbank::mount {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{5};
constexpr std::chrono::seconds kBeginMax{30};
constexpr std::chrono::seconds kEndMax{10};

struct State {
  ProcessId process;
  fs::path folder;
};

// What a mount process has written: who it is, or why it could not mount.
Result<State> read_state(const fs::path& file) {
  TRY(const std::string text, read_file(file));
  TRY(const json::value document, parse_json(text));
  JsonReader reader(document, "mount");
  if (const json::value* const found = reader.value("error")) {
    JsonReader told(*found, "mount.error");
    const ErrorCode* const code = find_error_code(told.required_string("code"));
    Error error{code == nullptr ? &errors::mount_unavailable : code, told.string_or("message"), told.string_or("hint"), {}};
    CHECK_OK(told.finish(false));
    return fail(std::move(error));
  }
  State state{.folder = reader.required_string("folder")};
  state.process.pid = static_cast<pid_t>(reader.int_or("pid", 0, 0, INT32_MAX));
  state.process.start_ticks = static_cast<uint64_t>(reader.int_or("startTicks", 0, 0, INT64_MAX));
  state.process.boot_id = reader.required_string("bootId");
  CHECK_OK(reader.finish(false));
  return state;
}

bool wait_for_end(const ProcessId& process, bool is_child, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (true) {
    if (is_child) ::waitpid(process.pid, nullptr, WNOHANG);
    if (!is_alive(process)) return true;
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace

Mount::Mount(ProcessId process, fs::path folder, fs::path state_file, bool is_child)
    : process_(std::move(process)), folder_(std::move(folder)), state_file_(std::move(state_file)), is_child_(is_child) {}

bool Mount::is_alive() const { return werkbank::is_alive(process_); }

Status Mount::end() {
  if (is_alive()) CHECK_OK(signal_process(process_, SIGTERM));
  if (!wait_for_end(process_, is_child_, kEndMax)) {
    CHECK_OK(signal_process(process_, SIGKILL));
    wait_for_end(process_, is_child_, kEndMax);
  }
  const Status gone = unmount(folder_);
  if (!gone && gone.error().code != &errors::not_found) return gone;
  std::error_code ignored;
  fs::remove(state_file_, ignored);
  return {};
}

Result<std::unique_ptr<Mount>> mount_files(const MountRequest& request, const MountProgram& program) {
  CHECK_OK(check_mounts_possible());
  if (request.state_file.empty()) return fail(errors::internal, "a mount of another process needs a state file");
  MountRequest absolute = request;
  TRY(absolute.folder, mount_place(request.folder));
  const fs::path request_file = fs::path(request.state_file) += ".request";
  // The file is what keeps a mount that is there alive.
  const Result<std::unique_ptr<Mount>> earlier = adopt_mount(request.state_file);
  if (earlier && (*earlier)->is_alive())
    return fail(errors::already_exists, fmt::format("something is mounted at {} already", absolute.folder.string()),
                "Take it away first: werkbank unmount FOLDER; or choose another folder.");
  std::error_code ignored;
  fs::remove(request.state_file, ignored);
  // It may hold credentials; the process removes it before anything else.
  CHECK_OK(write_file_atomically(request_file, json::serialize(to_json(absolute)), 0600, false));
  SpawnPlan plan{.argv = program, .environment = current_environment(), .working_directory = "/", .new_session = true};
  plan.argv.push_back(request_file.string());
  plan.environment.erase(std::string(kAttemptMarkVariable));  // who ends a script's processes leaves it its data
  plan.stdout_path = plan.stderr_path = request.log_file.empty() ? fs::path("/dev/null") : request.log_file;
  const Result<pid_t> pid = spawn_process(plan);
  if (!pid) {
    fs::remove(request_file, ignored);
    return fail(pid.error());
  }
  const auto deadline = Clock::now() + kBeginMax;
  while (true) {
    const bool is_over = ::waitpid(*pid, nullptr, WNOHANG) == *pid;
    Result<State> state = read_state(request.state_file);
    if (state) return std::make_unique<Mount>(state->process, state->folder, request.state_file, true);
    if (state.error().code != &errors::not_found) {
      fs::remove(request.state_file, ignored);
      if (!is_over) ::waitpid(*pid, nullptr, 0);
      return fail(state.error());
    }
    if (is_over) break;
    if (Clock::now() >= deadline) {
      ::kill(*pid, SIGKILL);
      ::waitpid(*pid, nullptr, 0);
      break;
    }
    std::this_thread::sleep_for(kLook);
  }
  (void)unmount(absolute.folder);  // not there, most likely
  fs::remove(request_file, ignored);
  return fail(errors::mount_unavailable, fmt::format("the process that was to serve {} has ended", absolute.folder.string()),
              fmt::format("{} tells why; without a mount the data can be downloaded.", request.log_file.string()));
}

Result<std::unique_ptr<Mount>> adopt_mount(const fs::path& state_file) {
  TRY(State state, read_state(state_file));
  return std::make_unique<Mount>(std::move(state.process), std::move(state.folder), state_file, false);
}

}  // namespace werkbank::mount
