#include "cli/az.hh"

#include <fmt/format.h>

#include "cli/command.hh"

namespace werkbank::cli {
namespace {

constexpr std::string_view kKeepModel =
    "Register the model with `az ml model register`; `az ml model download` fetches it where it is needed.";
constexpr std::string_view kReadFolder = "Give the script the path of the data as an argument, or take small files along.";

constexpr AzLater kLater[] = {
    {"image", "images of models come", kKeepModel},
    {"manifest", "images of models come", kKeepModel},
    {"service", "services for models come", kKeepModel},
    {"endpoint", "endpoints for models come", kKeepModel},
    {"env", "services for models come", "Nothing has to be set up for runs: the server starts by itself."},
    {"datasource", "data sources come", kReadFolder},
    {"pipeline", "pipelines come", "Submit the steps one after the other with `az ml run submit-script`."},
    {"notebook", "notebooks beside the studio come", "Start Jupyter yourself; the Python package works in it."},
    {"account", "accounts of model management come", "Runs need no account here: `az ml workspace create` makes a workspace."},
};

// Nouns of Azure ML's second generation, which has another command line; what does the same in the first.
struct OtherGeneration {
  std::string_view name, instead;
};
constexpr OtherGeneration kSecond[] = {
    {"job", "`az ml run submit-script -c CONFIG SCRIPT` submits; `az ml run list|show|cancel` look after runs."},
    {"compute", "`az ml computetarget list` shows where runs execute."},
    {"data", "`az ml dataset register -f FILE` registers files; `--show-template` prints such a FILE."},
    {"component", "Submit the script of each step with `az ml run submit-script`."},
    {"online-endpoint", "Load the model from outputs/ of its run where it is needed."},
    {"online-deployment", "Load the model from outputs/ of its run where it is needed."},
    {"batch-endpoint", "Submit the script that reads the batch with `az ml run submit-script`."},
    {"batch-deployment", "Submit the script that reads the batch with `az ml run submit-script`."},
    {"schedule", "A line of cron that submits does the same."},
    {"registry", "`az ml environment register` keeps an environment in a workspace."},
};

void add_second_generation(CLI::App& ml, Context& context) {
  for (const OtherGeneration& other : kSecond) {
    CLI::App* const app = ml.add_subcommand(std::string(other.name));
    app->allow_extras();
    app->group("");  // not shown: it is no command
    app->callback([&context, other] {
      context.action = [other]() -> Result<int> {
        return fail(errors::not_supported,
                    fmt::format("`az ml {}` belongs to Azure ML v2; Werkbank answers to the commands of v1", other.name),
                    std::string(other.instead));
      };
    });
  }
}

std::string path_of(const CLI::App& app) {
  const CLI::App* const parent = app.get_parent();
  return parent == nullptr ? app.get_name() : path_of(*parent) + " " + app.get_name();
}

// The words that every command of az took. Where a verb does not declare them itself, they are taken; those that choose from the
// answer work everywhere, the others have nothing to say here.
void take_global_words(CLI::App& app, Context& context) {
  const std::vector<CLI::App*> children = app.get_subcommands([](CLI::App*) { return true; });
  for (CLI::App* const child : children) take_global_words(*child, context);
  if (!children.empty() || app.get_allow_extras()) return;
  const auto lacks = [&](const char* name) { return app.get_option_no_throw(name) == nullptr; };
  if (lacks("--output")) app.add_option("-o,--output", context.output, "json, jsonc, table, tsv, yaml or none");
  if (lacks("--query")) app.add_option("--query", context.query, "JMESPath expression: what to choose from the data");
  if (lacks("-t") && lacks("--output-metadata-file")) {
    app.add_option("-t,--output-metadata-file", context.metadata_file, "Write the whole answer there, as JSON");
  }
  for (const char* const name : {"--debug", "--verbose", "--only-show-errors"}) {
    if (lacks(name)) app.add_flag(name)->group("");
  }
  if (lacks("--subscription-id")) app.add_option("--subscription-id")->group("");
  if (lacks("--subscription")) app.add_option("--subscription")->group("");
  if (lacks("-g") && lacks("--resource-group")) app.add_option("-g,--resource-group")->group("");
}

// az extension add -n azure-cli-ml: the commands are there already.
void add_extension(CLI::App& az, Context& context) {
  CLI::App& extension = *add_noun(az, "extension", "Nothing has to be added: `az ml` is there");
  struct Options {
    std::string name;
  };
  const auto declare = +[](CLI::App& verb, Options& options) {
    verb.add_option("-n,--name", options.name, "azure-cli-ml");
    verb.allow_extras();
  };
  const auto call = +[](Context& at, const Options&) -> Result<int> {
    at.terminal().say("Nothing was changed: the commands of azure-cli-ml are part of this `az`.");
    return kExitDone;
  };
  for (const char* const name : {"add", "remove", "update"}) {
    add_verb<Options>(extension, context, {name, "Taken, and changes nothing", "  az extension add -n azure-cli-ml"}, declare,
                      call, kAzVerb);
  }
  const auto list = +[](Context& at, const NoOptions&) -> Result<int> {
    json::array extensions;
    extensions.push_back(json::object{{"name", "azure-cli-ml"}, {"version", at.programs().version}});
    CHECK_OK(at.print(json::value(std::move(extensions)), {text_column("Name", "name"), text_column("Version", "version")}));
    return kExitDone;
  };
  add_verb<NoOptions>(extension, context, {"list", "What is there", "  az extension list -o table"}, nullptr, list, kAzVerb);
}

void add_az_commands(CLI::App& az, Context& context) {
  add_az_account(az, context);
  CLI::App& ml = *add_noun(az, "ml", "Machine learning: experiments, runs, their history");
  add_az_experiment(ml, context);
  add_az_history(ml, context);
  add_az_configurations(ml, context);
  add_az_targets(ml, context);
  add_az_projects(ml, context);
  add_az_runs(ml, context);
  add_az_workspaces(ml, context);
  add_az_groups(az, context);
  add_az_settings(az, context);
  add_az_environments(ml, context);
  add_az_models(ml, context);
  add_az_datastores(ml, context);
  add_az_datasets(ml, context);
  for (const AzLater& later : kLater) add_az_later(ml, context, later);
  add_second_generation(ml, context);
  add_extension(az, context);
  add_completion_command(az, context);
  take_global_words(az, context);
  add_complete_command(az, context);
}

}  // namespace

void add_az_later(CLI::App& parent, Context& context, const AzLater& later) {
  CLI::App* const app = parent.add_subcommand(std::string(later.name), fmt::format("{} with a later version", later.what));
  app->allow_extras();
  app->group("Not available yet");
  const std::string words = fmt::format("{} {}", path_of(parent), later.name);
  app->callback([&context, words, later] {
    context.action = [words, later]() -> Result<int> {
      return fail(errors::not_supported,
                  fmt::format("`{}` is not available in this version: {} with a later one", words, later.what),
                  std::string(later.until_then));
    };
  });
}

void add_az_place(CLI::App& verb, Context& context) {
  verb.add_option("-w,--workspace-name", context.workspace_flag, "Workspace (default: the project's)");
  verb.add_option("--path", context.project_folder, "The project folder (default: the current one)");
}

Dialect az_dialect() {
  return {.program = "az",
          .description = "Azure ML's command lines of 2017 and of 2018 to 2020, on your own machines (Werkbank).",
          .add_commands = add_az_commands,
          .default_format = OutputFormat::kJson};
}

}  // namespace werkbank::cli
