#include "runner/memory_kills.hh"

#include <signal.h>

#include <charconv>
#include <filesystem>
#include <string>

#include "base/files.hh"

namespace werkbank::runner {
namespace {

std::optional<uint64_t> count_in_file(const std::filesystem::path& path) {
  const Result<std::string> text = read_file(path, 1024 * 1024);
  return text ? oom_kill_count(*text) : std::nullopt;
}

// A line of /proc/self/cgroup is "id:controllers:path"; version 2 has no controllers.
std::optional<uint64_t> count_in_cgroup() {
  const Result<std::string> text = read_file("/proc/self/cgroup", 1024 * 1024);
  if (!text) return std::nullopt;
  std::string_view rest(*text);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    if (controllers.empty()) {
      if (const auto count = count_in_file("/sys/fs/cgroup" + path + "/memory.events")) return count;
    } else if (controllers.find("memory") != controllers.npos) {
      if (const auto count = count_in_file("/sys/fs/cgroup/memory" + path + "/memory.oom_control")) return count;
    }
  }
  return std::nullopt;
}

bool grew(const std::optional<uint64_t>& before, const std::optional<uint64_t>& after) {
  return before && after && *after > *before;
}

}  // namespace

std::optional<uint64_t> oom_kill_count(std::string_view text) {
  constexpr std::string_view kWord = "oom_kill ";
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(kWord)) continue;
    const std::string_view digits = line.substr(kWord.size());
    uint64_t count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error == std::errc()) return count;
  }
  return std::nullopt;
}

MemoryKills read_memory_kills() { return {count_in_cgroup(), count_in_file("/proc/vmstat")}; }

bool was_killed_for_memory(const MemoryKills& before, const MemoryKills& after, const ExitRecord& record) {
  constexpr int kShellSaysKilled = 128 + SIGKILL;
  const bool killed = record.signal == SIGKILL;
  const bool child_killed = record.exit_code == kShellSaysKilled;
  if (before.in_cgroup && after.in_cgroup) return (killed || child_killed) && grew(before.in_cgroup, after.in_cgroup);
  return killed && grew(before.on_machine, after.on_machine);
}

}  // namespace werkbank::runner
