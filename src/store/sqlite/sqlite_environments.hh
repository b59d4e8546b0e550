// Registered environments over one connection.
#pragma once

#include "store/environments.hh"
#include "store/sqlite/database.hh"

namespace werkbank::store::sqlite {

class SqliteEnvironments final : public EnvironmentReader, public EnvironmentWriter {
 public:
  explicit SqliteEnvironments(Database& db) : db_(db) {}
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
  template <typename... Values>
  Result<std::vector<EnvironmentVersion>> rows(std::string_view condition, const Values&... values);
  template <typename... Values>
  Result<std::optional<EnvironmentVersion>> first(std::string_view condition, const Values&... values);

  Database& db_;
};

}  // namespace werkbank::store::sqlite
