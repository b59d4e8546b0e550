// experiment list | show | create
#include <fmt/format.h>

#include "cli/command.hh"

namespace werkbank::cli {
namespace {

struct ListOptions {
  std::optional<size_t> top;
};

void declare_list(CLI::App& verb, ListOptions& options) {
  verb.add_option("-n,--top,--limit", options.top, "At most this many (default: all)")->check(CLI::PositiveNumber);
}

std::vector<Column> columns() {
  return {text_column("Name", "name"), number_column("Id", "id"), text_column("Stage", "stage"),
          time_column("Created", "createdUtc"), text_column("Description", "description")};
}

Result<int> list_experiments(Context& context, const ListOptions& options) {
  TRY(const std::string target, context.route("/experiments"));
  TRY(client::Session* const server, context.session());
  TRY(client::ListAnswer list, client::fetch_some(*server, target, options.top.value_or(SIZE_MAX)));
  const size_t shown = list.items.size();
  CHECK_OK(context.print(json::value(std::move(list.items)), columns()));
  context.tell_cut(shown, list.more);
  return kExitDone;
}

struct NameOptions {
  std::string name;
};

void declare_name(CLI::App& verb, NameOptions& options) {
  verb.add_option("NAME", options.name, "The experiment's name")->required();
}

Result<int> show_experiment(Context& context, const NameOptions& options) {
  TRY(const std::string target, context.route("/experiments/" + net::encode_segment(options.name)));
  TRY(client::Session* const server, context.session());
  TRY(const json::value experiment, server->get(target));
  CHECK_OK(context.print(experiment, columns()));
  return kExitDone;
}

Result<int> create_experiment(Context& context, const NameOptions& options) {
  TRY(const std::string target, context.route("/experiments"));
  TRY(client::Session* const server, context.session());
  TRY(const json::value experiment, server->send_json(net::Method::kPost, target, json::object{{"name", options.name}}));
  CHECK_OK(context.print(experiment, columns()));
  return kExitDone;
}

}  // namespace

void add_experiment_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "experiment", "Named groups of runs");
  add_verb<ListOptions>(noun, context, {"list", "List the experiments", "  werkbank experiment list -o json"}, declare_list,
                        list_experiments);
  add_verb<NameOptions>(noun, context, {"show", "Show one experiment", "  werkbank experiment show digits"}, declare_name,
                        show_experiment);
  add_verb<NameOptions>(noun, context,
                        {"create", "Create an experiment; one that is there is shown", "  werkbank experiment create digits"},
                        declare_name, create_experiment);
}

}  // namespace werkbank::cli
