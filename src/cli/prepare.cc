#include "cli/prepare.hh"

#include <fmt/format.h>

#include "cli/target_check.hh"
#include "domain/submitter.hh"

namespace werkbank::cli {
namespace {

// Builds take long and may print nothing for minutes; the server comments every 15 s.
constexpr std::chrono::milliseconds kSilenceMax{60'000};

struct Progress {
  std::optional<json::value> ready;
  std::optional<Error> problem;
};

void take_event(const net::ServerSentEvent& event, Terminal& terminal, Progress& progress) {
  const auto data = parse_json(event.data);
  if (event.event == "log") {
    // Text, or a document that holds it.
    const json::value* text = data && data->is_object() ? data->as_object().if_contains("text") : data ? &*data : nullptr;
    terminal.say_raw(text != nullptr && text->is_string() ? std::string(text->as_string()) : event.data + "\n");
  } else if (event.event == "ready") {
    progress.ready = data ? *data : json::value(event.data);
  } else if (event.event == "problem") {
    progress.problem =
        net::error_from_response({.status = 400, .headers = {{"content-type", "application/problem+json"}}, .body = event.data});
  }
}

// Either `ready` or `problem` is set in the answer.
Result<Progress> run_build(Context& context, const std::string& route, const json::object& body) {
  TRY(client::Session* const server, context.session());
  net::ClientRequest post{.method = net::Method::kPost, .target = route, .headers = {{"Content-Type", "application/json"}}};
  post.body = json::serialize(body);
  Progress progress;
  net::SseParser parser;
  const auto sink = [&](std::string_view bytes) {
    parser.feed(bytes, [&](const net::ServerSentEvent& event) { take_event(event, context.terminal(), progress); });
    return !progress.ready && !progress.problem;
  };
  TRY(const net::ClientResponse answer, server->stream(post, sink, kSilenceMax));
  if (answer.status >= 400) return fail(net::error_from_response(answer));
  if (!progress.problem && !progress.ready)
    return fail(errors::unavailable, "the server ended before the environment was ready",
                "Prepare it again: what was built is kept.");
  return progress;
}

Result<int> stream_build(Context& context, const json::object& body) {
  TRY(const std::string route, context.route("/environments/prepare"));
  TRY(const Progress progress, run_build(context, route, body));
  if (progress.problem) {
    context.terminal().error(*progress.problem, context.program);
    return kExitFailed;
  }
  CHECK_OK(context.print(*progress.ready, {}));
  return kExitDone;
}

}  // namespace

Result<json::value> prepare_spec(Context& context, const std::string& workspace, const RunSpec& spec) {
  const std::string route = fmt::format("/api/v1/workspaces/{}/environments/prepare", net::encode_segment(workspace));
  TRY(Progress progress, run_build(context, route,
                                   {{"environment", to_json(spec.environment)},
                                    {"target", spec.target},
                                    {"submitterEnvironment", text_map_to_json(spec.submitter_environment)}}));
  if (progress.problem) return fail(std::move(*progress.problem));
  return std::move(*progress.ready);
}

Result<int> prepare_environment(Context& context, const SubmitRequest& request) {
  context.project_folder = request.folder.string();
  std::vector<std::string> notes;
  TRY(const RunSpec spec, make_environment_spec(context, request, notes));
  for (const std::string& note : notes) context.terminal().warn(visible(note));
  TRY(const std::string workspace, context.workspace(request.folder));
  CHECK_OK(check_target(context, request.folder, spec.target));
  CHECK_OK(context.ensure_workspace(workspace));
  return stream_build(context, {{"environment", to_json(spec.environment)},
                                {"target", spec.target},
                                {"submitterEnvironment", text_map_to_json(spec.submitter_environment)}});
}

Result<int> prepare_definition(Context& context, const json::value& definition, const std::string& target) {
  TRY(const std::string workspace, context.workspace());
  CHECK_OK(context.ensure_workspace(workspace));
  return stream_build(context, {{"environment", definition},
                                {"target", target},
                                {"submitterEnvironment", text_map_to_json(submitter_environment(context.environment()))}});
}

Result<int> prepare_default_runtime(Context& context, const std::string& target) {
  TRY(const std::string workspace, context.workspace());
  CHECK_OK(context.ensure_workspace(workspace));
  std::map<std::string, std::string> shell = submitter_environment(context.environment());
  for (const char* const active : {"VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_VERSION"}) shell.erase(active);
  return stream_build(
      context,
      {{"environment", to_json(EnvironmentDefinition{})}, {"target", target}, {"submitterEnvironment", text_map_to_json(shell)}});
}

}  // namespace werkbank::cli
