// What lies ready on a target: the environments that were built there, of all workspaces.
#include <algorithm>
#include <set>

#include "api/reading.hh"
#include "api/responses.hh"
#include "lifecycle/sealed_spec.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr const char* kDefaultRuntime = "default-runtime";

// The recipe of a definition that names nothing: what runs in a shell without an active environment.
Result<EnvironmentRecipe> default_runtime(Api& api) { return api.services.environments.plan(EnvironmentDefinition{}, {}); }

// The hashes that runs which have not ended were submitted with.
Result<std::set<std::string>> hashes_in_use(Api& api) {
  return read<std::set<std::string>>(api, [&api](store::Reader& reader) -> Result<std::set<std::string>> {
    std::set<std::string> hashes;
    TRY(const std::vector<Run> runs, reader.unfinished_managed_runs());
    for (const Run& run : runs) {
      TRY(auto spec, reader.run_spec(run.key));
      if (!spec) continue;
      // An index's login is part of what was asked for.
      CHECK_OK(lifecycle::open_secrets(api.services.vault, run.key.workspace, *spec));
      const auto recipe = api.services.environments.plan(spec->environment, spec->submitter_environment);
      if (recipe) hashes.insert(recipe->hash);
    }
    return hashes;
  });
}

json::array texts(const std::vector<std::string>& list) {
  json::array array;
  for (const std::string& text : list) array.emplace_back(text);
  return array;
}

json::object built_json(const compute::BuiltEnvironment& built, const std::string& runtime_hash,
                        const std::set<std::string>& in_use, bool with_sizes) {
  std::vector<std::string> packages = built.recipe.conda_specs;
  packages.insert(packages.end(), built.recipe.requirements.begin(), built.recipe.requirements.end());
  json::object document;
  document["hash"] = built.ready.hash;
  document["name"] = built.ready.hash == runtime_hash ? kDefaultRuntime : "";
  document["ready"] = true;
  document["pythonVersion"] = built.ready.python_version;
  document["interpreter"] = built.ready.interpreter;
  document["packages"] = texts(packages);
  document["relaxed"] = texts(built.ready.relaxed);
  document["builtUtc"] = format_utc(built.built_ms);
  document["usedUtc"] = format_utc(built.used_ms);
  document["inUse"] = in_use.contains(built.ready.hash);
  if (with_sizes) document["sizeBytes"] = built.size_bytes;
  return document;
}

Task<Result<net::Response>> list_built(Api& api, Call& call) {
  CO_TRY(compute::ComputeTarget* const target, api.services.targets.find("", call.arguments[0]));
  const bool with_sizes = query_flag(call.request, "sizes");
  CO_TRY(const EnvironmentRecipe runtime, default_runtime(api));
  CO_TRY(const std::set<std::string> in_use, hashes_in_use(api));
  const auto look = [target, with_sizes] { return target->environments(with_sizes); };
  CO_TRY(const std::vector<compute::BuiltEnvironment> built, co_await api.services.pool.run(look));
  json::array items;
  if (std::ranges::none_of(built, [&](const auto& one) { return one.ready.hash == runtime.hash; })) {
    items.push_back(json::object{
        {"hash", runtime.hash}, {"name", kDefaultRuntime}, {"ready", false}, {"packages", texts(runtime.requirements)}});
  }
  for (const compute::BuiltEnvironment& one : built) items.push_back(built_json(one, runtime.hash, in_use, with_sizes));
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

Task<Result<net::Response>> get_lock(Api& api, Call& call) {
  CO_TRY(compute::ComputeTarget* const target, api.services.targets.find("", call.arguments[0]));
  const std::string hash = call.arguments[1];
  const auto look = [target, hash] { return target->environment_lock(hash); };
  CO_TRY(std::string text, co_await api.services.pool.run(look));
  co_return text_response(std::move(text), "text/plain; charset=utf-8");
}

Task<Result<net::Response>> delete_built(Api& api, Call& call) {
  CO_TRY(compute::ComputeTarget* const target, api.services.targets.find("", call.arguments[0]));
  const std::string hash = call.arguments[1];
  CO_TRY(const std::set<std::string> in_use, hashes_in_use(api));
  if (in_use.contains(hash)) {
    co_return fail(errors::run_state_conflict,
                   fmt::format("a run that has not ended uses the environment {}", hash.substr(0, 12)),
                   "Wait for its end, or cancel it.");
  }
  const auto remove = [target, hash] { return target->remove_environment(hash); };
  CO_CHECK_OK(co_await api.services.pool.run(remove));
  co_return no_content();
}

// What a definition comes to here: its hash, and whether it lies ready. Nothing is built.
Task<Result<net::Response>> find_built(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const json::value* const definition = reader.value("environment");
  const std::string target_name = reader.string_or("target", "local");
  std::map<std::string, std::string> submitter;
  for (auto& [name, value] : reader.string_map_or_empty("submitterEnvironment")) submitter[name] = value;
  if (definition == nullptr) reader.refuse("environment", "is missing");
  CO_CHECK_OK(reader.finish());
  CO_TRY(EnvironmentDefinition wanted, environment_from_json(*definition, "request.environment"));
  CO_CHECK_OK(lifecycle::open_secrets(api.services.vault, call.workspace(), wanted));
  CO_TRY(compute::ComputeTarget* const target, api.services.targets.find(call.workspace(), target_name));
  CO_TRY(const EnvironmentRecipe recipe, api.services.environments.plan(wanted, submitter));
  const auto look = [target] { return target->environments(false); };
  CO_TRY(const std::vector<compute::BuiltEnvironment> built, co_await api.services.pool.run(look));
  const auto found = std::ranges::find(built, recipe.hash, [](const auto& one) { return one.ready.hash; });
  if (found == built.end())
    co_return json_response(json::object{{"hash", recipe.hash}, {"ready", false}, {"managed", recipe.kind != "system"}});
  json::object document = built_json(*found, "", {}, false);
  document["managed"] = true;
  co_return json_response(std::move(document));
}

#define BUILT "/api/v1/compute/{target}/environments"
constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, BUILT, list_built,
                             {"List the built environments of a target", "sizes:boolean", "", "BuiltEnvironment[]"}),
    route<Permission::kRead>(Method::kGet, BUILT "/{hash}/lock", get_lock,
                             {"What exactly was installed in a built environment", "", "", "text/plain"}),
    route<Permission::kOwn>(Method::kDelete, BUILT "/{hash}", delete_built,
                            {"Remove a built environment that no run uses", "", "", "", 204}),
    route<Permission::kRead>(
        Method::kPost, "/api/v1/workspaces/{workspace}/environments/find", find_built,
        {"Whether what a definition asks for lies ready; builds nothing", "", "PrepareRequest", "BuiltEnvironment"}),
};
#undef BUILT

}  // namespace

std::span<const Route> built_environment_routes() { return kRoutes; }

}  // namespace werkbank::api
