#include "cli/run_listing.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/submission.hh"
#include "domain/run_state.hh"

namespace werkbank::cli {
namespace {

Result<std::string> status_named(const std::string& text) {
  if (const auto status = parse_run_status(text)) return std::string(to_string(*status));
  std::vector<std::string> known;
  for (const std::string_view name : run_status_names()) known.emplace_back(name);
  const auto nearest = nearest_word(text, known);
  return fail(errors::usage,
              fmt::format("there is no status {:?}{}", text, nearest ? fmt::format("; did you mean {}?", *nearest) : ""),
              fmt::format("It is one of {}.", fmt::join(known, ", ")));
}

}  // namespace

Result<std::string> runs_route(Context& context, const RunFilter& filter) {
  std::string status;
  if (!filter.status.empty()) {
    TRY(status, status_named(filter.status));
  }
  TRY(std::string target, context.route("/runs"));
  target += fmt::format("?order={}", filter.oldest_first ? "oldest" : "newest");
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) target += fmt::format("&{}={}", name, net::encode_segment(value));
  };
  add("experiment", filter.experiment);
  add("status", status);
  add("target", filter.target);
  for (const std::string& tag : filter.tags) add("tag", tag);
  add("parent", filter.parent);
  if (filter.parent.empty() && !filter.include_children && !filter.deleted) target += "&parent=";
  if (filter.deleted) add("stage", "deleted");
  return target;
}

Status tell_unknown_experiment(Context& context, const std::string& experiment, std::string_view hint) {
  if (experiment.empty()) return {};
  TRY(const std::string target, context.route("/experiments"));
  TRY(client::Session* const server, context.session());
  const auto found = server->get(target + "/" + net::encode_segment(experiment));
  if (found || found.error().kind() != ErrorKind::kNotFound) return {};
  TRY(const json::array items, client::fetch_list(*server, target, 10'000));
  std::vector<std::string> names;
  for (const json::value& item : items) {
    const json::value* const name = item.is_object() ? item.as_object().if_contains("name") : nullptr;
    if (name != nullptr) names.push_back(plain_text(*name));
  }
  const auto nearest = nearest_word(experiment, names);
  TRY(const std::string workspace, context.workspace(context.project_folder));
  context.terminal().warn(fmt::format("there is no experiment {:?} in workspace {:?}{}{}", visible(experiment), workspace,
                                      nearest ? fmt::format("; did you mean {:?}?", visible(*nearest)) : "", hint));
  return {};
}

void declare_scope(CLI::App& verb, AzScope& scope) {
  verb.add_option("-e,--experiment-name,--run-history", scope.experiment, "Experiment (default: the folder's name)");
  verb.add_flag("--all", scope.all, "Runs of every experiment");
  verb.add_flag("--include-children", scope.include_children, "Child runs, too");
}

std::string experiment_of(const Context& context, const AzScope& scope) {
  if (scope.all) return {};
  return scope.experiment.empty() ? experiment_of_folder(context.project_folder) : scope.experiment;
}

Status tell_empty_scope(Context& context, const AzScope& scope) {
  return tell_unknown_experiment(context, experiment_of(context, scope), " (--all lists the runs of every experiment)");
}

}  // namespace werkbank::cli
