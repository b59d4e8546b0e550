#include "main/unzip.hh"

#include <fcntl.h>
#include <zlib.h>

#include <cstring>
#include <string>

#include "base/files.hh"

namespace werkbank {
namespace {

// Offsets after PKWARE's APPNOTE.TXT, 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
constexpr std::string_view kEndMark("PK\x05\x06", 4);
constexpr std::string_view kEntryMark("PK\x01\x02", 4);
constexpr size_t kEndSize = 22;
constexpr size_t kEntrySize = 46;
constexpr size_t kLocalSize = 30;

uint32_t number(std::string_view bytes, size_t offset, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}

std::unexpected<Error> malformed() { return fail(errors::invalid_request, "the archive is not a well-formed zip file"); }

Result<std::string> inflate_raw(std::string_view packed, size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return malformed();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  const int outcome = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (outcome != Z_STREAM_END || stream.avail_out != 0) return malformed();
  return bytes;
}

}  // namespace

Status unzip(std::string_view archive, const std::filesystem::path& folder) {
  const size_t end = archive.rfind(kEndMark);
  if (end == std::string_view::npos || end + kEndSize > archive.size()) return malformed();
  const size_t count = number(archive, end + 10, 2);
  size_t position = number(archive, end + 16, 4);
  for (size_t i = 0; i < count; ++i) {
    if (position + kEntrySize > archive.size() || archive.substr(position, 4) != kEntryMark) return malformed();
    const uint32_t method = number(archive, position + 10, 2);
    const size_t packed_size = number(archive, position + 20, 4);
    const size_t size = number(archive, position + 24, 4);
    const size_t name_size = number(archive, position + 28, 2);
    const size_t local = number(archive, position + 42, 4);
    if (position + kEntrySize + name_size > archive.size() || local + kLocalSize > archive.size()) return malformed();
    const std::string_view name = archive.substr(position + kEntrySize, name_size);
    position += kEntrySize + name_size + number(archive, position + 30, 2) + number(archive, position + 32, 2);
    if (name.ends_with('/')) continue;
    const size_t data = local + kLocalSize + number(archive, local + 26, 2) + number(archive, local + 28, 2);
    if (data + packed_size > archive.size()) return malformed();
    TRY(const RelativePath path, RelativePath::parse(name));
    std::string bytes(archive.substr(data, packed_size));
    if (method == 8) {
      TRY(bytes, inflate_raw(archive.substr(data, packed_size), size));
    } else if (method != 0) {
      return malformed();
    }
    CHECK_OK(make_directories(path.below(folder).parent_path()));
    // The caller marks the folder when all is there: a half-written file is never seen.
    TRY(const Fd file, open_file(path.below(folder), O_CREAT | O_WRONLY | O_TRUNC));
    CHECK_OK(write_all(file.get(), bytes));
  }
  return {};
}

}  // namespace werkbank
