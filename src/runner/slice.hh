// Confines the calling process, and all that it starts, to its slice of the machine.
#pragma once

#include <optional>
#include <string>

#include "base/memory_group.hh"
#include "domain/machine_slice.hh"
#include "domain/work_folder.hh"

namespace werkbank::runner {

class Confinement {
 public:
  // Cores by affinity, memory by a control group or, where none may be made, by a limit on each process. An empty slice changes
  // nothing. What cannot be enforced is logged: the run goes on.
  Confinement(const WorkFolder& folder, const MachineSlice& slice);
  // The group goes, unless other processes of the run are still in it.
  void end();

 private:
  std::optional<MemoryGroup> group_;
};

// The name of the control group: the slice's, or the work folder's own. The target removes one that a dead shim has left.
std::string group_name(const WorkFolder& folder, const MachineSlice& slice);

}  // namespace werkbank::runner
