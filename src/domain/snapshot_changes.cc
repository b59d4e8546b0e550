#include "domain/snapshot_changes.hh"

#include <fmt/format.h>

#include <algorithm>

namespace werkbank {
namespace {

constexpr std::string_view kFirstLine = "werkbank-changes 1\n";

std::unexpected<Error> refuse(std::string_view what) {
  return fail(
      errors::snapshot_refused, fmt::format("the list of changes {}", what),
      "It must have the form of docs/reference/snapshot-format.md, byte for byte. Sending the whole manifest always works.");
}

// A canonical manifest's text as a sorted sequence of lines.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text), begin_(text.find('\n') + 1) {}

  size_t begin() const { return begin_; }
  size_t end() const { return text_.size(); }
  size_t after(size_t line) const { return text_.find('\n', line) + 1; }
  std::string_view at(size_t line) const { return text_.substr(line, after(line) - 1 - line); }
  Result<std::string> path_at(size_t line) const {
    TRY(const SnapshotEntry entry, parse_snapshot_line(at(line)));
    return entry.path;
  }
  // The first line from `from` on whose path is not before `path`; end() where there is none.
  Result<size_t> find(std::string_view path, size_t from) const {
    size_t low = from, high = end();
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      const size_t line = text_.rfind('\n', middle - 1) + 1;  // before the first one there is the head's line end
      TRY(const std::string found, path_at(line));
      if (found < path) {
        low = after(line);
      } else {
        high = line;
      }
    }
    return low;
  }
  Result<bool> has(std::string_view path) const {
    TRY(const size_t line, find(path, begin_));
    if (line == end()) return false;
    TRY(const std::string found, path_at(line));
    return found == path;
  }
  Result<bool> has_below(const std::string& folder) const {
    TRY(const size_t line, find(folder + '/', begin_));
    if (line == end()) return false;
    TRY(const std::string found, path_at(line));
    return found.starts_with(folder + '/');
  }

 private:
  std::string_view text_;
  size_t begin_;
};

// Walks through puts and removals together, by path.
class InOrder {
 public:
  explicit InOrder(const SnapshotChanges& changes) : changes_(changes) {}

  struct Change {
    const std::string* path = nullptr;
    const SnapshotEntry* put = nullptr;  // null: removed
  };
  bool next(Change& change) {
    const bool has_put = put_ < changes_.put.size(), has_removed = removed_ < changes_.removed.size();
    if (!has_put && !has_removed) return false;
    if (has_put && (!has_removed || changes_.put[put_].path < changes_.removed[removed_])) {
      change.put = &changes_.put[put_++];
      change.path = &change.put->path;
    } else {
      change = {&changes_.removed[removed_++], nullptr};
    }
    return true;
  }

 private:
  const SnapshotChanges& changes_;
  size_t put_ = 0, removed_ = 0;
};

// A file may not be a folder of another: neither above what was put nor below it may anything else be.
Status check_folders(const Lines& lines, const SnapshotChanges& changes) {
  for (const SnapshotEntry& entry : changes.put) {
    for (size_t slash = entry.path.find('/'); slash != std::string::npos; slash = entry.path.find('/', slash + 1)) {
      TRY(const bool is_file, lines.has(std::string_view(entry.path).substr(0, slash)));
      if (is_file) return refuse(fmt::format("puts {:?} below a file", escape_snapshot_path(entry.path)));
    }
    TRY(const bool is_folder, lines.has_below(entry.path));
    if (is_folder) return refuse(fmt::format("puts {:?}, which is a folder", escape_snapshot_path(entry.path)));
  }
  return {};
}

}  // namespace

std::string SnapshotChanges::to_text() const {
  std::string text(kFirstLine);
  InOrder in_order(*this);
  for (InOrder::Change change; in_order.next(change);) {
    text += change.put != nullptr ? "+ " : "- ";
    if (change.put != nullptr) {
      append_snapshot_line(*change.put, text);
    } else {
      text += escape_snapshot_path(*change.path) + '\n';
    }
  }
  return text;
}

Result<SnapshotChanges> SnapshotChanges::parse(std::string_view text) {
  if (!text.starts_with(kFirstLine)) return refuse("does not begin with the line \"werkbank-changes 1\"");
  SnapshotChanges changes;
  std::string last;
  for (size_t start = kFirstLine.size(), number = 2; start < text.size(); ++number) {
    const size_t end = text.find('\n', start);
    if (end == std::string_view::npos) return refuse(fmt::format("has no line end in line {}", number));
    const std::string_view line = text.substr(start, end - start);
    start = end + 1;
    std::string path;
    if (line.starts_with("+ ")) {
      TRY(SnapshotEntry entry, parse_snapshot_line(line.substr(2)));
      path = entry.path;
      changes.put.push_back(std::move(entry));
    } else if (line.starts_with("- ")) {
      auto unescaped = unescape_snapshot_path(line.substr(2));
      if (!unescaped) return refuse(fmt::format("has a bad path in line {}: {}", number, unescaped.error().message));
      path = std::move(*unescaped);
      if (Status checked = check_snapshot_path(path); !checked) {
        return refuse(fmt::format("has a bad path in line {}: {}", number, checked.error().message));
      }
      changes.removed.push_back(path);
    } else {
      return refuse(fmt::format("has neither \"+ \" nor \"- \" in line {}", number));
    }
    if (number > 2 && path <= last) return refuse(fmt::format("is not sorted in line {}", number));
    last = std::move(path);
  }
  return changes;
}

Result<ChangedManifest> apply_changes(std::string_view base, const SnapshotChanges& changes) {
  const Lines lines(base);
  ChangedManifest changed;
  changed.text.reserve(base.size() + 200 * changes.put.size());
  size_t copied = 0, from = lines.begin();
  InOrder in_order(changes);
  for (InOrder::Change change; in_order.next(change);) {
    TRY(from, lines.find(*change.path, from));
    changed.text += base.substr(copied, from - copied);
    copied = from;
    bool is_there = false;
    if (from < lines.end()) {
      TRY(const SnapshotEntry found, parse_snapshot_line(lines.at(from)));
      is_there = found.path == *change.path;
      if (is_there) changed.bytes_gone += found.size_bytes;
    }
    if (is_there) copied = from = lines.after(from);
    if (change.put != nullptr) {
      append_snapshot_line(*change.put, changed.text);
      changed.bytes_put += change.put->size_bytes;
    } else if (!is_there) {
      return refuse(fmt::format("removes {:?}, which is not there", escape_snapshot_path(*change.path)));
    }
  }
  changed.text += base.substr(copied);
  CHECK_OK(check_folders(Lines(changed.text), changes));
  return changed;
}

}  // namespace werkbank
