#include "lifecycle/target_registry.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/log.hh"
#include "base/text.hh"
#include "store/targets.hh"

namespace werkbank::lifecycle {
namespace {

// v1 has it in every project: asking for it is no slip of the pen.
constexpr std::string_view kDocker = "docker";

}  // namespace

void TargetRegistry::add(std::string name, std::unique_ptr<compute::ComputeTarget> target) {
  own_.emplace(std::move(name), std::move(target));
}

void TargetRegistry::add_kind(std::unique_ptr<compute::TargetKind> kind) { kinds_.push_back(std::move(kind)); }

void TargetRegistry::watch(compute::TargetEvents events) {
  const std::lock_guard lock(mutex_);
  events_ = std::move(events);
  for (const auto& [key, target] : managed_) target->watch(events_);
}

Status TargetRegistry::open_all(store::Store& store) {
  using Records = std::vector<ComputeTargetRecord>;
  const std::function<Result<Records>(store::Reader&)> find = [](store::Reader& reader) { return reader.targets().targets(""); };
  TRY(const Records records, store::read<Records>(store, find));
  for (const ComputeTargetRecord& record : records) {
    if (const Status opened = open(record); !opened) {
      log_error("compute target not opened workspace={:?} name={:?} error={:?}", record.workspace, record.name,
                opened.error().to_string());
    }
  }
  return {};
}

void TargetRegistry::stop() {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, target] : managed_) target->stop();
}

Result<compute::ComputeTarget*> TargetRegistry::find(const std::string& workspace, const std::string& name) const {
  if (const auto found = own_.find(name); found != own_.end()) return found->second.get();
  if (compute::ManagedTarget* const managed = find_managed(workspace, name)) return managed;
  if (name == kDocker) {
    return fail(
        errors::not_supported,
        fmt::format("the target {:?} is a Docker container on this machine; Docker targets come with a later version", name),
        "Name the target `local`: the script runs there without a container, in an environment built from the same packages.");
  }
  std::vector<std::string> known;
  for (const Entry& entry : list(workspace)) known.push_back(entry.name);
  const std::optional<std::string> nearest = nearest_word(name, known);
  return fail(
      errors::target_unknown,
      fmt::format("there is no compute target {:?}{}", name, nearest ? fmt::format("; did you mean {:?}?", *nearest) : ""),
      fmt::format("Targets here: {}. `werkbank compute list` shows them.", fmt::join(known, ", ")));
}

compute::ManagedTarget* TargetRegistry::find_managed(const std::string& workspace, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = managed_.find({workspace, name});
  return found == managed_.end() ? nullptr : found->second.get();
}

std::string TargetRegistry::key(const std::string& workspace, const std::string& name) const {
  return own_.contains(name) ? name : workspace + "/" + name;
}

std::vector<TargetRegistry::Entry> TargetRegistry::list(const std::string& workspace) const {
  std::vector<Entry> entries;
  for (const auto& [name, target] : own_) entries.push_back({"", name, target.get(), nullptr});
  const std::lock_guard lock(mutex_);
  for (const auto& [key, target] : managed_) {
    if (workspace == "*" || key.first == workspace) entries.push_back({key.first, key.second, target.get(), target.get()});
  }
  return entries;
}

Result<const compute::TargetKind*> TargetRegistry::kind(const std::string& name) const {
  std::vector<std::string> known;
  for (const auto& each : kinds_) {
    if (equal_but_for_case(each->name(), name)) return each.get();
    known.push_back(each->name());
  }
  return fail(errors::not_supported, fmt::format("compute targets of the kind {:?} cannot be made", name),
              fmt::format("Kinds here: {}. Other kinds come with later versions.", fmt::join(known, ", ")));
}

Status TargetRegistry::open(const ComputeTargetRecord& record) {
  TRY(const compute::TargetKind* const kind, this->kind(record.kind));
  // Held all the while: of two who make the same target at the same time, one opens it.
  const std::lock_guard lock(mutex_);
  const auto there = managed_.find({record.workspace, record.name});
  if (there != managed_.end()) return there->second->update(record);
  TRY(std::unique_ptr<compute::ManagedTarget> target, kind->open(record));
  target->watch(events_);
  managed_.emplace(Key{record.workspace, record.name}, std::move(target));
  return {};
}

compute::ManagedTarget* TargetRegistry::retire(const std::string& workspace, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = managed_.find({workspace, name});
  if (found == managed_.end()) return nullptr;
  retired_.push_back(std::move(found->second));
  managed_.erase(found);
  return retired_.back().get();
}

}  // namespace werkbank::lifecycle
