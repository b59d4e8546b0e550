#include "runner/state_file.hh"

#include "base/files.hh"
#include "base/json.hh"
#include "base/log.hh"
#include "domain/snapshot.hh"

namespace werkbank::runner {
namespace {

constexpr JsonLimits kLimits{.size_bytes_max = 256 * 1024 * 1024, .depth_max = 8};

uint64_t number(JsonReader& reader, std::string_view key) { return static_cast<uint64_t>(reader.int_or(key, 0, 0, INT64_MAX)); }

// Calls `take` with the path and a reader of each entry of the object under `key`. A path's bytes are escaped as in a manifest.
template <typename Take>
void read_entries(JsonReader& reader, std::string_view key, const Take& take) {
  const json::object* const entries = reader.object(key);
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    const Result<std::string> path = unescape_snapshot_path(entry.key());
    if (!path) continue;
    JsonReader fields(entry.value(), std::string(key));
    take(*path, fields);
  }
}

}  // namespace

void StateFile::load() {
  const std::lock_guard lock(mutex_);
  const Result<std::string> text = read_file(path_, kLimits.size_bytes_max);
  if (!text) return;
  const Result<json::value> document = parse_json(*text, kLimits);
  if (!document) {
    log_warning("state.json does not read, offering everything again: {}", document.error().to_string());
    return;
  }
  JsonReader reader(*document, "state.json");
  read_entries(reader, "logs", [this](const std::string& path, JsonReader& fields) {
    logs_[path] = LogPosition{number(fields, "inode"), number(fields, "base"), number(fields, "sent")};
  });
  read_entries(reader, "metrics",
               [this](const std::string& writer, JsonReader& fields) { metrics_[writer] = number(fields, "sent"); });
  read_entries(reader, "files", [this](const std::string& path, JsonReader& fields) {
    files_[path] =
        FileIdentity{number(fields, "inode"), number(fields, "sizeBytes"), fields.int_or("modifiedNs", 0, INT64_MIN, INT64_MAX)};
  });
}

LogPosition StateFile::log(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(path);
  return found == logs_.end() ? LogPosition{} : found->second;
}

void StateFile::set_log(const std::string& path, const LogPosition& position) {
  const std::lock_guard lock(mutex_);
  logs_[path] = position;
  changed_ = true;
}

uint64_t StateFile::metrics_offset(const std::string& writer) const {
  const std::lock_guard lock(mutex_);
  const auto found = metrics_.find(writer);
  return found == metrics_.end() ? 0 : found->second;
}

void StateFile::set_metrics_offset(const std::string& writer, uint64_t offset) {
  const std::lock_guard lock(mutex_);
  metrics_[writer] = offset;
  changed_ = true;
}

FileIdentity StateFile::uploaded(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(path);
  return found == files_.end() ? FileIdentity{} : found->second;
}

void StateFile::set_uploaded(const std::string& path, const FileIdentity& identity) {
  const std::lock_guard lock(mutex_);
  files_[path] = identity;
  changed_ = true;
}

void StateFile::save() {
  const std::lock_guard lock(mutex_);
  if (!changed_) return;
  json::object logs;
  for (const auto& [path, position] : logs_) {
    logs[escape_snapshot_path(path)] = {{"inode", position.inode}, {"base", position.base}, {"sent", position.sent}};
  }
  json::object metrics;
  for (const auto& [writer, offset] : metrics_) metrics[escape_snapshot_path(writer)] = {{"sent", offset}};
  json::object files;
  for (const auto& [path, identity] : files_) {
    files[escape_snapshot_path(path)] = {
        {"inode", identity.inode}, {"sizeBytes", identity.size_bytes}, {"modifiedNs", identity.modified_ns}};
  }
  const json::object document{{"logs", std::move(logs)}, {"metrics", std::move(metrics)}, {"files", std::move(files)}};
  const Status written = write_file_atomically(path_, json::serialize(document), 0600, false);
  if (written)
    changed_ = false;
  else
    log_warning("state.json not written: {}", written.error().to_string());
}

}  // namespace werkbank::runner
