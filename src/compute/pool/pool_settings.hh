// The settings of an AmlCompute pool: its record's document, as the API shows it.
#pragma once

#include <string>

#include "base/json.hh"

namespace werkbank::compute {

struct PoolSettings {
  std::string vm_size;
  bool low_priority = false;  // vmPriority: dedicated or lowpriority
  int64_t min_nodes = 0;
  int64_t max_nodes = 4;
  int64_t idle_seconds_before_scaledown = 120;
  bool delete_with_runs = false;  // it was made for runs, and goes when none is left that has not ended
  // Kept and shown for v1's sake: nobody logs in to a slice of this machine, and it acts as the server's user.
  std::string admin_username, remote_login_port_public_access = "NotSpecified", identity_type;
  std::vector<std::string> identity_ids;
};

// Numbers may be texts. `previous`: what is changed; its vmSize and vmPriority stay. invalid_request naming the field;
// network_unknown where a network is named, because none can be declared yet.
Result<PoolSettings> pool_settings_from_json(const json::object& value, const PoolSettings* previous = nullptr);
json::object to_json(const PoolSettings& settings);

}  // namespace werkbank::compute
