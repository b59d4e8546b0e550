#include "domain/compute_target.hh"

namespace werkbank {

json::object to_json(const ComputeTargetRecord& record) {
  return {{"workspace", record.workspace},
          {"name", record.name},
          {"kind", record.kind},
          {"id", record.id},
          {"description", record.description},
          {"tags", text_map_to_json(record.tags)},
          {"settings", record.settings},
          {"createdBy", record.created_by},
          {"createdUtc", format_utc(record.created_ms)},
          {"modifiedUtc", format_utc(record.modified_ms)}};
}

Result<ComputeTargetRecord> compute_target_from_json(const json::value& value) {
  JsonReader reader(value, "target");
  ComputeTargetRecord record;
  record.workspace = reader.required_string("workspace");
  record.name = reader.required_string("name");
  record.kind = reader.required_string("kind");
  record.id = reader.required_string("id");
  record.description = reader.string_or("description");
  for (auto& [name, text] : reader.string_map_or_empty("tags")) record.tags[name] = text;
  if (const json::object* const settings = reader.object("settings")) record.settings = *settings;
  record.created_by = reader.string_or("createdBy");
  const std::string created = reader.required_string("createdUtc");
  const std::string modified = reader.required_string("modifiedUtc");
  CHECK_OK(reader.finish(false));
  TRY(record.created_ms, parse_utc(created));
  TRY(record.modified_ms, parse_utc(modified));
  return record;
}

}  // namespace werkbank
