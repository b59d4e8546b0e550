// How a definition becomes a recipe. Pure: no disk, no network; the recipe is carried out on the target by `werkbank-runner
// build`. Adding a kind is one folder (or file) here and one line in main/environment_kinds.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hh"
#include "domain/environment.hh"

namespace werkbank::environment {

class EnvironmentKind {
 public:
  virtual ~EnvironmentKind() = default;
  virtual std::string name() const = 0;
  virtual bool accepts(const EnvironmentDefinition& definition,
                       const std::map<std::string, std::string>& submitter_environment) const = 0;
  // requirement_invalid naming the requirement where one is malformed.
  virtual Result<EnvironmentRecipe> plan(const EnvironmentDefinition& definition,
                                         const std::map<std::string, std::string>& submitter_environment) const = 0;
};

// The first kind that accepts the definition.
class EnvironmentPlanner {
 public:
  explicit EnvironmentPlanner(std::vector<std::unique_ptr<EnvironmentKind>> kinds);
  Result<EnvironmentRecipe> plan(const EnvironmentDefinition& definition,
                                 const std::map<std::string, std::string>& submitter_environment) const;

 private:
  std::vector<std::unique_ptr<EnvironmentKind>> kinds_;
};

}  // namespace werkbank::environment
