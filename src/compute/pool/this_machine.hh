// The provider `this machine`: cores, memory and GPUs are handed out once, to whichever pool asks.
#pragma once

#include "compute/pool/node_provider.hh"

namespace werkbank::compute {

struct MachineFacts {
  std::vector<int> cores;  // that this process may use
  int64_t memory_mib = 0;  // of the machine, or of the control group this process is in
  std::vector<int> gpus;
};
MachineFacts read_machine_facts();

std::unique_ptr<NodeProvider> make_this_machine(MachineFacts facts);

}  // namespace werkbank::compute
