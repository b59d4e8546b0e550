// v1's get_details document (v1_behaviour 3.3).
#pragma once

#include "api/api.hh"

namespace werkbank::api {

Result<json::object> run_details(Api& api, const RunKey& key);
// All files of a run: artifacts and live logs, by path; of a path in both, the artifact. Of a log in several attempts
// the newest one's. Ranks above 0 send theirs under other names, with "_<rank>" before the ending.
Result<std::vector<Artifact>> run_files(Api& api, const RunKey& key, const std::string& prefix);
// The target of a request for one file of a run.
std::string file_target(const RunKey& key, std::string_view path);

}  // namespace werkbank::api
