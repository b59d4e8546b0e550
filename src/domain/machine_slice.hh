// The part of a machine that belongs to one node of a pool: what a run on it may use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hh"

namespace werkbank {

struct MachineSlice {
  std::vector<int> cores;     // numbers as the kernel counts them; empty: all
  uint64_t memory_bytes = 0;  // 0: no limit
  std::vector<int> gpus;      // numbers as the driver counts them
  std::string group;          // hex digits; processes of one name share the memory. Empty: the process has it for itself
  bool operator==(const MachineSlice&) const = default;
};
json::object to_json(const MachineSlice& slice);
Result<MachineSlice> machine_slice_from_json(const json::value& value, const std::string& path = "slice");

}  // namespace werkbank
