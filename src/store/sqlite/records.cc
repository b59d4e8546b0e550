// How values that are not plain columns are stored. What is read here was written here: malformed text means a damaged
// file, which SQLite's own checks find, so it reads as empty.
#include "store/sqlite/queries.hh"

namespace werkbank::store::sqlite {
namespace {

constexpr size_t kStoredDepthMax = 128;

json::parse_options stored_options() {
  json::parse_options options;
  options.max_depth = kStoredDepthMax;
  options.allow_invalid_utf8 = true;  // a log's last lines may hold any byte, and must not make the run unreadable
  return options;
}

}  // namespace

json::value parse_stored(std::string_view text) {
  json::error_code failed;
  json::value value = json::parse(text, failed, {}, stored_options());
  return failed ? json::value(nullptr) : value;
}

std::string stored_map(const TextMap& map) { return map.empty() ? std::string("{}") : json::serialize(text_map_to_json(map)); }

TextMap map_from_stored(std::string_view text) {
  TextMap map;
  if (text == "{}") return map;
  const json::value value = parse_stored(text);
  if (const json::object* const object = value.if_object()) {
    for (const auto& [key, entry] : *object) {
      if (const json::string* const found = entry.if_string()) map.emplace(key, *found);
    }
  }
  return map;
}

std::string stored_texts(const std::vector<std::string>& texts) {
  return texts.empty() ? std::string("[]") : json::serialize(json::array(texts.begin(), texts.end()));
}

std::vector<std::string> texts_from_stored(std::string_view text) {
  std::vector<std::string> texts;
  if (text == "[]") return texts;
  const json::value value = parse_stored(text);
  if (const json::array* const array = value.if_array()) {
    for (const json::value& entry : *array) {
      if (const json::string* const found = entry.if_string()) texts.emplace_back(*found);
    }
  }
  return texts;
}

std::string stored_end(const RunEnd& end) {
  const bool is_empty = end.kind == RunEndKind::kNone && end.code.empty() && end.message.empty() && end.details.empty();
  return is_empty ? std::string() : json::serialize(to_json(end));
}

std::string stored_rank_ends(const std::map<int64_t, RunEnd>& ends) {
  if (ends.empty()) return {};
  json::array list;
  for (const auto& [rank, end] : ends) list.push_back(json::object{{"rank", rank}, {"end", to_json(end)}});
  return json::serialize(list);
}

Result<std::map<int64_t, RunEnd>> rank_ends_from_stored(std::string_view text) {
  std::map<int64_t, RunEnd> ends;
  if (text.empty()) return ends;
  const json::value list = parse_stored(text);
  if (!list.is_array()) return ends;
  for (const json::value& each : list.get_array()) {
    JsonReader reader(each, "rank_ends");
    const int64_t rank = reader.int_or("rank", 0, 0, INT32_MAX);
    const json::value* const end = reader.value("end");
    CHECK_OK(reader.finish(false));
    if (end == nullptr) continue;
    TRY(ends[rank], run_end_from_json(*end));
  }
  return ends;
}

Result<RunEnd> end_from_stored(std::string_view text) {
  if (text.empty()) return RunEnd{};
  return run_end_from_json(parse_stored(text));
}

int stored(LifecycleStage stage) { return stage == LifecycleStage::kActive ? 0 : stage == LifecycleStage::kArchived ? 1 : 2; }
LifecycleStage stage_from_stored(int64_t number) {
  return number == 0 ? LifecycleStage::kActive : number == 1 ? LifecycleStage::kArchived : LifecycleStage::kDeleted;
}

int stored(Role role) { return role == Role::kReader ? 0 : role == Role::kContributor ? 1 : 2; }
Role role_from_stored(int64_t number) { return number == 2 ? Role::kOwner : number == 1 ? Role::kContributor : Role::kReader; }

int stored(RunControl control) { return control == RunControl::kManaged ? 0 : 1; }
RunControl control_from_stored(int64_t number) { return number == 0 ? RunControl::kManaged : RunControl::kClientTracked; }

}  // namespace werkbank::store::sqlite
