// Where a run's files may lie: no file is below another one, so that all of them can be written into a folder.
#pragma once

#include "store/store.hh"

namespace werkbank::api {

// The stored files that keep `path` from being a file: those it would lie below, and those that lie below it. A lookup for each
// folder above, and one for all below.
Result<std::vector<Artifact>> files_in_the_way(store::Reader& reader, const RunKey& run, const std::string& path);

// `path` lies in `folder`, or deeper below it.
bool is_above(std::string_view folder, std::string_view path);

// already_exists, naming both.
std::unexpected<Error> no_place(const RunKey& run, const std::string& path, const std::string& other);

}  // namespace werkbank::api
