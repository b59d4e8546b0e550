// completion bash | zsh | fish: a script for the shell, made from the tree of commands as it is.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hh"
#include "cli/completion.hh"

namespace werkbank::cli {
namespace {

struct CompletionOptions {
  std::string shell;
};

void declare_completion(CLI::App& verb, CompletionOptions& options) {
  verb.add_option("SHELL", options.shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

struct Entry {
  std::string words;       // "run submit"
  std::string candidates;  // "list show … --output"
};

bool is_hidden(const CLI::App& app) { return app.get_group().empty(); }

void collect(const CLI::App& app, const std::string& words, std::vector<Entry>& entries) {
  std::string candidates;
  for (const CLI::App* child : app.get_subcommands([](const CLI::App* sub) { return !is_hidden(*sub); })) {
    candidates += child->get_name() + " ";
    collect(*child, words.empty() ? child->get_name() : words + " " + child->get_name(), entries);
  }
  for (const CLI::Option* option : app.get_options([](const CLI::Option* each) { return each->nonpositional(); })) {
    for (const std::string& name : option->get_lnames()) candidates += "--" + name + " ";
  }
  if (!candidates.empty()) candidates.pop_back();
  entries.push_back({words, candidates});
}

// The words so far lead from one command to the next as long as they name one; values of options and arguments do not.
std::string bash_script(const std::vector<Entry>& entries, std::string_view program) {
  std::string text = fmt::format(
      "# {0} completion for bash: eval \"$({0} completion bash)\"\n"
      "__{0}_candidates() {{\n"
      "  case \"$1\" in\n",
      program);
  for (const Entry& entry : entries) text += fmt::format("    {:?}) candidates={:?} ;;\n", entry.words, entry.candidates);
  text += fmt::format(
      "    *) return 1 ;;\n"
      "  esac\n"
      "}}\n"
      "_{0}() {{\n"
      "  local at=\"\" word candidates=\"\"\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    [[ $word == -* ]] || {{ __{0}_candidates \"${{at:+$at }}$word\" && at=\"${{at:+$at }}$word\"; }}\n"
      "  done\n"
      "  __{0}_candidates \"$at\"\n"
      "  COMPREPLY=( $(compgen -W \"$candidates\" -- \"${{COMP_WORDS[COMP_CWORD]}}\") )\n"
      "}}\n"
      "complete -o default -F _{0} {0}\n",
      program);
  return text;
}

std::string zsh_script(const std::vector<Entry>& entries, std::string_view program) {
  return fmt::format("# {0} completion for zsh: source <({0} completion zsh)\nautoload -U +X bashcompinit && bashcompinit\n",
                     program) +
         bash_script(entries, program);
}

std::string fish_script(const std::vector<Entry>& entries, std::string_view program) {
  std::string text = fmt::format("# {0} completion for fish: {0} completion fish | source\nset -g __{0}_known", program);
  for (const Entry& entry : entries) {
    if (!entry.words.empty()) text += fmt::format(" '{}'", entry.words);
  }
  text += fmt::format(
      "\nfunction __{0}_at\n"
      "  set -l words (commandline -opc)\n"
      "  set -l at ''\n"
      "  for word in $words[2..-1]\n"
      "    set -l next (string trim -- \"$at $word\")\n"
      "    contains -- \"$next\" $__{0}_known; and set at \"$next\"\n"
      "  end\n"
      "  test \"$at\" = \"$argv\"\n"
      "end\n",
      program);
  for (const Entry& entry : entries)
    text += fmt::format("complete -c {0} -n '__{0}_at {1}' -a '{2}'\n", program, entry.words, entry.candidates);
  return text;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell, std::string_view program) {
  std::vector<Entry> entries;
  collect(app, "", entries);
  std::ranges::reverse(entries);
  if (shell == "fish") return fish_script(entries, program);
  return shell == "zsh" ? zsh_script(entries, program) : bash_script(entries, program);
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
  const CLI::App* const root = &app;
  verb->callback([&context, options, root, program] {
    context.action = [&context, options, root, program]() -> Result<int> {
      context.terminal().out(completion_script(*root, options->shell, program));
      return kExitDone;
    };
  });
}

}  // namespace werkbank::cli
