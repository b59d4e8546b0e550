// Answers in a millisecond for environments that were ready before: built ones by their ready.json, own interpreters by a check
// that is remembered for as long as the interpreter and its package folders do not change.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "compute/compute_target.hh"

namespace werkbank::compute {

class ReadyEnvironments {
 public:
  explicit ReadyEnvironments(std::filesystem::path cache_folder) : cache_folder_(std::move(cache_folder)) {}

  std::optional<ReadyEnvironment> find(const EnvironmentRecipe& recipe);
  // After a builder has answered. Only own interpreters are kept here; a built one has its ready.json.
  void remember(const EnvironmentRecipe& recipe, const ReadyEnvironment& ready);

  // What ComputeTarget promises under the same names.
  std::vector<BuiltEnvironment> list(bool with_sizes) const;
  Result<std::string> lock_text(const std::string& hash) const;
  Status remove(const std::string& hash);

 private:
  struct Known {
    ReadyEnvironment ready;
    std::string fingerprint;
  };
  std::optional<ReadyEnvironment> find_built(const std::string& hash) const;
  std::optional<ReadyEnvironment> find_system(const EnvironmentRecipe& recipe, const std::string& hash);
  std::filesystem::path record_path(const std::string& hash) const { return cache_folder_ / "interpreters" / (hash + ".json"); }

  std::filesystem::path cache_folder_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by the recipe's hash
};

}  // namespace werkbank::compute
