#include "client/snapshot_walk.hh"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "domain/snapshot.hh"

namespace werkbank::client {
namespace {

constexpr size_t kFilesMax = 2'000'000;
constexpr size_t kDepthMax = 256;  // one descriptor each

std::unexpected<Error> refuse(const std::string& path, std::string_view why) {
  return fail(errors::snapshot_refused, fmt::format("{:?} {}", escape_snapshot_path(path), why));
}

std::string reason(int error_number) { return fmt::format("cannot be read ({})", std::strerror(error_number)); }

std::string join(const std::string& folder, const std::string& name) { return folder.empty() ? name : folder + '/' + name; }

// Where a link ends, without links; empty where it ends nowhere.
std::string real_path(const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return {};
  std::string text(resolved);
  std::free(resolved);
  return text;
}

std::string link_target(int folder, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(folder, name.c_str(), target, sizeof target);
  return size < 0 ? std::string() : std::string(target, static_cast<size_t>(size));
}

}  // namespace

Status FolderWalk::run() {
  TRY(Fd fd, open_file(root_, O_RDONLY | O_DIRECTORY));
  CHECK_OK(visit_folder(std::move(fd), ""));
  std::ranges::sort(files_, {}, &FoundFile::path);
  return {};
}

Result<std::vector<FolderWalk::Name>> FolderWalk::list(Fd fd, const std::string& path) const {
  const int number = fd.get();
  DIR* const directory = ::fdopendir(number);
  if (directory == nullptr) return fail(errno_error(errno, "cannot list " + join(root_, path)));
  fd.release();  // closedir() closes it
  std::vector<Name> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    // Version control is of no use to a run; also below the root: a submodule has one, too.
    if (name == "." || name == ".." || name == ".git") continue;
    names.push_back({std::string(name), entry->d_type});
  }
  const int error_number = errno;
  ::closedir(directory);
  if (error_number != 0) return fail(errno_error(error_number, "cannot list " + join(root_, path)));
  std::ranges::sort(names, {}, &Name::text);
  return names;
}

bool FolderWalk::is_virtual_environment(int folder, const std::vector<Name>& names) const {
  const auto has = [&names](std::string_view text) { return std::ranges::binary_search(names, text, {}, &Name::text); };
  return has("pyvenv.cfg") || (has("conda-meta") && ::faccessat(folder, "conda-meta/history", F_OK, 0) == 0);
}

Status FolderWalk::visit_folder(Fd fd, const std::string& path) {
  struct stat facts{};
  if (::fstat(fd.get(), &facts) != 0) return fail(errno_error(errno, "cannot look at " + join(root_, path)));
  for (const Place& place : around_) {
    if (place.device != facts.st_dev || place.inode != facts.st_ino) continue;
    return refuse(path, fmt::format("leads back to the folder around it, {:?}", place.path.empty() ? "." : place.path));
  }
  if (around_.size() >= kDepthMax) return refuse(path, fmt::format("lies deeper than {} folders", kDepthMax));
  Fd listed(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!listed) return fail(errno_error(errno, "cannot list " + join(root_, path)));
  TRY(const std::vector<Name> names, list(std::move(listed), path));
  if (!path.empty() && is_virtual_environment(fd.get(), names)) {
    leave_out(path + '/', "is a virtual environment; a run gets its own");
    return {};
  }
  around_.push_back({facts.st_dev, facts.st_ino, path});
  for (const Name& name : names) CHECK_OK(visit_entry(fd.get(), name, join(path, name.text)));
  around_.pop_back();
  return {};
}

Status FolderWalk::visit_entry(int folder, const Name& name, const std::string& path) {
  unsigned char type = name.type;
  struct stat facts{};
  bool looked = false;
  const auto look = [&] {
    looked = true;
    return ::fstatat(folder, name.text.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0;
  };
  if (type == DT_UNKNOWN) {
    if (!look()) return {};  // gone meanwhile
    type = static_cast<unsigned char>(IFTODT(facts.st_mode));
  }
  if (type == DT_LNK) return visit_link(folder, name, path);
  if (rules_.is_ignored(path, type == DT_DIR)) return {};
  if (type == DT_DIR) return enter(folder, name, path, false);
  if (type != DT_REG) {
    leave_out(path, "is neither a file nor a folder");
    return {};
  }
  if (!looked && !look()) {
    if (errno == ENOENT) return {};
    leave_out(path, reason(errno));
    return {};
  }
  if (!S_ISREG(facts.st_mode)) return refuse(path, "changed while the folder was looked through");
  return add_file(path, facts);
}

Status FolderWalk::visit_link(int folder, const Name& name, const std::string& path) {
  struct stat facts{};
  const int error_number = ::fstatat(folder, name.text.c_str(), &facts, 0) == 0 ? 0 : errno;
  if (rules_.is_ignored(path, error_number == 0 && S_ISDIR(facts.st_mode))) return {};
  const std::string target = link_target(folder, name.text);
  if (error_number == ELOOP)
    return refuse(path, fmt::format("is a link that leads in a circle (to {:?})", escape_snapshot_path(target)));
  if (error_number == ENOENT || error_number == ENOTDIR) {
    leave_out(path, "is a link that leads nowhere");
    return {};
  }
  const std::string real = real_path(root_ + '/' + path);
  if (error_number != 0 || real.empty()) {
    leave_out(path, reason(error_number != 0 ? error_number : errno));
    return {};
  }
  const bool is_inside = real == root_ || root_ == "/" || real.starts_with(root_ + '/');
  if (!is_inside) {
    return fail(
        errors::snapshot_refused,
        fmt::format("{:?} is a link to {:?}, outside the folder", escape_snapshot_path(path), escape_snapshot_path(target)),
        "Copy what it points to into the folder, or exclude the link in .amlignore.");
  }
  if (S_ISDIR(facts.st_mode)) return enter(folder, name, path, true);
  if (!S_ISREG(facts.st_mode)) {
    leave_out(path, "is neither a file nor a folder");
    return {};
  }
  return add_file(path, facts);
}

Status FolderWalk::enter(int folder, const Name& name, const std::string& path, bool is_link) {
  if (name.text == "__pycache__") return {};
  Fd fd(::openat(folder, name.text.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_link ? 0 : O_NOFOLLOW)));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE) return fail(errno_error(errno, "cannot open " + join(root_, path)));
    if (errno != ENOENT) leave_out(path + '/', reason(errno));
    return {};
  }
  return visit_folder(std::move(fd), path);
}

Status FolderWalk::add_file(const std::string& path, const struct stat& facts) {
  if (Status checked = check_snapshot_path(path); !checked) return fail(errors::snapshot_refused, checked.error().message);
  if (files_.size() >= kFilesMax) {
    return fail(errors::snapshot_refused, fmt::format("the folder has more than {} files", kFilesMax),
                "Is it the right folder? Exclude data in .amlignore.");
  }
  files_.push_back({path, FileStamp::of(facts), (facts.st_mode & S_IXUSR) != 0});
  return {};
}

}  // namespace werkbank::client
