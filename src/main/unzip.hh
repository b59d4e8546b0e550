// Unpacks a zip archive of stored and deflated files: our own wheel.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.hh"

namespace werkbank {

// invalid_request where the archive is malformed, path_refused where a name would leave the folder.
Status unzip(std::string_view archive, const std::filesystem::path& folder);

}  // namespace werkbank
