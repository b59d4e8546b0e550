// run rerun: a run again, with all that is not the same told.
#include <fmt/format.h>

#include "base/hash.hh"
#include "cli/command.hh"
#include "cli/submission.hh"

namespace werkbank::cli {
namespace {

struct RerunOptions {
  std::string run;
  bool exact = false, detach = false;
};

void declare_rerun(CLI::App& verb, RerunOptions& options) {
  verb.add_option("RUN", options.run, "The run that is wanted again")->required();
  verb.add_flag("--exact", options.exact, "Refuse where anything would not be as it was");
  verb.add_flag("--detach,--async", options.detach, "Do not follow the run; print its id");
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* const value = find_field(object, key);
  return value == nullptr ? std::string() : plain_text(*value);
}

void tell_differences(Terminal& terminal, const json::array& differences) {
  if (differences.empty()) terminal.say("Nothing differs: the same snapshot, arguments, environment and target");
  for (const json::value& item : differences) {
    if (!item.is_object()) continue;
    const json::object& difference = item.as_object();
    terminal.say(visible(fmt::format("Differs: {}: {} then, {} now", text_of(difference, "what"), text_of(difference, "then"),
                                     text_of(difference, "now"))));
  }
}

Result<int> rerun(Context& context, const RerunOptions& options) {
  TRY(const std::string workspace, context.workspace());
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  TRY(const json::value answer,
      server->send_json(net::Method::kPost, target + "/rerun", json::object{{"exact", options.exact}}, random_uuid()));
  JsonReader reader(answer, "rerun");
  const json::value* const document = reader.value("run");
  const json::array* const differences = reader.array("differences");
  CHECK_OK(reader.finish(false));
  if (document == nullptr || !document->is_object() || differences == nullptr)
    return fail(errors::unavailable, "the server's answer is no run");
  const std::string run = text_of(document->as_object(), "runId");
  tell_differences(context.terminal(), *differences);
  context.terminal().say(fmt::format("RunId: {}", visible(run)));
  TRY(const std::string view, context.web_view(workspace, run));
  context.terminal().say(fmt::format("Web View: {}", view));
  if (!options.detach) return follow_and_print(context, workspace, run);
  if (context.output.empty() && context.query.empty()) {
    context.terminal().out(run + "\n");
  } else {
    CHECK_OK(context.print(answer, {}));
  }
  return kExitDone;
}

}  // namespace

void add_run_rerun(CLI::App& run, Context& context) {
  add_verb<RerunOptions>(run, context,
                         {"rerun", "Submit a run again: the same files, arguments, environment and target",
                          "  werkbank run rerun digits_1763714241_1a2b3c4d\n  werkbank run rerun RUN --exact\n"
                          "What is not the same is listed; with --exact it is a refusal."},
                         declare_rerun, rerun);
}

}  // namespace werkbank::cli
