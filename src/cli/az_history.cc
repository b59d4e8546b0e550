// az ml history list | info | last | compare | download | promote, az ml asset download (2017)
#include "cli/az_history.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/files.hh"
#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/follow.hh"
#include "cli/run_download.hh"
#include "cli/run_listing.hh"

namespace werkbank::cli {
namespace {

constexpr VerbOptions kBare = kAzVerb;

constexpr std::array kFields{"attachments",  "created_utc",   "description",         "duration",
                             "end_time_utc", "experiment_id", "heartbeat_enabled",   "hidden",
                             "name",         "parent_run_id", "properties.CommitId", "run_id",
                             "run_number",   "script_name",   "start_time_utc",      "status",
                             "target",       "user_id"};

json::value field(const json::object& run, std::string_view path) {
  const json::value* const value = find_field(run, path);
  return value == nullptr ? json::value(nullptr) : *value;
}

// NaN and the infinities are texts here: JSON has no numbers for them.
json::value metric_value(const json::value& value) {
  if (!value.is_object()) return value;
  if (const json::value* const special = value.as_object().if_contains("special")) return *special;
  const json::value* const inner = value.as_object().if_contains("value");
  return inner == nullptr ? json::value(nullptr) : metric_value(*inner);
}

void add_metrics(const json::value& metrics, json::object& document) {
  const json::value* const list = metrics.is_object() ? metrics.as_object().if_contains("metrics") : nullptr;
  if (list == nullptr || !list->is_array()) return;
  for (const json::value& metric : list->as_array()) {
    if (!metric.is_object()) continue;
    const std::string name = plain_text(field(metric.as_object(), "name"));
    const json::value columns = field(metric.as_object(), "columns");
    if (!columns.is_array()) continue;
    for (const json::value& column : columns.as_array()) {
      if (!column.is_object()) continue;
      const std::string column_name = plain_text(field(column.as_object(), "name"));
      const std::string key = column_name.empty() ? name : fmt::format("{}.{}", name, column_name);
      // A metric never hides a field of the run.
      if (!document.contains(key)) document[key] = metric_value(field(column.as_object(), "last"));
    }
  }
}

Result<json::object> fetch_document(Context& context, client::Session& server, const json::object& run) {
  TRY(const std::string target, run_route(context, plain_text(field(run, "runId"))));
  TRY(const json::value metrics, server.get(target + "/metrics?values=false"));
  return history_document(run, metrics);
}

Result<json::array> fetch_history(Context& context, const AzScope& scope, size_t limit) {
  const RunFilter filter{.experiment = experiment_of(context, scope), .include_children = scope.include_children};
  TRY(const std::string target, runs_route(context, filter));
  TRY(client::Session* const server, context.session());
  TRY(const json::array runs, client::fetch_list(*server, target, limit));
  json::array documents;
  for (const json::value& run : runs) {
    if (!run.is_object()) continue;
    TRY(json::object document, fetch_document(context, *server, run.as_object()));
    documents.push_back(std::move(document));
  }
  return documents;
}

struct ListOptions {
  AzScope scope;
  size_t limit = 100'000;
};

Result<int> list_history(Context& context, const ListOptions& options) {
  TRY(json::array documents, fetch_history(context, options.scope, options.limit));
  if (documents.empty()) CHECK_OK(tell_empty_scope(context, options.scope));
  const std::vector<Column> columns = history_columns(documents);
  CHECK_OK(context.print(json::value(std::move(documents)), columns));
  return kExitDone;
}

struct InfoOptions {
  AzCommon common;
  std::string run, artifact;
};

void declare_info(CLI::App& verb, InfoOptions& options) {
  verb.add_option("-r,--run", options.run, "The run's id")->required();
  verb.add_option("-a,--artifact", options.artifact, "Print this artifact (driver_log, or a file's path)");
}

Result<int> print_run(Context& context, const std::string& run) {
  TRY(const std::string target, run_route(context, run));
  TRY(client::Session* const server, context.session());
  TRY(const json::value found, server->get(target));
  if (!found.is_object()) return fail(errors::unavailable, "the server's answer is no run");
  TRY(json::object document, fetch_document(context, *server, found.as_object()));
  CHECK_OK(context.print(json::value(std::move(document)), {}));
  return kExitDone;
}

Result<int> show_info(Context& context, const InfoOptions& options) {
  if (options.artifact.empty()) return print_run(context, options.run);
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  const std::string path = options.artifact == "driver_log" ? std::string(kDriverLog) : options.artifact;
  CHECK_OK(stream_run_file(*server, target, path, [&](std::string_view bytes) { return context.terminal().out(bytes), true; }));
  return kExitDone;
}

Result<int> show_last(Context& context, const ListOptions& options) {
  TRY(const json::array documents, fetch_history(context, options.scope, 1));
  if (documents.empty()) {
    const std::string experiment = experiment_of(context, options.scope);
    return fail(errors::run_not_found,
                experiment.empty() ? "there is no run yet" : fmt::format("experiment {:?} has no run yet", experiment),
                "Submit one: az ml experiment submit -c local SCRIPT; --all looks in every experiment.");
  }
  CHECK_OK(context.print(documents.front(), {}));
  return kExitDone;
}

struct CompareOptions {
  AzCommon common;
  std::vector<std::string> runs;
};

void declare_compare(CLI::App& verb, CompareOptions& options) {
  verb.add_option("-r,--runs,--run,RUN", options.runs, "The two runs' ids")->required()->expected(2);
}

Result<int> compare_runs(Context& context, const CompareOptions& options) {
  TRY(client::Session* const server, context.session());
  std::vector<json::object> sides;
  for (const std::string& run : options.runs) {
    TRY(const std::string target, run_route(context, run));
    TRY(const json::value found, server->get(target));
    if (!found.is_object()) return fail(errors::unavailable, "the server's answer is no run");
    TRY(json::object document, fetch_document(context, *server, found.as_object()));
    sides.push_back(std::move(document));
  }
  std::set<std::string> keys;
  for (const json::object& side : sides) {
    for (const auto& entry : side) keys.insert(std::string(entry.key()));
  }
  json::array rows;
  for (const std::string& key : keys) {
    const auto value_in = [&](const json::object& side) { return side.contains(key) ? side.at(key) : json::value(nullptr); };
    rows.push_back(json::object{{"field", key}, {options.runs[0], value_in(sides[0])}, {options.runs[1], value_in(sides[1])}});
  }
  CHECK_OK(context.print(json::value(std::move(rows)), {}));
  return kExitDone;
}

struct DownloadOptions {
  AzCommon common;
  std::string run, folder;
  bool overwrite = false;
};

void declare_download(CLI::App& verb, DownloadOptions& options) {
  verb.add_option("-r,--run", options.run, "The run's id")->required();
  verb.add_option("-d,--destination,--path", options.folder, "Where to")->required();
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there");
}

Result<int> download_artifacts(Context& context, const DownloadOptions& options) {
  TRY(json::array files, download_run(context, {.run = options.run, .folder = options.folder, .overwrite = options.overwrite}));
  CHECK_OK(context.print(json::value(std::move(files)),
                         {text_column("Path", "path"), number_column("Bytes", "sizeBytes"), text_column("File", "file")}));
  return kExitDone;
}

struct PromoteOptions {
  std::string run, artifact, name;
};

void declare_promote(CLI::App& verb, PromoteOptions& options) {
  verb.add_option("-r,--run", options.run, "The run's id")->required();
  verb.add_option("--ap,--artifact-path", options.artifact, "Which of its files (outputs/model.pkl)")->required();
  verb.add_option("-n,--name", options.name, "The link's name")->required();
}

// The link names run and file; the bytes stay with the run.
Result<int> promote(Context& context, const PromoteOptions& options) {
  TRY(const RelativePath name, RelativePath::parse("assets/" + options.name + ".link"));
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  CHECK_OK(server->get(target));
  const net::ClientRequest look{.method = net::Method::kHead, .target = target + "/files/" + encode_run_path(options.artifact)};
  TRY(const net::ClientResponse there, server->send(look, client::Repeat::kSafe));
  if (there.status >= 400) {
    return fail(errors::not_found, fmt::format("run {:?} has no file {:?}", options.run, options.artifact),
                "`az ml history download` fetches all; `werkbank run download` lists them.");
  }
  TRY(const std::string workspace, context.workspace(context.project_folder));
  const std::filesystem::path file = name.below(context.project_folder);
  CHECK_OK(make_directories(file.parent_path(), 0777));
  const json::object link{{"version", 1}, {"workspace", workspace}, {"runId", options.run}, {"artifactPath", options.artifact}};
  CHECK_OK(write_file_atomically(file, pretty_json(link) + "\n", 0644, false));
  context.terminal().say("Wrote " + file.lexically_normal().string());
  CHECK_OK(context.print(link, {}));
  return kExitDone;
}

struct AssetOptions {
  std::string link, folder;
  bool overwrite = false;
};

void declare_asset(CLI::App& verb, AssetOptions& options) {
  verb.add_option("-l,--link-file", options.link, "A .link file that `az ml history promote` wrote")->required();
  verb.add_option("-d,--destination", options.folder, "Where to")->required();
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there");
}

Result<int> download_asset(Context& context, const AssetOptions& options) {
  const auto text = read_file(options.link, 1 << 20);
  if (!text) return fail(errors::config_invalid, fmt::format("{}: {}", options.link, text.error().message));
  const auto document = parse_json(*text);
  if (!document) return fail(errors::config_invalid, fmt::format("{}: {}", options.link, document.error().message));
  JsonReader reader(*document, options.link);
  context.workspace_flag = reader.string_or("workspace", "default");
  DownloadRequest request{.run = reader.required_string("runId"), .folder = options.folder, .overwrite = options.overwrite};
  request.paths.push_back(reader.required_string("artifactPath"));
  CHECK_OK(reader.finish(false));
  TRY(json::array files, download_run(context, request));
  CHECK_OK(context.print(json::value(std::move(files)), {text_column("Path", "path"), text_column("File", "file")}));
  return kExitDone;
}

}  // namespace

std::string history_duration(int64_t milliseconds) {
  const int64_t seconds = milliseconds / 1000;
  return fmt::format("{}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, milliseconds % 1000 * 1000);
}

json::object history_document(const json::object& run, const json::value& metrics) {
  json::object document;
  document["attachments"] = "";
  document["created_utc"] = field(run, "createdUtc");
  document["description"] = field(run, "description");
  const auto duration = run_duration_ms(run);
  document["duration"] = duration ? json::value(history_duration(*duration)) : json::value(nullptr);
  document["end_time_utc"] = field(run, "endTimeUtc");
  document["experiment_id"] = field(run, "experimentId");
  document["heartbeat_enabled"] = field(run, "managed");
  const json::value stage = field(run, "stage");
  document["hidden"] = stage.is_string() && stage.as_string() == "deleted";
  document["name"] = field(run, "displayName");
  document["parent_run_id"] = field(run, "parentRunId");
  const json::value properties = field(run, "properties");
  const json::value* const commit = properties.is_object() ? properties.as_object().if_contains("azureml.git.commit") : nullptr;
  document["properties.CommitId"] = commit == nullptr ? json::value(nullptr) : *commit;
  document["run_id"] = field(run, "runId");
  document["run_number"] = field(run, "runNumber");
  document["script_name"] = field(run, "script");
  document["start_time_utc"] = field(run, "startTimeUtc");
  document["status"] = field(run, "status");
  document["target"] = field(run, "target");
  document["user_id"] = field(run, "createdBy.userName");
  add_metrics(metrics, document);
  return document;
}

std::vector<Column> history_columns(const json::array& documents) {
  std::vector<std::string> names;
  for (const json::value& document : documents) {
    for (const auto& entry : document.as_object()) {
      const std::string key(entry.key());
      if (std::ranges::find(kFields, key) == kFields.end() && std::ranges::find(names, key) == names.end()) names.push_back(key);
    }
  }
  for (const std::string_view last : {"duration", "run_id", "script_name", "start_time_utc", "status"}) names.emplace_back(last);
  std::vector<Column> columns;
  for (const std::string& name : names) {
    std::string title = name;
    if (title[0] >= 'a' && title[0] <= 'z') title[0] = static_cast<char>(title[0] - 'a' + 'A');
    const bool numbers = std::ranges::any_of(documents, [&](const json::value& document) {
      const json::value* const value = document.as_object().if_contains(name);
      return value != nullptr && value->is_number();
    });
    const auto text = [name](const json::object& row) {
      const json::value* const value = row.if_contains(name);  // a name may hold dots: no path
      return value == nullptr ? std::string() : plain_text(*value);
    };
    columns.push_back({title, text, numbers});
  }
  return columns;
}

void add_az_history(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "history", "The runs that were");
  const auto list = +[](CLI::App& verb, ListOptions& options) {
    declare_scope(verb, options.scope);
    verb.add_option("--last,--top", options.limit, "At most this many")->check(CLI::PositiveNumber);
  };
  const auto last = +[](CLI::App& verb, ListOptions& options) { declare_scope(verb, options.scope); };
  const auto with_output = [&](CLI::App* verb) { add_az_place(*verb, context); };
  with_output(add_verb<ListOptions>(noun, context,
                                    {"list", "List the project's runs, newest first",
                                     "  az ml history list -o table\n  az ml history list --all\n"
                                     "  az ml history list --query \"@[?accuracy != null] | max_by(@, &accuracy).accuracy\""},
                                    list, list_history, kBare));
  with_output(add_verb<InfoOptions>(
      noun, context, {"info", "Show a run, or one of its artifacts", "  az ml history info --run RUN --artifact driver_log"},
      declare_info, show_info, kBare));
  with_output(add_verb<ListOptions>(
      noun, context, {"last", "Show the project's newest run", "  az ml history last --query status"}, last, show_last, kBare));
  with_output(add_verb<CompareOptions>(noun, context,
                                       {"compare", "Show two runs side by side", "  az ml history compare -r RUN1 RUN2 -o table"},
                                       declare_compare, compare_runs, kBare));
  add_verb<DownloadOptions>(noun, context,
                            {"download", "Fetch all artifacts of a run", "  az ml history download -r RUN -d results"},
                            declare_download, download_artifacts, kBare)
      ->add_option("-w,--workspace-name", context.workspace_flag, "Workspace (default: the project's)");
  add_verb<PromoteOptions>(noun, context,
                           {"promote", "Keep a link to an artifact in the project, as assets/NAME.link",
                            "  az ml history promote -r RUN -ap outputs/model.pkl -n model"},
                           declare_promote, promote, kBare)
      ->add_option("--path", context.project_folder, "The project folder (default: the current one)");
  CLI::App& asset = *add_noun(ml, "asset", "Artifacts that the project links to");
  add_verb<AssetOptions>(asset, context,
                         {"download", "Fetch what a link names", "  az ml asset download -l assets/model.link -d ."},
                         declare_asset, download_asset, kBare);
}

}  // namespace werkbank::cli
