#include "domain/snapshot.hh"

#include <fmt/format.h>

#include <charconv>

namespace werkbank {
namespace {

constexpr std::string_view kFirstLine = "werkbank-snapshot 1\n";
constexpr size_t kPathBytesMax = 1024;
constexpr size_t kNameBytesMax = 255;
constexpr char kHexDigits[] = "0123456789ABCDEF";

bool is_continuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// The length of the valid UTF-8 sequence at the start of `text`, or 0.
size_t utf8_sequence_length(std::string_view text) {
  const auto at = [text](size_t index) { return static_cast<unsigned char>(index < text.size() ? text[index] : 0); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return is_continuation(at(1)) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!is_continuation(at(1)) || !is_continuation(at(2))) return 0;
    if (first == 0xE0 && at(1) < 0xA0) return 0;  // overlong
    if (first == 0xED && at(1) > 0x9F) return 0;  // a surrogate
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!is_continuation(at(1)) || !is_continuation(at(2)) || !is_continuation(at(3))) return 0;
    if (first == 0xF0 && at(1) < 0x90) return 0;  // overlong
    if (first == 0xF4 && at(1) > 0x8F) return 0;  // above U+10FFFF
    return 4;
  }
  return 0;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Most names are plain ASCII: one look at them decides that nothing needs escaping.
bool is_plain(std::string_view path) {
  if (path.empty() || path.front() == ' ' || path.back() == ' ') return false;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F || c == '%') return false;
  }
  return true;
}

// 0: a line by itself.
std::unexpected<Error> refuse_line(size_t line_number, std::string_view what) {
  const std::string which = line_number > 0 ? fmt::format("the manifest's line {}", line_number) : "the line of a file";
  return fail(errors::snapshot_refused, fmt::format("{} {}", which, what),
              "The manifest must have the form of docs/reference/snapshot-format.md, byte for byte.");
}

// "<64 hex> <size> <x|-> <path>" without the line end.
Result<SnapshotEntry> parse_line(std::string_view line, size_t line_number) {
  constexpr size_t kSizeAt = 2 * Hash::kSizeBytes + 1;
  if (line.size() < kSizeAt || line[kSizeAt - 1] != ' ') return refuse_line(line_number, "does not begin with a hash");
  SnapshotEntry entry;
  auto hash = Hash::parse(line.substr(0, kSizeAt - 1));
  if (!hash) return refuse_line(line_number, "does not begin with a hash");
  entry.hash = *hash;
  const std::string_view rest = line.substr(kSizeAt);
  const char* const end = rest.data() + rest.size();
  const auto [after, error] = std::from_chars(rest.data(), end, entry.size_bytes);
  const auto digits = static_cast<size_t>(after - rest.data());
  if (error != std::errc() || entry.size_bytes > kSnapshotBytesMax || (rest[0] == '0' && digits > 1)) {
    return refuse_line(line_number, "has no valid size");
  }
  const std::string_view tail = rest.substr(digits);
  if (tail.size() < 4 || tail[0] != ' ' || (tail[1] != 'x' && tail[1] != '-') || tail[2] != ' ') {
    return refuse_line(line_number, "has neither 'x' nor '-' and a path after the size");
  }
  entry.executable = tail[1] == 'x';
  auto path = unescape_snapshot_path(tail.substr(3));
  if (!path) return refuse_line(line_number, fmt::format("has a bad path: {}", path.error().message));
  if (Status checked = check_snapshot_path(*path); !checked) {
    return refuse_line(line_number, fmt::format("has a bad path: {}", checked.error().message));
  }
  entry.path = std::move(*path);
  return entry;
}

// In sorted order, the entries of which the next path is a continuation ("a", "a-b" after "a" …) form a stack: a file that is
// the folder of a later one is still on it when that one comes.
class FolderCheck {
 public:
  bool is_file_a_folder_of(std::string_view path) {
    while (!stack_.empty() && !path.starts_with(stack_.back())) stack_.pop_back();
    for (const std::string_view file : stack_) {
      if (path.size() > file.size() && path[file.size()] == '/') return true;
    }
    stack_.push_back(path);
    return false;
  }

 private:
  std::vector<std::string_view> stack_;
};

}  // namespace

Status check_snapshot_path(std::string_view path) {
  const auto refuse = [path](std::string_view why) {
    return fail(errors::path_refused, fmt::format("{:?} {}", escape_snapshot_path(path.substr(0, kPathBytesMax)), why));
  };
  if (path.empty()) return refuse("is empty");
  if (path.size() > kPathBytesMax) return refuse(fmt::format("is longer than {} bytes", kPathBytesMax));
  if (path.find('\0') != std::string_view::npos) return refuse("holds a NUL");
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view name = path.substr(start, end - start);
    if (name.empty()) return refuse("has an empty component");
    if (name == "." || name == "..") return refuse("has the component '.' or '..'");
    if (name.size() > kNameBytesMax) return refuse(fmt::format("has a name longer than {} bytes", kNameBytesMax));
    start = end + 1;
  }
  return {};
}

std::string escape_snapshot_path(std::string_view path) {
  if (is_plain(path)) return std::string(path);
  std::string text;
  text.reserve(path.size() + 16);
  for (size_t i = 0; i < path.size();) {
    const size_t length = utf8_sequence_length(path.substr(i));
    const auto byte = static_cast<unsigned char>(path[i]);
    const bool at_an_end = i == 0 || i + 1 == path.size();
    if (length == 0 || byte < 0x20 || byte == 0x7F || byte == '%' || (byte == ' ' && at_an_end)) {
      text += '%';
      text += kHexDigits[byte >> 4];
      text += kHexDigits[byte & 15];
      ++i;
    } else {
      text.append(path.substr(i, length));
      i += length;
    }
  }
  return text;
}

Result<std::string> unescape_snapshot_path(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string path;
  path.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      path += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(errors::invalid_request, "a '%' is not followed by two upper-case hex digits");
    path += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (escape_snapshot_path(path) != text) {
    return fail(errors::invalid_request, "a character is escaped that need not be, or is not escaped that must be");
  }
  return path;
}

std::string SnapshotManifest::to_text() const {
  size_t size = kFirstLine.size();
  for (const SnapshotEntry& entry : entries) size += entry.path.size() + 2 * Hash::kSizeBytes + 16;
  std::string text;
  text.reserve(size);
  text += kFirstLine;
  for (const SnapshotEntry& entry : entries) append_snapshot_line(entry, text);
  return text;
}

void append_snapshot_line(const SnapshotEntry& entry, std::string& text) {
  char head[2 * Hash::kSizeBytes + 32];
  entry.hash.write_hex(head);
  char* at = head + 2 * Hash::kSizeBytes;
  *at++ = ' ';
  const auto [end, error] = std::to_chars(at, head + sizeof head, entry.size_bytes);
  WB_INVARIANT(error == std::errc());
  text.append(head, end);
  text += entry.executable ? " x " : " - ";
  if (is_plain(entry.path)) {
    text += entry.path;
  } else {
    text += escape_snapshot_path(entry.path);
  }
  text += '\n';
}

Result<SnapshotEntry> parse_snapshot_line(std::string_view line) { return parse_line(line, 0); }

Result<SnapshotManifest> SnapshotManifest::parse(std::string_view text) {
  if (!text.starts_with(kFirstLine)) {
    return fail(errors::snapshot_refused, "the manifest does not begin with the line \"werkbank-snapshot 1\"",
                "The manifest must have the form of docs/reference/snapshot-format.md, byte for byte.");
  }
  SnapshotManifest manifest;
  manifest.entries.reserve(text.size() / 100);
  uint64_t total = 0;
  for (size_t start = kFirstLine.size(), line_number = 2; start < text.size(); ++line_number) {
    const size_t end = text.find('\n', start);
    if (end == std::string_view::npos) return refuse_line(line_number, "has no line end");
    TRY(SnapshotEntry entry, parse_line(text.substr(start, end - start), line_number));
    if (!manifest.entries.empty() && entry.path <= manifest.entries.back().path) {
      return refuse_line(line_number, "is not sorted after the line before it");
    }
    if (entry.size_bytes > kSnapshotBytesMax - total) return refuse_line(line_number, "makes the total size overflow");
    total += entry.size_bytes;
    manifest.entries.push_back(std::move(entry));
    start = end + 1;
  }
  // Only now: a growing vector moves the paths that the check looks at.
  FolderCheck folders;
  for (size_t i = 0; i < manifest.entries.size(); ++i) {
    if (folders.is_file_a_folder_of(manifest.entries[i].path)) return refuse_line(i + 2, "names a file below another file");
  }
  return manifest;
}

Hash SnapshotManifest::id() const { return Hash::of(to_text()); }

uint64_t SnapshotManifest::total_bytes() const {
  uint64_t total = 0;
  for (const SnapshotEntry& entry : entries) total += entry.size_bytes;
  return total;
}

Result<std::optional<SnapshotEntry>> find_in_manifest(std::string_view text, std::string_view path) {
  const std::string needle = ' ' + escape_snapshot_path(path) + '\n';
  // A longer path may end in the same text ("x - a.py" and "a.py"): every hit is read as the line it lies in.
  for (size_t at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at + 1)) {
    const size_t line_end = at + needle.size() - 1;
    const size_t before = text.rfind('\n', at);
    if (before == std::string_view::npos) continue;
    TRY(SnapshotEntry entry, parse_line(text.substr(before + 1, line_end - before - 1), 0));
    if (entry.path == path) return entry;
  }
  return std::optional<SnapshotEntry>();
}

std::filesystem::path blob_path(const std::filesystem::path& folder, const Hash& hash) {
  const std::string hex = hash.hex();
  return folder / hex.substr(0, 2) / hex.substr(2);
}

}  // namespace werkbank
