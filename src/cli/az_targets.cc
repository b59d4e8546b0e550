// az ml computetarget: what this server has, as the extension printed it, or as the files that Workbench kept.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/az.hh"
#include "cli/command.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMachines = "targets on other machines come";

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* const value = find_field(object, key);
  return value == nullptr ? std::string() : plain_text(*value);
}

json::object target_document(const json::object& target) {
  const std::string kind = text_of(target, "kind");
  const std::string state = text_of(target, "state");
  return {{"name", text_of(target, "name")},
          {"computeType", kind},
          {"provisioningState", state.empty() || state == "ready" ? "Succeeded" : state},
          {"location", "local"},
          {"capabilities", target.contains("capabilities") ? target.at("capabilities") : json::value(nullptr)}};
}

std::vector<Column> columns() {
  return {text_column("Name", "name"), text_column("ComputeType", "computeType"), text_column("State", "provisioningState")};
}

Result<json::array> target_documents(Context& context) {
  TRY(const json::array items, fetch_targets(context));
  json::array targets;
  for (const json::value& item : items) {
    if (item.is_object()) targets.push_back(target_document(item.as_object()));
  }
  return targets;
}

// A project of 2017 has its targets as files; `local` and `docker` belong to it even without.
std::optional<std::set<std::string>> compute_files(const fs::path& folder) {
  std::error_code failure;
  std::set<std::string> names;
  fs::directory_iterator it(folder / "aml_config", failure);
  if (failure) return std::nullopt;
  for (const fs::directory_iterator end; !failure && it != end; it.increment(failure)) {
    const std::string name = it->path().filename().string();
    if (name.ends_with(".compute")) names.insert(name);
  }
  for (const std::string_view usual : {"local.compute", "docker.compute"}) names.emplace(usual);
  return names;
}

struct ListOptions {
  std::string type;
};

void declare_list(CLI::App& verb, ListOptions& options) {
  verb.add_option("--compute-type,--type", options.type, "Only targets of this type");
}

Result<int> list_targets(Context& context, const ListOptions& options) {
  const auto files = compute_files(context.project_folder);
  if (files && options.type.empty() && context.workspace_flag.empty()) {
    json::array names(files->begin(), files->end());
    CHECK_OK(context.print(json::value(std::move(names)), {}));
    return kExitDone;
  }
  TRY(json::array targets, target_documents(context));
  if (!options.type.empty()) {
    json::array chosen;
    for (json::value& target : targets) {
      if (text_of(target.as_object(), "computeType") == options.type) chosen.push_back(std::move(target));
    }
    targets = std::move(chosen);
  }
  CHECK_OK(context.print(json::value(std::move(targets)), columns()));
  return kExitDone;
}

struct NameOptions {
  std::string name;
  bool verbose = false;
};

void declare_name(CLI::App& verb, NameOptions& options) {
  verb.add_option("-n,--name", options.name, "Its name")->required();
  verb.add_flag("-v", options.verbose)->group("");
}

Result<int> show_target(Context& context, const NameOptions& options) {
  TRY(const json::array targets, target_documents(context));
  std::vector<std::string> names;
  for (const json::value& target : targets) {
    names.push_back(text_of(target.as_object(), "name"));
    if (names.back() != options.name) continue;
    CHECK_OK(context.print(target, columns()));
    return kExitDone;
  }
  const auto nearest = nearest_word(options.name, names);
  return fail(errors::target_unknown, fmt::format("there is no compute target {:?}{}", options.name,
                                                  nearest ? fmt::format("; did you mean {:?}?", *nearest) : ""));
}

}  // namespace

void add_az_targets(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "computetarget", "Where runs are executed");
  add_az_place(*add_verb<ListOptions>(noun, context,
                                      {"list", "List them: a 2017 project's files, otherwise the server's targets",
                                       "  az ml computetarget list -o table"},
                                      declare_list, list_targets, kAzVerb),
               context);
  add_az_place(*add_verb<NameOptions>(noun, context, {"show", "Show one", "  az ml computetarget show -n local"}, declare_name,
                                      show_target, kAzVerb),
               context);
  for (const std::string_view name : {"attach", "create", "detach", "delete", "update", "get-credentials"}) {
    add_az_later(noun, context, {name, kMachines, "`local`, this machine, is always there and needs no attach."});
  }
  add_az_later(noun, context, {"computeinstance", "compute instances come", "`local`, this machine, is always there."});
}

}  // namespace werkbank::cli
