// The journal of a log store: what many streams were appended lately becomes durable by one write and one sync here. Their own
// files are synced later, together; then the journal begins anew at its front. After a crash it is replayed.
//
//     <folder>/journal    a head with the epoch, then records of this epoch, each with its checksum; what follows the last whole
//                         record of the epoch is left over from before
// Not thread-safe.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.hh"
#include "content/log_store.hh"

namespace werkbank::content {

class LogJournal {
 public:
  using Replay = std::function<Status(const LogKey& key, uint64_t offset, std::string_view bytes)>;
  // Tells what the journal holds, in its order; nothing where there is none. store_newer, io_failed, or what `replay` answers.
  static Status replay(const std::filesystem::path& file, const Replay& replay);
  // Gives a journal that could not be replayed to its end another name, `<file>.aside-<random>`, and answers it: for a human.
  static Result<std::filesystem::path> set_aside(const std::filesystem::path& file);
  static Status remove_aside(const std::filesystem::path& file);  // all that were set aside

  // Without I/O: the file is opened by the first commit(). `size_max`: of the file, which is only ever used again.
  LogJournal(std::filesystem::path file, size_t size_max) : file_(std::move(file)), size_max_(size_max) {}

  // A record is pending until commit(). False: there is no room for it before the next restart().
  bool add(const LogKey& key, uint64_t offset, std::string_view bytes);
  void drop_pending() { pending_.clear(); }
  Status commit();  // durable, all that is pending
  // What was recorded so far need not be replayed any more: everything of it is durable elsewhere. Nothing is pending.
  Status restart();
  bool is_empty() const { return end_ == kHeadBytes && pending_.empty(); }
  // Removes the file: no record, old or half-written, may be replayed.
  Status discard();

 private:
  static constexpr size_t kHeadBytes = 32;
  Status open();
  Status write_head(int fd) const;

  const std::filesystem::path file_;
  const size_t size_max_;
  Fd fd_;
  uint64_t epoch_ = 0;
  size_t end_ = kHeadBytes;  // of the durable records
  std::string pending_;
};

}  // namespace werkbank::content
