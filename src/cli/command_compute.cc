// compute list
#include "cli/command.hh"

namespace werkbank::cli {
namespace {

Result<int> list_targets(Context& context, const NoOptions&) {
  TRY(json::array targets, fetch_targets(context));
  CHECK_OK(context.print(json::value(std::move(targets)),
                         {text_column("Name", "name"), text_column("Kind", "kind"), text_column("State", "state")}));
  return kExitDone;
}

}  // namespace

Result<json::array> fetch_targets(Context& context) {
  TRY(client::Session* const server, context.session());
  TRY(json::value targets, server->get("/api/v1/compute"));
  // The route answers the list itself.
  if (targets.is_object() && targets.as_object().contains("items")) targets = json::value(targets.as_object()["items"]);
  if (!targets.is_array()) return fail(errors::unavailable, "the server's answer is no list of targets");
  return std::move(targets.as_array());
}

void add_compute_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "compute", "Where runs execute");
  add_verb<NoOptions>(noun, context, {"list", "List the compute targets", "  werkbank compute list"}, nullptr, list_targets,
                      {.workspace = false});
}

}  // namespace werkbank::cli
