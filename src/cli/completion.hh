// What a shell offers when Tab is pressed. The shells' scripts are thin: they call `internal complete` with the words of the
// line, and the tree of commands, the project's folder and a server that runs already answer.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.hh"

namespace werkbank::cli {

enum class ValueKind {
  kNothing,  // free text
  kWords,    // those in Wanted::words
  kFiles,
  kFolders,
  kRuns,
  kExperiments,
  kEnvironments,
  kWorkspaces,
  kTargets,
  kDatasets,
  kConfigurations,
};

// What belongs at the end of a line that is not finished.
struct Wanted {
  ValueKind kind = ValueKind::kNothing;
  std::vector<std::string> words;  // commands, options, or the values there are
  std::string prefix;              // "--output=": stands before every candidate
  std::string begun;               // what of the candidate is typed already
  std::string workspace, folder;   // that the line names; empty: the usual ones
};
// `words`: the line without the program's name, the last one being the one that is completed (empty: a new one). Pure.
Wanted wanted_at(const CLI::App& root, const std::vector<std::string>& words);

// The candidates, each a line; ":files" or ":folders" in their place where the shell knows better. Never starts a server, and
// waits for one that runs well under a second (WERKBANK_COMPLETION_PATIENCE_MS).
std::vector<std::string> candidates_of(Context& context, const Wanted& wanted);

// The script for bash, zsh or fish; `program` is the name it completes: "werkbank", "az".
std::string completion_script(std::string_view shell, std::string_view program);

}  // namespace werkbank::cli
