#include "runner/tree_watch.hh"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.hh"

namespace werkbank::runner {
namespace {

constexpr uint32_t kOnTheWay = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD;
constexpr uint32_t kInside = kOnTheWay | IN_MODIFY | IN_CLOSE_WRITE;

std::string join(const std::string& folder, const std::string& name) { return folder.empty() ? name : folder + "/" + name; }

std::vector<std::string> names_in(const std::filesystem::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().native());
  }
  std::ranges::sort(names);
  return names;
}

// Not a link to one.
bool is_own_folder(const std::filesystem::path& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void list_below(const std::filesystem::path& path, const std::string& relative, std::vector<FoundFile>& found) {
  for (const std::string& name : names_in(path)) {
    FoundFile file{join(relative, name), {}};
    if (stat((path / name).c_str(), &file.status) != 0) continue;
    if (S_ISREG(file.status.st_mode))
      found.push_back(std::move(file));
    else if (is_own_folder(path / name))
      list_below(path / name, file.relative, found);
  }
}

}  // namespace

std::vector<FoundFile> list_files(const std::filesystem::path& folder, const std::string& root) {
  std::vector<FoundFile> found;
  list_below(folder / root, root, found);
  return found;
}

TreeWatch::TreeWatch(std::filesystem::path folder, std::vector<std::string> roots)
    : folder_(std::move(folder)), roots_(std::move(roots)), inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (!inotify_) {
    blind_ = true;
    log_warning("no inotify, looking every second instead: {}", strerror(errno));
    return;
  }
  watch_all();
}

bool TreeWatch::add(const std::filesystem::path& path, const std::string& relative, bool is_inside) {
  const int id = inotify_add_watch(inotify_.get(), path.c_str(), is_inside ? kInside : kOnTheWay);
  if (id < 0) {
    if (errno != ENOENT && errno != ENOTDIR && !blind_) {
      log_warning("cannot watch {}, looking every second instead: {}", path.native(), strerror(errno));
      blind_ = true;
    }
    return false;
  }
  Watched& watched = watched_[id];
  watched.relative = relative;
  watched.is_inside = watched.is_inside || is_inside;
  return true;
}

void TreeWatch::watch_below(const std::filesystem::path& path, const std::string& relative) {
  if (!add(path, relative, true)) return;
  std::error_code error;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (is_own_folder(it->path())) watch_below(it->path(), join(relative, it->path().filename().native()));
  }
}

void TreeWatch::watch_chain(const std::string& root) {
  for (size_t end = root.find('/'); end != root.npos; end = root.find('/', end + 1)) {
    if (!add(folder_ / root.substr(0, end), root.substr(0, end), false)) return;
  }
  watch_below(folder_ / root, root);
}

void TreeWatch::watch_all() {
  if (!inotify_) return;
  add(folder_, "", std::ranges::find(roots_, std::string()) != roots_.end());
  for (const std::string& root : roots_) {
    if (!root.empty()) watch_chain(root);
  }
}

TreeWatch::Changes TreeWatch::take() {
  Changes changes;
  if (!inotify_) {
    changes.look_everywhere = true;
    return changes;
  }
  alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
  while (true) {
    const ssize_t got = read(inotify_.get(), buffer.data(), buffer.size());
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      const auto* const event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) changes.look_everywhere = true;
      if ((event->mask & IN_IGNORED) != 0) {
        watched_.erase(event->wd);
        continue;
      }
      const auto watched = watched_.find(event->wd);
      if (watched == watched_.end() || event->len == 0) continue;
      const std::string name(event->name);
      const std::string relative = join(watched->second.relative, name);
      struct stat status{};
      const bool is_new = (event->mask & (IN_CREATE | IN_MOVED_TO)) != 0;
      const bool is_folder = (event->mask & IN_ISDIR) != 0 ||
                             (is_new && stat((folder_ / relative).c_str(), &status) == 0 && S_ISDIR(status.st_mode));
      if (is_folder)
        changes.look_everywhere = true;
      else if (watched->second.is_inside)
        changes.files.insert(relative);
    }
  }
  // Files may have come into a new folder before it was watched: the caller lists, after the watches are set.
  if (changes.look_everywhere) watch_all();
  return changes;
}

}  // namespace werkbank::runner
