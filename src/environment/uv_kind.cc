#include "environment/uv_kind.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "domain/package_choice.hh"
#include "environment/azureml_package.hh"
#include "environment/conda_package.hh"
#include "environment/python_choice.hh"
#include "environment/requirement.hh"

namespace werkbank::environment {
namespace {

constexpr size_t kRequirementsMax = 2000;
constexpr std::string_view kUsualChannel = "conda-forge";  // where a list of conda packages names none
constexpr std::array kNetworkVariables{"HTTP_PROXY",         "HTTPS_PROXY",    "NO_PROXY",        "ALL_PROXY",
                                       "http_proxy",         "https_proxy",    "no_proxy",        "all_proxy",
                                       "SSL_CERT_FILE",      "SSL_CERT_DIR",   "PIP_CERT",        "PIP_PROXY",
                                       "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CONFIG_FILE", "NETRC"};

// Gathers the parts of a recipe while the definition is read.
class Plan {
 public:
  explicit Plan(const EnvironmentDefinition& definition) : definition_(definition) {
    const auto package = definition.variables.find(std::string(kPackageVariable));
    wants_genuine_ = package != definition.variables.end() && package->second == kGenuinePackage;
    recipe_.kind = "uv";
    recipe_.policy = definition.policy;
  }

  Result<EnvironmentRecipe> make(const std::map<std::string, std::string>& submitter_environment) {
    if (definition_.pip_requirements.size() + definition_.conda_packages.size() > kRequirementsMax) {
      return fail(errors::requirement_invalid, fmt::format("there are more than {} requirements", kRequirementsMax));
    }
    for (const std::string& spec : definition_.conda_packages) CHECK_OK(add_conda(spec));
    for (const std::string& line : definition_.pip_requirements) CHECK_OK(add_pip(line));
    CHECK_OK(decide_python());
    add_submitter_indexes(submitter_environment);
    add_network(submitter_environment);
    CHECK_OK(decide_channels());
    finish();
    return std::move(recipe_);
  }

 private:
  Status add_conda(const std::string& text) {
    TRY(CondaSpec spec, parse_conda_spec(text));
    if (spec.name == "python") {
      python_from_packages_ = std::move(spec.clauses);
      return {};
    }
    if (spec.name == "pip") return {};
    Requirement sdk;
    sdk.name = spec.name;
    if (is_azureml_package(sdk)) {
      add(sdk, recipe_.requirements);
      return {};
    }
    recipe_.conda_specs.emplace_back(without_comment(text));
    TRY(auto wheel, wheel_of(spec, recipe_.wheel_notes));
    if (wheel) add(*wheel, recipe_.conda_wheels);
    return {};
  }

  Status add_pip(const std::string& line) {
    if (without_comment(line).empty()) return {};
    if (is_option_line(line)) {
      TRY(auto options, parse_option_line(line, recipe_.notes));
      recipe_.options.insert(recipe_.options.end(), options.begin(), options.end());
      return {};
    }
    TRY(const Requirement requirement, parse_requirement(line));
    add(requirement, recipe_.requirements);
    return {};
  }

  void add(const Requirement& requirement, std::vector<std::string>& requirements) {
    if (requirement.key() == "pip") return;  // a tool of the builder; uv brings its own
    if (wants_genuine_ || !is_azureml_package(requirement)) {
      requirements.push_back(requirement.text());
      return;
    }
    std::string note = fmt::format("{} is not installed: Werkbank's SDK takes its place", requirement.text());
    const std::vector<std::string> companions = companions_of(requirement);
    if (!companions.empty()) note += fmt::format("; with it come {}", fmt::join(companions, ", "));
    requirements.insert(requirements.end(), companions.begin(), companions.end());
    recipe_.notes.push_back(std::move(note));
  }

  Status decide_python() {
    PythonChoice choice;
    if (definition_.python_version.empty() && !python_from_packages_.empty()) {
      TRY(choice, choose_python(python_from_packages_));
    } else {
      TRY(choice, choose_python(definition_.python_version));
    }
    recipe_.python_version = choice.exact;
    recipe_.python_fallbacks = choice.fallbacks;
    return {};
  }

  // Channels are asked for packages, and for a Python that is older than what wheels are installed with. Whether one answers is
  // only known on the target.
  Status decide_channels() {
    if (recipe_.conda_specs.empty() && !recipe_.python_version.starts_with("3.5")) return {};
    for (const std::string& channel : definition_.conda_channels) {
      const bool strange = channel.empty() || channel.size() > 2048 || channel.front() == '-' ||
                           std::ranges::any_of(channel, [](unsigned char c) { return c <= ' ' || c == 0x7f; });
      if (strange) {
        return fail(errors::requirement_invalid, fmt::format("conda channel {:?}: it is no name and no address", channel),
                    "A channel is a name such as conda-forge, or an address such as https://host/channel.");
      }
      recipe_.conda_channels.push_back(channel);
    }
    if (recipe_.conda_channels.empty()) recipe_.conda_channels.emplace_back(kUsualChannel);
    return {};
  }

  // How the submitter's shell reaches the net, for a server whose own variables say nothing about it.
  void add_network(const std::map<std::string, std::string>& variables) {
    for (const char* name : kNetworkVariables) {
      if (const auto found = variables.find(name); found != variables.end() && !found->second.empty())
        recipe_.network.insert(*found);
    }
  }

  // What pip would take from the submitter's variables. The definition's own index wins over them; the rest adds up.
  void add_submitter_indexes(const std::map<std::string, std::string>& variables) {
    const bool own_index = std::ranges::any_of(
        recipe_.options, [](const std::string& o) { return o.starts_with("--index-url=") || o == "--no-index"; });
    constexpr std::array<std::pair<const char*, const char*>, 4> kNames{{{"PIP_INDEX_URL", "--index-url="},
                                                                         {"PIP_EXTRA_INDEX_URL", "--extra-index-url="},
                                                                         {"PIP_FIND_LINKS", "--find-links="},
                                                                         {"PIP_TRUSTED_HOST", "--trusted-host="}}};
    const auto no_index = variables.find("PIP_NO_INDEX");
    if (!own_index && no_index != variables.end() && (no_index->second == "1" || no_index->second == "true"))
      recipe_.options.emplace_back("--no-index");
    for (const auto& [variable, option] : kNames) {
      const auto found = variables.find(variable);
      if (found == variables.end() || (own_index && std::string_view(option) == "--index-url=")) continue;
      std::string_view rest = found->second;
      while (!rest.empty()) {
        const size_t blank = rest.find_first_of(" \n\t");
        if (blank != 0) recipe_.options.push_back(option + std::string(rest.substr(0, blank)));
        rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
      }
    }
  }

  // One order and no doubles: equal wishes make equal recipes. The order of indexes has a meaning and stays.
  void finish() {
    for (std::vector<std::string>* const list : {&recipe_.requirements, &recipe_.conda_specs, &recipe_.conda_wheels}) {
      std::ranges::sort(*list);
      list->erase(std::unique(list->begin(), list->end()), list->end());
    }
    const auto keep_first = [](std::vector<std::string>& texts) {
      std::set<std::string> seen;
      std::erase_if(texts, [&seen](const std::string& text) { return !seen.insert(text).second; });
    };
    keep_first(recipe_.options);
    keep_first(recipe_.notes);
    keep_first(recipe_.wheel_notes);
    keep_first(recipe_.conda_channels);
    recipe_.hash = recipe_hash(recipe_);
  }

  const EnvironmentDefinition& definition_;
  EnvironmentRecipe recipe_;
  std::vector<VersionClause> python_from_packages_;
  bool wants_genuine_ = false;  // Microsoft's packages are installed as any others are
};

class UvKind final : public EnvironmentKind {
 public:
  std::string name() const override { return "uv"; }
  bool accepts(const EnvironmentDefinition& definition, const std::map<std::string, std::string>&) const override {
    return !definition.user_managed;
  }
  Result<EnvironmentRecipe> plan(const EnvironmentDefinition& definition,
                                 const std::map<std::string, std::string>& submitter_environment) const override {
    return Plan(definition).make(submitter_environment);
  }
};

}  // namespace

std::unique_ptr<EnvironmentKind> make_uv_kind() { return std::make_unique<UvKind>(); }

}  // namespace werkbank::environment
