#include "base/process.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/spawn.hh"

namespace werkbank {
namespace {

// What /proc/PID/stat says: the state letter (field 3) and the start time (field 22). The second field, the program's name, may
// hold blanks and brackets; so the count begins behind the last bracket.
struct ProcessStat {
  char state = '?';
  uint64_t start_ticks = 0;
};

Result<ProcessStat> read_stat(pid_t pid) {
  TRY(const std::string text, read_file(fmt::format("/proc/{}/stat", pid)));
  const auto refuse = [&] { return fail(errors::internal, fmt::format("/proc/{}/stat does not read", pid)); };
  const size_t bracket = text.rfind(')');
  if (bracket == text.npos || bracket + 2 >= text.size()) return refuse();
  std::string_view rest = std::string_view(text).substr(bracket + 2);
  ProcessStat stat;
  stat.state = rest[0];
  for (int field = 3; field < 22; ++field) {
    const size_t blank = rest.find(' ');
    if (blank == rest.npos) return refuse();
    rest.remove_prefix(blank + 1);
  }
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), stat.start_ticks);
  if (error != std::errc()) return refuse();
  return stat;
}

Result<std::string> read_boot_id() {
  TRY(std::string text, read_file("/proc/sys/kernel/random/boot_id"));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

// By number, since the declarations of glibc 2.36 lack their extern "C".
Fd detail::process_handle(pid_t pid) { return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

Result<ProcessId> process_id_of(pid_t pid) {
  TRY(const ProcessStat stat, read_stat(pid));
  TRY(std::string boot_id, read_boot_id());
  return ProcessId{pid, stat.start_ticks, std::move(boot_id)};
}

bool is_alive(const ProcessId& process) {
  if (process.pid <= 0) return false;
  const Result<ProcessStat> stat = read_stat(process.pid);
  if (!stat || stat->start_ticks != process.start_ticks) return false;
  if (stat->state == 'Z' || stat->state == 'X' || stat->state == 'x') return false;
  const Result<std::string> boot_id = read_boot_id();
  return boot_id && *boot_id == process.boot_id;
}

Status signal_process(const ProcessId& process, int signal) {
  if (process.pid <= 0) return {};
  // The descriptor is taken first and holds the process; only then is it looked at. So no reuse of the number can come between.
  const Fd handle = detail::process_handle(process.pid);
  if (!handle && errno == ESRCH) return {};
  if (!handle && errno != ENOSYS && errno != EPERM) {
    return fail(errno_error(errno, fmt::format("open process {}", process.pid)));
  }
  if (!is_alive(process)) return {};
  const int failed =
      handle ? static_cast<int>(syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0)) : kill(process.pid, signal);
  if (failed == 0 || errno == ESRCH) return {};
  return fail(errno_error(errno, fmt::format("send signal {} to process {}", signal, process.pid)));
}

std::map<std::string, std::string> current_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == text.npos || equals == 0) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));  // the first of two of a name, as getenv has it
  }
  return variables;
}

std::optional<std::filesystem::path> find_program(std::string_view name, std::string_view path_value) {
  if (name.empty() || name.find('\0') != name.npos) return std::nullopt;
  const auto is_program = [](const std::filesystem::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != name.npos) {
    const std::filesystem::path path(name);
    return is_program(path) ? std::optional(path) : std::nullopt;
  }
  while (!path_value.empty()) {
    const size_t colon = path_value.find(':');
    const std::string_view folder = path_value.substr(0, colon);
    path_value = colon == path_value.npos ? std::string_view() : path_value.substr(colon + 1);
    // An empty entry means the current folder to a shell; nobody who writes one wants a program from there.
    if (folder.empty()) continue;
    std::filesystem::path path = std::filesystem::path(folder) / name;
    if (is_program(path)) return path;
  }
  return std::nullopt;
}

std::filesystem::path own_executable() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error);
}

}  // namespace werkbank
