#include "store/sqlite/segment_log.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "base/failpoint.hh"
#include "base/log.hh"
#include "store/sqlite/bytes.hh"
#include "store/sqlite/database.hh"

namespace werkbank::store::sqlite {
namespace {

constexpr std::string_view kMagic = "WBSERIES";
constexpr uint32_t kSegmentVersion = 1;
constexpr size_t kHeaderBytes = 24;  // magic, version, reserved, number
constexpr size_t kFrameBytes = 8;    // length, checksum
constexpr uint64_t kReserveBytes = 4 << 20;
constexpr std::string_view kPrefix = "segment-", kSuffix = ".log";

using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    tables[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    for (size_t k = 1; k < 8; ++k) tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xFF];
  }
  return tables;
}
constexpr CrcTables kCrc = make_crc_tables();

std::filesystem::path segment_path(const std::filesystem::path& folder, uint64_t number) {
  return folder / fmt::format("{}{:016x}{}", kPrefix, number, kSuffix);
}

std::string segment_header(uint64_t number) {
  std::string header(kMagic);
  put_u32(header, kSegmentVersion);
  put_u32(header, 0);
  put_u64(header, number);
  return header;
}

Status remove_segment(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail(errno_error(errno, path.string()));
  return {};
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kCrc[7 - k][(word >> (8 * k)) & 0xFF];
  }
  for (; left > 0; ++at, --left) crc = (crc >> 8) ^ kCrc[0][(crc ^ static_cast<uint8_t>(*at)) & 0xFF];
  return ~crc;
}

void put_record(std::string& out, std::string_view payload) {
  put_u32(out, static_cast<uint32_t>(payload.size()));
  put_u32(out, crc32c(payload));
  out += payload;
}

// What one segment file holds.
struct SegmentLog::Scan {
  std::string bytes;
  std::vector<std::string_view> records;  // views of `bytes`
  size_t end = 0;                         // after the last good record
  bool is_clean = true;                   // nothing but zeros after it
};

Result<std::map<uint64_t, std::filesystem::path>> SegmentLog::list() const {
  std::map<uint64_t, std::filesystem::path> found;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, failed)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    uint64_t number = 0;
    const char* const first = name.data() + kPrefix.size();
    const char* const last = name.data() + name.size() - kSuffix.size();
    if (std::from_chars(first, last, number, 16).ptr == last) found.emplace(number, entry.path());
  }
  if (failed) return fail(errno_error(failed.value(), folder_.string()));
  return found;
}

Result<SegmentLog::Scan> SegmentLog::scan(const std::filesystem::path& path, uint64_t number) {
  Scan scan;
  TRY(scan.bytes, read_file(path));
  const std::string_view bytes = scan.bytes;
  const auto only_zeros = [&](size_t from) {
    return bytes.find_first_not_of('\0', std::min(from, bytes.size())) == std::string_view::npos;
  };
  const std::string header = segment_header(number);
  if (!bytes.starts_with(header)) {
    if (bytes.starts_with(kMagic) && bytes.size() >= kHeaderBytes) {
      return fail(errors::store_newer, fmt::format("{} was written by a newer Werkbank", path.string()));
    }
    scan.is_clean = only_zeros(0);  // a crash while the segment was made: it holds no record
    return scan;
  }
  scan.end = kHeaderBytes;
  while (bytes.size() - scan.end >= kFrameBytes) {
    ByteReader frame(bytes.substr(scan.end));
    const uint32_t size = frame.u32();
    const uint32_t checksum = frame.u32();
    const std::string_view payload = frame.bytes(size);
    if (size == 0 || frame.failed() || crc32c(payload) != checksum) break;
    scan.records.push_back(payload);
    scan.end += kFrameBytes + size;
  }
  scan.is_clean = only_zeros(scan.end);
  return scan;
}

Status SegmentLog::open(uint64_t first_wanted, const std::function<Status(std::string_view)>& take) {
  CHECK_OK(delete_before(first_wanted));
  TRY(const auto segments, list());
  // A segment is started only when the one before is complete. So only the last one that holds records may be torn.
  std::filesystem::path torn;
  uint64_t torn_end = 0;
  std::vector<std::filesystem::path> empty;
  for (const auto& [number, path] : segments) {
    TRY(const Scan found, scan(path, number));
    if (!found.records.empty() && !torn.empty())
      return fail(corrupt_error(torn, "a record is damaged that others were written after"));
    for (const std::string_view payload : found.records) CHECK_OK(take(payload));
    if (found.records.empty()) empty.push_back(path);
    if (!found.is_clean) {
      torn = path;
      torn_end = found.end;
    }
    number_ = number;
  }
  if (!torn.empty()) {
    log_warning("series log cut file={} size_bytes={}", torn.string(), torn_end);
    TRY(const Fd file, open_file(torn, O_RDWR));
    if (::ftruncate(file.get(), static_cast<off_t>(torn_end)) != 0 || ::fsync(file.get()) != 0) {
      return fail(errno_error(errno, torn.string()));
    }
  }
  // Each start makes a segment: those that stayed without records would be read at every start until a roll-up.
  for (const std::filesystem::path& path : empty) CHECK_OK(remove_segment(path));
  return start_segment(std::max(number_ + 1, first_wanted));
}

Status SegmentLog::start_segment(uint64_t number) {
  const std::filesystem::path path = segment_path(folder_, number);
  file_ = Fd();
  number_ = number;  // also after a failure: a half-made segment is never used again
  TRY(Fd file, open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  file_ = std::move(file);
  end_ = 0;
  allocated_ = 0;
  const auto prepare = [&]() -> Status {
    const std::string header = segment_header(number);
    if (::pwrite(file_.get(), header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()) ||
        ::fdatasync(file_.get()) != 0) {
      return fail(errno_error(errno, path.string()));
    }
    return sync_directory(folder_);
  };
  if (Status prepared = prepare(); !prepared) {
    file_ = Fd();
    ::unlink(path.c_str());
    return prepared;
  }
  end_ = kHeaderBytes;
  return {};
}

Status SegmentLog::reserve(uint64_t end) {
  if (end <= allocated_) return {};
  const uint64_t wanted = (end + kReserveBytes - 1) / kReserveBytes * kReserveBytes;
  const auto allocate = [this](uint64_t to) {
    return ::posix_fallocate(file_.get(), static_cast<off_t>(allocated_), static_cast<off_t>(to - allocated_));
  };
  if (allocate(wanted) == 0) {
    allocated_ = wanted;
    return {};
  }
  // A disk with less left than is reserved ahead takes what is to be written now.
  if (const int failed = allocate(end); failed != 0) return fail(errno_error(failed, segment_path(folder_, number_).string()));
  allocated_ = end;
  return {};
}

Status SegmentLog::append(std::string_view records) {
  if (!file_) CHECK_OK(start_segment(number_ + 1));
  CHECK_OK(reserve(end_ + records.size()));
  const auto write_and_sync = [&]() -> Status {
    CHECK_OK(failpoint("series.write"));
    size_t done = 0;
    while (done < records.size()) {
      const ssize_t written =
          ::pwrite(file_.get(), records.data() + done, records.size() - done, static_cast<off_t>(end_ + done));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail(errno_error(errno, segment_path(folder_, number_).string()));
      done += static_cast<size_t>(written);
    }
    failpoint_kill("series.before_sync");
    if (::fdatasync(file_.get()) != 0) return fail(errno_error(errno, segment_path(folder_, number_).string()));
    failpoint_kill("series.after_sync");
    return {};
  };
  if (Status written = write_and_sync(); !written) {
    // What the failed write left on the disk is unknown. It is cut off, and the file is not written again.
    if (::ftruncate(file_.get(), static_cast<off_t>(end_)) == 0) (void)::fsync(file_.get());
    file_ = Fd();
    return written;
  }
  end_ += records.size();
  return {};
}

Result<uint64_t> SegmentLog::rotate() {
  CHECK_OK(start_segment(number_ + 1));
  return number_;
}

Status SegmentLog::delete_before(uint64_t number) {
  TRY(const auto segments, list());
  for (const auto& [found, path] : segments) {
    if (found >= number) break;
    CHECK_OK(remove_segment(path));
  }
  return {};
}

}  // namespace werkbank::store::sqlite
