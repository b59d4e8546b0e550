// Which runs a list is about, the same for `werkbank run list`, `az ml run list` and `az ml history`.
#pragma once

#include <string>
#include <vector>

#include "cli/context.hh"

namespace werkbank::cli {

struct RunFilter {
  std::string experiment;  // empty: of every experiment
  std::string status;      // in any case
  std::string parent;      // only children of this run
  std::string target;
  std::vector<std::string> tags;  // NAME or NAME=VALUE
  bool include_children = false;  // without it, and without `parent`, a run that has a parent is left out, as v1 does
  bool deleted = false;           // those in the trash, children among them
  bool oldest_first = false;
};

// The route that lists them, with its query. usage where `status` is none, naming those there are.
Result<std::string> runs_route(Context& context, const RunFilter& filter);

// An empty list is told apart from a name that does not exist: one line on stderr, with the nearest name, and `hint`.
Status tell_unknown_experiment(Context& context, const std::string& experiment, std::string_view hint = {});

// What the lists of az are about: the project's experiment, unless another one or all are asked for.
struct AzScope {
  std::string experiment;
  bool all = false, include_children = false;
};
void declare_scope(CLI::App& verb, AzScope& scope);
// The experiment meant; empty: all.
std::string experiment_of(const Context& context, const AzScope& scope);
// To be called where a list came back empty.
Status tell_empty_scope(Context& context, const AzScope& scope);

}  // namespace werkbank::cli
