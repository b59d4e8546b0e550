#include "cli/dispatch.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/advice.hh"
#include "cli/verbatim.hh"

namespace werkbank::cli {
namespace {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(34); }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (!app->get_prefix_command()) return CLI::Formatter::make_usage(app, name);
    return fmt::format("Usage: {} [OPTIONS] SCRIPT [ARGUMENTS...]\n", name);
  }
};

// The innermost command that the words lead to: the one whose help and names a usage error is about.
const CLI::App& innermost(const CLI::App& root, const std::vector<std::string>& words) {
  const CLI::App* app = &root;
  for (const std::string& word : words) {
    const auto children = app->get_subcommands([&](const CLI::App* child) { return child->check_name(word); });
    if (children.empty()) break;
    app = children.front();
  }
  return *app;
}

std::vector<std::string> known_words(const CLI::App& app, bool options) {
  std::vector<std::string> known;
  if (options) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    return known;
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); })) {
    known.push_back(child->get_name());
  }
  return known;
}

std::string path_of(const CLI::App& app) {
  const CLI::App* const parent = app.get_parent();
  return parent == nullptr ? app.get_name() : path_of(*parent) + " " + app.get_name();
}

// The first word that `app` does not know, if the line has one.
std::optional<std::string> unknown_word(const CLI::App& app, const std::vector<std::string>& words) {
  const bool has_verbs = !app.get_subcommands([](const CLI::App*) { return true; }).empty();
  size_t depth = 0;
  for (const CLI::App* at = &app; at->get_parent() != nullptr; at = at->get_parent()) ++depth;
  for (size_t i = depth; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with("--")) {
      if (app.get_option_no_throw(word.substr(0, word.find('='))) == nullptr) return word;
    } else if (word.size() > 1 && word.front() == '-' && (word[1] < '0' || word[1] > '9')) {
      if (app.get_option_no_throw(word.substr(0, 2)) == nullptr) return word;
    } else if (has_verbs && !word.starts_with('-')) {
      return word;
    }
  }
  return std::nullopt;
}

Error usage_error(const CLI::App& root, const std::vector<std::string>& words, const std::string& parser_says) {
  const CLI::App& app = innermost(root, words);
  Error error{&errors::usage, parser_says, fmt::format("See: {} --help", path_of(app)), {}};
  const std::vector<std::string> commands = known_words(app, false);
  if (const auto word = unknown_word(app, words); !word && !commands.empty()) {
    error.message = fmt::format("a command is missing; there are: {}", fmt::join(commands, ", "));
  } else if (word) {
    const auto nearest = nearest_word(word->substr(0, word->find('=')), known_words(app, word->starts_with("--")));
    error.message = fmt::format("{:?} is unknown{}", *word, nearest ? fmt::format("; did you mean {}?", *nearest) : "");
  }
  return error;
}

int report(Context& context, Error error, int code) {
  error = in_our_words(std::move(error));
  context.terminal().clear_progress();
  context.terminal().error(error, context.program);
  return code;
}

// A line that is not understood is told by the command it was meant for: "werkbank run: …".
int refuse_line(Context& context, const CLI::App& root, const std::vector<std::string>& words, Error error) {
  context.terminal().clear_progress();
  context.terminal().error(in_our_words(std::move(error)), path_of(innermost(root, words)));
  return kExitRefused;
}

std::vector<std::string> long_names(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

}  // namespace

int dispatch(const Dialect& dialect, Context& context, std::vector<std::string> arguments) {
  CLI::App app(dialect.description, dialect.program);
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(1);
  context.program = dialect.program;
  context.default_format = dialect.default_format;
  dialect.add_commands(app, context);
  context.verbatim = split_verbatim(app, arguments);
  // An option of 2017 whose long name has one dash.
  std::ranges::replace(arguments, std::string("-ap"), std::string("--ap"));
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 takes them
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    const CLI::App& asked = innermost(app, arguments);
    context.terminal().out(asked.help(asked.get_parent() == nullptr ? std::string() : path_of(*asked.get_parent())));
    return kExitDone;
  } catch (const CLI::ParseError& error) {
    return refuse_line(context, app, arguments, usage_error(app, arguments, error.what()));
  }
  // A verb with a script takes all words there are; those left over in front of the script are misspelt options.
  const CLI::App& verb = innermost(app, arguments);
  if (const std::vector<std::string> left = verb.remaining(); verb.get_prefix_command() && !left.empty()) {
    Error error = usage_error(app, arguments, fmt::format("{:?} is unknown", left.front()));
    error.hint = fmt::format("What is meant for the script stands behind its name. See: {} --help", path_of(verb));
    return refuse_line(context, app, arguments, std::move(error));
  }
  if (verb.get_prefix_command()) context.options_before_script = long_names(verb);
  if (!context.output.empty()) {
    if (const auto format = parse_output_format(context.output); !format) return report(context, format.error(), kExitRefused);
  }
  if (!context.action) return refuse_line(context, app, arguments, usage_error(app, arguments, "no command was given"));
  const Result<int> code = context.action();
  return code ? *code : report(context, code.error(), exit_code_of(code.error()));
}

}  // namespace werkbank::cli
