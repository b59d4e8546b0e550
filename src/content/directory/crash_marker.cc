#include "content/directory/crash_marker.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace werkbank::content {

Status create_durable_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored)) return {};
  CHECK_OK(make_directories(folder));
  const std::filesystem::path parent = folder.parent_path();
  return sync_directory(parent.empty() ? std::filesystem::path(".") : parent);
}

Status sync_file_system(const std::filesystem::path& folder) {
  TRY(const Fd fd, open_file(folder, O_RDONLY | O_DIRECTORY));
  if (::syncfs(fd.get()) != 0) return fail(errno_error(errno, "cannot sync the file system of " + folder.string()));
  return {};
}

Result<CrashMarker> CrashMarker::open(const std::filesystem::path& folder) {
  std::filesystem::path file = folder / "unclean";
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return CrashMarker(std::move(file), false);
  }
  if (errno != EEXIST) return fail(errno_error(errno, "cannot create " + file.string()));
  CHECK_OK(sync_file_system(folder));
  return CrashMarker(std::move(file), true);
}

void CrashMarker::close() { ::unlink(file_.c_str()); }

}  // namespace werkbank::content
