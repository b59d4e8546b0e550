// What `werkbank compute` and `az ml computetarget` have in common.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hh"

namespace werkbank::cli {

struct PoolOptions {
  std::string name, vm_size, vm_priority, min_nodes, max_nodes, idle_seconds, description;
  std::vector<std::string> tags;
};
void declare_scale(CLI::App& verb, PoolOptions& options);  // --min-nodes, --max-nodes, --idle-seconds-before-scaledown
void declare_pool(CLI::App& verb, PoolOptions& options);   // these, and --vm-size, --vm-priority, --description, --tag

// Each answers the target's document.
Result<json::value> create_pool(Context& context, const PoolOptions& options);
Result<json::value> update_pool(Context& context, const PoolOptions& options);  // usage where nothing is to be changed
Result<json::value> fetch_target(Context& context, const std::string& name);
Status delete_target(Context& context, const std::string& name);

}  // namespace werkbank::cli
