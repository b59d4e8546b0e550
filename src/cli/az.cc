#include "cli/az.hh"

#include <fmt/format.h>

namespace werkbank::cli {
namespace {

// Parts of `az ml` that come with later parts of Werkbank. Their words are taken so that the answer is about them and not about a
// spelling.
struct Later {
  std::string_view noun, until_then;
};
constexpr Later kLater[] = {
    {"model", "Keep the model under outputs/ of its run; `az ml run download-logs` or `werkbank run download` fetches it."},
    {"image", "Keep the model under outputs/ of its run."},
    {"manifest", "Keep the model under outputs/ of its run."},
    {"service", "Load the model from outputs/ of its run."},
    {"endpoint", "Load the model from outputs/ of its run."},
    {"datastore", "Read local folders from the script."},
    {"dataset", "Read local folders from the script."},
    {"datasource", "Read local folders from the script."},
    {"pipeline", "Submit the steps one after the other with `az ml run submit-script`."},
    {"environment", "Use `werkbank environment list|show|prepare`."},
    {"project", "A project is a folder: `werkbank init` writes its configuration."},
    {"asset", "Use `werkbank run download`."},
    {"notebook", "Start Jupyter yourself; the Python package works in it."},
    {"env", "Nothing has to be set up: the server starts by itself."},
    {"account", "Nothing has to be set up: the server starts by itself."},
};

void add_later(CLI::App& parent, Context& context, std::string_view name, std::string_view until_then) {
  CLI::App* const noun = parent.add_subcommand(std::string(name), "Not available yet");
  noun->allow_extras();
  noun->group("Not available yet");
  const std::string words = fmt::format("az {} {}", parent.get_name(), name);
  noun->callback([&context, words, until_then] {
    context.action = [words, until_then]() -> Result<int> {
      return fail(errors::not_supported, fmt::format("`{}` is not available in this version", words), std::string(until_then));
    };
  });
}

// The words that every command of az took. Where a verb does not declare them itself, they are taken and say nothing there.
void take_global_words(CLI::App& app, Context& context) {
  const std::vector<CLI::App*> children = app.get_subcommands([](CLI::App*) { return true; });
  for (CLI::App* const child : children) take_global_words(*child, context);
  if (!children.empty() || app.get_allow_extras()) return;
  const auto lacks = [&](const char* name) { return app.get_option_no_throw(name) == nullptr; };
  if (lacks("--output")) app.add_option("-o,--output", context.output)->group("");
  if (lacks("--query")) app.add_option("--query", context.query)->group("");
  for (const char* const name : {"--debug", "--verbose", "--only-show-errors"}) {
    if (lacks(name)) app.add_flag(name)->group("");
  }
  if (lacks("--subscription-id")) app.add_option("--subscription-id")->group("");
  if (lacks("--resource-group")) app.add_option("-g,--resource-group")->group("");
}

void add_az_commands(CLI::App& az, Context& context) {
  add_az_account(az, context);
  CLI::App& ml = *add_noun(az, "ml", "Machine learning: experiments, runs, their history");
  add_az_experiment(ml, context);
  add_az_history(ml, context);
  add_az_configurations(ml, context);
  add_az_runs(ml, context);
  add_az_workspaces(ml, context);
  add_az_groups(az, context);
  for (const Later& later : kLater) add_later(ml, context, later.noun, later.until_then);
  take_global_words(az, context);
}

}  // namespace

void add_az_common(CLI::App& verb, Context& context, AzCommon& common) {
  verb.add_option("-o,--output", context.output, "json, jsonc, table, tsv, yaml or none");
  verb.add_option("--query", context.query, "JMESPath expression: what to choose from the data");
  verb.add_flag("--debug", common.debug, "Taken, without effect")->group("");
  verb.add_flag("--verbose", common.verbose, "Taken, without effect")->group("");
  verb.add_flag("--only-show-errors", common.only_show_errors, "Taken, without effect")->group("");
}

Dialect az_dialect() {
  return {.program = "az",
          .description = "Azure ML's command lines of 2017 and of 2018 to 2020, on your own machines (Werkbank).",
          .add_commands = add_az_commands,
          .default_format = OutputFormat::kJson};
}

}  // namespace werkbank::cli
