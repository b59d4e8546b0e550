// az ml run submit-script | list | show | update | cancel | download-logs | monitor-logs (2018 to 2020)
#include <fmt/format.h>

#include <algorithm>

#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/follow.hh"
#include "cli/run_download.hh"
#include "cli/run_listing.hh"
#include "cli/submission.hh"
#include "cli/verbatim.hh"

namespace werkbank::cli {
namespace {

constexpr VerbOptions kBare = kAzVerb;

// The extension's options that stand on nearly every verb.
void declare_quiet(CLI::App& verb, AzCommon& common) {
  verb.add_option("-g,--resource-group", common.resource_group)->group("");
  verb.add_option("--subscription-id", common.subscription)->group("");
  verb.add_flag("--debug", common.debug)->group("");
  verb.add_flag("--verbose", common.verbose)->group("");
  verb.add_flag("--only-show-errors", common.only_show_errors)->group("");
}

template <typename Options>
void declare_common(CLI::App& verb, Options& options) {
  verb.add_option("-e,--experiment-name", options.experiment, "Experiment (default: the folder's name)");
  declare_quiet(verb, options.common);
}

void add_context_options(CLI::App* verb, Context& context) { add_az_place(*verb, context); }

struct SubmitOptions {
  AzCommon common;
  std::string experiment, configuration, target, conda_file, folder;
  bool detach = false;
};

void declare_submit(CLI::App& verb, SubmitOptions& options) {
  declare_common(verb, options);
  verb.add_option("-c,--run-configuration-name", options.configuration, "The run configuration's name, without suffix");
  verb.add_option("--ct,--target", options.target, "Compute target");
  verb.add_option("-d,--conda-dependencies", options.conda_file, "conda_dependencies.yml to build the environment from");
  verb.add_option("--source-directory", options.folder, "The folder to submit (default: --path)");
  verb.add_flag("--async", options.detach, "Do not stream the output");
}

Result<int> submit_script(Context& context, const SubmitOptions& options) {
  SubmitRequest request{.folder = options.folder.empty() ? context.project_folder : options.folder,
                        .configuration = options.configuration,
                        .experiment = options.experiment,
                        .target = options.target,
                        .conda_file = options.conda_file,
                        .detach = options.detach};
  if (!context.verbatim.empty()) {
    request.script = context.verbatim.front();
    request.arguments.assign(context.verbatim.begin() + 1, context.verbatim.end());
  }
  return submit(context, request);
}

struct ListOptions {
  AzCommon common;
  AzScope scope;
  std::string status, tags, target, parent;
  size_t last = 10;
  bool minimal = false;
};

void declare_list(CLI::App& verb, ListOptions& options) {
  declare_quiet(verb, options.common);
  declare_scope(verb, options.scope);
  verb.add_option("--last,--top", options.last, "At most this many")->check(CLI::PositiveNumber)->capture_default_str();
  verb.add_option("--status", options.status, "Only runs with this status");
  verb.add_option("--tags", options.tags, "Only runs with these tags: NAME=VALUE, several separated by commas");
  verb.add_option("--compute-target-name", options.target, "Only runs on this target");
  verb.add_option("--parent-run-id", options.parent, "Only children of this run");
  verb.add_option("--pipeline-run-id", options.parent, "The same, for a pipeline's run");
  verb.add_flag("--minimal", options.minimal, "Only id, status and times");
}

json::value minimal_document(const json::value& run) {
  json::object document;
  for (const std::string_view key : {"runId", "status", "startTimeUtc", "endTimeUtc"}) {
    const json::value* const value = run.is_object() ? run.as_object().if_contains(key) : nullptr;
    document[key] = value == nullptr ? json::value(nullptr) : *value;
  }
  return json::value(std::move(document));
}

Result<int> list_runs(Context& context, const ListOptions& options) {
  RunFilter filter{.status = options.status,
                   .parent = options.parent,
                   .target = options.target,
                   .include_children = options.scope.include_children};
  // A parent is named by its id, whatever its experiment.
  const bool of_experiment = options.parent.empty() || !options.scope.experiment.empty();
  if (of_experiment) filter.experiment = experiment_of(context, options.scope);
  for (size_t begin = 0; begin < options.tags.size();) {
    const size_t end = std::min(options.tags.find(',', begin), options.tags.size());
    if (end > begin) filter.tags.push_back(options.tags.substr(begin, end - begin));
    begin = end + 1;
  }
  TRY(const std::string target, runs_route(context, filter));
  TRY(client::Session* const server, context.session());
  TRY(client::ListAnswer runs, client::fetch_some(*server, target, options.last));
  const size_t shown = runs.items.size();
  if (options.minimal) {
    for (json::value& run : runs.items) run = minimal_document(run);
  }
  CHECK_OK(context.print(json::value(std::move(runs.items)), options.minimal ? std::vector<Column>{} : run_columns()));
  context.tell_cut(shown, runs.more);
  if (shown == 0 && of_experiment) CHECK_OK(tell_empty_scope(context, options.scope));
  return kExitDone;
}

struct RunOptions {
  AzCommon common;
  std::string experiment, run, folder;
};

void declare_run(CLI::App& verb, RunOptions& options) {
  declare_common(verb, options);
  verb.add_option("-r,--run", options.run, "The run's id")->required();
}

void declare_download(CLI::App& verb, RunOptions& options) {
  declare_run(verb, options);
  verb.add_option("-d,--output-dir", options.folder, "Where to")->required();
}

Result<int> show_run(Context& context, const RunOptions& options) {
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  TRY(const json::value run, server->get(target));
  CHECK_OK(context.print(run, {}));
  return kExitDone;
}

Result<int> cancel_run(Context& context, const RunOptions& options) {
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  TRY(const json::value run, server->send_empty(net::Method::kPost, target + "/cancel"));
  if (!run.is_null()) CHECK_OK(context.print(run, {}));
  return kExitDone;
}

bool is_log(std::string_view path) {
  return path.starts_with("azureml-logs/") || path.starts_with("logs/") || path.starts_with("user_logs/") ||
         path.starts_with("system_logs/");
}

Result<int> download_logs(Context& context, const RunOptions& options) {
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  TRY(const json::array items, client::fetch_list(*server, target + "/files", 1'000'000));
  DownloadRequest request{.run = options.run, .folder = options.folder, .overwrite = true};
  for (const json::value& item : items) {
    const json::value* const path = item.is_object() ? item.as_object().if_contains("path") : nullptr;
    if (path != nullptr && is_log(plain_text(*path))) request.paths.push_back(plain_text(*path));
  }
  json::array files;
  if (!request.paths.empty()) {
    TRY(files, download_run(context, request));
  }
  CHECK_OK(context.print(json::value(std::move(files)),
                         {text_column("Path", "path"), number_column("Bytes", "sizeBytes"), text_column("File", "file")}));
  return kExitDone;
}

Result<int> monitor_logs(Context& context, const RunOptions& options) {
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  CHECK_OK(server->get(target));  // a run that is not there has no end to wait for
  TRY(const std::string workspace, context.workspace(context.project_folder));
  return follow_to_end(context, FollowView{.workspace = workspace, .run = options.run});
}

struct UpdateOptions {
  AzCommon common;
  std::string experiment, run;
  std::vector<std::string> tags;
};

void declare_update(CLI::App& verb, UpdateOptions& options) {
  declare_common(verb, options);
  verb.add_option("-r,--run", options.run, "The run's id")->required();
  add_repeatable(verb, "--add-tag", options.tags, "NAME or NAME=VALUE (repeatable)");
}

Result<int> update_run(Context& context, const UpdateOptions& options) {
  json::object tags;
  for (const std::string& tag : options.tags) {
    const size_t equals = tag.find('=');
    if (equals == 0) return fail(errors::usage, fmt::format("the tag {:?} has no name", tag));
    tags[tag.substr(0, equals)] = equals == std::string::npos ? "" : tag.substr(equals + 1);
  }
  if (tags.empty()) return fail(errors::usage, "nothing to change", "Name a tag: --add-tag NAME=VALUE");
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  TRY(const json::value run, server->send_json(net::Method::kPatch, target, json::object{{"tags", std::move(tags)}}));
  CHECK_OK(context.print(run, {}));
  return kExitDone;
}

}  // namespace

void add_az_runs(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "run", "Submit and look at runs");
  CLI::App* const submit_verb = add_verb<SubmitOptions>(
      noun, context,
      {"submit-script", "Run a script", "  az ml run submit-script -c sklearn -e digits train.py --regularization 0.01"},
      declare_submit, submit_script, kBare);
  add_context_options(submit_verb, context);
  mark_verbatim(*submit_verb);
  add_context_options(
      add_verb<ListOptions>(
          noun, context,
          {"list", "List the project's runs, newest first",
           "  az ml run list --last 5 -o table\n  az ml run list -e digits --status failed\n  az ml run list --all"},
          declare_list, list_runs, kBare),
      context);
  add_context_options(
      add_verb<RunOptions>(noun, context, {"show", "Show one run", "  az ml run show -r RUN"}, declare_run, show_run, kBare),
      context);
  add_context_options(
      add_verb<RunOptions>(noun, context, {"cancel", "End a run", "  az ml run cancel -r RUN"}, declare_run, cancel_run, kBare),
      context);
  add_context_options(
      add_verb<RunOptions>(noun, context, {"download-logs", "Fetch a run's logs", "  az ml run download-logs -r RUN -d logs"},
                           declare_download, download_logs, kBare),
      context);
  add_context_options(
      add_verb<RunOptions>(noun, context, {"monitor-logs", "Follow a run's output", "  az ml run monitor-logs -r RUN"},
                           declare_run, monitor_logs, kBare),
      context);
  add_context_options(
      add_verb<UpdateOptions>(noun, context, {"update", "Add tags to a run", "  az ml run update -r RUN --add-tag quality=good"},
                              declare_update, update_run, kBare),
      context);
  constexpr std::string_view kOneByOne = "Submit the variants one by one with `az ml run submit-script`.";
  add_az_later(noun, context, {"submit-hyperdrive", "hyperparameter searches come", kOneByOne});
  add_az_later(noun, context, {"submit-pipeline", "pipelines come", "Submit the steps one after the other."});
  add_az_later(noun, context,
               {"monitor-tensorboard", "TensorBoard beside the studio comes",
                "Start TensorBoard on the files that `werkbank run download` fetches."});
}

}  // namespace werkbank::cli
