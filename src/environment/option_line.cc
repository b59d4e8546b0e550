// Option lines of requirement lists: parse_option_line() of requirement.hh.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.hh"
#include "environment/requirement.hh"

namespace werkbank::environment {
namespace {

struct Option {
  std::string_view name;
  std::string_view short_name;
  bool takes_value;
  bool kept;  // otherwise it only tunes pip, and is left out with a note
};

constexpr std::array kOptions{
    Option{"--index-url", "-i", true, true},
    Option{"--pypi-url", "", true, true},
    Option{"--extra-index-url", "", true, true},
    Option{"--find-links", "-f", true, true},
    Option{"--no-index", "", false, true},
    Option{"--pre", "", false, true},
    Option{"--trusted-host", "", true, true},
    Option{"--no-cache-dir", "", false, false},
    Option{"--prefer-binary", "", false, false},
    Option{"--only-binary", "", true, false},
    Option{"--no-binary", "", true, false},
    Option{"--upgrade", "-U", false, false},
    Option{"--quiet", "-q", false, false},
    Option{"--disable-pip-version-check", "", false, false},
    Option{"--use-feature", "", true, false},
    Option{"--timeout", "", true, false},
    Option{"--user", "", false, false},
    Option{"--ignore-installed", "-I", false, false},
    Option{"--process-dependency-links", "", false, false},
};

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  bool open = false;
  for (const char c : line) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (c == ' ' || c == '\t') {
      if (open || !word.empty()) words.push_back(std::move(word));
      word.clear();
      open = false;
    } else {
      word += c;
    }
  }
  if (open || !word.empty()) words.push_back(std::move(word));
  return words;
}

std::unexpected<Error> refuse(std::string_view line, std::string_view why, std::string hint = {}) {
  return fail(errors::requirement_invalid, fmt::format("requirement line '{}': {}", line, why), std::move(hint));
}

std::unexpected<Error> refuse_unknown(std::string_view line, const std::string& name) {
  if (name == "-r" || name == "--requirement" || name == "-c" || name == "--constraint") {
    return refuse(line, "another list of requirements cannot be named here", "Write its lines into this list.");
  }
  if (name == "-e" || name == "--editable") {
    return refuse(line, "editable installs are not built: the code of the project folder is in the snapshot already");
  }
  std::vector<std::string> known;
  for (const Option& option : kOptions) known.emplace_back(option.name);
  const auto nearest = nearest_word(name, known);
  return refuse(line, fmt::format("'{}' is not an option of requirement lists", name),
                nearest ? fmt::format("Did you mean {}?", *nearest) : "");
}

// Whether the address is the public index, which is what is used anyway (or what this machine's pip configuration puts in its
// place).
bool is_public_index(std::string_view address) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
  }
  return address == "pypi.org" || address == "pypi.python.org" || address.starts_with("pypi.org/") ||
         address.starts_with("pypi.python.org/");
}

Status check_value(std::string_view line, std::string_view name, const std::string& value) {
  if (value.empty()) return refuse(line, fmt::format("{} needs a value", name));
  const bool address = value.starts_with("https://") || value.starts_with("http://") || value.starts_with("file:///");
  if ((name == "--index-url" || name == "--extra-index-url") && !address) {
    return refuse(line, fmt::format("{} needs an address that starts with https://", name));
  }
  if (name == "--find-links" && !address && !value.starts_with('/')) {
    return refuse(line, "--find-links needs an address or an absolute path",
                  "A relative path means another folder on each machine.");
  }
  if (value.find_first_of(" ,\n") != std::string::npos) return refuse(line, fmt::format("{} takes one value", name));
  return {};
}

}  // namespace

bool is_option_line(std::string_view line) { return without_comment(line).starts_with('-'); }

Result<std::vector<std::string>> parse_option_line(std::string_view raw, std::vector<std::string>& notes) {
  const std::string_view line = without_comment(raw);
  std::vector<std::string> words = words_of(line);
  std::vector<std::string> options;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string name = words[i].substr(0, words[i].find('='));
    const auto option = std::ranges::find_if(
        kOptions, [&](const Option& o) { return o.name == name || (!o.short_name.empty() && o.short_name == name); });
    if (option == kOptions.end()) return refuse_unknown(line, name);
    name = option->name == "--pypi-url" ? "--index-url" : std::string(option->name);
    std::string value;
    if (option->takes_value) {
      if (words[i].find('=') != std::string::npos) {
        value = words[i].substr(words[i].find('=') + 1);
      } else if (i + 1 < words.size()) {
        value = words[++i];
      }
      if (option->kept) CHECK_OK(check_value(line, name, value));
      if (value.empty()) return refuse(line, fmt::format("{} needs a value", name));
    }
    if (!option->kept) {
      notes.push_back(fmt::format("{} has no meaning here and is left out", name));
    } else if (is_public_index(value)) {
      notes.push_back(fmt::format("{} {} is left out: it is the index that is used anyway", name, value));
    } else {
      options.push_back(option->takes_value ? name + "=" + value : name);
    }
  }
  return options;
}

}  // namespace werkbank::environment
