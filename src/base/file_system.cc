#include "base/file_system.hh"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>

#include "base/files.hh"

namespace werkbank {
namespace {

// Those that linux/magic.h lacks are from their own kernel sources and statfs(2).
constexpr std::array<std::pair<uint32_t, std::string_view>, 9> kNetworkFileSystems{{
    {NFS_SUPER_MAGIC, "NFS"},
    {SMB_SUPER_MAGIC, "SMB"},
    {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},
    {AFS_SUPER_MAGIC, "AFS"},
    {0x6B414653, "AFS"},
    {0x00C36400, "Ceph"},
    {0x0BD00BD0, "Lustre"},
    {0x47504653, "GPFS"},
}};
constexpr std::array<std::pair<uint32_t, std::string_view>, 2> kUnknownFileSystems{{{V9FS_MAGIC, "9p"}, {0x65735546, "FUSE"}}};

template <size_t kCount>
std::string_view name_of(uint32_t type, const std::array<std::pair<uint32_t, std::string_view>, kCount>& known) {
  for (const auto& [magic, name] : known) {
    if (type == magic) return name;
  }
  return {};
}

}  // namespace

Result<FileSystemKind> file_system_kind(const std::filesystem::path& path) {
  std::filesystem::path there = path;
  std::error_code ignored;
  while (there.has_relative_path() && !std::filesystem::exists(there, ignored)) there = there.parent_path();
  struct statfs facts{};
  if (statfs(there.c_str(), &facts) != 0) return fail(errno_error(errno, there.string()));
  const auto type = static_cast<uint32_t>(facts.f_type);
  return FileSystemKind{name_of(type, kNetworkFileSystems), name_of(type, kUnknownFileSystems)};
}

}  // namespace werkbank
