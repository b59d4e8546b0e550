// A folder's snapshot with its progress and notes on the terminal; used by submit and by `snapshot create`.
#pragma once

#include <filesystem>
#include <string>

#include "cli/context.hh"
#include "client/snapshot_push.hh"

namespace werkbank::cli {

Result<client::SnapshotResult> push_snapshot(Context& context, const std::string& workspace, const std::filesystem::path& folder);
// The same for a file or folder as it is, under its own name (client::take_path).
Result<client::SnapshotResult> push_path(Context& context, const std::string& workspace, const std::filesystem::path& path);

}  // namespace werkbank::cli
