// az ml computetarget: what this server has, as the extension printed it, or as the files that Workbench kept.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/az.hh"
#include "cli/command_compute.hh"

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
  json::object document{{"name", text_of(target, "name")},
                        {"computeType", kind},
                        {"provisioningState", state.empty() || state == "ready" ? "Succeeded" : state},
                        {"location", "local"},
                        {"capabilities", target.contains("capabilities") ? target.at("capabilities") : json::value(nullptr)}};
  for (const char* const key : {"description", "tags", "settings", "status", "createdUtc", "modifiedUtc"}) {
    if (const json::value* const value = target.if_contains(key)) document[key] = *value;
  }
  return document;
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

// -- amlcompute

struct CreateOptions {
  PoolOptions pool;
  std::string username, password, ssh_key, identity;
  bool no_wait = false;
};

void declare_create(CLI::App& verb, CreateOptions& options) {
  verb.add_option("-n,--name", options.pool.name, "The new target's name")->required();
  declare_pool(verb, options.pool);
  // Nobody logs in to a node here: these are taken, and nothing is kept of them.
  verb.add_option("--admin-username,-u", options.username)->group("");
  verb.add_option("--admin-user-password", options.password)->group("");
  verb.add_option("--admin-user-ssh-key", options.ssh_key)->group("");
  verb.add_option("--assign-identity", options.identity)->group("");
  verb.add_flag("--no-wait", options.no_wait, "Do not wait (it is made at once)");
}

Result<int> create(Context& context, const CreateOptions& options) {
  TRY(const json::value made, create_pool(context, options.pool));
  CHECK_OK(context.print(json::value(target_document(made.as_object())), columns()));
  return kExitDone;
}

struct UpdateOptions {
  PoolOptions pool;
};

void declare_update(CLI::App& verb, UpdateOptions& options) {
  verb.add_option("-n,--name", options.pool.name, "Its name")->required();
  declare_scale(verb, options.pool);
}

Result<int> update(Context& context, const UpdateOptions& options) {
  TRY(const json::value changed, update_pool(context, options.pool));
  CHECK_OK(context.print(json::value(target_document(changed.as_object())), columns()));
  return kExitDone;
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
  CLI::App& creates = *add_noun(noun, "create", "Make one");
  add_az_place(
      *add_verb<CreateOptions>(creates, context,
                               {"amlcompute", "Make a pool of nodes on this machine",
                                "  az ml computetarget create amlcompute -n cpucluster --vm-size STANDARD_D2_V2 --max-nodes 4"},
                               declare_create, create, kAzVerb),
      context);
  CLI::App& updates = *add_noun(noun, "update", "Change one");
  add_az_place(*add_verb<UpdateOptions>(updates, context,
                                        {"amlcompute", "Change how many nodes a pool has",
                                         "  az ml computetarget update amlcompute -n cpucluster --max-nodes 2"},
                                        declare_update, update, kAzVerb),
               context);
  for (CLI::App* const group : {&creates, &updates}) {
    for (const std::string_view name : {"aks", "datafactory", "computeinstance"})
      add_az_later(*group, context, {name, kMachines, "Pools on this machine: az ml computetarget create amlcompute."});
  }
  add_az_attach(noun, context);
  add_az_later(noun, context, {"get-credentials", kMachines, "`local`, this machine, is always there and needs no attach."});
  add_az_later(noun, context, {"computeinstance", "compute instances come", "`local`, this machine, is always there."});
}

}  // namespace werkbank::cli
