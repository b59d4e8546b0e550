#include <deque>

#include "api/reading.hh"
#include "api/responses.hh"
#include "domain/names.hh"
#include "environment/curated.hh"
#include "lifecycle/environment_versions.hh"
#include "lifecycle/prepare.hh"
#include "lifecycle/sealed_spec.hh"
#include "store/environments.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr std::string_view kNewest = "latest";

json::object version_json(const store::EnvironmentVersion& version) {
  json::object document = to_json(version.definition);
  const bool curated = version.created_ms == 0;
  document["createdUtc"] = curated ? json::value(nullptr) : json::value(format_utc(version.created_ms));
  document["curated"] = curated;
  document["labels"] = json::array(version.labels.begin(), version.labels.end());
  return document;
}

// A curated definition as if it were registered; its time is 0.
store::EnvironmentVersion curated_version(const std::string& workspace, const EnvironmentDefinition& definition) {
  return {.workspace = workspace, .number = 1, .definition = definition};
}

net::Response versions_response(const std::vector<store::EnvironmentVersion>& versions) {
  json::array items;
  for (const store::EnvironmentVersion& version : versions) items.push_back(version_json(version));
  return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

Task<Result<net::Response>> list_environments(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  using Versions = std::vector<store::EnvironmentVersion>;
  CO_TRY(Versions versions, read<Versions>(api, [&](store::Reader& reader) { return reader.environments().newest(workspace); }));
  for (const EnvironmentDefinition& definition : environment::curated_environments())
    versions.push_back(curated_version(workspace, definition));
  std::ranges::sort(versions, {}, [](const store::EnvironmentVersion& version) { return version.definition.name; });
  co_return versions_response(versions);
}

Task<Result<net::Response>> list_versions(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  if (const EnvironmentDefinition* const curated = environment::find_curated(name))
    co_return versions_response({curated_version(workspace, *curated)});
  using Versions = std::vector<store::EnvironmentVersion>;
  CO_TRY(const Versions versions,
         read<Versions>(api, [&](store::Reader& reader) { return reader.environments().versions(workspace, name); }));
  if (versions.empty()) co_return fail(errors::not_found, fmt::format("there is no environment {:?}", name));
  co_return versions_response(versions);
}

Error no_version(const std::string& name, const std::string& version, const std::string& label) {
  std::string which;
  if (!version.empty()) which = fmt::format(" of version {:?}", version);
  if (!label.empty()) which = fmt::format(" with the label {:?}", label);
  return Error{&errors::not_found, fmt::format("there is no environment {:?}{}", name, which), "", {}};
}

Task<Result<net::Response>> get_environment(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  std::string version = query_text(call.request, "version");
  std::string label = query_text(call.request, "label");
  if (!version.empty() && !label.empty()) co_return fail(errors::invalid_request, "either ?version= or ?label=, not both");
  if (version == kNewest) version.clear();
  if (label == kNewest) label.clear();
  const EnvironmentDefinition* const curated = environment::find_curated(name);
  if (curated && label.empty() && (version.empty() || version == curated->version))
    co_return json_response(version_json(curated_version(workspace, *curated)));
  using Found = std::optional<store::EnvironmentVersion>;
  CO_TRY(const Found found, read<Found>(api, [&](store::Reader& reader) {
           return label.empty() ? reader.environments().version(workspace, name, version)
                                : reader.environments().labelled(workspace, name, label);
         }));
  if (!found) co_return fail(no_version(name, version, label));
  co_return json_response(version_json(*found));
}

Task<Result<net::Response>> put_label(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string version = reader.required_string("version");
  CO_CHECK_OK(reader.finish());
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  const std::string label = call.arguments[2];
  CO_CHECK_OK(lifecycle::check_environment_version(label));
  if (environment::find_curated(name) != nullptr) {
    co_return fail(errors::name_refused, fmt::format("{:?} is a curated environment; it takes no labels", name),
                   "Environment.clone makes a copy of it, which can be registered and takes labels.");
  }
  using Labelled = store::EnvironmentVersion;
  std::function<Result<Labelled>(store::Transaction&)> apply = [workspace, name, label,
                                                                version](store::Transaction& transaction) -> Result<Labelled> {
    TRY(auto found, transaction.environments().version(workspace, name, version == kNewest ? std::string() : version));
    if (!found) return fail(no_version(name, version, ""));
    CHECK_OK(transaction.edit_environments().put_label(*found, label));
    TRY(auto labelled, transaction.environments().labelled(workspace, name, label));
    if (!labelled) return fail(errors::internal, fmt::format("the label {:?} was not kept", label));
    return std::move(*labelled);
  };
  CO_TRY(const Labelled labelled, co_await store::write<Labelled>(api.services.store, std::move(apply)));
  co_return json_response(version_json(labelled));
}

Task<Result<net::Response>> delete_label(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  const std::string label = call.arguments[2];
  std::function<Status(store::Transaction&)> apply = [workspace, name, label](store::Transaction& transaction) {
    return transaction.edit_environments().remove_label(workspace, name, label);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return no_content();
}

Task<Result<net::Response>> register_environment(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  store::EnvironmentVersion wanted;
  CO_TRY(wanted.definition, environment_from_json(body, "request"));
  CO_CHECK_OK(check_environment_name(wanted.definition.name));
  if (!wanted.definition.version.empty()) CO_CHECK_OK(lifecycle::check_environment_version(wanted.definition.version));
  if (environment::is_reserved_name(wanted.definition.name)) {
    co_return fail(
        errors::name_refused,
        fmt::format("environment name {:?} is not allowed: AzureML and Microsoft begin the names of curated environments",
                    wanted.definition.name),
        "Register it under a name of your own; Environment.clone makes a copy of a curated one.");
  }
  wanted.workspace = call.workspace();
  CO_CHECK_OK(api.services.store.read(
      [&wanted](store::Reader& reader) { return lifecycle::check_sealed(reader, wanted.workspace, wanted.definition); }));
  lifecycle::seal_secrets(api.vault, wanted.workspace, wanted.definition);
  wanted.created_ms = api.services.clock.utc_now_ms();
  using Outcome = lifecycle::RegisteredEnvironment;
  std::function<Result<Outcome>(store::Transaction&)> apply = [wanted](store::Transaction& transaction) -> Result<Outcome> {
    TRY([[maybe_unused]] const Workspace workspace, find_workspace(transaction, wanted.workspace));
    return lifecycle::register_environment(transaction, wanted);
  };
  CO_TRY(const Outcome outcome, co_await store::write<Outcome>(api.services.store, std::move(apply)));
  co_return json_response(version_json(outcome.version), outcome.created ? 201 : 200);
}

// A build that streams: its thread appends output here, the response's coroutine takes it out.
struct Build {
  explicit Build(EventHub& event_hub) : hub(event_hub), listener(event_hub.listen({})) {}
  EventHub& hub;
  const EventHub::ListenerPointer listener;
  std::mutex mutex;
  std::string output;
  std::optional<Result<ReadyEnvironment>> outcome;
  std::atomic<bool> abandoned{false};

  void add(std::string_view bytes) {
    {
      const std::lock_guard lock(mutex);
      output += bytes;
    }
    hub.notify(listener);
  }
  void finish(Result<ReadyEnvironment> result) {
    {
      const std::lock_guard lock(mutex);
      outcome.emplace(std::move(result));
    }
    hub.notify(listener);
  }
};

std::string event_text(std::string_view type, const json::value& data) {
  return fmt::format("event: {}\ndata: {}\n\n", type, json::serialize(data));
}

std::string outcome_text(const Result<ReadyEnvironment>& outcome, double seconds, bool printed) {
  if (!outcome) {
    const Error& error = outcome.error();
    return event_text("problem", json::object{{"code", error.code->id}, {"detail", error.to_string()}, {"hint", error.remedy()}});
  }
  json::object ready = to_json(*outcome);
  ready["cached"] = !printed;
  ready["seconds"] = seconds;
  return event_text("ready", ready);
}

Task<Status> stream_build(Api& api, std::shared_ptr<Build> build, net::BodyWriter& writer) {
  const auto begun = std::chrono::steady_clock::now();
  bool printed = false;
  Status status;
  while (status && !writer.is_closed()) {
    const uint64_t seen = api.hub.position(build->listener);
    std::string output;
    std::optional<Result<ReadyEnvironment>> outcome;
    {
      const std::lock_guard lock(build->mutex);
      output = std::exchange(build->output, {});
      outcome = build->outcome;
    }
    if (!output.empty()) {
      printed = true;
      std::string text = event_text("log", json::object{{"text", output}});
      status = co_await writer.write(std::move(text));
      continue;
    }
    if (outcome) {
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
      std::string text = outcome_text(*outcome, seconds.count(), printed);
      co_return co_await writer.write(std::move(text));
    }
    const bool goes_on = co_await api.hub.wait(build->listener, seen, std::chrono::seconds(15));
    if (!goes_on) break;
    if (api.hub.position(build->listener) == seen) status = co_await writer.write(": still building\n\n");
  }
  build->abandoned = true;  // nobody waits for it any more
  co_return status;
}

Task<Status> counted_build(Api& api, std::shared_ptr<Build> build, net::BodyWriter& writer) {
  api.counters.streams.fetch_add(1, std::memory_order_relaxed);
  Status status = co_await stream_build(api, build, writer);
  api.counters.streams.fetch_sub(1, std::memory_order_relaxed);
  co_return status;
}

Task<void> prepare_ahead(lifecycle::Services& services, std::shared_ptr<Build> build, std::string workspace, RunSpec spec) {
  lifecycle::EnvironmentBuilds::Wish wish;
  wish.output = [build](std::string_view bytes) { build->add(bytes); };
  wish.canceled = [&services, build] { return build->abandoned.load() || services.is_stopping(); };
  Result<ReadyEnvironment> outcome =
      co_await lifecycle::ready_environment(services, std::move(workspace), std::move(spec), std::move(wish));
  build->finish(std::move(outcome));
}

Task<Result<net::Response>> prepare_environment(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  RunSpec spec;
  const json::value* const definition = reader.value("environment");
  spec.target = reader.string_or("target", "local");
  for (auto& [name, value] : reader.string_map_or_empty("submitterEnvironment")) spec.submitter_environment[name] = value;
  if (definition == nullptr) reader.refuse("environment", "is missing");
  CO_CHECK_OK(reader.finish());
  CO_TRY(spec.environment, environment_from_json(*definition, "request.environment"));
  CO_TRY([[maybe_unused]] compute::ComputeTarget* const target, api.services.targets.find(call.workspace(), spec.target));
  std::string workspace = call.workspace();
  CO_CHECK_OK(api.services.store.read(
      [&](store::Reader& store_reader) { return lifecycle::check_sealed(store_reader, workspace, spec); }));
  CO_CHECK_OK(lifecycle::open_secrets(api.vault, workspace, spec));
  CO_TRY([[maybe_unused]] const EnvironmentRecipe recipe,
         api.services.environments.plan(spec.environment, spec.submitter_environment));
  auto build = std::make_shared<Build>(api.hub);  // shared by the builder's thread and the response
  lifecycle::Services& services = api.services;
  const bool begun = api.tasks->spawn(prepare_ahead(services, build, std::move(workspace), std::move(spec)));
  if (!begun) co_return fail(errors::unavailable, "the server stops");
  net::Response response;
  response.headers.emplace_back("Content-Type", "text/event-stream");
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = [&api, build](net::BodyWriter& writer) { return counted_build(api, build, writer); };
  co_return response;
}

#define ENVIRONMENTS "/api/v1/workspaces/{workspace}/environments"
constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, ENVIRONMENTS, list_environments,
                             {"List environments, the newest version of each", "", "", "Environment[]"}),
    route<Permission::kWrite>(
        Method::kPost, ENVIRONMENTS, register_environment,
        {"Register a definition; the same content again is the same version", "", "EnvironmentDefinition", "Environment", 201}),
    route<Permission::kWrite>(Method::kPost, ENVIRONMENTS "/prepare", prepare_environment,
                              {"Build an environment ahead; its output is streamed", "", "PrepareRequest", "text/event-stream"}),
    route<Permission::kRead>(Method::kGet, ENVIRONMENTS "/{name}", get_environment,
                             {"Get a version, or the newest", "version:string,label:string", "", "Environment"}),
    route<Permission::kRead>(Method::kGet, ENVIRONMENTS "/{name}/versions", list_versions,
                             {"List all versions", "", "", "Environment[]"}),
    route<Permission::kWrite>(
        Method::kPut, ENVIRONMENTS "/{name}/labels/{label}", put_label,
        {"Let a label point at a version, and at no other of the name", "", "EnvironmentLabel", "Environment"}),
    route<Permission::kWrite>(Method::kDelete, ENVIRONMENTS "/{name}/labels/{label}", delete_label,
                              {"Take a label away", "", "", "", 204}),
};
#undef ENVIRONMENTS

}  // namespace

std::span<const Route> environment_routes() { return kRoutes; }

}  // namespace werkbank::api
