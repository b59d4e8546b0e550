#include "mount/mount_table.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "base/files.hh"
#include "base/process.hh"

namespace werkbank::mount {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDevice = "/dev/fuse";
constexpr const char* kInContainer =
    "On the machine: modprobe fuse. In a container: start it with --device /dev/fuse --cap-add SYS_ADMIN. Without it the data "
    "can "
    "be downloaded.";
constexpr std::chrono::seconds kToolPatience{20};

// Blanks and the like stand as \040 in the kernel's table.
std::string unescape(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    unsigned code = 0;
    const char* const digits = text.data() + at + 1;
    if (text[at] == '\\' && at + 3 < text.size() && std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3) {
      plain += static_cast<char>(code);
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

std::string search_path() {
  const auto environment = current_environment();
  const auto found = environment.find("PATH");
  return (found == environment.end() ? "" : found->second + ":") + std::string("/usr/bin:/bin");
}

bool may_administer() {
  const Result<std::string> status = read_file("/proc/self/status");
  const size_t at = status ? status->find("CapEff:\t") : std::string::npos;
  if (at == std::string::npos) return true;
  uint64_t held = 0;
  const char* const digits = status->data() + at + 8;
  std::from_chars(digits, status->data() + status->size(), held, 16);
  return ((held >> CAP_SYS_ADMIN) & 1) != 0;
}

Status detach(const fs::path& folder) {
  if (::umount2(folder.c_str(), MNT_DETACH) == 0) return {};
  if (errno != EPERM) return fail(errno_error(errno, folder.string()));
  const auto tool = find_program("fusermount3", search_path());
  if (!tool) return fail(errors::mount_unavailable, "fusermount3 is not there", "Install the package fuse3.");
  SpawnPlan plan{.argv = {tool->string(), "-u", "-z", "--", folder.string()}, .environment = current_environment()};
  TRY(const ProcessResult result, run_process(plan, kToolPatience));
  if (result.exit_code == 0) return {};
  return fail(errors::io_failed, fmt::format("{} cannot be unmounted: {}", folder.string(), result.err));
}

}  // namespace

Status check_mounts_possible() {
  if (::access(kDevice, F_OK) != 0)
    return fail(errors::mount_unavailable, fmt::format("{} is not there: the kernel does not offer FUSE here", kDevice),
                kInContainer);
  const int device = ::open(kDevice, O_RDWR | O_CLOEXEC);
  const int failure = errno;
  if (device < 0) {
    return fail(errors::mount_unavailable,
                fmt::format("{} cannot be opened: {}", kDevice, std::generic_category().message(failure)), kInContainer);
  }
  ::close(device);
  if (::geteuid() == 0) {
    if (may_administer()) return {};
    return fail(errors::mount_unavailable, "this process lacks the capability SYS_ADMIN, which mounting takes", kInContainer);
  }
  if (find_program("fusermount3", search_path())) return {};
  return fail(errors::mount_unavailable, "fusermount3, which mounts for users, is not there", "Install the package fuse3.");
}

std::vector<MountPoint> parse_mount_table(std::string_view text) {
  std::vector<MountPoint> points;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = words_of(text.substr(0, end));
    const auto dash = std::ranges::find(words, std::string_view("-"));
    if (words.size() > 6 && dash != words.end() && dash + 1 != words.end())
      points.push_back({unescape(words[4]), std::string(dash[1]), std::string(words[2])});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return points;
}

Result<std::vector<MountPoint>> mount_points() {
  TRY(const std::string text, read_file("/proc/self/mountinfo"));
  return parse_mount_table(text);
}

Result<fs::path> mount_place(const fs::path& folder) {
  std::error_code failure;
  fs::path place = fs::absolute(folder, failure).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();
  const fs::path above = fs::weakly_canonical(place.parent_path(), failure);
  if (failure) return fail(errno_error(failure.value(), place.string()));
  return above / place.filename();
}

Status unmount(const fs::path& folder) {
  TRY(const fs::path place, mount_place(folder));
  TRY(const std::vector<MountPoint> points, mount_points());
  // The one mounted last lies on top.
  const auto found =
      std::find_if(points.rbegin(), points.rend(), [&place](const MountPoint& point) { return point.folder == place; });
  if (found == points.rend() || found->type != kFileSystemType)
    return fail(errors::not_found, fmt::format("nothing of Werkbank is mounted at {}", place.string()));
  return detach(place);
}

Status unmount_below(const fs::path& folder) {
  TRY(const fs::path place, mount_place(folder));
  TRY(std::vector<MountPoint> points, mount_points());
  std::ranges::reverse(points);
  const std::string below = place.string() + "/";
  for (const MountPoint& point : points) {
    const bool is_inside = point.folder == place || point.folder.string().starts_with(below);
    if (is_inside && point.type == kFileSystemType) CHECK_OK(detach(point.folder));
  }
  return {};
}

}  // namespace werkbank::mount
