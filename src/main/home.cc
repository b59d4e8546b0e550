#include "main/home.hh"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstring>

#include "main/unzip.hh"

namespace werkbank {
namespace {

// File systems on which locks, fsync or sockets do not keep what a store needs.
constexpr std::array<std::pair<uint32_t, std::string_view>, 7> kNetworkFileSystems{{
    {NFS_SUPER_MAGIC, "NFS"},
    {SMB_SUPER_MAGIC, "SMB"},
    {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},
    {AFS_SUPER_MAGIC, "AFS"},
    {0x00C36400, "Ceph"},
    {0x0BD00BD0, "Lustre"},
}};

Status refuse_network_file_system(const std::filesystem::path& folder) {
  struct statfs facts{};
  if (statfs(folder.c_str(), &facts) != 0) return fail(errno_error(errno, folder.string()));
  for (const auto& [magic, name] : kNetworkFileSystems) {
    if (static_cast<uint32_t>(facts.f_type) == magic) {
      return fail(
          errors::home_refused, fmt::format("{} lies on a network file system ({})", folder.string(), name),
          "Its locks and its fsync do not keep what is acknowledged: choose a folder on a local disk with WERKBANK_HOME=….");
    }
  }
  return {};
}

// Tells one build's file from another's at every start, so it has to be quick; that it is whole is another matter (fsync,
// `complete`).
std::string build_mark(std::string_view bytes) {
  const auto* const data = reinterpret_cast<const Bytef*>(bytes.data());
  return fmt::format("{:08x}{:08x}", crc32_z(0, data, bytes.size()), bytes.size());
}

}  // namespace

Result<Home> Home::open(const std::filesystem::path& folder) {
  for (const char* const part : {"", "db", "content", "work", "environments", "bin", "sdk", "logs", "backups"}) {
    if (Status made = make_directories(folder / part); !made) {
      return fail(errors::home_refused, fmt::format("{} cannot be made: {}", (folder / part).string(), made.error().message));
    }
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return fail(errors::home_refused, fmt::format("{} is not writable: {}", folder.string(), std::strerror(errno)));
  }
  CHECK_OK(refuse_network_file_system(folder));
  Result<std::optional<FileLock>> lock = FileLock::try_lock(folder / "server.lock");
  if (!lock) return fail(errors::home_refused, fmt::format("{} cannot be locked: {}", folder.string(), lock.error().message));
  if (!*lock) {
    return fail(
        errors::store_busy, fmt::format("another server works on {}", folder.string()),
        "Use that one (werkbank server status), stop it (werkbank server stop), or choose another folder with WERKBANK_HOME=….");
  }
  return Home(folder, std::move(**lock));
}

Result<std::filesystem::path> Home::unpack_program(std::string_view name, std::string_view bytes) const {
  const std::filesystem::path path = folder_ / "bin" / fmt::format("{}-{}", name, build_mark(bytes));
  struct stat facts{};
  if (stat(path.c_str(), &facts) == 0 && static_cast<uint64_t>(facts.st_size) == bytes.size()) return path;
  CHECK_OK(write_file_atomically(path, bytes, 0700));
  return path;
}

Result<std::filesystem::path> Home::unpack_sdk(std::string_view wheel) const {
  const std::filesystem::path path = folder_ / "sdk" / build_mark(wheel);
  if (std::filesystem::exists(path / "complete")) return path;
  CHECK_OK(remove_tree(path));
  CHECK_OK(unzip(wheel, path));
  CHECK_OK(write_file_atomically(path / "complete", "", 0600));
  return path;
}

}  // namespace werkbank
