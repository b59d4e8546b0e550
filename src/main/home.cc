#include "main/home.hh"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstring>

#include "base/file_system.hh"
#include "main/unzip.hh"

namespace werkbank {
namespace {

Status refuse_network_file_system(const std::filesystem::path& folder) {
  TRY(const FileSystemKind kind, file_system_kind(folder));
  if (kind.network.empty()) return {};
  return fail(errors::home_refused, fmt::format("{} lies on a network file system ({})", folder.string(), kind.network),
              "Its locks and its fsync do not keep what is acknowledged: choose a folder on a local disk with WERKBANK_HOME=….");
}

// Tells one build's file from another's at every start, so it has to be quick; that it is whole is another matter (fsync,
// `complete`).
std::string build_mark(std::string_view bytes) {
  const auto* const data = reinterpret_cast<const Bytef*>(bytes.data());
  return fmt::format("{:08x}{:08x}", crc32_z(0, data, bytes.size()), bytes.size());
}

}  // namespace

Result<Home> Home::open(const std::filesystem::path& folder) {
  CHECK_OK(refuse_network_file_system(folder));
  for (const char* const part : {"", "db", "content", "work", "environments", "bin", "sdk", "logs", "backups"}) {
    if (Status made = make_directories(folder / part); !made) {
      return fail(errors::home_refused, fmt::format("{} cannot be made: {}", (folder / part).string(), made.error().message));
    }
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return fail(errors::home_refused, fmt::format("{} is not writable: {}", folder.string(), std::strerror(errno)));
  }
  Result<std::optional<FileLock>> lock = FileLock::try_lock(folder / "server.lock");
  if (!lock) return fail(errors::home_refused, fmt::format("{} cannot be locked: {}", folder.string(), lock.error().message));
  if (!*lock) {
    return fail(
        errors::store_busy, fmt::format("another server works on {}", folder.string()),
        "Use that one (werkbank server status), stop it (werkbank server stop), or choose another folder with WERKBANK_HOME=….");
  }
  return Home(folder, std::move(**lock));
}

Result<std::string> Home::installation_id() const {
  const std::filesystem::path mark = installation_mark();
  std::error_code unknown;
  if (!std::filesystem::exists(mark, unknown)) return std::string();
  return read_file(mark, 4096);
}

Status Home::refuse_losses() const {
  TRY(const std::string id, installation_id());
  if (id.empty()) return {};
  for (const std::filesystem::path& part : {records(), series() / "series.db", vault_key()}) {
    struct stat facts{};
    const bool there = stat(part.c_str(), &facts) == 0;
    if (there && facts.st_size > 0) continue;
    return fail(
        errors::home_incomplete, fmt::format("{} is {}, and this home was in use", part.string(), there ? "empty" : "gone"),
        fmt::format("Put it back from a copy; or `werkbank restore --replace BACKUP`, where daily copies of the records lie "
                    "in {}. To begin anew, move {} away.",
                    backups().string(), folder_.string()));
  }
  return {};
}

Status Home::put_installation_id(const std::string& id) const {
  TRY(const std::string known, installation_id());
  if (known == id) return {};
  if (!known.empty()) {
    return fail(errors::home_incomplete, fmt::format("{} holds the records of another installation", records().string()),
                "Put back the file that belongs here, or bring a whole backup in with `werkbank restore --replace BACKUP`.");
  }
  return write_file_atomically(installation_mark(), id, 0600);
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
