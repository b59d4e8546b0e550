// Wheels for pip on this machine, without a server: our SDK's, and those that stand for v1's packages.
#pragma once

#include <filesystem>

#include "base/result.hh"

namespace werkbank {

// Below the home (cli::package_folder), unless they are there and this program's own; answers the folder.
Result<std::filesystem::path> write_packages(const std::filesystem::path& home);
// The same where there are some of another version; nothing where there are none.
Status refresh_packages(const std::filesystem::path& home);

}  // namespace werkbank
