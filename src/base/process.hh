// Processes: posix_spawn only (never fork: 50 ms from a server with gigabytes resident), and the identity of a process that
// survives reuse of its number.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.hh"
#include "base/result.hh"

namespace werkbank {

// A process for good: the number alone may be reused after its end or a reboot.
struct ProcessId {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat
  std::string boot_id;       // /proc/sys/kernel/random/boot_id
  bool operator==(const ProcessId&) const = default;
};
Result<ProcessId> process_id_of(pid_t pid);
bool is_alive(const ProcessId& process);  // false for a zombie, too
// SIGxxx to that very process; absent is success.
Status signal_process(const ProcessId& process, int signal);

struct SpawnPlan {
  std::vector<std::string> argv;                   // argv[0] is a path, or a name looked up in `environment`'s PATH; a relative
                                                   // path starts at working_directory, the other paths at the caller's folder
  std::map<std::string, std::string> environment;  // the whole environment: nothing is inherited
  std::filesystem::path working_directory;         // empty: the caller's
  std::filesystem::path stdin_path = "/dev/null";
  std::filesystem::path stdout_path;  // opened for append, created; empty: inherited
  std::filesystem::path stderr_path;
  bool new_session = false;  // setsid
};
Result<pid_t> spawn_process(const SpawnPlan& plan);

struct ProcessResult {
  int exit_code = -1;  // 128 + n after signal n
  std::string out;
  std::string err;
  bool timed_out = false;
};
// Runs to the end and captures both outputs (each at most size_max; more is cut). For small helpers such as git.
Result<ProcessResult> run_process(const SpawnPlan& plan, std::chrono::milliseconds timeout, size_t size_max = 4 << 20);

// The current process's environment as a map; and the lookup of a program in a PATH value.
std::map<std::string, std::string> current_environment();
std::optional<std::filesystem::path> find_program(std::string_view name, std::string_view path_value);
std::filesystem::path own_executable();

}  // namespace werkbank
