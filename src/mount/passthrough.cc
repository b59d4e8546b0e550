#include "mount/passthrough.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "mount/mount_table.hh"

namespace werkbank::mount {
namespace {

// Of protocol 7.40; the headers of both systems are older.
constexpr uint32_t kInitExtended = 1U << 30;
constexpr uint32_t kPassthroughFlag2 = 1U << (37 - 32);
constexpr uint32_t kOpenPassthrough = 1U << 7;
constexpr uint32_t kStackDepth = 1;
struct BackingMap {
  int32_t fd = -1;
  uint32_t flags = 0;
  uint64_t padding = 0;
};
constexpr unsigned long kBackingOpen = _IOW(229, 1, BackingMap);

// fuse_init_out as far as it is looked at.
struct GreetingReply {
  uint32_t major, minor, max_readahead, flags;
  uint16_t max_background, congestion_threshold;
  uint32_t max_write, time_gran;
  uint16_t max_pages, map_alignment;
  uint32_t flags2, max_stack_depth;
};
static_assert(sizeof(GreetingReply) == 40);

struct OpenOut {
  uint64_t handle = 0;
  uint32_t open_flags = 0;
  int32_t backing = 0;
};
static_assert(sizeof(OpenOut) == std::tuple_size_v<OpenReply>);

}  // namespace

Result<std::unique_ptr<Passthrough>> Passthrough::mount(const std::filesystem::path& folder, bool allow_other) {
  Fd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!device) return fail(errno_error(errno, "/dev/fuse"));
  const std::string options = fmt::format("fd={},rootmode=40000,user_id={},group_id={},default_permissions{}", device.get(),
                                          ::getuid(), ::getgid(), allow_other ? ",allow_other" : "");
  if (::mount("werkbank", folder.c_str(), kFileSystemType, MS_RDONLY | MS_NOSUID | MS_NODEV, options.c_str()) != 0)
    return fail(errno_error(errno, folder.string()));
  return std::unique_ptr<Passthrough>(new Passthrough(device.release()));
}

ssize_t Passthrough::read_request(void* buffer, size_t size) {
  const ssize_t count = ::read(device_, buffer, size);
  fuse_in_header header{};
  if (count < static_cast<ssize_t>(sizeof header)) return count;
  std::memcpy(&header, buffer, sizeof header);
  fuse_init_in greeting{};
  if (header.opcode != FUSE_INIT || count < static_cast<ssize_t>(sizeof header + sizeof greeting)) return count;
  std::memcpy(&greeting, static_cast<const char*>(buffer) + sizeof header, sizeof greeting);
  if ((greeting.flags & kInitExtended) != 0 && (greeting.flags2 & kPassthroughFlag2) != 0) greeting_ = header.unique;
  return count;
}

ssize_t Passthrough::write_reply(iovec* parts, int count) {
  if (greeting_ == 0) return ::writev(device_, parts, count);
  fuse_out_header header{};
  GreetingReply reply{};
  const bool may_be = count == 2 && parts[0].iov_len == sizeof header && parts[1].iov_len >= sizeof reply;
  if (may_be) std::memcpy(&header, parts[0].iov_base, sizeof header);
  if (!may_be || header.unique != greeting_ || header.error != 0) return ::writev(device_, parts, count);
  std::vector<char> body(static_cast<const char*>(parts[1].iov_base),
                         static_cast<const char*>(parts[1].iov_base) + parts[1].iov_len);
  std::memcpy(&reply, body.data(), sizeof reply);
  reply.flags |= kInitExtended;
  reply.flags2 |= kPassthroughFlag2;
  reply.max_stack_depth = kStackDepth;
  std::memcpy(body.data(), &reply, sizeof reply);
  iovec changed[2] = {parts[0], {body.data(), body.size()}};
  greeting_ = 0;
  // Before the kernel's next question, which comes behind this answer.
  agreed_ = true;
  return ::writev(device_, changed, 2);
}

std::optional<OpenReply> Passthrough::open_reply(uint64_t inode, int fd) {
  const std::lock_guard lock(mutex_);
  auto found = backings_.find(inode);
  if (found == backings_.end()) {
    const BackingMap map{.fd = fd};
    const int made = ::ioctl(device_, kBackingOpen, &map);
    found = backings_.emplace(inode, made > 0 ? made : 0).first;
  }
  if (found->second == 0) return std::nullopt;
  const OpenOut out{.open_flags = kOpenPassthrough, .backing = found->second};
  OpenReply reply;
  std::memcpy(reply.data(), &out, sizeof out);
  return reply;
}

void Passthrough::refuse(uint64_t inode) {
  const std::lock_guard lock(mutex_);
  backings_.try_emplace(inode, 0);
}

}  // namespace werkbank::mount
