// A limit on the memory of a process with everything it starts: a control group (version 1 or 2) below or beside the caller's
// own, where the caller may make one; otherwise a limit on each process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hh"

namespace werkbank {

enum class MemoryEnforcement {
  kGroupV2,
  kGroupV1,
  kEachProcess,  // RLIMIT_DATA: no group may be made here
};
// Tries it out: makes a group and removes it.
MemoryEnforcement memory_enforcement();

class MemoryGroup {
 public:
  // A new, empty group (one of the name that is there is taken). `name` is one component of a path. not_supported where this
  // process may make none.
  static Result<MemoryGroup> make(const std::string& name, uint64_t limit_bytes);
  // Opened again by another process, by what folder() said.
  explicit MemoryGroup(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Status enter();  // the calling process, and what it starts from now on
  // The calling process goes back to the group above, if it is in; then the group goes. Absent is success; unavailable while
  // somebody is in it.
  Status leave_and_remove();
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

// Limits the data of the calling process and of each that it starts, one by one.
Status limit_data_of_each_process(uint64_t bytes);

}  // namespace werkbank
