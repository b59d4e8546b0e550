// Runs `werkbank-runner build` and reads what it says: output for people, and the answer on its last line.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "compute/compute_target.hh"

namespace werkbank::compute {

// Splits the answer line from the talk, as the bytes come: everything but "READY …" and "FAILED …" lines goes to the sink at
// once.
class BuilderOutput {
 public:
  explicit BuilderOutput(const OutputSink& sink) : sink_(sink) {}
  void feed(std::string_view bytes);
  void finish();  // what was held back because it might have become an answer
  bool has_answer() const { return !answer_line_.empty(); }
  // READY or FAILED, the latter as the error it says; environment_failed where the builder said neither.
  Result<ReadyEnvironment> answer() const;

 private:
  void end_line();
  void talk(std::string_view bytes);

  const OutputSink& sink_;
  std::string held_;      // the line under way, where it may be the answer
  bool in_talk_ = false;  // inside a line that is not
  std::string answer_line_;
};

struct BuilderCall {
  std::filesystem::path runner_binary;
  std::filesystem::path cache_folder;
  std::filesystem::path scratch_folder;  // made for this build and removed after it
  uint64_t open_files = 0;               // as LocalConfig has it
};
// Blocks until the environment is ready or cannot be. A builder that is killed before it has answered is started again, twice.
// Ends the builder and all it started when `canceled` says so.
Result<ReadyEnvironment> run_builder(const BuilderCall& call, const EnvironmentRecipe& recipe, const OutputSink& output,
                                     const std::function<bool()>& canceled);

}  // namespace werkbank::compute
