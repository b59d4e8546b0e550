#include "cli/target_check.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "cli/command.hh"
#include "cli/project_source.hh"

namespace werkbank::cli {
namespace {

// Always there: this machine, and v1's word for a pool that is made for the run.
constexpr std::array kAlways{"local", "amlcompute"};

// What v1 knows and a later version brings. Whether it is there by now says the server's list, which is asked first.
std::string_view later_kind(std::string_view kind) {
  if (kind == "docker") return "a Docker container on this machine; Docker targets come";
  if (kind == "remotedocker") return "Docker on another machine; targets on other machines come";
  if (kind == "remote") return "another machine; targets on other machines come";
  if (kind == "cluster") return "a Spark cluster; Spark targets come";
  return {};
}

}  // namespace

Status check_target(Context& context, const std::filesystem::path& folder, const std::string& target) {
  if (std::ranges::find(kAlways, target) != kAlways.end()) return {};
  TRY(const json::array targets, fetch_targets(context));
  std::vector<std::string> names;
  for (const json::value& item : targets) {
    const json::value* const name = item.is_object() ? item.as_object().if_contains("name") : nullptr;
    if (name != nullptr) names.push_back(plain_text(*name));
    if (name != nullptr && names.back() == target) return {};
  }
  TRY(const std::string kind, project_target_kind(folder, target));
  if (const std::string_view later = later_kind(kind); !later.empty()) {
    return fail(errors::not_supported, fmt::format("the target {:?} is {} with a later version", target, later),
                "Add `-t local` to run on this machine, without a container, in an environment built from the same conda file.");
  }
  const auto nearest = nearest_word(target, names);
  return fail(
      errors::target_unknown,
      fmt::format("there is no compute target {:?}{}", target, nearest ? fmt::format("; did you mean {:?}?", *nearest) : ""),
      fmt::format("Targets here: {}. `werkbank compute list` shows them.", fmt::join(names, ", ")));
}

}  // namespace werkbank::cli
