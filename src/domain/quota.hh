// How much of the installation a workspace, and a user in it, may have at the same time. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/json.hh"

namespace werkbank {

// What is counted. The names are the API's.
struct QuotaAmounts {
  int64_t cores = 0, gpus = 0, memory_mib = 0;  // of the nodes that runs hold
  int64_t disk_mib = 0;                         // of the files that runs have left
  int64_t runs = 0;                             // that hold room on a target

  QuotaAmounts& operator+=(const QuotaAmounts& other);
};

// Nothing: no limit.
struct QuotaLimits {
  std::optional<int64_t> cores, gpus, memory_mib, disk_mib, runs;
  bool operator==(const QuotaLimits&) const = default;
};

// Of one workspace.
struct Quotas {
  QuotaLimits workspace;                     // of all its users together
  QuotaLimits each_user;                     // of each user who has none of their own
  std::map<std::string, QuotaLimits> users;  // what is not limited here is as for each user

  QuotaLimits of_user(const std::string& user) const;
};

// The first limit that `used` and `wanted` together are beyond.
struct QuotaShortage {
  std::string resource;  // "cores", "GPUs", "MiB of memory", "MiB of disk", "runs"
  std::string option;    // of `werkbank quota set`
  int64_t limit = 0, used = 0, wanted = 0;
};
std::optional<QuotaShortage> find_shortage(const QuotaLimits& limits, const QuotaAmounts& used, const QuotaAmounts& wanted);

// Who has how much of a workspace, and whether somebody may have more.
struct QuotaBook {
  Quotas quotas;
  QuotaAmounts used;
  std::map<std::string, QuotaAmounts> used_by;

  // A sentence that names the limit and the use; nothing where it may be.
  std::optional<std::string> refusal(const std::string& user, const QuotaAmounts& wanted) const;
  // What stays a refusal when nobody else has anything; with the use of disk space, which does not end with the runs.
  std::optional<std::string> refusal_for_ever(const std::string& user, const QuotaAmounts& wanted) const;
  // How to allow it.
  std::string hint(const std::string& workspace, const std::string& user, const QuotaAmounts& wanted) const;
  void take(const std::string& user, const QuotaAmounts& amounts);
};

json::object to_json(const QuotaAmounts& amounts);
json::object to_json(const QuotaLimits& limits);  // null: none
json::object to_json(const Quotas& quotas);
// A change: only what is named is set, null lifts it. invalid_request naming the field.
Status change_limits(QuotaLimits& limits, const json::value& value, const std::string& path);
Result<Quotas> quotas_from_json(const json::value& value);

}  // namespace werkbank
