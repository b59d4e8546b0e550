// What clients may change of a run, whichever way they ask.
#pragma once

#include <optional>
#include <string>

#include "api/api.hh"

namespace werkbank::api {

struct RunChange {
  std::optional<std::string> display_name, description;
  json::object tags;           // null takes a tag away
  TextMap properties, params;  // properties are set once
};

std::string etag_of(const Run& run);
// A job makes runs below itself only: denied for another parent.
Status check_family(Api& api, const access::Identity& identity, const std::string& workspace, const std::string& parent_id);
// run_not_found; property_exists; run_state_conflict where `if_match` is another state than the present one (empty, "*": any).
Task<Result<Run>> change_run(Api& api, RunKey key, RunChange change, std::string if_match = {});

}  // namespace werkbank::api
