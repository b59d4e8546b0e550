#include "store/memory/memory_environments.hh"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace werkbank::store::memory {
namespace {

int64_t number_of(const std::string& called) {
  const bool is_number = !called.empty() && called.size() < 16 && called.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? std::stoll(called) : 0;
}

}  // namespace

EnvironmentVersion MemoryEnvironments::with_labels(EnvironmentVersion version) const {
  version.labels.clear();
  for (const auto& [key, number] : tables_.environment_labels.rows()) {
    const bool same_name = key.first == Names(version.workspace, version.definition.name);
    if (same_name && number == version.number) version.labels.push_back(key.second);
  }
  return version;
}

Result<std::vector<EnvironmentVersion>> MemoryEnvironments::versions(const std::string& workspace, const std::string& name) {
  std::vector<EnvironmentVersion> found;
  for (const auto& [key, version] : tables_.environments.rows()) {
    if (key.first == Names(workspace, name)) found.push_back(with_labels(version));
  }
  return found;
}

Result<std::vector<EnvironmentVersion>> MemoryEnvironments::newest(const std::string& workspace) {
  std::vector<EnvironmentVersion> found;
  for (const auto& [key, version] : tables_.environments.rows()) {
    if (key.first.first != workspace) continue;
    if (!found.empty() && found.back().definition.name == key.first.second) found.pop_back();
    found.push_back(with_labels(version));
  }
  return found;
}

Result<std::optional<EnvironmentVersion>> MemoryEnvironments::version(const std::string& workspace, const std::string& name,
                                                                      const std::string& version) {
  TRY(const std::vector<EnvironmentVersion> all, versions(workspace, name));
  for (const EnvironmentVersion& one : std::views::reverse(all)) {
    if (version.empty() || one.definition.version == version) return one;
  }
  return std::nullopt;
}

Result<std::optional<EnvironmentVersion>> MemoryEnvironments::labelled(const std::string& workspace, const std::string& name,
                                                                       const std::string& label) {
  const int64_t* const number = tables_.environment_labels.find({{workspace, name}, label});
  if (number == nullptr) return std::nullopt;
  return with_labels(*tables_.environments.find({{workspace, name}, *number}));
}

Result<std::optional<EnvironmentVersion>> MemoryEnvironments::of_content(const std::string& workspace, const std::string& name,
                                                                         const std::string& content_hash) {
  TRY(const std::vector<EnvironmentVersion> all, versions(workspace, name));
  for (const EnvironmentVersion& one : std::views::reverse(all)) {
    if (one.content_hash == content_hash) return one;
  }
  return std::nullopt;
}

Result<EnvironmentVersion> MemoryEnvironments::create(EnvironmentVersion created) {
  const std::string& name = created.definition.name;
  TRY(const std::vector<EnvironmentVersion> all, versions(created.workspace, name));
  int64_t greatest = 0;
  for (const EnvironmentVersion& one : all) greatest = std::max(greatest, number_of(one.definition.version));
  std::string& called = created.definition.version;
  if (called.empty()) called = std::to_string(greatest + 1);
  TRY(const auto taken, version(created.workspace, name, called));
  if (taken) return fail(errors::already_exists, fmt::format("environment {:?} has a version {:?}", name, called));
  created.number = all.empty() ? 1 : all.back().number + 1;
  created.labels.clear();
  tables_.environments.put(undo_, {{created.workspace, name}, created.number}, created);
  return created;
}

Status MemoryEnvironments::mark_registered(const EnvironmentVersion& version) {
  EnvironmentVersion marked = version;
  marked.submitted = false;
  tables_.environments.put(undo_, {{version.workspace, version.definition.name}, version.number}, std::move(marked));
  return {};
}

Status MemoryEnvironments::put_label(const EnvironmentVersion& version, const std::string& label) {
  tables_.environment_labels.put(undo_, {{version.workspace, version.definition.name}, label}, version.number);
  return {};
}

Status MemoryEnvironments::remove_label(const std::string& workspace, const std::string& name, const std::string& label) {
  if (tables_.environment_labels.erase(undo_, {{workspace, name}, label})) return {};
  return fail(errors::not_found, fmt::format("environment {:?} has no label {:?}", name, label));
}

}  // namespace werkbank::store::memory
