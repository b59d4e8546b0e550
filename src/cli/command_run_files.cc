// run logs | download | metrics
#include <fmt/format.h>

#include "cli/command.hh"
#include "cli/follow.hh"
#include "cli/run_download.hh"
#include "domain/run_state.hh"

namespace werkbank::cli {
namespace {

struct LogsOptions {
  std::string run, path;
  bool follow = false;
  bool list = false;
};

void declare_logs(CLI::App& verb, LogsOptions& options) {
  verb.add_option("RUN", options.run, "The run's id")->required();
  verb.add_option("PATH", options.path, "Which log, or other file of the run (default: the script's output)");
  verb.add_flag("-f,--follow", options.follow, "Go on until the run ends");
  verb.add_flag("--list", options.list, "Only list the logs");
}

Result<int> list_logs(Context& context, client::Session& server, const std::string& target) {
  TRY(json::array files, client::fetch_list(server, target + "/files", 100'000));
  json::array logs;
  for (json::value& file : files) {
    const std::string path = file.is_object() ? plain_text(file.as_object()["path"]) : std::string();
    const bool log = path.starts_with("azureml-logs/") || path.starts_with("logs/") || path.starts_with("user_logs/") ||
                     path.starts_with("system_logs/");
    if (log) logs.push_back(std::move(file));
  }
  CHECK_OK(context.print(json::value(std::move(logs)),
                         {text_column("Path", "path"), number_column("Bytes", "sizeBytes"), text_column("Live", "live")}));
  return kExitDone;
}

Result<int> show_logs(Context& context, const LogsOptions& options) {
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  if (options.list) return list_logs(context, *server, target);
  TRY(const json::value run, server->get(target));
  const json::value* const status = run.is_object() ? run.as_object().if_contains("status") : nullptr;
  const auto known = status == nullptr ? std::nullopt : parse_run_status(plain_text(*status));
  const bool over = known && is_terminal(*known);
  if (options.follow && !over) {
    TRY(const std::string workspace, context.workspace());
    FollowView view{.workspace = workspace, .run = options.run, .build_log = options.path.empty()};
    if (!options.path.empty()) view.log = options.path;
    return follow_to_end(context, view);
  }
  const std::string path = options.path.empty() ? std::string(kDriverLog) : options.path;
  const auto sink = [&](std::string_view bytes) { return context.terminal().out(bytes), true; };
  const auto shown = stream_run_file(*server, target, path, sink);
  if (!shown && shown.error().kind() == ErrorKind::kNotFound && options.path.empty()) {
    context.terminal().say("The run has no output yet; --list shows all its logs, --follow waits for it.");
  } else if (!shown) {
    return fail(shown.error());
  }
  if (!options.follow) return kExitDone;
  TRY(const json::value metrics, server->get(target + "/metrics?values=false"));
  context.terminal().say_raw(describe_end(run.as_object(), metrics, true, context.terminal()));
  return known == RunStatus::kCompleted ? kExitDone : kExitFailed;
}

struct DownloadCommand {
  std::string run, folder, prefix;
  std::vector<std::string> paths;
  bool overwrite = false;
};

void declare_download(CLI::App& verb, DownloadCommand& options) {
  verb.add_option("RUN", options.run, "The run's id")->required();
  verb.add_option("PATH", options.paths, "Files of the run (default: all)");
  verb.add_option("-d,--output-dir", options.folder, "Where to (default: a folder named after the run)");
  verb.add_option("--prefix", options.prefix, "Only files whose path begins so (outputs/)");
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there");
}

Result<int> download_files(Context& context, const DownloadCommand& options) {
  DownloadRequest request{.run = options.run, .prefix = options.prefix, .paths = options.paths, .overwrite = options.overwrite};
  request.folder = options.folder.empty() ? std::filesystem::path(options.run).filename() : std::filesystem::path(options.folder);
  TRY(const json::array files, download_run(context, request));
  CHECK_OK(context.print(json::value(files),
                         {text_column("Path", "path"), number_column("Bytes", "sizeBytes"), text_column("File", "file")}));
  return kExitDone;
}

struct MetricsOptions {
  std::string run, name;
};

void declare_metrics(CLI::App& verb, MetricsOptions& options) {
  verb.add_option("RUN", options.run, "The run's id")->required();
  verb.add_option("--name", options.name, "Only this metric");
}

Result<int> show_metrics(Context& context, const MetricsOptions& options) {
  TRY(std::string target, run_route(context, options.run));
  const bool table = context.query.empty() && context.format(context.default_format) == OutputFormat::kTable;
  target += table ? "/metrics?values=false" : "/metrics?values=true";
  if (!options.name.empty()) target += "&name=" + net::encode_segment(options.name);
  TRY(client::Session* const server, context.session());
  TRY(const json::value metrics, server->get(target));
  if (!table) {
    CHECK_OK(context.print(metrics, {}));
    return kExitDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : metric_lines(metrics)) rows.push_back({name, value});
  context.terminal().out(format_table(rows, {{"Metric", {}, false}, {"Value", {}, false}}));
  return kExitDone;
}

}  // namespace

void add_run_file_commands(CLI::App& run, Context& context) {
  add_verb<LogsOptions>(run, context,
                        {"logs", "Show a run's output, or follow it live",
                         "  werkbank run logs RUN --follow\n  werkbank run logs RUN azureml-logs/20_image_build_log.txt"},
                        declare_logs, show_logs);
  add_verb<DownloadCommand>(run, context,
                            {"download", "Fetch a run's files", "  werkbank run download RUN --prefix outputs/ -d results"},
                            declare_download, download_files);
  add_verb<MetricsOptions>(run, context,
                           {"metrics", "Show what the script has logged",
                            "  werkbank run metrics RUN\n  werkbank run metrics RUN --name loss -o json"},
                           declare_metrics, show_metrics);
}

}  // namespace werkbank::cli
