// Whether the kernel killed for want of memory: its own counters, read before and after.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "domain/work_folder.hh"

namespace werkbank::runner {

struct MemoryKills {
  std::optional<uint64_t> in_cgroup;   // of this process's control group and those below it
  std::optional<uint64_t> on_machine;  // /proc/vmstat: of everybody
};
MemoryKills read_memory_kills();

// Honest guess: killed by SIGKILL (or a shell's 137) while a counter grew. The machine's counter is everybody's, so it only
// counts for a direct SIGKILL, and only where the control group's own is not there to ask.
bool was_killed_for_memory(const MemoryKills& before, const MemoryKills& after, const ExitRecord& record);

// The number behind "oom_kill " in such a file's text.
std::optional<uint64_t> oom_kill_count(std::string_view text);

}  // namespace werkbank::runner
