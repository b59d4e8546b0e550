#include "content/directory/log_journal.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <type_traits>
#include <vector>

#include "base/hash.hh"
#include "base/json.hh"

namespace werkbank::content {
namespace {

constexpr uint64_t kMagic = 0x5742'4c4a'0000'0001;  // "WBLJ", version 1; the number catches a foreign byte order
constexpr uint64_t kMagicMask = 0xffff'ffff'0000'0000;
const std::string kAside = ".aside-";

struct Head {
  uint64_t magic = kMagic;
  uint64_t epoch = 0;
  Checksum sum{};  // of both
};

// Followed by a line of JSON that says what it is, and by the bytes that were appended.
struct RecordHead {
  Checksum sum{};  // of all that follows
  uint64_t epoch = 0;
  uint32_t line_size = 0, bytes_size = 0;
};
static_assert(std::is_trivially_copyable_v<Head> && sizeof(Head) == 32);
static_assert(std::is_trivially_copyable_v<RecordHead> && sizeof(RecordHead) == 32);

template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

Head make_head(uint64_t epoch) {
  Head head{.epoch = epoch};
  head.sum = checksum(bytes_of(head).substr(0, sizeof head.magic + sizeof head.epoch));
  return head;
}

// The head of a journal's bytes; nothing where it was never written whole.
Result<std::optional<Head>> read_head(std::string_view bytes, const std::filesystem::path& file) {
  Head head;
  if (bytes.size() < sizeof head) return std::optional<Head>();
  std::memcpy(&head, bytes.data(), sizeof head);
  if ((head.magic & kMagicMask) == (kMagic & kMagicMask) && head.magic > kMagic) {
    return fail(errors::store_newer, file.string() + " was written by a newer Werkbank");
  }
  if (head.magic != kMagic || head.sum != make_head(head.epoch).sum) return std::optional<Head>();
  return std::optional(head);
}

Status write_at(int fd, std::string_view bytes, size_t offset, const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, "cannot write " + file.string()));
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += static_cast<size_t>(count);
  }
  return {};
}

Status replay_record(std::string_view line, std::string_view bytes, const LogJournal::Replay& replay) {
  TRY(const json::value value, parse_json(line));
  JsonReader reader(value, "log journal");
  LogKey key;
  key.run.workspace = reader.required_string("workspace");
  key.run.run_id = reader.required_string("run");
  key.attempt = reader.int_or("attempt", 1, INT64_MIN, INT64_MAX);
  key.rank = reader.int_or("rank", 0, INT64_MIN, INT64_MAX);
  key.path = reader.required_string("path");
  const int64_t offset = reader.int_or("offset", 0, 0, INT64_MAX);
  CHECK_OK(reader.finish());
  return replay(key, static_cast<uint64_t>(offset), bytes);
}

}  // namespace

Status LogJournal::replay(const std::filesystem::path& file, const Replay& replay) {
  auto read = read_file(file);
  if (!read) return read.error().code == &errors::not_found ? Status() : fail(std::move(read).error());
  const std::string_view bytes = *read;
  TRY(const std::optional<Head> head, read_head(bytes, file));
  if (!head) return {};
  for (size_t at = sizeof(Head); bytes.size() - at >= sizeof(RecordHead);) {
    RecordHead record;
    std::memcpy(&record, bytes.data() + at, sizeof record);
    const size_t size = sizeof record + size_t{record.line_size} + record.bytes_size;
    if (record.epoch != head->epoch || size > bytes.size() - at) break;
    const std::string_view whole = bytes.substr(at, size);
    if (record.sum != checksum(whole.substr(sizeof record.sum))) break;
    const std::string_view content = whole.substr(sizeof record);
    if (Status done = replay_record(content.substr(0, record.line_size), content.substr(record.line_size), replay); !done) {
      return fail_in(file.string(), done.error());
    }
    at += size;
  }
  return {};
}

Result<std::filesystem::path> LogJournal::set_aside(const std::filesystem::path& file) {
  std::filesystem::path aside = file;
  aside += kAside + random_hex(8);
  if (::rename(file.c_str(), aside.c_str()) != 0) return fail(errno_error(errno, "cannot rename " + file.string()));
  CHECK_OK(sync_directory(file.parent_path()));
  return aside;
}

Status LogJournal::remove_aside(const std::filesystem::path& file) {
  const std::string prefix = file.filename().string() + kAside;
  std::error_code error;
  std::vector<std::filesystem::path> found;
  for (auto entry = std::filesystem::directory_iterator(file.parent_path(), error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().filename().string().starts_with(prefix)) found.push_back(entry->path());
  }
  if (error) return fail(errno_error(error.value(), "cannot list " + file.parent_path().string()));
  for (const std::filesystem::path& aside : found) {
    if (::unlink(aside.c_str()) != 0) return fail(errno_error(errno, "cannot remove " + aside.string()));
  }
  return found.empty() ? Status() : sync_directory(file.parent_path());
}

Status LogJournal::open() {
  TRY(Fd fd, open_file(file_, O_RDWR | O_CREAT));
  TRY(const std::string bytes, read_file_range(file_, 0, sizeof(Head)));
  TRY(const std::optional<Head> head, read_head(bytes, file_));
  epoch_ = head ? head->epoch + 1 : 1;
  CHECK_OK(write_head(fd.get()));
  CHECK_OK(sync_directory(file_.parent_path()));
  fd_ = std::move(fd);
  return {};
}

// By itself, before any record of its epoch: records of two epochs are never on their way to the disk together.
Status LogJournal::write_head(int fd) const {
  const Head head = make_head(epoch_);
  CHECK_OK(write_at(fd, bytes_of(head), 0, file_));
  if (::fdatasync(fd) != 0) return fail(errno_error(errno, "cannot sync " + file_.string()));
  return {};
}

bool LogJournal::add(const LogKey& key, uint64_t offset, std::string_view bytes) {
  const std::string line = canonical_json(json::object{{"workspace", key.run.workspace},
                                                       {"run", key.run.run_id},
                                                       {"attempt", key.attempt},
                                                       {"rank", key.rank},
                                                       {"path", key.path},
                                                       {"offset", offset}});
  const size_t size = sizeof(RecordHead) + line.size() + bytes.size();
  if (end_ + pending_.size() + size > size_max_) return false;
  RecordHead record;
  record.line_size = static_cast<uint32_t>(line.size());
  record.bytes_size = static_cast<uint32_t>(bytes.size());
  pending_.append(bytes_of(record)).append(line).append(bytes);
  return true;
}

Status LogJournal::commit() {
  if (pending_.empty()) return {};
  if (!fd_) CHECK_OK(open());
  // Only now, since the epoch is known from here on.
  for (size_t at = 0; at < pending_.size();) {
    RecordHead record;
    std::memcpy(&record, pending_.data() + at, sizeof record);
    const size_t size = sizeof record + size_t{record.line_size} + record.bytes_size;
    record.epoch = epoch_;
    std::memcpy(pending_.data() + at, &record, sizeof record);
    record.sum = checksum(std::string_view(pending_).substr(at, size).substr(sizeof record.sum));
    std::memcpy(pending_.data() + at, &record, sizeof record);
    at += size;
  }
  CHECK_OK(write_at(fd_.get(), pending_, end_, file_));
  if (::fdatasync(fd_.get()) != 0) return fail(errno_error(errno, "cannot sync " + file_.string()));
  end_ += pending_.size();
  pending_.clear();
  return {};
}

Status LogJournal::restart() {
  if (is_empty()) return {};
  ++epoch_;
  end_ = kHeadBytes;
  return write_head(fd_.get());
}

Status LogJournal::discard() {
  pending_.clear();
  end_ = kHeadBytes;
  fd_ = Fd();
  if (::unlink(file_.c_str()) != 0 && errno != ENOENT) return fail(errno_error(errno, "cannot remove " + file_.string()));
  return sync_directory(file_.parent_path());
}

}  // namespace werkbank::content
