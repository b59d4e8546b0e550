#include "store/sqlite/run_query.hh"

#include <algorithm>

#include "store/sqlite/queries.hh"

namespace werkbank::store::sqlite {
namespace {

using Value = std::variant<int64_t, std::string>;

struct Label {
  LabelKind kind;
  std::string key, value;
};

std::vector<Label> labels_of(const RunQuery& query) {
  std::vector<Label> labels;
  for (const auto& [key, value] : query.tags) labels.push_back({LabelKind::kTag, key, value});
  for (const auto& [key, value] : query.properties) labels.push_back({LabelKind::kProperty, key, value});
  // A label with a value is the narrower one: it leads.
  std::ranges::sort(labels, {}, [](const Label& label) { return label.value.empty(); });
  return labels;
}

class SelectBuilder {
 public:
  SelectBuilder(const RunQuery& query, std::optional<int64_t> experiment_id, const std::optional<RunSortKey>& after)
      : query_(query), experiment_id_(experiment_id), after_(after), labels_(labels_of(query)) {}

  RunSelect build(std::optional<RunStatus> only_status) {
    select_.sql = std::string("SELECT ") + kRunColumns + " FROM ";
    if (query_.parent_id && !query_.parent_id->empty()) {
      from_runs("runs_by_parent");
      add("r.workspace = ?", query_.workspace);
      add("r.parent_id = ? AND r.parent_id <> ''", *query_.parent_id);
    } else if (query_.root_id) {
      from_runs("runs_by_root");
      add("r.workspace = ?", query_.workspace);
      add("r.root_id = ?", *query_.root_id);
    } else if (!labels_.empty()) {
      from_labels();
    } else if (experiment_id_) {
      from_runs("runs_by_experiment");
      add("r.experiment_id = ?", *experiment_id_);
    } else {
      from_runs(only_status ? "runs_by_status" : "runs_by_time");
      add("r.workspace = ?", query_.workspace);
    }
    add("r.stage = ?", int64_t{stored(query_.stage)});
    if (only_status) add("r.status = ?", std::string(to_string(*only_status)));
    remaining_filters(only_status.has_value());
    order();
    return std::move(select_);
  }

 private:
  void add(std::string_view condition, Value value) {
    condition_only(condition);
    select_.values.push_back(std::move(value));
  }
  void condition_only(std::string_view condition) {
    select_.sql += first_ ? " WHERE " : " AND ";
    select_.sql += condition;
    first_ = false;
  }

  void from_runs(std::string_view index) {
    select_.sql += "runs AS r INDEXED BY ";
    select_.sql += index;
    select_.sql += " CROSS JOIN experiments AS e ON e.id = r.experiment_id";
  }

  void from_labels() {
    const Label lead = labels_.front();
    labels_.erase(labels_.begin());
    labels_lead_ = true;
    select_.sql += "labels AS l INDEXED BY ";
    select_.sql += lead.value.empty() ? "labels_by_key" : "labels_by_value";
    select_.sql += " CROSS JOIN runs AS r ON r.id = l.run CROSS JOIN experiments AS e ON e.id = r.experiment_id";
    add("l.workspace = ?", query_.workspace);
    add("l.kind = ?", int64_t{static_cast<int>(lead.kind)});
    add("l.key = ?", lead.key);
    if (lead.value.empty()) return;
    add("l.value_start = ?", lead.value.substr(0, kValueStartBytes));
    add("l.value = ?", lead.value);
  }

  void remaining_filters(bool status_is_done) {
    for (const Label& label : labels_) {
      add("EXISTS (SELECT 1 FROM labels AS m WHERE m.run = r.id AND m.kind = ?", int64_t{static_cast<int>(label.kind)});
      add("m.key = ?", label.key);
      if (!label.value.empty()) add("m.value = ?", label.value);
      select_.sql += ")";
    }
    if (query_.parent_id && query_.root_id && !query_.parent_id->empty()) add("r.root_id = ?", *query_.root_id);
    if (query_.parent_id && query_.parent_id->empty()) condition_only("r.parent_id = ''");
    if (experiment_id_ && select_.sql.find("runs_by_experiment") == std::string::npos)
      add("+r.experiment_id = ?", *experiment_id_);
    if (query_.target) add("r.target = ?", *query_.target);
    if (query_.run_type) add("r.run_type = ?", *query_.run_type);
    if (query_.created_by) add("r.created_by = ?", *query_.created_by);
    if (status_is_done || query_.statuses.empty()) return;
    std::string list;
    for (const RunStatus status : query_.statuses) {
      list += list.empty() ? "?" : ", ?";
      select_.values.emplace_back(std::string(to_string(status)));
    }
    condition_only("r.status IN (" + list + ")");
  }

  void order() {
    const std::string key = labels_lead_ ? "l.created_ms, l.number, l.run" : "r.created_ms, r.number, r.id";
    if (after_) {
      add("(" + key + ") " + (query_.oldest_first ? ">" : "<") + " (?, ?, ?)", after_->created_ms);
      select_.values.emplace_back(after_->number);
      select_.values.emplace_back(after_->serial);
    }
    std::string ordered = key;
    if (!query_.oldest_first) {
      for (size_t at = 0; (at = ordered.find(',', at)) != std::string::npos; at += 6) ordered.replace(at, 1, " DESC,");
      ordered += " DESC";
    }
    select_.sql += " ORDER BY " + ordered + " LIMIT ?";
    select_.values.emplace_back(query_.limit + 1);
  }

  const RunQuery& query_;
  const std::optional<int64_t> experiment_id_;
  const std::optional<RunSortKey>& after_;
  std::vector<Label> labels_;
  RunSelect select_;
  bool first_ = true;
  bool labels_lead_ = false;
};

}  // namespace

std::vector<RunSelect> plan_run_listing(const RunQuery& query, std::optional<int64_t> experiment_id,
                                        const std::optional<RunSortKey>& after) {
  const bool has_parent = query.parent_id && !query.parent_id->empty();
  const bool by_status = !query.statuses.empty() && !has_parent && !query.root_id && query.tags.empty() &&
                         query.properties.empty() && !experiment_id;
  std::vector<RunSelect> selects;
  if (!by_status) {
    selects.push_back(SelectBuilder(query, experiment_id, after).build(std::nullopt));
    return selects;
  }
  std::vector<RunStatus> statuses = query.statuses;
  std::ranges::sort(statuses);
  const auto repeated = std::ranges::unique(statuses);
  statuses.erase(repeated.begin(), repeated.end());
  for (const RunStatus status : statuses) selects.push_back(SelectBuilder(query, experiment_id, after).build(status));
  return selects;
}

}  // namespace werkbank::store::sqlite
