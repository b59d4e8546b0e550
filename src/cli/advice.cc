#include "cli/advice.hh"

#include <array>
#include <string_view>

namespace werkbank::cli {
namespace {

struct Advice {
  std::string_view theirs;  // a part of the server's words
  std::string_view ours;
};

constexpr std::array kAdvice{
    Advice{"exist_ok=", "Add --exist-ok to take the one that is there."},
    Advice{"run.child_run()", "Submit with a login that has a role in the workspace."},
    Advice{"run.submit_child()", "Submit with a login that has a role in the workspace."},
    Advice{"(interpreter_path)",
           "Name one that exists with --python, pythonLocation or interpreterPath, or have an environment built: --conda-file."},
    Advice{"Set node_count to 1", "Set nodeCount to 1 in the run configuration, or use a target with several nodes."},
};

}  // namespace

Error in_our_words(Error error) {
  for (const Advice& advice : kAdvice) {
    if (error.remedy().find(advice.theirs) != std::string_view::npos) {
      error.hint = advice.ours;
      break;
    }
  }
  return error;
}

}  // namespace werkbank::cli
