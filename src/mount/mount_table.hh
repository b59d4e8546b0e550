// What this machine says of mounts: may there be some, which are ours, away with one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hh"

namespace werkbank::mount {

inline constexpr const char* kFileSystemType = "fuse.werkbank";

struct MountPoint {
  std::filesystem::path folder;
  std::string type;
  std::string device;  // "0:39"
};

// mount_unavailable, whose hint says what is missing here: the kernel's part, the right to it, or fusermount3.
Status check_mounts_possible();
Result<std::vector<MountPoint>> mount_points();
// The text of /proc/self/mountinfo; lines that are none are left out.
std::vector<MountPoint> parse_mount_table(std::string_view text);
// Absolute, with the folders above it followed. Never looks at the folder itself: behind it may be a mount that is dead.
Result<std::filesystem::path> mount_place(const std::filesystem::path& folder);

// Takes our mount away; who has files of it open reads on while its process lives. not_found: nothing of ours is mounted there.
Status unmount(const std::filesystem::path& folder);
// All of ours at or below a folder, before it is removed.
Status unmount_below(const std::filesystem::path& folder);

}  // namespace werkbank::mount
