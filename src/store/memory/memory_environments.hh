// Registered environments over the memory store's tables.
#pragma once

#include "store/environments.hh"
#include "store/memory/memory_tables.hh"

namespace werkbank::store::memory {

class MemoryEnvironments final : public EnvironmentReader, public EnvironmentWriter {
 public:
  MemoryEnvironments(Tables& tables, Undo& undo) : tables_(tables), undo_(undo) {}
  Result<std::optional<EnvironmentVersion>> version(const std::string& workspace, const std::string& name,
                                                    const std::string& version) override;
  Result<std::optional<EnvironmentVersion>> labelled(const std::string& workspace, const std::string& name,
                                                     const std::string& label) override;
  Result<std::optional<EnvironmentVersion>> of_content(const std::string& workspace, const std::string& name,
                                                       const std::string& content_hash) override;
  Result<std::vector<EnvironmentVersion>> newest(const std::string& workspace) override;
  Result<std::vector<EnvironmentVersion>> versions(const std::string& workspace, const std::string& name) override;
  Result<EnvironmentVersion> create(EnvironmentVersion version) override;
  Status mark_registered(const EnvironmentVersion& version) override;
  Status put_label(const EnvironmentVersion& version, const std::string& label) override;
  Status remove_label(const std::string& workspace, const std::string& name, const std::string& label) override;

 private:
  EnvironmentVersion with_labels(EnvironmentVersion version) const;

  Tables& tables_;
  Undo& undo_;
};

}  // namespace werkbank::store::memory
