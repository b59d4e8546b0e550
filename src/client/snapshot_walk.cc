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
#include <system_error>

#include "domain/snapshot.hh"

namespace werkbank::client {
namespace {

constexpr size_t kFilesMax = 2'000'000;
constexpr size_t kDepthMax = 256;      // one descriptor each
constexpr size_t kPartNames = 512;     // so many names of one folder are looked at by one thread
constexpr size_t kQueuedMax = 64;      // and so many more descriptors may be waiting
constexpr size_t kWorthHelpers = 200;  // a smaller folder is looked through before a thread has started

std::unexpected<Error> refusal(const std::string& path, std::string_view why) {
  return fail(errors::snapshot_refused, fmt::format("{:?} {}", escape_snapshot_path(path), why));
}

std::string reason(int error_number) { return fmt::format("cannot be read ({})", std::strerror(error_number)); }

std::string join(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  std::string path;
  path.reserve(folder.size() + 1 + name.size());
  path.append(folder).append(1, '/').append(name);
  return path;
}

// Does `file` come before what lies in `folder`, by the bytes of the paths? Both are entries of one folder.
bool is_before_folder(std::string_view file, std::string_view folder) {
  const int order = file.compare(0, folder.size(), folder);
  return order != 0 ? order < 0 : file.size() == folder.size() || static_cast<unsigned char>(file[folder.size()]) < '/';
}

struct Looked {
  int error_number = 0;
  struct statx facts{};
};

Looked look_at(int folder, const char* name, int flags) {
  Looked looked;
  // Of the cheapest sort: only what is asked for here.
  constexpr unsigned kFacts = STATX_TYPE | STATX_MODE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME;
  if (::statx(folder, name, flags, kFacts, &looked.facts) != 0) looked.error_number = errno;
  return looked;
}

// Where a link ends, without links; empty where it ends nowhere.
std::string real_path(const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return {};
  std::string text(resolved);
  std::free(resolved);
  return text;
}

std::string link_target(int folder, const char* name) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(folder, name, target, sizeof target);
  return size < 0 ? std::string() : std::string(target, static_cast<size_t>(size));
}

}  // namespace

struct FolderWalk::Part {
  size_t first = 0, last = 0;  // of the folder's names
  size_t next_known = 0;       // of the folder's known files: those before it have names before the next one
  std::vector<FoundFile> files;
  std::vector<std::unique_ptr<Folder>> folders;
  std::vector<LeftOut> left_out;
  std::optional<Error> refused;
};

struct FolderWalk::Folder {
  struct Name {
    uint32_t at, size;   // in `text`, followed by a NUL
    unsigned char type;  // DT_…
  };
  const char* c_name(size_t index) const { return text.c_str() + names[index].at; }
  std::string_view name(size_t index) const { return std::string_view(text).substr(names[index].at, names[index].size); }
  bool has(std::string_view wanted) const {
    const auto text_of = [this](const Name& one) { return std::string_view(text).substr(one.at, one.size); };
    return std::ranges::binary_search(names, wanted, {}, text_of);
  }

  const Folder* around = nullptr;
  size_t depth = 0;
  std::string path;
  Fd fd;
  uint64_t device = 0, inode = 0;
  std::string text;
  std::vector<Name> names;  // sorted
  std::span<const KnownFile> known;
  std::vector<Part> parts;
  std::atomic<size_t> parts_left{0};
};

namespace {

// Names are asked for in their order, so each search begins where the last one ended.
const KnownFile* find_known(const SnapshotCache* cache, std::span<const KnownFile> known, size_t& next, std::string_view name) {
  if (cache == nullptr) return nullptr;
  while (next < known.size() && cache->name_of(known[next]) < name) ++next;
  return next < known.size() && cache->name_of(known[next]) == name ? &known[next] : nullptr;
}

}  // namespace

FolderWalk::FolderWalk(std::string root, const IgnoreRules& rules, WalkOptions options)
    : root_(std::move(root)), rules_(rules), options_(options), top_(std::make_unique<Folder>()) {}

FolderWalk::~FolderWalk() = default;

Status FolderWalk::run() {
  TRY(top_->fd, open_file(root_, O_RDONLY | O_DIRECTORY));
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({top_.get(), nullptr});
    unfinished_ = 1;
  }
  work();
  for (std::thread& helper : helpers_) helper.join();
  helpers_.clear();
  files_.reserve(file_count_);
  CHECK_OK(gather(*top_));
  std::ranges::sort(left_out_, {}, &LeftOut::path);
  return {};
}

// Leaves the task to whoever has time, where there may be somebody; otherwise does it at once.
void FolderWalk::share(Task task) {
  if (options_.threads > 1 && seen_ >= kWorthHelpers) {
    const std::lock_guard lock(mutex_);
    start_helpers();
    if (queue_.size() < kQueuedMax) {
      queue_.push_back(task);
      ++unfinished_;
      wake_.notify_one();
      return;
    }
  }
  carry_out(task);
}

void FolderWalk::start_helpers() {
  if (has_started_helpers_) return;
  has_started_helpers_ = true;
  try {
    while (helpers_.size() + 1 < options_.threads) helpers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads are allowed here: what there is does all the work.
  }
}

void FolderWalk::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return unfinished_ == 0 || !queue_.empty(); });
    if (unfinished_ == 0) return;
    const Task task = queue_.back();
    queue_.pop_back();
    lock.unlock();
    carry_out(task);
    lock.lock();
    if (--unfinished_ == 0) wake_.notify_all();
  }
}

void FolderWalk::carry_out(const Task& task) {
  if (task.part == nullptr) return visit_folder(*task.folder);
  visit_part(*task.folder, *task.part);
}

void FolderWalk::refuse(Part& part, Error error) {
  part.refused = std::move(error);
  is_refused_ = true;
}

Status FolderWalk::list(Folder& folder) const {
  // The system's own records: one call for some hundred names, and nothing allocated for any of them.
  constexpr size_t kBufferBytes = 32 * 1024;
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  while (true) {
    const ssize_t size = ::getdents64(folder.fd.get(), buffer.get(), kBufferBytes);
    if (size < 0) return fail(errno_error(errno, "cannot list " + join(root_, folder.path)));
    if (size == 0) break;
    for (ssize_t at = 0; at < size;) {
      const auto* const entry = reinterpret_cast<const dirent64*>(buffer.get() + at);
      at += entry->d_reclen;
      const std::string_view name = entry->d_name;
      // Version control is of no use to a run; also below the root: a submodule has one, too.
      if (name == "." || name == ".." || name == ".git") continue;
      folder.names.push_back({static_cast<uint32_t>(folder.text.size()), static_cast<uint32_t>(name.size()), entry->d_type});
      folder.text.append(name).append(1, '\0');
    }
  }
  const std::string_view text = folder.text;
  std::ranges::sort(folder.names, {}, [text](const Folder::Name& name) { return text.substr(name.at, name.size); });
  return {};
}

void FolderWalk::visit_folder(Folder& folder) {
  folder.parts.resize(1);
  const auto stop = [&](std::unexpected<Error> failed) { refuse(folder.parts[0], std::move(failed.error())); };
  struct stat facts{};
  if (::fstat(folder.fd.get(), &facts) != 0) return stop(fail(errno_error(errno, "cannot look at " + join(root_, folder.path))));
  folder.device = facts.st_dev;
  folder.inode = facts.st_ino;
  for (const Folder* place = folder.around; place != nullptr; place = place->around) {
    if (place->device != folder.device || place->inode != folder.inode) continue;
    return stop(
        refusal(folder.path, fmt::format("leads back to the folder around it, {:?}", place->path.empty() ? "." : place->path)));
  }
  if (folder.depth >= kDepthMax) return stop(refusal(folder.path, fmt::format("lies deeper than {} folders", kDepthMax)));
  if (Status listed = list(folder); !listed) return stop(fail(std::move(listed).error()));
  const bool is_virtual_environment =
      folder.has("pyvenv.cfg") || (folder.has("conda-meta") && ::faccessat(folder.fd.get(), "conda-meta/history", F_OK, 0) == 0);
  if (!folder.path.empty() && is_virtual_environment) {
    folder.parts[0].left_out.push_back({folder.path + '/', "is a virtual environment; a run gets its own"});
    folder.fd = Fd();
    return;
  }
  if (options_.cache != nullptr) folder.known = options_.cache->files_in(folder.path);
  const size_t part_count = std::max<size_t>(1, (folder.names.size() + kPartNames - 1) / kPartNames);
  folder.parts.resize(part_count);
  folder.parts_left = part_count;
  for (size_t i = 0; i < part_count; ++i) {
    folder.parts[i].first = i * kPartNames;
    folder.parts[i].last = std::min(folder.names.size(), (i + 1) * kPartNames);
  }
  seen_ += folder.names.size();
  for (size_t i = part_count; i-- > 1;) share({&folder, &folder.parts[i]});
  visit_part(folder, folder.parts[0]);
}

void FolderWalk::visit_part(Folder& folder, Part& part) {
  part.files.reserve(part.last - part.first);
  if (part.first > 0 && !folder.known.empty()) {
    const auto name_of = [this](const KnownFile& known) { return options_.cache->name_of(known); };
    const auto found = std::ranges::lower_bound(folder.known, folder.name(part.first), {}, name_of);
    part.next_known = static_cast<size_t>(found - folder.known.begin());
  }
  for (size_t i = part.first; i < part.last && !is_refused_; ++i) {
    if (Status visited = visit_entry(folder, part, i); !visited) refuse(part, std::move(visited).error());
  }
  if (--folder.parts_left == 0) folder.fd = Fd();
}

Status FolderWalk::visit_entry(Folder& folder, Part& part, size_t index) {
  const std::string_view name = folder.name(index);
  unsigned char type = folder.names[index].type;
  Looked looked{.error_number = -1};
  if (type == DT_UNKNOWN) {
    looked = look_at(folder.fd.get(), folder.c_name(index), AT_SYMLINK_NOFOLLOW);
    if (looked.error_number != 0) return {};  // gone meanwhile
    type = static_cast<unsigned char>(IFTODT(looked.facts.stx_mode));
  }
  if (type == DT_LNK) return visit_link(folder, part, index);
  const KnownFile* const known = type == DT_REG ? find_known(options_.cache, folder.known, part.next_known, name) : nullptr;
  std::string path = join(folder.path, name);
  const bool is_surely_taken = known != nullptr && options_.has_same_rules;
  if (!is_surely_taken && rules_.is_ignored(path, type == DT_DIR)) return {};
  if (type == DT_DIR) return enter(folder, part, index, false);
  if (type != DT_REG) {
    part.left_out.push_back({std::move(path), "is neither a file nor a folder"});
    return {};
  }
  if (looked.error_number < 0) looked = look_at(folder.fd.get(), folder.c_name(index), AT_SYMLINK_NOFOLLOW);
  if (looked.error_number != 0) {
    if (looked.error_number != ENOENT) part.left_out.push_back({std::move(path), reason(looked.error_number)});
    return {};
  }
  if (!S_ISREG(looked.facts.stx_mode)) return refusal(path, "changed while the folder was looked through");
  return add_file(part, std::move(path), looked.facts, known);
}

Status FolderWalk::visit_link(Folder& folder, Part& part, size_t index) {
  std::string path = join(folder.path, folder.name(index));
  const Looked looked = look_at(folder.fd.get(), folder.c_name(index), 0);
  const bool leads_to_folder = looked.error_number == 0 && S_ISDIR(looked.facts.stx_mode);
  if (rules_.is_ignored(path, leads_to_folder)) return {};
  const std::string target = link_target(folder.fd.get(), folder.c_name(index));
  if (looked.error_number == ELOOP)
    return refusal(path, fmt::format("is a link that leads in a circle (to {:?})", escape_snapshot_path(target)));
  if (looked.error_number == ENOENT || looked.error_number == ENOTDIR) {
    part.left_out.push_back({std::move(path), "is a link that leads nowhere"});
    return {};
  }
  const std::string real = real_path(root_ + '/' + path);
  if (looked.error_number != 0 || real.empty()) {
    part.left_out.push_back({std::move(path), reason(looked.error_number != 0 ? looked.error_number : errno)});
    return {};
  }
  const bool is_inside = real == root_ || root_ == "/" || real.starts_with(root_ + '/');
  if (!is_inside) {
    return fail(
        errors::snapshot_refused,
        fmt::format("{:?} is a link to {:?}, outside the folder", escape_snapshot_path(path), escape_snapshot_path(target)),
        "Copy what it points to into the folder, or exclude the link in .amlignore.");
  }
  if (leads_to_folder) return enter(folder, part, index, true);
  if (!S_ISREG(looked.facts.stx_mode)) {
    part.left_out.push_back({std::move(path), "is neither a file nor a folder"});
    return {};
  }
  const KnownFile* const known = find_known(options_.cache, folder.known, part.next_known, folder.name(index));
  return add_file(part, std::move(path), looked.facts, known);
}

Status FolderWalk::enter(Folder& folder, Part& part, size_t index, bool is_link) {
  if (folder.name(index) == "__pycache__") return {};
  auto entered = std::make_unique<Folder>();
  entered->around = &folder;
  entered->depth = folder.depth + 1;
  entered->path = join(folder.path, folder.name(index));
  entered->fd =
      Fd(::openat(folder.fd.get(), folder.c_name(index), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_link ? 0 : O_NOFOLLOW)));
  if (!entered->fd) {
    if (errno == EMFILE || errno == ENFILE) return fail(errno_error(errno, "cannot open " + join(root_, entered->path)));
    if (errno != ENOENT) part.left_out.push_back({entered->path + '/', reason(errno)});
    return {};
  }
  part.folders.push_back(std::move(entered));
  share({part.folders.back().get(), nullptr});
  return {};
}

Status FolderWalk::add_file(Part& part, std::string path, const struct statx& facts, const KnownFile* known) {
  if (Status checked = check_snapshot_path(path); !checked) return fail(errors::snapshot_refused, checked.error().message);
  if (++file_count_ > kFilesMax) {
    return fail(errors::snapshot_refused, fmt::format("the folder has more than {} files", kFilesMax),
                "Is it the right folder? Exclude data in .amlignore.");
  }
  part.files.push_back({std::move(path), FileStamp::of(facts), (facts.stx_mode & S_IXUSR) != 0, known});
  return {};
}

// What the threads have found, in the order of the paths.
Status FolderWalk::gather(Folder& folder) {
  std::vector<FoundFile*> files;
  std::vector<Folder*> folders;
  for (Part& part : folder.parts) {
    if (part.refused) return fail(std::move(*part.refused));
    for (FoundFile& file : part.files) files.push_back(&file);
    for (const auto& below : part.folders) folders.push_back(below.get());
    std::ranges::move(part.left_out, std::back_inserter(left_out_));
  }
  // "a-b/" comes before "a/", though "a" comes before "a-b".
  std::ranges::sort(folders, {}, [](const Folder* below) { return below->path + '/'; });
  auto next = files.begin();
  for (Folder* below : folders) {
    for (; next != files.end() && is_before_folder((*next)->path, below->path); ++next) files_.push_back(*next);
    CHECK_OK(gather(*below));
  }
  for (; next != files.end(); ++next) files_.push_back(*next);
  return {};
}

}  // namespace werkbank::client
