// Completion's values that are not in the tree of commands: names that the project or a running server has.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <map>
#include <set>

#include "cli/completion.hh"
#include "cli/project_source.hh"

namespace werkbank::cli {
namespace {

// Who presses Tab does not wait; on a slow way to a server somebody may want to.
constexpr std::string_view kPatienceVariable = "WERKBANK_COMPLETION_PATIENCE_MS";
constexpr int64_t kPatienceMs = 400;
constexpr size_t kNamesMax = 200;

std::chrono::milliseconds patience_of(const std::map<std::string, std::string>& environment) {
  const auto found = environment.find(std::string(kPatienceVariable));
  int64_t value = 0;
  if (found != environment.end()) {
    const std::string& text = found->second;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) value = 0;
  }
  return std::chrono::milliseconds(value > 0 ? value : kPatienceMs);
}

// One page of a list; nothing where no server runs, it does not answer in time, or refuses.
json::array ask(const Context& context, const std::string& target) {
  const auto address = client::find_server(context.environment());
  if (!address) return {};
  const std::chrono::milliseconds patience = patience_of(context.environment());
  net::HttpClient http(
      {.server_url = address->url, .token = address->token, .connect_timeout = patience, .read_timeout = patience});
  const auto answer = http.send({.method = net::Method::kGet, .target = target});
  if (!answer || answer->status >= 400) return {};
  const auto document = parse_json(answer->body);
  if (!document) return {};
  if (document->is_array()) return document->as_array();
  const json::value* const items = document->is_object() ? document->as_object().if_contains("items") : nullptr;
  return items != nullptr && items->is_array() ? items->as_array() : json::array();
}

std::vector<std::string> fields_of(const json::array& items, std::string_view field) {
  std::vector<std::string> names;
  for (const json::value& item : items) {
    const json::value* const value = item.is_object() ? item.as_object().if_contains(field) : nullptr;
    if (value == nullptr || !value->is_string()) continue;
    std::string name(value->as_string());
    // A name that a shell would have to quote is left to be typed.
    const bool plain = !name.empty() && name.find_first_of(" \t\n'\"\\$`;&|<>()*?[]{}!#~") == std::string::npos;
    if (plain && std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> values_of(Context& context, const Wanted& wanted) {
  const std::filesystem::path folder = wanted.folder.empty() ? "." : wanted.folder;
  const auto in_workspace = [&](std::string_view path) {
    const std::string name = wanted.workspace.empty() ? context.workspace(folder).value_or("default") : wanted.workspace;
    return fmt::format("/api/v1/workspaces/{}{}?limit={}", net::encode_segment(name), path, kNamesMax);
  };
  switch (wanted.kind) {
    case ValueKind::kRuns:
      return fields_of(ask(context, in_workspace("/runs")), "runId");
    case ValueKind::kExperiments:
      return fields_of(ask(context, in_workspace("/experiments")), "name");
    case ValueKind::kDatasets:
      return fields_of(ask(context, in_workspace("/datasets")), "name");
    case ValueKind::kEnvironments: {
      std::vector<std::string> names = fields_of(ask(context, in_workspace("/environments")), "name");
      names.emplace_back("default-runtime");
      return names;
    }
    case ValueKind::kWorkspaces:
      return fields_of(ask(context, fmt::format("/api/v1/workspaces?limit={}", kNamesMax)), "name");
    case ValueKind::kTargets: {
      std::vector<std::string> names = fields_of(ask(context, in_workspace("/compute")), "name");
      if (std::ranges::find(names, "local") == names.end()) names.emplace_back("local");
      return names;
    }
    case ValueKind::kConfigurations: {
      const std::vector<std::string> own = list_project_runs(folder);
      std::set<std::string> names(own.begin(), own.end());
      for (const char* const usual : {"local", "docker"}) names.emplace(usual);
      return {names.begin(), names.end()};
    }
    default:
      return wanted.words;
  }
}

}  // namespace

std::vector<std::string> candidates_of(Context& context, const Wanted& wanted) {
  if (wanted.kind == ValueKind::kFiles) return {":files"};
  if (wanted.kind == ValueKind::kFolders) return {":folders"};
  std::vector<std::string> candidates;
  for (const std::string& value : values_of(context, wanted)) {
    if (value.starts_with(wanted.begun)) candidates.push_back(wanted.prefix + value);
  }
  return candidates;
}

}  // namespace werkbank::cli
