// completion bash | zsh | fish, and the hidden `internal complete` that their scripts call.
#include <fmt/format.h>

#include "cli/command.hh"
#include "cli/completion.hh"
#include "cli/verbatim.hh"

namespace werkbank::cli {
namespace {

struct CompletionOptions {
  std::string shell;
};

void declare_completion(CLI::App& verb, CompletionOptions& options) {
  verb.add_option("SHELL", options.shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

// bash takes a line apart at '=' too; the words are put together again, and what stands before the '=' taken off the answers.
constexpr std::string_view kBash = R"sh(# PROGRAM completion for bash: eval "$(PROGRAM completion bash)"
_PROGRAM() {
  local -a words=() lines=()
  local word begun='' line
  local program="${1/#\~/$HOME}"
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ ${#words[@]} -gt 0 && ( $word == = || ${words[-1]} == --*= ) ]]; then
      words[-1]+="$word"
    else
      words+=("$word")
    fi
  done
  COMPREPLY=()
  mapfile -t lines < <("$program" internal complete -- "${words[@]}" 2>/dev/null)
  case "${lines[0]:-}" in
    :files) compopt -o default; return ;;
    :folders) compopt -o dirnames; return ;;
  esac
  [[ ${words[-1]:-} != --*=* ]] || begun="${words[-1]%%=*}="
  for line in "${lines[@]}"; do COMPREPLY+=("${line#"$begun"}"); done
}
complete -F _PROGRAM PROGRAM
)sh";

constexpr std::string_view kZsh = R"sh(#compdef PROGRAM
# PROGRAM completion for zsh: source <(PROGRAM completion zsh)
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
_PROGRAM() {
  local -a answers
  local program=${(Q)words[1]}
  program=${program/#\~/$HOME}
  answers=("${(@f)$("$program" internal complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  case $answers[1] in
    :files) _files ;;
    :folders) _files -/ ;;
    ?*) compadd -- $answers ;;
  esac
}
compdef _PROGRAM PROGRAM
)sh";

constexpr std::string_view kFish = R"sh(# PROGRAM completion for fish: PROGRAM completion fish | source
function __PROGRAM_complete
  set -l words (commandline -opc)
  set -l begun (commandline -ct)
  set -l answers ($words[1] internal complete -- $words[2..-1] "$begun" 2>/dev/null)
  switch "$answers[1]"
    case :files
      __fish_complete_path "$begun"
    case :folders
      __fish_complete_directories "$begun" ''
    case '*'
      printf '%s\n' $answers
  end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
)sh";

}  // namespace

std::string completion_script(std::string_view shell, std::string_view program) {
  constexpr std::string_view kPlace = "PROGRAM";
  std::string text(shell == "fish" ? kFish : shell == "zsh" ? kZsh : kBash);
  for (size_t at = text.find(kPlace); at != std::string::npos; at = text.find(kPlace, at + program.size()))
    text.replace(at, kPlace.size(), program);
  return text;
}

void add_completion_command(CLI::App& app, Context& context) {
  const std::string program = app.get_name();
  CLI::App* const verb = add_bare_verb(app, context,
                                       {"completion", "Print the completion script of a shell",
                                        fmt::format("  eval \"$({0} completion bash)\"\n  source <({0} completion zsh)\n"
                                                    "  {0} completion fish | source",
                                                    program)},
                                       {.workspace = false, .output = false});
  auto options = std::make_shared<CompletionOptions>();
  declare_completion(*verb, *options);
  verb->callback([&context, options, program] {
    context.action = [&context, options, program]() -> Result<int> {
      context.terminal().out(completion_script(options->shell, program));
      return kExitDone;
    };
  });
}

void add_complete_command(CLI::App& app, Context& context) {
  const auto there = app.get_subcommands([](CLI::App* child) { return child->get_name() == "internal"; });
  CLI::App* const internal = there.empty() ? add_noun(app, "internal", "For Werkbank's own packages") : there.front();
  internal->group("");
  CLI::App* const verb = add_bare_verb(*internal, context, {"complete", "What may end the line whose words follow --", ""},
                                       {.workspace = false, .output = false});
  mark_verbatim(*verb);
  const CLI::App* const root = &app;
  verb->callback([&context, root] {
    context.action = [&context, root]() -> Result<int> {
      for (const std::string& candidate : candidates_of(context, wanted_at(*root, context.verbatim)))
        context.terminal().out(candidate + "\n");
      return kExitDone;
    };
  });
}

}  // namespace werkbank::cli
