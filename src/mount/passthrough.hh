// Reading of local files without this process in between (Linux 6.9, root): the kernel is handed the open file and reads it
// itself. libfuse 3.14 does not know of it: it is agreed on in the greeting, which this looks at as it passes (linux/fuse.h,
// protocol 7.40).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/files.hh"

namespace werkbank::mount {

// What an open is answered with where the kernel reads by itself.
using OpenReply = std::array<char, 16>;

// Thread-safe.
class Passthrough {
 public:
  // Mounts the folder by mount(2) with a descriptor of /dev/fuse of its own: the session's.
  static Result<std::unique_ptr<Passthrough>> mount(const std::filesystem::path& folder, bool allow_other);
  int device() const { return device_; }  // closed by the session

  // Between the device and the session.
  ssize_t read_request(void* buffer, size_t size);
  ssize_t write_reply(iovec* parts, int count);

  // Has the kernel taken it? Known once the first question came.
  bool is_agreed() const { return agreed_; }
  // For an open of this file, which is `fd` here; nothing where it cannot be done for it (then never for this number).
  std::optional<OpenReply> open_reply(uint64_t inode, int fd);
  // A file that was opened in the other way stays with it.
  void refuse(uint64_t inode);

 private:
  explicit Passthrough(int device) : device_(device) {}
  const int device_;
  std::atomic<uint64_t> greeting_ = 0;  // the number of the kernel's greeting, until it is answered
  std::atomic<bool> agreed_ = false;
  std::mutex mutex_;
  std::map<uint64_t, int32_t> backings_;  // by inode; 0: refused
};

}  // namespace werkbank::mount
