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

std::string bash_script(const std::vector<Entry>& entries) {
  std::string text =
      "# werkbank completion for bash: eval \"$(werkbank completion bash)\"\n"
      "_werkbank() {\n"
      "  local words=\"\" word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    [[ $word == -* ]] || words=\"${words:+$words }$word\"\n"
      "  done\n"
      "  local candidates\n"
      "  case \"$words\" in\n";
  for (const Entry& entry : entries) text += fmt::format("    {:?}) candidates={:?} ;;\n", entry.words, entry.candidates);
  text +=
      "    *) candidates=\"\" ;;\n"
      "  esac\n"
      "  COMPREPLY=( $(compgen -W \"$candidates\" -- \"${COMP_WORDS[COMP_CWORD]}\") )\n"
      "}\n"
      "complete -o default -F _werkbank werkbank\n";
  return text;
}

std::string zsh_script(const std::vector<Entry>& entries) {
  return "# werkbank completion for zsh: source <(werkbank completion zsh)\nautoload -U +X bashcompinit && bashcompinit\n" +
         bash_script(entries);
}

std::string fish_script(const std::vector<Entry>& entries) {
  std::string text =
      "# werkbank completion for fish: werkbank completion fish | source\n"
      "function __werkbank_at\n"
      "  set -l words (commandline -opc)\n"
      "  set -l kept\n"
      "  for word in $words[2..-1]\n"
      "    string match -q -- '-*' $word; or set -a kept $word\n"
      "  end\n"
      "  test \"$kept\" = \"$argv\"\n"
      "end\n";
  for (const Entry& entry : entries)
    text += fmt::format("complete -c werkbank -n '__werkbank_at {}' -a '{}'\n", entry.words, entry.candidates);
  return text;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
  std::vector<Entry> entries;
  collect(app, "", entries);
  std::ranges::reverse(entries);
  if (shell == "fish") return fish_script(entries);
  return shell == "zsh" ? zsh_script(entries) : bash_script(entries);
}

void add_completion_command(CLI::App& app, Context& context) {
  CLI::App* const verb = add_bare_verb(
      app, context, {"completion", "Print the completion script of a shell", "  eval \"$(werkbank completion bash)\""},
      {.workspace = false, .output = false});
  auto options = std::make_shared<CompletionOptions>();
  declare_completion(*verb, *options);
  const CLI::App* const root = &app;
  verb->callback([&context, options, root] {
    context.action = [&context, options, root]() -> Result<int> {
      context.terminal().out(completion_script(*root, options->shell));
      return kExitDone;
    };
  });
}

}  // namespace werkbank::cli
