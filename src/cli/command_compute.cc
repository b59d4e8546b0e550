// compute list | show | create | update | delete | nodes | sizes
#include "cli/command_compute.hh"

#include <fmt/format.h>

#include "net/url.hh"

namespace werkbank::cli {
namespace {

const json::object& field(const json::object& object, std::string_view key) {
  static const json::object kEmpty;
  const json::value* const found = object.if_contains(key);
  return found != nullptr && found->is_object() ? found->get_object() : kEmpty;
}

std::string cell(const json::object& object, std::string_view group, std::string_view key) {
  const json::value* const found = field(object, group).if_contains(key);
  return found == nullptr ? std::string() : plain_text(*found);
}

// "1 of 0-4": nodes now, of the least to the most there may be.
std::string nodes_cell(const json::object& target) {
  if (field(target, "settings").empty()) return {};
  return fmt::format("{} of {}-{}", cell(target, "status", "currentNodeCount"), cell(target, "settings", "minNodes"),
                     cell(target, "settings", "maxNodes"));
}

std::vector<Column> target_columns() {
  return {text_column("Name", "name"),
          text_column("Kind", "kind"),
          text_column("State", "state"),
          text_column("Size", "settings.vmSize"),
          {"Nodes", nodes_cell, false}};
}

Result<int> list_targets(Context& context, const NoOptions&) {
  TRY(json::array targets, fetch_targets(context));
  CHECK_OK(context.print(json::value(std::move(targets)), target_columns()));
  return kExitDone;
}

struct NameOptions {
  std::string name;
};

void declare_name(CLI::App& verb, NameOptions& options) {
  verb.add_option("NAME", options.name, "The compute target's name")->required();
}

Result<int> show_target(Context& context, const NameOptions& options) {
  TRY(const json::value target, fetch_target(context, options.name));
  CHECK_OK(context.print(target, target_columns()));
  return kExitDone;
}

struct CreateOptions {
  PoolOptions pool;
};

void declare_create(CLI::App& verb, CreateOptions& options) {
  verb.add_option("NAME", options.pool.name, "The new target's name")->required();
  declare_pool(verb, options.pool);
}

Result<int> create(Context& context, const CreateOptions& options) {
  TRY(const json::value made, create_pool(context, options.pool));
  if (!context.prints_table()) {
    CHECK_OK(context.print(made, target_columns()));
    return kExitDone;
  }
  context.terminal().say(
      fmt::format("Made {}; runs go there with: werkbank run submit --target {} SCRIPT", options.pool.name, options.pool.name));
  return kExitDone;
}

struct UpdateOptions {
  PoolOptions pool;
};

void declare_update(CLI::App& verb, UpdateOptions& options) {
  verb.add_option("NAME", options.pool.name, "The compute target's name")->required();
  declare_scale(verb, options.pool);
}

Result<int> update(Context& context, const UpdateOptions& options) {
  TRY(const json::value changed, update_pool(context, options.pool));
  CHECK_OK(context.print(changed, target_columns()));
  return kExitDone;
}

Result<int> remove(Context& context, const NameOptions& options) {
  CHECK_OK(delete_target(context, options.name));
  context.terminal().say(fmt::format("Deleted {}", options.name));
  return kExitDone;
}

Result<int> list_nodes(Context& context, const NameOptions& options) {
  TRY(const std::string target, context.route("/compute/" + net::encode_segment(options.name) + "/nodes"));
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, target, 100'000));
  CHECK_OK(
      context.print(json::value(std::move(items)),
                    {text_column("Node", "nodeId"), text_column("State", "nodeState"), text_column("Run", "runId"),
                     time_column("Since", "sinceUtc"), text_column("Cores", "slice.cores"), text_column("GPUs", "slice.gpus")}));
  return kExitDone;
}

Result<int> list_sizes(Context& context, const NoOptions&) {
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, "/api/v1/compute-sizes", 100'000));
  CHECK_OK(context.print(json::value(std::move(items)),
                         {text_column("Name", "name"), number_column("Cores", "vCPUs"), number_column("GPUs", "gpus"),
                          number_column("Memory (GiB)", "memoryGB"), number_column("Nodes here", "nodesMax")}));
  return kExitDone;
}

void put_if(json::object& settings, const char* key, const std::string& text) {
  if (!text.empty()) settings[key] = text;
}

// What is no number is refused before a workspace is made for it; what the numbers may be, the server says.
Status check_numbers(const PoolOptions& options) {
  const std::pair<std::string_view, const std::string&> numbers[] = {{"--min-nodes", options.min_nodes},
                                                                     {"--max-nodes", options.max_nodes},
                                                                     {"--idle-seconds-before-scaledown", options.idle_seconds}};
  for (const auto& [option, text] : numbers) {
    if (text.find_first_not_of("0123456789") == std::string::npos) continue;
    return fail(errors::usage, fmt::format("{} {:?} is not a whole number from 0", option, text));
  }
  return {};
}

// Numbers travel as they were typed.
json::object scale_settings(const PoolOptions& options) {
  json::object settings;
  put_if(settings, "minNodes", options.min_nodes);
  put_if(settings, "maxNodes", options.max_nodes);
  put_if(settings, "idleSecondsBeforeScaledown", options.idle_seconds);
  return settings;
}

}  // namespace

void declare_scale(CLI::App& verb, PoolOptions& options) {
  verb.add_option("--min-nodes", options.min_nodes, "Nodes that stay without runs");
  verb.add_option("--max-nodes", options.max_nodes, "The most nodes at a time");
  verb.add_option("--idle-seconds-before-scaledown", options.idle_seconds, "How long a node stays without a run (default: 120)");
}

void declare_pool(CLI::App& verb, PoolOptions& options) {
  verb.add_option("-s,--vm-size", options.vm_size, "The size of its nodes: see `werkbank compute sizes`")->required();
  declare_scale(verb, options);
  verb.add_option("-p,--vm-priority", options.vm_priority, "dedicated (default), or lowpriority: gives way to dedicated nodes");
  verb.add_option("--description", options.description, "What it is for");
  add_repeatable(verb, "--tag", options.tags, "A tag, KEY=VALUE");
}

Result<json::value> create_pool(Context& context, const PoolOptions& options) {
  CHECK_OK(check_numbers(options));
  json::object settings = scale_settings(options);
  put_if(settings, "vmSize", options.vm_size);
  put_if(settings, "vmPriority", options.vm_priority);
  json::object tags;
  for (const std::string& tag : options.tags) {
    TRY(const auto pair, split_assignment(tag, "--tag"));
    tags[pair.first] = pair.second;
  }
  const json::object body{{"name", options.name},
                          {"kind", "AmlCompute"},
                          {"description", options.description},
                          {"tags", std::move(tags)},
                          {"settings", std::move(settings)}};
  TRY(const std::string workspace, context.workspace(context.project_folder));
  CHECK_OK(context.ensure_workspace(workspace));
  TRY(const std::string target, context.route("/compute"));
  TRY(client::Session* const server, context.session());
  return server->send_json(net::Method::kPost, target, body);
}

Result<json::value> update_pool(Context& context, const PoolOptions& options) {
  CHECK_OK(check_numbers(options));
  const json::object settings = scale_settings(options);
  if (settings.empty()) {
    return fail(errors::usage, "nothing is to be changed", "Give --min-nodes, --max-nodes or --idle-seconds-before-scaledown.");
  }
  TRY(const std::string target, context.route("/compute/" + net::encode_segment(options.name)));
  TRY(client::Session* const server, context.session());
  return server->send_json(net::Method::kPatch, target, json::object{{"settings", settings}});
}

Status delete_target(Context& context, const std::string& name) {
  TRY(const std::string target, context.route("/compute/" + net::encode_segment(name)));
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value gone, server->send_empty(net::Method::kDelete, target));
  return {};
}

Result<json::value> fetch_target(Context& context, const std::string& name) {
  TRY(const std::string target, context.route("/compute/" + net::encode_segment(name)));
  TRY(client::Session* const server, context.session());
  return server->get(target);
}

Result<json::array> fetch_targets(Context& context) {
  TRY(client::Session* const server, context.session());
  TRY(const std::string target, context.route("/compute"));
  Result<json::array> targets = client::fetch_list(*server, target, 100'000);
  // A project may name a workspace that is made with its first run: what every workspace has is there.
  if (!targets && targets.error().code == &errors::workspace_not_found)
    return client::fetch_list(*server, "/api/v1/compute", 1000);
  return targets;
}

void add_compute_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "compute", "Where runs execute");
  add_verb<NoOptions>(noun, context, {"list", "List the compute targets", "  werkbank compute list"}, nullptr, list_targets);
  add_verb<NameOptions>(noun, context, {"show", "Show one with its state", "  werkbank compute show cpucluster"}, declare_name,
                        show_target);
  add_verb<CreateOptions>(noun, context,
                          {"create", "Make a pool of nodes on this machine",
                           "  werkbank compute create cpucluster --vm-size STANDARD_D2_V2 --max-nodes 4"},
                          declare_create, create);
  add_verb<UpdateOptions>(noun, context,
                          {"update", "Change how many nodes a pool has", "  werkbank compute update cpucluster --max-nodes 2"},
                          declare_update, update);
  add_verb<NameOptions>(noun, context,
                        {"delete", "Delete a compute target that no run uses", "  werkbank compute delete cpucluster"},
                        declare_name, remove);
  add_verb<NameOptions>(noun, context, {"nodes", "List a pool's nodes", "  werkbank compute nodes cpucluster"}, declare_name,
                        list_nodes);
  add_verb<NoOptions>(noun, context,
                      {"sizes", "List the sizes of nodes that this machine has room for", "  werkbank compute sizes"}, nullptr,
                      list_sizes, {.workspace = false});
}

}  // namespace werkbank::cli
