#include "cli/verbatim.hh"

#include <algorithm>

namespace werkbank::cli {
namespace {

const CLI::App* child_named(const CLI::App& app, const std::string& name) {
  const auto children = app.get_subcommands([&](const CLI::App* child) { return child->check_name(name); });
  return children.empty() ? nullptr : children.front();
}

// Does the option take the next word of the line as its value?
bool takes_next_word(const CLI::App& verb, const std::string& word) {
  if (word == "-ct") return true;  // a long option's name of 2019, with one dash
  const bool is_long = word.starts_with("--");
  if (is_long && word.find('=') != std::string::npos) return false;
  const std::string name = is_long ? word : word.substr(0, 2);
  const CLI::Option* const option = verb.get_option_no_throw(name);
  if (option == nullptr || option->get_expected_max() == 0) return false;
  return is_long || word.size() == 2;  // -cNAME holds its value
}

}  // namespace

void mark_verbatim(CLI::App& verb) { verb.prefix_command(); }

std::vector<std::string> split_verbatim(const CLI::App& root, std::vector<std::string>& arguments) {
  const CLI::App* app = &root;
  size_t at = 0;
  while (at < arguments.size() && !app->get_prefix_command()) {
    const CLI::App* const child = child_named(*app, arguments[at]);
    if (child == nullptr) return {};
    app = child;
    ++at;
  }
  if (!app->get_prefix_command()) return {};
  for (; at < arguments.size(); ++at) {
    const std::string& word = arguments[at];
    const bool separator = word == "--";
    if (!separator && word.size() > 1 && word.front() == '-') {
      if (takes_next_word(*app, word)) ++at;
      continue;
    }
    const size_t script = separator ? at + 1 : at;
    std::vector<std::string> verbatim(arguments.begin() + static_cast<ptrdiff_t>(std::min(script, arguments.size())),
                                      arguments.end());
    arguments.resize(at);
    std::ranges::replace(arguments, std::string("-ct"), std::string("--ct"));
    return verbatim;
  }
  return {};
}

}  // namespace werkbank::cli
