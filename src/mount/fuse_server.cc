// FUSE's low-level interface (libfuse 3.14). Opening and closing cost no message: a kernel that has learnt that there is nothing
// to open keeps what it has read, and the names and sizes, which never change here, for as long as it likes.
#include "mount/fuse_server.hh"

#define FUSE_USE_VERSION 314
#include <fmt/format.h>
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <mutex>

#include "base/files.hh"
#include "mount/mount_table.hh"
#include "mount/passthrough.hh"

namespace werkbank::mount {
namespace {

namespace fs = std::filesystem;

constexpr double kForever = 365.0 * 86400;
constexpr uint64_t kBlockBytes = 4096;
constexpr uint64_t kLargeBytes = 1024 * 1024;  // on average: then opening costs less than reading
constexpr const char* kReadAheadKib = "1024";

// libfuse tells its troubles by a function without a context.
std::mutex complaint_mutex;
std::string complaint;

__attribute__((format(printf, 2, 0))) void note_complaint(fuse_log_level, const char* format, va_list arguments) {
  std::array<char, 1024> text{};
  ::vsnprintf(text.data(), text.size(), format, arguments);
  const std::lock_guard lock(complaint_mutex);
  if (complaint.size() < 4096) complaint += text.data();
}

std::string take_complaint() {
  const std::lock_guard lock(complaint_mutex);
  std::string taken = std::exchange(complaint, {});
  while (taken.ends_with('\n')) taken.pop_back();
  return taken;
}

// Fewer and larger questions of the kernel, where this process may say so.
void widen_read_ahead(const fs::path& folder) {
  const Result<std::vector<MountPoint>> points = mount_points();
  if (!points) return;
  for (const MountPoint& point : *points) {
    if (point.folder != folder || point.type != kFileSystemType) continue;
    const Result<Fd> setting = open_file(fmt::format("/sys/class/bdi/{}/read_ahead_kb", point.device), O_WRONLY);
    if (setting) (void)write_all(setting->get(), kReadAheadKib);
  }
}

struct Served {
  const FileTree& tree;
  const std::vector<MountedFile>& files;
  PieceReader& reader;
  UtcMs mounted_ms = 0;
  uint64_t size_bytes = 0;
  unsigned capable = 0;  // what the kernel can
  const fs::path folder = {};
  std::once_flag first_question = {};
  std::unique_ptr<Passthrough> passthrough = {};  // nullptr: every byte comes through here
};

Served& served(fuse_req_t request) { return *static_cast<Served*>(fuse_req_userdata(request)); }

// The kernel takes its own idea of reading ahead from the greeting: ours comes behind it.
void after_greeting(Served& mount) {
  std::call_once(mount.first_question, [&mount] { widen_read_ahead(mount.folder); });
}

// The kernel's numbers begin at 1.
uint32_t node_of(fuse_ino_t inode) { return static_cast<uint32_t>(inode - FUSE_ROOT_ID); }

struct stat facts_of(const Served& mount, uint32_t number) {
  const TreeNode& node = mount.tree.node(number);
  struct stat facts{};
  facts.st_ino = number + FUSE_ROOT_ID;
  facts.st_uid = ::geteuid();
  facts.st_gid = ::getegid();
  facts.st_blksize = kBlockBytes;
  UtcMs modified_ms = mount.mounted_ms;
  if (node.file < 0) {
    facts.st_mode = S_IFDIR | 0555;
    facts.st_nlink = 2;
  } else {
    const MountedFile& file = mount.files[static_cast<size_t>(node.file)];
    facts.st_mode = S_IFREG | 0444;
    facts.st_nlink = 1;
    facts.st_size = static_cast<off_t>(file.size_bytes);
    facts.st_blocks = static_cast<blkcnt_t>((file.size_bytes + 511) / 512);
    if (file.modified_ms > 0) modified_ms = file.modified_ms;
  }
  facts.st_mtim = {.tv_sec = modified_ms / 1000, .tv_nsec = modified_ms % 1000 * 1'000'000};
  facts.st_atim = facts.st_ctim = facts.st_mtim;
  return facts;
}

fuse_entry_param entry_of(const Served& mount, uint32_t number) {
  fuse_entry_param entry{};
  entry.ino = number + FUSE_ROOT_ID;
  entry.attr = facts_of(mount, number);
  entry.attr_timeout = entry.entry_timeout = kForever;
  return entry;
}

void on_init(void* data, fuse_conn_info* connection) {
  static_cast<Served*>(data)->capable = connection->capable;
  const auto want = [connection](unsigned capability) { connection->want |= connection->capable & capability; };
  want(FUSE_CAP_NO_OPEN_SUPPORT);
  want(FUSE_CAP_NO_OPENDIR_SUPPORT);
  want(FUSE_CAP_ASYNC_READ);
  want(FUSE_CAP_PARALLEL_DIROPS);
  want(FUSE_CAP_READDIRPLUS);
  want(FUSE_CAP_SPLICE_WRITE);
  want(FUSE_CAP_SPLICE_MOVE);
  // Listing and looking at the files go together; the kernel needs not guess.
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA);
}

// A file that lies here is the kernel's to read; that it is still the one that was mounted is looked at with each opening.
void open_through(fuse_req_t request, Served& mount, fuse_ino_t inode, fuse_file_info* file) {
  const int64_t number = mount.tree.node(node_of(inode)).file;
  const Result<std::optional<ReadPart>> local = mount.reader.local_file(static_cast<size_t>(number));
  if (!local) {
    fuse_reply_err(request, EIO);
    return;
  }
  if (*local) {
    if (const auto reply = mount.passthrough->open_reply(inode, (*local)->fd)) {
      fuse_reply_buf(request, reply->data(), reply->size());
      return;
    }
  }
  mount.passthrough->refuse(inode);
  file->keep_cache = 1;
  fuse_reply_open(request, file);
}

// The kernel opens by itself from then on, and keeps what it has read; one that is too old for that is told to keep it each time.
void on_open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  Served& mount = served(request);
  if (mount.passthrough && mount.passthrough->is_agreed()) {
    open_through(request, mount, inode, file);
    return;
  }
  if ((served(request).capable & FUSE_CAP_NO_OPEN_SUPPORT) != 0) {
    fuse_reply_err(request, ENOSYS);
    return;
  }
  file->keep_cache = 1;
  fuse_reply_open(request, file);
}

void on_opendir(fuse_req_t request, fuse_ino_t, fuse_file_info* folder) {
  if ((served(request).capable & FUSE_CAP_NO_OPENDIR_SUPPORT) != 0) {
    fuse_reply_err(request, ENOSYS);
    return;
  }
  folder->keep_cache = folder->cache_readdir = 1;
  fuse_reply_open(request, folder);
}

void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Served& mount = served(request);
  after_greeting(mount);
  const auto found = mount.tree.find(node_of(parent), name);
  fuse_entry_param entry{};
  entry.entry_timeout = kForever;  // that it is not there stays true, too
  if (found) entry = entry_of(mount, *found);
  fuse_reply_entry(request, &entry);
}

void on_getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  after_greeting(served(request));
  const struct stat facts = facts_of(served(request), node_of(inode));
  fuse_reply_attr(request, &facts, kForever);
}

void on_forget(fuse_req_t request, fuse_ino_t, uint64_t) { fuse_reply_none(request); }
void on_forget_many(fuse_req_t request, size_t, fuse_forget_data*) { fuse_reply_none(request); }

void on_statfs(fuse_req_t request, fuse_ino_t) {
  const Served& mount = served(request);
  struct statvfs facts{};
  facts.f_bsize = facts.f_frsize = kBlockBytes;
  facts.f_blocks = (mount.size_bytes + kBlockBytes - 1) / kBlockBytes;
  facts.f_files = mount.tree.size();
  facts.f_namemax = 255;
  facts.f_flag = ST_RDONLY;
  fuse_reply_statfs(request, &facts);
}

// Entries 0 and 1 are "." and "..".
void list(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, bool with_facts) {
  const Served& mount = served(request);
  const uint32_t number = node_of(inode);
  const TreeNode& folder = mount.tree.node(number);
  std::string buffer(size, '\0');
  size_t used = 0;
  for (auto at = static_cast<size_t>(offset); at < folder.children.size() + 2; ++at) {
    const uint32_t child = at == 0 ? number : at == 1 ? folder.parent : folder.children[at - 2];
    const char* const name = at == 0 ? "." : at == 1 ? ".." : mount.tree.node(child).name.c_str();
    const auto next = static_cast<off_t>(at + 1);
    const fuse_entry_param entry = entry_of(mount, child);
    const size_t needed = with_facts ? fuse_add_direntry_plus(request, buffer.data() + used, size - used, name, &entry, next)
                                     : fuse_add_direntry(request, buffer.data() + used, size - used, name, &entry.attr, next);
    if (needed > size - used) break;
    used += needed;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void on_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info*) {
  list(request, inode, size, offset, false);
}

void on_readdirplus(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info*) {
  list(request, inode, size, offset, true);
}

struct Reading {
  PieceReader& reader;
  Waiting waiting;
};

void on_interrupt(fuse_req_t, void* data) {
  auto& reading = *static_cast<Reading*>(data);
  reading.waiting.give_up();
  reading.reader.wake();
}

void reply_parts(fuse_req_t request, const std::vector<ReadPart>& parts) {
  if (std::ranges::all_of(parts, [](const ReadPart& part) { return part.bytes != nullptr; })) {
    std::vector<iovec> vectors;
    for (const ReadPart& part : parts) vectors.push_back({const_cast<char*>(part.bytes), part.size_bytes});
    fuse_reply_iov(request, vectors.data(), static_cast<int>(vectors.size()));
    return;
  }
  // fuse_bufvec ends with an array of one; more of them follow it.
  std::vector<char> space(sizeof(fuse_bufvec) + parts.size() * sizeof(fuse_buf));
  auto* const vector = reinterpret_cast<fuse_bufvec*>(space.data());
  vector->count = parts.size();
  for (size_t i = 0; i < parts.size(); ++i) {
    fuse_buf& buffer = vector->buf[i];
    buffer.size = parts[i].size_bytes;
    buffer.mem = const_cast<char*>(parts[i].bytes);
    buffer.fd = parts[i].fd;
    buffer.pos = static_cast<off_t>(parts[i].fd_offset);
    buffer.flags = parts[i].bytes != nullptr ? fuse_buf_flags{} : static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
  }
  fuse_reply_data(request, vector, FUSE_BUF_SPLICE_MOVE);
}

void on_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info*) {
  const Served& mount = served(request);
  const int64_t file = mount.tree.node(node_of(inode)).file;
  if (file < 0) {
    fuse_reply_err(request, EISDIR);
    return;
  }
  Reading reading{mount.reader, {}};
  fuse_req_interrupt_func(request, on_interrupt, &reading);
  const auto parts = mount.reader.read(static_cast<size_t>(file), static_cast<uint64_t>(offset), size, reading.waiting);
  fuse_req_interrupt_func(request, nullptr, nullptr);
  if (parts)
    reply_parts(request, *parts);
  else
    fuse_reply_err(request, reading.waiting.is_given_up() ? EINTR : EIO);
}

const fuse_lowlevel_ops kOperations = [] {
  fuse_lowlevel_ops operations{};
  operations.init = on_init;
  operations.lookup = on_lookup;
  operations.getattr = on_getattr;
  operations.forget = on_forget;
  operations.forget_multi = on_forget_many;
  operations.statfs = on_statfs;
  operations.open = on_open;
  operations.opendir = on_opendir;
  operations.readdir = on_readdir;
  operations.readdirplus = on_readdirplus;
  operations.read = on_read;
  return operations;
}();

ssize_t write_reply(int, iovec* parts, int count, void* data) {
  return static_cast<Served*>(data)->passthrough->write_reply(parts, count);
}
ssize_t read_request(int, void* buffer, size_t size, void* data) {
  return static_cast<Served*>(data)->passthrough->read_request(buffer, size);
}
ssize_t splice_part(int in, off_t* in_offset, int out, off_t* out_offset, size_t size, unsigned flags, void*) {
  return ::splice(in, in_offset, out, out_offset, size, flags);
}
constexpr fuse_custom_io kThroughIo{write_reply, read_request, splice_part, splice_part};

// A few large files of folders here? Of many small ones the openings count.
bool wants_passthrough(const std::vector<MountedFile>& files, const PieceReader& reader) {
  uint64_t count = 0, size_bytes = 0;
  for (const MountedFile& file : files) {
    if (!reader.is_local(file.source)) continue;
    ++count;
    size_bytes += file.size_bytes;
  }
  return ::geteuid() == 0 && count > 0 && size_bytes / count >= kLargeBytes;
}

}  // namespace

struct FuseServer::Impl {
  Impl(const FileTree& tree, const std::vector<MountedFile>& files, PieceReader& reader, const FuseOptions& the_options)
      : served{.tree = tree, .files = files, .reader = reader, .folder = the_options.folder}, options(the_options) {
    served.mounted_ms = system_clock().utc_now_ms();
    for (const MountedFile& file : files) served.size_bytes += file.size_bytes;
  }

  Served served;
  FuseOptions options;
  fuse_session* session = nullptr;

  ~Impl() {
    if (session == nullptr) return;
    if (served.passthrough) (void)unmount(options.folder);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
  }
};

FuseServer::FuseServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FuseServer::~FuseServer() = default;

Result<std::unique_ptr<FuseServer>> FuseServer::mount(const FileTree& tree, const std::vector<MountedFile>& files,
                                                      PieceReader& reader, const FuseOptions& options) {
  CHECK_OK(check_mounts_possible());
  fuse_set_log_func(note_complaint);
  take_complaint();
  auto impl = std::make_unique<Impl>(tree, files, reader, options);
  std::string program = "werkbank", flag = "-o";
  std::string settings = "ro,nosuid,nodev,default_permissions,fsname=werkbank,subtype=werkbank";
  if (options.allow_other) settings += ",allow_other";
  std::array<char*, 4> words{program.data(), flag.data(), settings.data(), nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(3, words.data());
  impl->session = fuse_session_new(&arguments, &kOperations, sizeof kOperations, &impl->served);
  fuse_opt_free_args(&arguments);
  if (impl->session != nullptr && wants_passthrough(files, reader)) {
    auto mounted = Passthrough::mount(options.folder, options.allow_other);
    if (mounted && fuse_session_custom_io(impl->session, &kThroughIo, (*mounted)->device()) == 0) {
      impl->served.passthrough = std::move(*mounted);
      return std::unique_ptr<FuseServer>(new FuseServer(std::move(impl)));
    }
    if (mounted) (void)unmount(options.folder);
  }
  if (impl->session == nullptr || fuse_session_mount(impl->session, options.folder.c_str()) != 0) {
    if (impl->session != nullptr) fuse_session_destroy(std::exchange(impl->session, nullptr));
    const std::string said = take_complaint();
    return fail(errors::mount_unavailable, fmt::format("{} cannot be mounted: {}", options.folder.string(), said),
                options.allow_other ? "--allow-other takes user_allow_other in /etc/fuse.conf, but for root." : "");
  }
  return std::unique_ptr<FuseServer>(new FuseServer(std::move(impl)));
}

void FuseServer::serve() {
  fuse_loop_config* const config = fuse_loop_cfg_create();
  fuse_loop_cfg_set_max_threads(config, static_cast<unsigned>(impl_->options.threads));
  fuse_loop_cfg_set_idle_threads(config, 16);
  const int outcome = fuse_session_loop_mt(impl_->session, config);
  fuse_loop_cfg_destroy(config);
  if (const std::string said = take_complaint(); outcome != 0 && !said.empty()) impl_->options.log(said);
}

}  // namespace werkbank::mount
