#include "cli/completion.hh"

#include <algorithm>
#include <sstream>

#include "domain/run_state.hh"

namespace werkbank::cli {
namespace {

struct NamedKind {
  std::string_view name;  // of an option without its dashes, or of an argument
  ValueKind kind;
  std::string_view words{};
};
constexpr NamedKind kNamed[] = {
    {"output", ValueKind::kWords, "table json jsonc yaml yamlc tsv none"},
    {"role", ValueKind::kWords, "owner contributor reader"},
    {"environment-policy", ValueKind::kWords, "exact nearest"},
    {"framework", ValueKind::kWords, "Python PySpark"},
    {"compute-type", ValueKind::kWords, "local docker remotedocker remote cluster"},
    {"SHELL", ValueKind::kWords, "bash zsh fish"},
    {"config", ValueKind::kConfigurations},
    {"run-configuration", ValueKind::kConfigurations},
    {"run-configuration-name", ValueKind::kConfigurations},
    {"experiment", ValueKind::kExperiments},
    {"experiment-name", ValueKind::kExperiments},
    {"run", ValueKind::kRuns},
    {"runs", ValueKind::kRuns},
    {"run-id", ValueKind::kRuns},
    {"parent", ValueKind::kRuns},
    {"parent-run-id", ValueKind::kRuns},
    {"RUN", ValueKind::kRuns},
    {"DATASET", ValueKind::kDatasets},
    {"workspace", ValueKind::kWorkspaces},
    {"workspace-name", ValueKind::kWorkspaces},
    {"target", ValueKind::kTargets},
    {"ct", ValueKind::kTargets},
    {"compute-target-name", ValueKind::kTargets},
    {"conda-file", ValueKind::kFiles},
    {"conda-dependencies", ValueKind::kFiles},
    {"spark-file", ValueKind::kFiles},
    {"python", ValueKind::kFiles},
    {"link-file", ValueKind::kFiles},
    {"output-metadata-file", ValueKind::kFiles},
    {"FILE", ValueKind::kFiles},
    {"source-directory", ValueKind::kFolders},
    {"path", ValueKind::kFolders},
    {"destination", ValueKind::kFolders},
    {"output-dir", ValueKind::kFolders},
    {"directory", ValueKind::kFolders},
    {"template", ValueKind::kFolders},
    {"FOLDER", ValueKind::kFolders},
};
// A verb's NAME is one of its noun.
constexpr NamedKind kNouns[] = {
    {"experiment", ValueKind::kExperiments}, {"environment", ValueKind::kEnvironments},
    {"workspace", ValueKind::kWorkspaces},   {"runconfiguration", ValueKind::kConfigurations},
    {"computetarget", ValueKind::kTargets},  {"dataset", ValueKind::kDatasets},
};

std::vector<std::string> split_words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool is_shown(const CLI::App& app) { return !app.get_group().empty(); }

const CLI::App* child_named(const CLI::App& app, const std::string& name) {
  const auto children = app.get_subcommands([&](const CLI::App* child) { return child->check_name(name); });
  return children.empty() ? nullptr : children.front();
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names = option.get_lnames();
  if (option.get_positional()) names.push_back(option.get_name(true));
  return names;
}

void set_values(Wanted& wanted, const CLI::App& verb, const CLI::Option& option) {
  for (const std::string& name : names_of(option)) {
    if (name == "status") {
      wanted.kind = ValueKind::kWords;
      for (const std::string_view status : run_status_names()) wanted.words.emplace_back(status);
      return;
    }
    if (name == "CODE" && verb.get_name() == "explain") {
      wanted.kind = ValueKind::kWords;
      for (const ErrorCode* code : all_error_codes()) wanted.words.emplace_back(code->id);
      return;
    }
    for (const NamedKind& named : kNamed) {
      if (named.name != name) continue;
      wanted.kind = named.kind;
      wanted.words = split_words(named.words);
      return;
    }
    const std::string noun = verb.get_parent() == nullptr ? "" : verb.get_parent()->get_name();
    for (const NamedKind& named : kNouns) {
      if ((name != "NAME" && name != "name") || named.name != noun) continue;
      wanted.kind = named.kind;
      return;
    }
  }
}

const CLI::Option* positional_at(const CLI::App& verb, size_t index) {
  const auto positionals = verb.get_options([](const CLI::Option* option) { return option->get_positional(); });
  for (const CLI::Option* const option : positionals) {
    if (index == 0 || option->get_expected_max() > 1) return option;
    --index;
  }
  return nullptr;
}

// Where the words lead, and what of the last option is still missing.
struct Place {
  const CLI::App* app = nullptr;
  const CLI::Option* pending = nullptr;
  size_t positionals = 0;
  bool in_script = false;   // behind the script's name everything belongs to the script
  bool only_words = false;  // behind "--"
};

void take_option(Place& place, const std::string& word, Wanted& wanted) {
  const size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
  const std::string name = word.starts_with("--") ? word.substr(0, equals) : word.substr(0, 2);
  const CLI::Option* const option = place.app->get_option_no_throw(name);
  if (option == nullptr || option->get_expected_max() == 0) return;
  if (equals == std::string::npos && (word.starts_with("--") || word.size() == 2)) {
    place.pending = option;
  } else {
    const std::string value = equals == std::string::npos ? word.substr(2) : word.substr(equals + 1);
    if (name == "-w" || name == "--workspace" || name == "--workspace-name") wanted.workspace = value;
  }
}

void take_value(Place& place, const std::string& word, Wanted& wanted) {
  const std::vector<std::string> names = names_of(*place.pending);
  const auto has = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  if (has("workspace") || has("workspace-name")) wanted.workspace = word;
  if (has("source-directory") || has("path")) wanted.folder = word;
  place.pending = nullptr;
}

Place walk(const CLI::App& root, const std::vector<std::string>& words, Wanted& wanted) {
  Place place{.app = &root};
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (place.in_script) return place;
    if (place.pending != nullptr) {
      take_value(place, word, wanted);
    } else if (word == "--" && !place.only_words) {
      place.only_words = true;
    } else if (!place.only_words && word.size() > 1 && word.front() == '-') {
      take_option(place, word, wanted);
    } else if (const CLI::App* const child = child_named(*place.app, word); child != nullptr && place.positionals == 0) {
      place.app = child;
    } else if (place.app->get_prefix_command()) {
      place.in_script = true;
    } else {
      ++place.positionals;
    }
  }
  return place;
}

void set_options(Wanted& wanted, const CLI::App& app) {
  wanted.kind = ValueKind::kWords;
  for (const CLI::Option* option : app.get_options([](const CLI::Option* each) { return each->nonpositional(); })) {
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) wanted.words.push_back("--" + name);
    if (option->get_lnames().empty() && !option->get_snames().empty()) wanted.words.push_back("-" + option->get_snames().front());
  }
}

}  // namespace

Wanted wanted_at(const CLI::App& root, const std::vector<std::string>& words) {
  Wanted wanted;
  const Place place = walk(root, words, wanted);
  wanted.begun = words.empty() ? std::string() : words.back();
  if (place.in_script) {
    wanted.kind = ValueKind::kFiles;
    return wanted;
  }
  if (place.pending != nullptr) {
    set_values(wanted, *place.app, *place.pending);
    return wanted;
  }
  const size_t equals = wanted.begun.find('=');
  if (wanted.begun.starts_with("--") && equals != std::string::npos) {
    const CLI::Option* const option = place.app->get_option_no_throw(wanted.begun.substr(0, equals));
    wanted.prefix = wanted.begun.substr(0, equals + 1);
    wanted.begun = wanted.begun.substr(equals + 1);
    if (option != nullptr) set_values(wanted, *place.app, *option);
    return wanted;
  }
  const bool wants_option = !place.only_words && wanted.begun.starts_with('-');
  const auto children = place.app->get_subcommands([](const CLI::App* child) { return is_shown(*child); });
  if (!wants_option && !children.empty()) {
    wanted.kind = ValueKind::kWords;
    for (const CLI::App* child : children) wanted.words.push_back(child->get_name());
    return wanted;
  }
  if (!wants_option && place.app->get_prefix_command()) {
    wanted.kind = ValueKind::kFiles;
    return wanted;
  }
  if (const CLI::Option* const positional = positional_at(*place.app, place.positionals);
      !wants_option && positional != nullptr) {
    set_values(wanted, *place.app, *positional);
    return wanted;
  }
  if (!place.only_words && is_shown(*place.app)) set_options(wanted, *place.app);
  return wanted;
}

}  // namespace werkbank::cli
