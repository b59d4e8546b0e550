#include "runner/slice.hh"

#include <sched.h>

#include "base/log.hh"

namespace werkbank::runner {
namespace {

// The set grows with the number: machines may have more cores than a cpu_set_t.
Status keep_to_cores(const std::vector<int>& cores) {
  int highest = 0;
  for (const int core : cores) highest = std::max(highest, core);
  cpu_set_t* const set = CPU_ALLOC(highest + 1);
  if (set == nullptr) return fail(errors::io_failed, "no memory for a set of cores");
  const size_t size = CPU_ALLOC_SIZE(highest + 1);
  CPU_ZERO_S(size, set);
  for (const int core : cores) CPU_SET_S(core, size, set);
  const int outcome = sched_setaffinity(0, size, set);
  const int error = errno;
  CPU_FREE(set);
  if (outcome != 0) return fail(errno_error(error, "keep the run to its cores"));
  return {};
}

}  // namespace

std::string group_name(const WorkFolder& folder, const MachineSlice& slice) {
  return "werkbank-" + (slice.group.empty() ? folder.root.filename().native() : slice.group);
}

Confinement::Confinement(const WorkFolder& folder, const MachineSlice& slice) {
  if (!slice.cores.empty()) {
    if (const Status kept = keep_to_cores(slice.cores); !kept) log_warning("{}", kept.error().to_string());
  }
  if (slice.memory_bytes == 0) return;
  // Who shares a group may find it removed by one that leaves it at this moment: then it is made once more.
  for (int tries = slice.group.empty() ? 1 : 3; tries > 0; --tries) {
    Result<MemoryGroup> group = MemoryGroup::make(group_name(folder, slice), slice.memory_bytes);
    if (!group) break;
    Status entered = write_file_atomically(folder.memory_group(), group->folder().native(), 0600, false);
    if (entered) entered = group->enter();
    if (entered) {
      group_ = std::move(*group);
      return;
    }
    log_warning("memory group not entered: {}", entered.error().to_string());
    (void)group->leave_and_remove();
  }
  if (const Status limited = limit_data_of_each_process(slice.memory_bytes); !limited)
    log_warning("{}", limited.error().to_string());
}

void Confinement::end() {
  if (!group_) return;
  const Status removed = group_->leave_and_remove();
  if (!removed && removed.error().code != &errors::unavailable) log_warning("{}", removed.error().to_string());
}

}  // namespace werkbank::runner
