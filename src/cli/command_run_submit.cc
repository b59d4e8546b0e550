// run submit: its options, and the script with all that follows it.
#include <fmt/format.h>

#include "cli/command.hh"
#include "cli/submission.hh"
#include "cli/verbatim.hh"

namespace werkbank::cli {
namespace {

struct SubmitOptions {
  std::string command, configuration, experiment, target, conda_file, python, name, folder = ".", environment_policy;
  std::vector<std::string> requirements, variables, tags;
  std::optional<int64_t> timeout_seconds, priority;
  bool detach = false;
};

void declare_submit(CLI::App& verb, SubmitOptions& options) {
  verb.add_option("-c,--config,--run-configuration", options.configuration,
                  "A run configuration of the project (its file's name without .runconfig)");
  verb.add_option("-e,--experiment", options.experiment, "Experiment (default: the folder's name)");
  verb.add_option("-t,--target", options.target, "Compute target (default: the configuration's, or local)");
  verb.add_option("--command", options.command, "Instead of SCRIPT: a line for /bin/sh, run in the project folder");
  verb.add_option("--conda-file", options.conda_file, "Build the environment from this conda_dependencies.yml");
  verb.add_option("--python", options.python, "Use this interpreter as it is");
  add_repeatable(verb, "--requirement", options.requirements, "Build an environment with this requirement (repeatable)");
  verb.add_option("--environment-policy", options.environment_policy,
                  "exact (default): pins are met or the run fails; nearest: they give way where they must");
  add_repeatable(verb, "--env", options.variables, "NAME=VALUE for the script's environment (repeatable)");
  verb.add_option("--name", options.name, "Display name of the run");
  add_repeatable(verb, "--tag", options.tags, "NAME=VALUE (repeatable)");
  verb.add_option("--source-directory", options.folder, "The project folder (default: the current one)");
  verb.add_flag("--detach,--async", options.detach, "Do not follow the run; print its id");
  verb.add_option("--timeout", options.timeout_seconds, "End the run after this many seconds (0: never)");
  verb.add_option("--priority", options.priority, "-1000 to 1000; higher runs start first");
}

Result<int> submit_run(Context& context, const SubmitOptions& options) {
  SubmitRequest request;
  request.folder = options.folder;
  request.configuration = options.configuration;
  request.experiment = options.experiment;
  request.target = options.target;
  request.command = options.command;
  request.display_name = options.name;
  request.conda_file = options.conda_file;
  request.python = options.python;
  request.requirements = options.requirements;
  request.environment_policy = options.environment_policy;
  request.timeout_seconds = options.timeout_seconds;
  request.priority = options.priority;
  request.detach = options.detach;
  for (const std::string& variable : options.variables) {
    TRY(auto pair, split_assignment(variable, "--env"));
    request.variables.push_back(std::move(pair));
  }
  for (const std::string& tag : options.tags) {
    TRY(auto pair, split_assignment(tag, "--tag"));
    request.tags.push_back(std::move(pair));
  }
  if (!context.verbatim.empty()) {
    request.script = context.verbatim.front();
    request.arguments.assign(context.verbatim.begin() + 1, context.verbatim.end());
  }
  context.project_folder = options.folder;
  return submit(context, request);
}

}  // namespace

void add_run_submit(CLI::App& run, Context& context) {
  CLI::App* const verb = add_verb<SubmitOptions>(
      run, context,
      {"submit", "Run a script: snapshot, environment, live output, metrics",
       "  werkbank run submit train.py --regularization 0.01\n"
       "  werkbank run submit -c local train.py\n"
       "  werkbank run submit --conda-file conda_dependencies.yml --experiment digits train.py\n"
       "  werkbank run submit --command 'bash prepare.sh && python train.py'\n"
       "  werkbank run submit --detach train.py        prints the run's id and returns\n"
       "Everything behind SCRIPT goes to the script as it is. Exit code: 0 Completed, 1 Failed or Canceled, 2 refused."},
      declare_submit, submit_run);
  mark_verbatim(*verb);
}

}  // namespace werkbank::cli
