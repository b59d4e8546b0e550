// remove_tree of files.hh. A script's folder may hold anything: links out of it, folders without permissions, and nests deeper
// than a path may be long or a process may hold files open. So it works on descriptors only, never on paths below the top.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "base/files.hh"
#include "base/hash.hh"

namespace werkbank {
namespace {

// Below this depth folders are moved up to the top of the tree and removed from there: descriptors and stack stay bounded.
constexpr int kDepthMax = 64;
// Somebody may still be writing into the tree; a folder that is not empty after so many rounds is reported.
constexpr int kRoundsMax = 16;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// Opens a folder without following a link; one that its owner may not read gets the permissions back first.
Fd open_folder(int parent, const char* name) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Fd folder(openat(parent, name, kFlags));
  if (!folder && errno == EACCES) {
    const Fd handle(openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!handle) return folder;
    if (chmod(fmt::format("/proc/self/fd/{}", handle.get()).c_str(), 0700) != 0) return folder;
    folder = Fd(openat(parent, name, kFlags));
  }
  if (!folder) return folder;
  struct stat status{};
  if (fstat(folder.get(), &status) == 0 && (status.st_mode & 0700) != 0700) fchmod(folder.get(), 0700);
  return folder;
}

class TreeRemover {
 public:
  // Removes the entry `name` of `parent`, whatever it is. 0, or the number of the error with `where` naming the entry.
  int remove(int parent, const char* name) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
    // EISDIR on Linux; EPERM is POSIX's answer for a folder.
    if (errno != EISDIR && errno != EPERM) return failed(name);
    const Fd folder = open_folder(parent, name);
    if (!folder) return errno == ENOENT ? 0 : failed(name);
    if (depth_ == 0) top_ = folder.get();
    for (int round = 0; round < kRoundsMax; ++round) {
      if (const int error = empty(folder); error != 0) return error;
      if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
      if (errno != ENOTEMPTY && errno != EEXIST) return failed(name);
      // What came up from the depths is our own doing, and there is less of it each time.
      if (depth_ == 0 && std::exchange(lifted_, false)) round = 0;
    }
    errno = ENOTEMPTY;
    return failed(name);
  }
  const std::string& where() const { return where_; }

 private:
  int empty(const Fd& folder) {
    // Its own descriptor: closedir() closes what fdopendir() was given.
    Directory entries(fdopendir(openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (!entries) return failed(".");
    ++depth_;
    int error = 0;
    while (error == 0) {
      errno = 0;
      const dirent* const entry = readdir(entries.get());
      if (entry == nullptr) {
        if (errno != 0) error = failed(".");
        break;
      }
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      error = depth_ < kDepthMax ? remove(folder.get(), entry->d_name) : remove_deep(folder.get(), entry->d_name);
    }
    --depth_;
    return error;
  }

  // At the depth's end a folder goes up to the top under a fresh name; the top's next round meets it there.
  int remove_deep(int parent, const char* name) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
    if (errno != EISDIR && errno != EPERM) return failed(name);
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
    // Renaming a folder writes its "..", for which it must be writable.
    if (const Fd folder = open_folder(parent, name); !folder) return errno == ENOENT ? 0 : failed(name);
    const std::string lifted = ".wb-" + random_hex(8) + ".deep";
    lifted_ = true;
    return renameat(parent, name, top_, lifted.c_str()) == 0 || errno == ENOENT ? 0 : failed(name);
  }

  int failed(const char* name) {
    const int number = errno;
    where_ = name;
    return number;
  }

  int depth_ = 0;
  int top_ = -1;
  bool lifted_ = false;
  std::string where_;
};

}  // namespace

Status remove_tree(const std::filesystem::path& path) {
  std::string text = path.native();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  const std::filesystem::path clean(text);
  const std::string name = clean.filename().native();
  if (text.find('\0') != text.npos || name.empty() || name == "." || name == ".." || name == "/") {
    return fail(errors::path_refused, fmt::format("{:?} is not a tree that can be removed", text));
  }
  const Result<Fd> parent = open_file(clean.has_parent_path() ? clean.parent_path() : ".", O_PATH | O_DIRECTORY);
  if (!parent) {
    if (parent.error().kind() == ErrorKind::kNotFound) return {};
    return fail(parent.error());
  }
  TreeRemover remover;
  const int error = remover.remove(parent->get(), name.c_str());
  if (error == 0) return {};
  return fail(errno_error(error, fmt::format("remove {}: at {:?}", text, remover.where())));
}

}  // namespace werkbank
