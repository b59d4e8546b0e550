// The sizes of nodes by name. Familiar names of Azure stand for so many cores, so much memory and so many GPUs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace werkbank::compute {

struct VmSize {
  std::string name;  // "STANDARD_D2_V2"
  int64_t cores = 1;
  int64_t memory_mib = 0;
  int64_t gpus = 0;
};

// All familiar names, in upper case.
const std::vector<VmSize>& familiar_vm_sizes();
// Any case. vm_size_unknown naming the nearest; `own`: names of the provider beside the familiar ones.
Result<VmSize> find_vm_size(std::string_view name, const std::vector<VmSize>& own);

}  // namespace werkbank::compute
