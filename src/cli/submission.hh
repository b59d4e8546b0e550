// Submit, whole: configuration, script, snapshot, git facts, the run itself, and then its output to the end.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/context.hh"
#include "cli/project_source.hh"

namespace werkbank::cli {

struct SubmitRequest {
  std::filesystem::path folder = ".";  // the project: what is taken along
  std::string configuration;           // a run configuration's name; empty: none
  std::string experiment;              // empty: the folder's name
  std::string target;                  // empty: the configuration's, or local
  std::string script;
  std::string command;                 // in place of a script: a line for the shell
  std::vector<std::string> arguments;  // verbatim
  std::string display_name;
  std::string conda_file;  // at most one of conda_file, python; requirements may join conda_file
  std::string python;
  std::vector<std::string> requirements;
  std::string environment_policy;  // "exact", "nearest"; empty: the configuration's
  std::vector<std::pair<std::string, std::string>> variables;
  std::vector<std::pair<std::string, std::string>> tags;
  std::optional<int64_t> timeout_seconds;
  std::optional<int64_t> priority;
  bool detach = false;
};

// 0 Completed (or submitted, with detach), 1 Failed or Canceled, 2 refused: then nothing was submitted, and the reason is told.
Result<int> submit(Context& context, const SubmitRequest& request);

// Follows a run to its end; with -o or --query its final document goes to stdout, and the script's output to stderr.
Result<int> follow_and_print(Context& context, const std::string& workspace, const std::string& run);

// The parts, each without side effects beyond reading files; for tests and for `prepare`.
Result<RunSpec> make_spec(const Context& context, const SubmitRequest& request, std::vector<std::string>& notes);
// Target, environment and variables alone.
Result<RunSpec> make_environment_spec(const Context& context, const SubmitRequest& request, std::vector<std::string>& notes);
// A legal experiment name from the folder's name.
std::string experiment_of_folder(const std::filesystem::path& folder);

}  // namespace werkbank::cli
