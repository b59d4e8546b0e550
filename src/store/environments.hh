// Registered environments: definitions by name, each in versions that never change. A version is called by a number, or by what
// its user called it; labels point at versions.
//
// Contract: tests/contract/store_environments.cc runs it against every implementation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hh"
#include "domain/environment.hh"

namespace werkbank::store {

struct EnvironmentVersion {
  std::string workspace;
  int64_t number = 0;                // the place in the order in which the versions of the name were made; given by the store
  EnvironmentDefinition definition;  // definition.version: what the version is called
  std::string content_hash;          // equal for definitions that differ in what they are called only
  bool submitted = false;            // it came with a run; nobody has registered it
  UtcMs created_ms = 0;
  std::vector<std::string> labels;  // in order; of no effect in create()
};

class EnvironmentReader {
 public:
  virtual ~EnvironmentReader() = default;
  virtual Result<std::optional<EnvironmentVersion>> version(const std::string& workspace, const std::string& name,
                                                            const std::string& version) = 0;  // version "": the newest
  virtual Result<std::optional<EnvironmentVersion>> labelled(const std::string& workspace, const std::string& name,
                                                             const std::string& label) = 0;
  // The newest version with this content.
  virtual Result<std::optional<EnvironmentVersion>> of_content(const std::string& workspace, const std::string& name,
                                                               const std::string& content_hash) = 0;
  virtual Result<std::vector<EnvironmentVersion>> newest(const std::string& workspace) = 0;  // of each name, by name
  virtual Result<std::vector<EnvironmentVersion>> versions(const std::string& workspace,
                                                           const std::string& name) = 0;  // by number
};

class EnvironmentWriter {
 public:
  virtual ~EnvironmentWriter() = default;
  // A version without a name is called by the number after the greatest one of this environment. already_exists where one is
  // called so.
  virtual Result<EnvironmentVersion> create(EnvironmentVersion version) = 0;
  // It is no longer one that only came with a run.
  virtual Status mark_registered(const EnvironmentVersion& version) = 0;
  // The label points at this version from now on, and at no other of the name.
  virtual Status put_label(const EnvironmentVersion& version, const std::string& label) = 0;
  virtual Status remove_label(const std::string& workspace, const std::string& name, const std::string& label) = 0;  // not_found
};

}  // namespace werkbank::store
