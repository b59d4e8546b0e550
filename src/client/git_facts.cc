#include "client/git_facts.hh"

#include <algorithm>
#include <vector>

#include "base/process.hh"

namespace werkbank::client {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr size_t kOutputMax = 64 * 1024 * 1024;

using EnvironmentMap = std::map<std::string, std::string>;

std::string value_of(const EnvironmentMap& environment, const std::string& name, std::string fallback = {}) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::move(fallback) : found->second;
}

std::optional<std::string> git_output(const std::filesystem::path& folder, const EnvironmentMap& environment,
                                      std::vector<std::string> arguments) {
  SpawnPlan plan;
  plan.argv = {"git", "--no-pager",   "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "safe.directory=*",
               "-C",  folder.string()};
  plan.argv.insert(plan.argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  plan.environment = {{"PATH", value_of(environment, "PATH", "/usr/local/bin:/usr/bin:/bin")},
                      {"HOME", value_of(environment, "HOME", "/")},
                      {"LC_ALL", "C.UTF-8"},
                      {"GIT_OPTIONAL_LOCKS", "0"},
                      {"GIT_TERMINAL_PROMPT", "0"}};
  const auto result = run_process(plan, kPatience, kOutputMax);
  if (!result || result->timed_out || result->exit_code != 0) return std::nullopt;
  return result->out;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::optional<std::string> rest_after(std::string_view line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return std::nullopt;
  return std::string(line.substr(prefix.size()));
}

}  // namespace

std::string without_credentials(std::string url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const size_t begin = scheme + 3;
  const size_t path = std::min(url.find('/', begin), url.size());
  const size_t at = url.rfind('@', path);
  if (at != std::string::npos && at >= begin && at < path) url.erase(begin, at + 1 - begin);
  return url;
}

GitFacts parse_git_status(std::string_view output) {
  GitFacts facts;
  while (!output.empty()) {
    const size_t end = std::min(output.find('\n'), output.size());
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(std::min(end + 1, output.size()));
    if (const auto commit = rest_after(line, "# branch.oid ")) {
      if (*commit != "(initial)") facts.commit = *commit;
    } else if (const auto branch = rest_after(line, "# branch.head ")) {
      facts.branch = *branch == "(detached)" ? "HEAD" : *branch;
    } else if (!line.empty() && !line.starts_with('#')) {
      facts.dirty = true;
    }
  }
  return facts;
}

std::optional<GitFacts> gather_git_facts(const std::filesystem::path& folder, const EnvironmentMap& environment) {
  std::optional<GitFacts> facts;
  if (const auto status =
          git_output(folder, environment, {"status", "--porcelain=v2", "--branch", "--ignore-submodules=all", "."})) {
    facts = parse_git_status(*status);
    const auto remote = git_output(folder, environment, {"config", "--get", "remote.origin.url"});
    if (remote) facts->repository_url = without_credentials(trimmed(*remote));
  }
  const auto override_with = [&](const std::string& name, auto assign) {
    const std::string value = value_of(environment, name);
    if (value.empty()) return;
    if (!facts) facts.emplace();
    assign(value);
  };
  override_with("AZUREML_GIT_REPOSITORY_URI",
                [&](const std::string& value) { facts->repository_url = without_credentials(value); });
  override_with("AZUREML_GIT_BRANCH", [&](const std::string& value) { facts->branch = value; });
  override_with("AZUREML_GIT_COMMIT", [&](const std::string& value) { facts->commit = value; });
  override_with("AZUREML_GIT_DIRTY",
                [&](const std::string& value) { facts->dirty = value == "True" || value == "true" || value == "1"; });
  return facts;
}

json::object git_to_json(const GitFacts& facts) {
  return {{"repositoryUrl", facts.repository_url}, {"branch", facts.branch}, {"commit", facts.commit}, {"dirty", facts.dirty}};
}

}  // namespace werkbank::client
