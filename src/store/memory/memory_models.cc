#include "store/memory/memory_models.hh"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "store/cursor.hh"

namespace werkbank::store::memory {
namespace {

bool holds_all(const TextMap& labels, const TextMap& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& filter) {
    const auto found = labels.find(filter.first);
    return found != labels.end() && (filter.second.empty() || found->second == filter.second);
  });
}

std::string lower(std::string text) {
  for (char& c : text) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool matches(const Model& model, const ModelQuery& query) {
  const auto is_wanted = [&](const DatasetLink& dataset) { return dataset.id == query.dataset_id; };
  return model.key.workspace == query.workspace && (query.name.empty() || model.key.name == query.name) &&
         (query.run_id.empty() || model.run_id == query.run_id) &&
         (query.framework.empty() || lower(model.framework) == lower(query.framework)) &&
         (query.dataset_id.empty() || std::ranges::any_of(model.datasets, is_wanted)) && holds_all(model.tags, query.tags) &&
         holds_all(model.properties, query.properties);
}

}  // namespace

Result<std::optional<Model>> MemoryModels::find(const ModelKey& key) {
  if (key.version != 0) {
    const StoredModel* const found = tables_.models.find(key);
    return found == nullptr ? std::nullopt : std::optional<Model>(found->model);
  }
  std::optional<Model> newest;
  for (const auto& [known, stored] : tables_.models.rows()) {
    if (known.workspace == key.workspace && known.name == key.name) newest = stored.model;  // rows are in order of version
  }
  return newest;
}

Result<Page<Model>> MemoryModels::list(const ModelQuery& query) {
  TRY(const int64_t limit, check_limit(query.limit));
  TRY(const int64_t before, decode_model_cursor(query.cursor));
  std::map<std::string, int64_t> newest;  // by name, of those that match
  std::vector<StoredModel> found;
  for (const auto& [key, stored] : tables_.models.rows()) {
    if (!matches(stored.model, query)) continue;
    found.push_back(stored);
    newest[key.name] = key.version;
  }
  std::erase_if(found, [&](const StoredModel& stored) {
    return (before != 0 && stored.serial >= before) ||
           (query.latest && newest[stored.model.key.name] != stored.model.key.version);
  });
  std::ranges::sort(found, std::ranges::greater(), &StoredModel::serial);
  Page<StoredModel> cut =
      cut_page(std::move(found), limit, [](const StoredModel& stored) { return encode_model_cursor(stored.serial); });
  Page<Model> page{{}, cut.next};
  for (StoredModel& stored : cut.items) page.items.push_back(std::move(stored.model));
  return page;
}

Result<std::vector<ModelUser>> MemoryModels::users(const ModelKey& key) {
  std::vector<ModelUser> users;
  for (const auto& [row, used] : tables_.model_users.rows()) {
    if (row.first == key) users.push_back(row.second);
  }
  return users;
}

Result<int64_t> MemoryModels::count(const std::string& workspace) {
  return std::ranges::count_if(tables_.models.rows(), [&](const auto& row) { return row.first.workspace == workspace; });
}

Result<std::vector<Hash>> MemoryModels::content_roots(const std::string& except) {
  std::vector<Hash> roots;
  for (const auto& [key, stored] : tables_.models.rows()) {
    if (key.workspace != except) roots.push_back(stored.model.content);
  }
  return roots;
}

Result<Model> MemoryModels::create(Model model) {
  if (tables_.workspaces.find(model.key.workspace) == nullptr)
    return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", model.key.workspace));
  const Names name{model.key.workspace, model.key.name};
  const int64_t* const last = tables_.model_versions.find(name);
  model.key.version = (last == nullptr ? 0 : *last) + 1;
  model.revision = 1;
  tables_.model_versions.put(undo_, name, model.key.version);
  undo_.push_back([tables = &tables_, before = tables_.last_model] { tables->last_model = before; });
  tables_.models.put(undo_, model.key, {model, ++tables_.last_model});
  return model;
}

Status MemoryModels::update(Model& model) {
  const StoredModel* const known = tables_.models.find(model.key);
  if (known == nullptr) return fail(no_such_model(model.key));
  const Model& before = known->model;
  model.content = before.content;
  model.file_count = before.file_count;
  model.size_bytes = before.size_bytes;
  model.run_id = before.run_id;
  model.experiment = before.experiment;
  model.run_path = before.run_path;
  model.created_by = before.created_by;
  model.created_ms = before.created_ms;
  model.revision = before.revision + 1;
  tables_.models.put(undo_, model.key, {model, known->serial});
  return {};
}

Status MemoryModels::remove(const ModelKey& key) {
  TRY(const std::vector<ModelUser> known, users(key));
  if (!known.empty()) return fail(model_in_use(key, known));
  if (!tables_.models.erase(undo_, key)) return fail(no_such_model(key));
  return {};
}

Status MemoryModels::put_user(const ModelKey& key, const ModelUser& user) {
  if (tables_.models.find(key) == nullptr) return fail(no_such_model(key));
  tables_.model_users.put(undo_, {key, user}, true);
  return {};
}

Status MemoryModels::drop_user(const ModelKey& key, const ModelUser& user) {
  if (tables_.model_users.erase(undo_, {key, user})) return {};
  return fail(errors::not_found, fmt::format("{} {:?} does not use the model {:?}", user.kind, user.name, model_id(key)));
}

void MemoryModels::remove_workspace(const std::string& name) {
  tables_.models.erase_where(undo_, [&](const ModelKey& key, const auto&) { return key.workspace == name; });
  tables_.model_versions.erase_where(undo_, [&](const Names& key, int64_t) { return key.first == name; });
  tables_.model_users.erase_where(undo_, [&](const auto& key, bool) { return key.first.workspace == name; });
}

}  // namespace werkbank::store::memory
