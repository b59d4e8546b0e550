// The append-only log of metric points: numbered segment files of checksummed records (docs/reference/series-format.md).
// One thread at a time. Nothing here knows what a record means.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/files.hh"

namespace werkbank::store::sqlite {

uint32_t crc32c(std::string_view bytes);

// Frames a record into `out`: length, checksum, payload.
void put_record(std::string& out, std::string_view payload);

class SegmentLog {
 public:
  explicit SegmentLog(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Deletes segments below `first_wanted`, hands every record of the others to `take` in the order of writing, cuts a torn
  // tail off, deletes segments without records, and starts a new segment. store_corrupt where a record is damaged that others
  // were written after.
  Status open(uint64_t first_wanted, const std::function<Status(std::string_view payload)>& take);

  // Writes framed records and makes them durable. After an error none of them counts, and the next append starts a new segment.
  Status append(std::string_view records);
  // Starts a new segment and answers its number: everything before is in segments below it.
  Result<uint64_t> rotate();
  Status delete_before(uint64_t number);
  uint64_t current_number() const { return number_; }
  uint64_t current_size_bytes() const { return end_; }

 private:
  struct Scan;
  Result<std::map<uint64_t, std::filesystem::path>> list() const;
  static Result<Scan> scan(const std::filesystem::path& path, uint64_t number);
  Status start_segment(uint64_t number);
  Status reserve(uint64_t end);

  const std::filesystem::path folder_;
  Fd file_;
  uint64_t number_ = 0;
  uint64_t end_ = 0;  // where the next record goes
  // Disk space is taken in advance, from the first record on: a full disk is met before a record is written, not within one.
  uint64_t allocated_ = 0;
};

}  // namespace werkbank::store::sqlite
