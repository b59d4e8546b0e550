#include "base/process_tree.hh"

#include <dirent.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/spawn.hh"

namespace werkbank {
namespace {

struct Entry {
  pid_t parent = 0;
  char state = '?';
  uint64_t start_ticks = 0;
};

std::optional<Entry> read_entry(pid_t pid) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/stat", pid));
  if (!text) return std::nullopt;  // gone meanwhile
  const size_t bracket = text->rfind(')');
  if (bracket == text->npos || bracket + 4 >= text->size()) return std::nullopt;
  std::string_view rest = std::string_view(*text).substr(bracket + 2);
  Entry entry;
  entry.state = rest[0];
  for (int field = 3; field < 22; ++field) {
    const size_t blank = rest.find(' ');
    if (blank == rest.npos) return std::nullopt;
    rest.remove_prefix(blank + 1);
    if (field == 3) std::from_chars(rest.data(), rest.data() + rest.size(), entry.parent);
  }
  std::from_chars(rest.data(), rest.data() + rest.size(), entry.start_ticks);
  return entry;
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
  if (!folder) return pids;
  while (const dirent* const entry = readdir(folder.get())) {
    const std::string_view name(entry->d_name);
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size() && pid > 0) pids.push_back(pid);
  }
  return pids;
}

// The environment a process was started with; empty where it is another user's.
bool carries(pid_t pid, std::string_view assignment) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/environ", pid));
  if (!text) return false;
  std::string_view rest(*text);
  while (!rest.empty()) {
    const size_t end = rest.find('\0');
    if (rest.substr(0, end) == assignment) return true;
    if (end == rest.npos) return false;
    rest.remove_prefix(end + 1);
  }
  return false;
}

bool descends(pid_t pid, pid_t ancestor, const std::unordered_map<pid_t, Entry>& entries) {
  // A look is not one moment: a number that was reused could close a circle, so the way up has an end.
  for (size_t steps = 0; steps <= entries.size(); ++steps) {
    const auto found = entries.find(pid);
    if (found == entries.end() || found->second.parent <= 0) return false;
    if (found->second.parent == ancestor) return true;
    pid = found->second.parent;
  }
  return false;
}

constexpr int kBetweenLooksMs = 3;

std::chrono::steady_clock::duration since(std::chrono::steady_clock::time_point start) {
  return std::chrono::steady_clock::now() - start;
}

}  // namespace

Fd process_handle(pid_t pid) { return detail::process_handle(pid); }

std::vector<ProcessId> find_processes(const ProcessSelection& selection) {
  std::unordered_map<pid_t, Entry> entries;
  for (const pid_t pid : all_pids()) {
    if (const auto entry = read_entry(pid)) entries.emplace(pid, *entry);
  }
  const std::string assignment = selection.variable.empty() ? "" : selection.variable + "=" + selection.value;
  std::vector<ProcessId> found;
  std::string boot_id;
  for (const auto& [pid, entry] : entries) {
    if (pid == getpid() || selection.spared.contains(pid)) continue;
    if (entry.state == 'Z' || entry.state == 'X' || entry.state == 'x') continue;
    const bool is_meant = (selection.ancestor > 0 && descends(pid, selection.ancestor, entries)) ||
                          (!assignment.empty() && carries(pid, assignment));
    if (!is_meant) continue;
    if (boot_id.empty()) {
      const Result<ProcessId> self = process_id_of(getpid());
      if (!self) return found;  // without /proc there is nobody to find either
      boot_id = self->boot_id;
    }
    found.push_back(ProcessId{pid, entry.start_ticks, boot_id});
  }
  return found;
}

Status end_processes(const ProcessSelection& selection, const EndOptions& options, const std::function<bool()>& is_over) {
  using std::chrono::milliseconds;
  const auto start = std::chrono::steady_clock::now();
  std::set<std::pair<pid_t, uint64_t>> asked;
  milliseconds pause(1);
  int empty_looks = 0;
  while (!is_over || !is_over()) {
    const std::vector<ProcessId> left = find_processes(selection);
    if (left.empty() && (asked.empty() || ++empty_looks == 2)) return {};
    if (left.empty()) {
      // A look takes a while: who was born behind its back, or has not got its own environment yet, shows in the next one.
      poll(nullptr, 0, kBetweenLooksMs);
      continue;
    }
    empty_looks = 0;
    const bool is_late = since(start) >= options.grace;
    for (const ProcessId& process : left) {
      const bool is_new = asked.emplace(process.pid, process.start_ticks).second;
      if (is_late) {
        static_cast<void>(signal_process(process, SIGKILL));
      } else if (is_new) {
        static_cast<void>(signal_process(process, SIGTERM));
        static_cast<void>(signal_process(process, SIGCONT));  // a stopped process would not hear it
      }
    }
    if (since(start) >= options.grace + options.patience) {
      std::vector<pid_t> pids;
      for (const ProcessId& process : left) pids.push_back(process.pid);
      return fail(errors::unavailable, fmt::format("processes that were killed are still there: {}", fmt::join(pids, ", ")));
    }
    poll(nullptr, 0, static_cast<int>(pause.count()));
    pause = std::min(pause * 2, milliseconds(50));
  }
  return {};
}

}  // namespace werkbank
