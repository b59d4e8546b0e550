#include "store/memory/memory_datasets.hh"

#include <fmt/format.h>

#include <algorithm>

#include "store/cursor.hh"

namespace werkbank::store::memory {
namespace {

bool holds_all(const TextMap& labels, const TextMap& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& filter) {
    const auto found = labels.find(filter.first);
    return found != labels.end() && (filter.second.empty() || found->second == filter.second);
  });
}

bool goes_before(const DatasetKey& a, const DatasetKey& b) { return a.name != b.name ? a.name < b.name : a.version > b.version; }

}  // namespace

Result<std::optional<Dataset>> MemoryDatasets::saved(const std::string& workspace, const std::string& id) {
  const Dataset* const found = tables_.datasets.find({workspace, id});
  return found == nullptr ? std::nullopt : std::optional(*found);
}

Result<std::optional<DatasetVersion>> MemoryDatasets::find(const DatasetKey& key) {
  std::optional<DatasetVersion> newest;
  for (const auto& [known, version] : tables_.dataset_versions.rows()) {
    const bool is_wanted = key.version == 0 || known.version == key.version;
    if (known.workspace == key.workspace && known.name == key.name && is_wanted)
      newest = version;  // rows are in order of version
  }
  return newest;
}

Result<std::optional<DatasetVersion>> MemoryDatasets::find_by_id(const std::string& workspace, const std::string& id) {
  std::optional<DatasetVersion> newest;
  for (const auto& [key, version] : tables_.dataset_versions.rows()) {
    if (key.workspace != workspace || version.dataset.id != id) continue;
    if (!newest || std::pair(version.created_ms, version.key) >= std::pair(newest->created_ms, newest->key)) newest = version;
  }
  return newest;
}

Result<Page<DatasetVersion>> MemoryDatasets::list(const DatasetQuery& query) {
  TRY(const int64_t limit, check_limit(query.limit));
  TRY(const NameSortKey after, decode_name_cursor(query.cursor));
  std::vector<DatasetVersion> found;
  for (const auto& [key, version] : tables_.dataset_versions.rows()) {
    if (key.workspace != query.workspace) continue;
    if (!query.name.empty() ? key.name != query.name
                            : tables_.dataset_versions.rows().upper_bound({key.workspace, key.name, INT64_MAX}) !=
                                  std::next(tables_.dataset_versions.rows().find(key)))
      continue;
    const bool is_after = query.cursor.empty() || goes_before({"", after.name, after.id}, key);
    const bool matches = (!query.kind || version.dataset.kind == *query.kind) && holds_all(version.tags, query.tags);
    if (is_after && matches) found.push_back(version);
  }
  std::ranges::sort(found, goes_before, &DatasetVersion::key);
  return cut_page(std::move(found), limit,
                  [](const DatasetVersion& each) { return encode_name_cursor({each.key.name, each.key.version}); });
}

Result<Page<DatasetUse>> MemoryDatasets::uses(const DatasetUseQuery& query) {
  TRY(const int64_t limit, check_limit(query.limit));
  TRY(const NameSortKey after, decode_name_cursor(query.cursor));
  std::vector<std::pair<int64_t, DatasetUse>> found;
  for (const auto& [use, serial] : tables_.dataset_uses.rows()) {
    const bool matches = use.run.workspace == query.workspace && (query.run_id.empty() || use.run.run_id == query.run_id) &&
                         (query.dataset_id.empty() || use.dataset_id == query.dataset_id);
    if (matches && serial > after.id) found.emplace_back(serial, use);
  }
  std::ranges::sort(found, {}, &std::pair<int64_t, DatasetUse>::first);
  auto cut = cut_page(std::move(found), limit, [](const auto& row) { return encode_name_cursor({"", row.first}); });
  Page<DatasetUse> page{{}, cut.next};
  for (auto& [serial, use] : cut.items) page.items.push_back(std::move(use));
  return page;
}

Result<std::vector<RunKey>> MemoryDatasets::unfinished_readers(const std::string& workspace, const std::string& id) {
  std::vector<RunKey> readers;
  for (const auto& [use, serial] : tables_.dataset_uses.rows()) {
    if (use.run.workspace != workspace || use.dataset_id != id || use.is_output) continue;
    const StoredRun* const run = tables_.runs.find(use.run);
    const bool is_new = readers.empty() || readers.back() != use.run;  // rows are in order of run
    if (run != nullptr && !is_terminal(run->run.status) && is_new) readers.push_back(use.run);
  }
  return readers;
}

Result<std::vector<Hash>> MemoryDatasets::content_roots(const std::string& except) {
  std::vector<Hash> roots;
  for (const auto& [key, dataset] : tables_.datasets.rows()) {
    if (key.first != except) roots.push_back(dataset.content);
  }
  return roots;
}

Result<Dataset> MemoryDatasets::save(const Dataset& dataset) {
  if (tables_.workspaces.find(dataset.workspace) == nullptr)
    return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", dataset.workspace));
  const Names key{dataset.workspace, dataset.id};
  if (const Dataset* const known = tables_.datasets.find(key)) return *known;
  tables_.datasets.put(undo_, key, dataset);
  return dataset;
}

Result<DatasetVersion> MemoryDatasets::register_version(DatasetVersion version) {
  const Names saved_key{version.key.workspace, version.dataset.id};
  const Dataset* const known = tables_.datasets.find(saved_key);
  if (known == nullptr) return fail(no_such_dataset(version.key.workspace, version.dataset.id));
  version.dataset = *known;
  const Names name{version.key.workspace, version.key.name};
  const int64_t* const last = tables_.dataset_names.find(name);
  version.key.version = (last == nullptr ? 0 : *last) + 1;
  version.revision = 1;
  tables_.dataset_names.put(undo_, name, version.key.version);
  tables_.dataset_versions.put(undo_, version.key, version);
  return version;
}

Status MemoryDatasets::update(DatasetVersion& version) {
  const DatasetVersion* const known = tables_.dataset_versions.find(version.key);
  if (known == nullptr) return fail(no_such_dataset(version.key));
  DatasetVersion changed = *known;
  changed.description = version.description;
  changed.tags = version.tags;
  changed.modified_ms = version.modified_ms;
  ++changed.revision;
  version = changed;
  tables_.dataset_versions.put(undo_, version.key, std::move(changed));
  return {};
}

Status MemoryDatasets::remove(const DatasetKey& key) {
  const size_t before = tables_.dataset_versions.rows().size();
  tables_.dataset_versions.erase_where(undo_, [&](const DatasetKey& known, const auto&) {
    return known.workspace == key.workspace && known.name == key.name && (key.version == 0 || known.version == key.version);
  });
  return tables_.dataset_versions.rows().size() < before ? Status() : fail(no_such_dataset(key));
}

Status MemoryDatasets::note_use(const DatasetUse& use) {
  if (tables_.runs.find(use.run) == nullptr) return fail(errors::run_not_found, fmt::format("no run {:?}", use.run.run_id));
  if (tables_.datasets.find({use.run.workspace, use.dataset_id}) == nullptr)
    return fail(no_such_dataset(use.run.workspace, use.dataset_id));
  if (tables_.dataset_uses.find(use) != nullptr) return {};
  undo_.push_back([tables = &tables_, before = tables_.last_dataset_use] { tables->last_dataset_use = before; });
  tables_.dataset_uses.put(undo_, use, ++tables_.last_dataset_use);
  return {};
}

void MemoryDatasets::remove_workspace(const std::string& name) {
  tables_.datasets.erase_where(undo_, [&](const Names& key, const auto&) { return key.first == name; });
  tables_.dataset_names.erase_where(undo_, [&](const Names& key, int64_t) { return key.first == name; });
  tables_.dataset_versions.erase_where(undo_, [&](const DatasetKey& key, const auto&) { return key.workspace == name; });
}

void MemoryDatasets::remove_run(const RunKey& key) {
  tables_.dataset_uses.erase_where(undo_, [&](const DatasetUse& use, int64_t) { return use.run == key; });
}

}  // namespace werkbank::store::memory
