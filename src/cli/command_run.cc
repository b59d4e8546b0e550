// run list | show | cancel | delete | restore | tag
#include <fmt/format.h>

#include "cli/command.hh"
#include "cli/run_listing.hh"

namespace werkbank::cli {
namespace {

constexpr size_t kTableRows = 50;

struct ListOptions {
  std::string experiment, status, parent, target;
  std::vector<std::string> tags;
  std::optional<size_t> top;
  bool deleted = false;
  bool oldest_first = false;
  bool include_children = false;
};

void declare_list(CLI::App& verb, ListOptions& options) {
  verb.add_option("-e,--experiment", options.experiment, "Only runs of this experiment");
  verb.add_option("--status", options.status, "Only runs with this status: Running, Completed, Failed, Canceled …");
  verb.add_option("--parent", options.parent, "Only children of this run");
  verb.add_option("-t,--target", options.target, "Only runs on this compute target");
  add_repeatable(verb, "--tag", options.tags, "Only runs with this tag: NAME or NAME=VALUE (repeatable)");
  verb.add_option("-n,--top,--limit,--last", options.top, "At most this many (default: 50 in a table, otherwise all)")
      ->check(CLI::PositiveNumber);
  verb.add_flag("--include-children", options.include_children, "Child runs, too; --parent RUN lists those of one run");
  verb.add_flag("--deleted", options.deleted, "The runs in the trash");
  verb.add_flag("--oldest-first", options.oldest_first, "Oldest first instead of newest first");
}

Result<int> list_runs(Context& context, const ListOptions& options) {
  const RunFilter filter{.experiment = options.experiment,
                         .status = options.status,
                         .parent = options.parent,
                         .target = options.target,
                         .tags = options.tags,
                         .include_children = options.include_children,
                         .deleted = options.deleted,
                         .oldest_first = options.oldest_first};
  TRY(const std::string target, runs_route(context, filter));
  TRY(client::Session* const server, context.session());
  const size_t usual = context.prints_table() ? kTableRows : SIZE_MAX;
  TRY(client::ListAnswer runs, client::fetch_some(*server, target, options.top.value_or(usual)));
  const size_t shown = runs.items.size();
  CHECK_OK(context.print(json::value(std::move(runs.items)), run_columns()));
  context.tell_cut(shown, runs.more);
  if (shown == 0) CHECK_OK(tell_unknown_experiment(context, options.experiment));
  return kExitDone;
}

struct RunOptions {
  std::string run;
};

void declare_run(CLI::App& verb, RunOptions& options) { verb.add_option("RUN", options.run, "The run's id")->required(); }

std::vector<Column> detail_columns() {
  return {text_column("Run", "runId"),
          text_column("Number", "runNumber"),
          text_column("Name", "displayName"),
          text_column("Description", "description"),
          text_column("Experiment", "experiment"),
          text_column("Workspace", "workspace"),
          text_column("Status", "status"),
          text_column("Script", "script"),
          text_column("Arguments", "arguments"),
          text_column("Target", "target"),
          text_column("Parent", "parentRunId"),
          text_column("User", "createdBy.userName"),
          time_column("Created", "createdUtc"),
          time_column("Started", "startTimeUtc"),
          time_column("Ended", "endTimeUtc"),
          duration_column("Duration"),
          text_column("Snapshot", "snapshotId"),
          text_column("Tags", "tags"),
          text_column("Properties", "properties"),
          text_column("Models", "models"),
          text_column("Reason", "error.message"),
          text_column("Hint", "error.hint")};
}

// The arguments are in the run's spec; what a client tracks has none.
Status add_arguments(client::Session& server, const std::string& target, json::value& run) {
  if (!run.is_object()) return fail(errors::unavailable, "the server's answer is no run");
  const json::value* const managed = run.as_object().if_contains("managed");
  if (managed == nullptr || !managed->is_bool() || !managed->as_bool()) return {};
  TRY(const json::value spec, server.get(target + "/spec"));
  if (!spec.is_object()) return {};
  for (const std::string_view key : {"arguments", "environmentVariables"}) {
    const json::value* const value = spec.as_object().if_contains(key);
    if (value != nullptr) run.as_object()[key] = *value;
  }
  return {};
}

// The ids of the models that came from it.
Status add_models(Context& context, client::Session& server, const std::string& id, json::value& run) {
  TRY(const std::string target, context.route("/models?run=" + net::encode_segment(id)));
  TRY(const json::array models, client::fetch_list(server, target, SIZE_MAX));
  json::array ids;
  for (const json::value& model : models) {
    const json::value* const found = model.is_object() ? model.as_object().if_contains("id") : nullptr;
    if (found != nullptr) ids.push_back(*found);
  }
  run.as_object()["models"] = std::move(ids);
  return {};
}

Result<int> show_run(Context& context, const RunOptions& options) {
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  TRY(json::value run, server->get(target));
  CHECK_OK(add_arguments(*server, target, run));
  CHECK_OK(add_models(context, *server, options.run, run));
  CHECK_OK(context.print(run, detail_columns()));
  return kExitDone;
}

struct ManyRunsOptions {
  std::vector<std::string> runs;
};

void declare_many(CLI::App& verb, ManyRunsOptions& options) { verb.add_option("RUN", options.runs, "The runs' ids")->required(); }

// The same request for each run; a refusal ends the command, those before it are done.
Result<int> for_each_run(Context& context, const std::vector<std::string>& runs, net::Method method, std::string_view suffix,
                         std::string_view done) {
  TRY(client::Session* const server, context.session());
  for (const std::string& run : runs) {
    TRY(const std::string target, run_route(context, run));
    TRY([[maybe_unused]] const json::value answer, server->send_empty(method, target + std::string(suffix)));
    context.terminal().say(fmt::format("{} {}", done, visible(run)));
  }
  return kExitDone;
}

Result<int> cancel_runs(Context& context, const ManyRunsOptions& options) {
  for (const std::string& run : options.runs) CHECK_OK(cancel_run(context, run));
  return kExitDone;
}
Result<int> delete_runs(Context& context, const ManyRunsOptions& options) {
  return for_each_run(context, options.runs, net::Method::kDelete, "", "Moved to the trash:");
}
Result<int> restore_runs(Context& context, const ManyRunsOptions& options) {
  return for_each_run(context, options.runs, net::Method::kPost, "/restore", "Restored:");
}

struct TagOptions {
  std::string run, name, description;
  std::vector<std::string> tags, removed;
};

void declare_tag(CLI::App& verb, TagOptions& options) {
  verb.add_option("RUN", options.run, "The run's id")->required();
  verb.add_option("TAG", options.tags, "NAME=VALUE, or NAME for an empty value");
  add_repeatable(verb, "--remove", options.removed, "Remove this tag (repeatable)");
  verb.add_option("--name", options.name, "A new display name");
  verb.add_option("--description", options.description, "A new description");
}

Result<int> tag_run(Context& context, const TagOptions& options) {
  json::object tags;
  for (const std::string& tag : options.tags) {
    const size_t equals = tag.find('=');
    if (equals == 0) return fail(errors::usage, fmt::format("the tag {:?} has no name", tag));
    tags[tag.substr(0, equals)] = equals == std::string::npos ? "" : tag.substr(equals + 1);
  }
  for (const std::string& name : options.removed) tags[name] = nullptr;
  json::object change;
  if (!tags.empty()) change["tags"] = std::move(tags);
  if (!options.name.empty()) change["displayName"] = options.name;
  if (!options.description.empty()) change["description"] = options.description;
  if (change.empty()) return fail(errors::usage, "nothing to change: name a tag, --remove, --name or --description");
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  TRY(const json::value run, server->send_json(net::Method::kPatch, target, change));
  CHECK_OK(context.print(run, detail_columns()));
  return kExitDone;
}

}  // namespace

Result<std::string> run_route(Context& context, const std::string& run) {
  return context.route("/runs/" + net::encode_segment(run));
}

Status cancel_run(Context& context, const std::string& run) {
  TRY(const std::string target, run_route(context, run));
  TRY(client::Session* const server, context.session());
  TRY(const json::value answer, server->send_empty(net::Method::kPost, target + "/cancel"));
  const json::value* const status = answer.is_object() ? find_field(answer.as_object(), "status") : nullptr;
  const std::string now = status == nullptr ? std::string() : plain_text(*status);
  const bool over = now == "Completed" || now == "Failed" || now == "Canceled";
  context.terminal().say(over ? fmt::format("{} is over already: {}", visible(run), now)
                              : fmt::format("Cancel requested: {}", visible(run)));
  return {};
}

std::vector<Column> run_columns() {
  return {text_column("Run", "runId"),     text_column("Status", "status"),          text_column("Experiment", "experiment"),
          text_column("Script", "script"), text_column("Target", "target"),          time_column("Created", "createdUtc"),
          duration_column("Duration"),     text_column("User", "createdBy.userName")};
}

void add_run_commands(CLI::App& app, Context& context) {
  CLI::App& run = *add_noun(app, "run", "Submit runs and look at them");
  add_run_submit(run, context);
  add_run_rerun(run, context);
  add_verb<ListOptions>(run, context,
                        {"list", "List runs, newest first",
                         "  werkbank run list --experiment digits --status Failed\n"
                         "  werkbank run list -o json --query \"[?status=='Completed'].runId\""},
                        declare_list, list_runs);
  add_verb<RunOptions>(run, context, {"show", "Show one run", "  werkbank run show digits_1763714241_1a2b3c4d"}, declare_run,
                       show_run);
  add_run_file_commands(run, context);
  add_verb<ManyRunsOptions>(run, context, {"cancel", "End runs; their whole process tree is ended", "  werkbank run cancel RUN"},
                            declare_many, cancel_runs, {.output = false});
  add_verb<ManyRunsOptions>(run, context, {"delete", "Move runs to the trash", "  werkbank run delete RUN1 RUN2"}, declare_many,
                            delete_runs, {.output = false});
  add_verb<ManyRunsOptions>(run, context, {"restore", "Take runs out of the trash", "  werkbank run restore RUN"}, declare_many,
                            restore_runs, {.output = false});
  add_verb<TagOptions>(
      run, context,
      {"tag", "Set or remove tags, the display name, the description", "  werkbank run tag RUN quality=good --remove draft"},
      declare_tag, tag_run);
}

}  // namespace werkbank::cli
