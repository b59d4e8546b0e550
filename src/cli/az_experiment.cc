// az ml experiment submit | prepare | cancel (2017), list (2018)
#include <fmt/format.h>

#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/prepare.hh"
#include "cli/submission.hh"
#include "cli/verbatim.hh"

namespace werkbank::cli {
namespace {

constexpr VerbOptions kBare = kAzVerb;

struct SubmitOptions {
  AzCommon common;
  std::string configuration, target;
  bool detach = false;
};

void declare_submit(CLI::App& verb, SubmitOptions& options) {
  verb.add_option("-c,--run-configuration", options.configuration, "The run configuration's name in aml_config");
  verb.add_option("-t,--target", options.target, "Compute target (default: the configuration's)");
  verb.add_flag("-a,--async", options.detach, "Do not stream the output; print the run's id");
  verb.add_flag("--debug,--verbose", options.common.debug)->group("");
}

constexpr std::string_view kSuffix = ".runconfig";

Result<int> submit_experiment(Context& context, const SubmitOptions& options) {
  SubmitRequest request{.configuration = options.configuration, .target = options.target, .detach = options.detach};
  std::vector<std::string> words = context.verbatim;
  // `submit foo.runconfig`: the configuration holds script and arguments.
  if (request.configuration.empty() && !words.empty() && words.front().ends_with(kSuffix)) {
    request.configuration = std::filesystem::path(words.front()).stem().string();
    words.erase(words.begin());
  }
  if (!words.empty()) {
    request.script = words.front();
    request.arguments.assign(words.begin() + 1, words.end());
  }
  if (request.configuration.empty()) {
    context.terminal().error(
        {&errors::usage, "no run configuration is named", "Name it: az ml experiment submit -c local SCRIPT", {}},
        context.program);
    return kExitRefused;
  }
  return submit(context, request);
}

struct PrepareOptions {
  AzCommon common;
  SubmitRequest request;
};

void declare_prepare(CLI::App& verb, PrepareOptions& options) {
  verb.add_option("-c,--run-configuration", options.request.configuration, "The run configuration's name in aml_config")
      ->required();
  verb.add_option("-t,--target", options.request.target, "Compute target (default: the configuration's)");
}

Result<int> prepare_experiment(Context& context, const PrepareOptions& options) {
  return prepare_environment(context, options.request);
}

struct CancelOptions {
  std::string run, target;
};

void declare_cancel(CLI::App& verb, CancelOptions& options) {
  verb.add_option("-r,--run", options.run, "The run's id")->required();
  verb.add_option("-t,--target", options.target, "Taken; the server knows where the run is");
}

Result<int> cancel_experiment(Context& context, const CancelOptions& options) {
  CHECK_OK(cancel_run(context, options.run));
  return kExitDone;
}

Result<int> list_experiments(Context& context, const NoOptions&) {
  TRY(const std::string target, context.route("/experiments"));
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, target, 10'000));
  CHECK_OK(context.print(json::value(std::move(items)),
                         {text_column("Name", "name"), number_column("Id", "id"), time_column("Created", "createdUtc")}));
  return kExitDone;
}

}  // namespace

void add_az_experiment(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "experiment", "Submit scripts; list experiments");
  CLI::App* const submit = add_verb<SubmitOptions>(
      noun, context, {"submit", "Run a script by a run configuration", "  az ml experiment submit -c local train.py 0.01"},
      declare_submit, submit_experiment, kBare);
  mark_verbatim(*submit);
  add_verb<PrepareOptions>(noun, context,
                           {"prepare", "Build a run configuration's environment", "  az ml experiment prepare -c docker"},
                           declare_prepare, prepare_experiment, kBare);
  add_verb<CancelOptions>(noun, context, {"cancel", "End a run", "  az ml experiment cancel -r RUN -t local"}, declare_cancel,
                          cancel_experiment, kBare);
  add_az_place(*add_verb<NoOptions>(noun, context, {"list", "List the experiments", "  az ml experiment list -o table"}, nullptr,
                                    list_experiments, kAzVerb),
               context);
}

}  // namespace werkbank::cli
