#include "cli/submission.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <future>

#include "base/files.hh"
#include "base/hash.hh"
#include "cli/advice.hh"
#include "cli/follow.hh"
#include "cli/login.hh"
#include "cli/script_file.hh"
#include "cli/snapshot_taking.hh"
#include "cli/target_check.hh"
#include "client/git_facts.hh"
#include "domain/submitter.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kExperimentNameMax = 255;

// A path with a '/' is the submitter's own and becomes absolute, links kept: a virtual environment's python is a link.
std::string interpreter_path(const std::string& python) {
  if (python.find('/') == std::string::npos) return python;
  std::error_code ignored;
  const fs::path absolute = fs::absolute(python, ignored);
  return ignored ? python : absolute.lexically_normal().string();
}

Status apply_environment(const SubmitRequest& request, EnvironmentDefinition& environment) {
  if (!request.python.empty() && (!request.conda_file.empty() || !request.requirements.empty())) {
    return fail(errors::usage, "--python uses an interpreter as it is; --conda-file and --requirement have one built",
                "Give either --python, or --conda-file and --requirement.");
  }
  if (!request.conda_file.empty()) {
    const std::map<std::string, std::string> variables = environment.variables;
    const PinPolicy policy = environment.policy;
    TRY(environment, load_conda_environment(request.conda_file));
    environment.policy = policy;
    environment.variables.insert(variables.begin(), variables.end());
    environment.user_managed = false;
  }
  if (!request.requirements.empty()) {
    environment.user_managed = false;
    environment.interpreter.clear();
    environment.pip_requirements.insert(environment.pip_requirements.end(), request.requirements.begin(),
                                        request.requirements.end());
  }
  if (!request.python.empty()) {
    environment.user_managed = true;
    environment.interpreter = interpreter_path(request.python);
  }
  if (!request.environment_policy.empty()) {
    TRY(environment.policy, pin_policy_from(request.environment_policy));
  }
  return {};
}

Result<ProjectRun> load_project(const SubmitRequest& request) {
  std::error_code ignored;
  if (!fs::is_directory(request.folder, ignored)) {
    return fail(errors::usage, fmt::format("{} is not a folder", request.folder.string()),
                "Name the project folder with --source-directory.");
  }
  return request.configuration.empty() ? ProjectRun{} : load_project_run(request.folder, request.configuration);
}

// Target, environment and variables: the command line's over the configuration's.
Result<RunSpec> with_environment(const Context& context, const SubmitRequest& request, RunSpec spec) {
  if (!request.target.empty()) spec.target = request.target;
  if (spec.target != "local") {
    // A target of the project's own may be this machine under another name.
    TRY(const std::string kind, project_target_kind(request.folder, spec.target));
    if (kind == "local") spec.target = kind;
  }
  CHECK_OK(apply_environment(request, spec.environment));
  for (const auto& [name, value] : request.variables) spec.environment_variables[name] = value;
  spec.submitter_environment = submitter_environment(context.environment());
  return spec;
}

// The command line's script brings its own arguments; only those of a configuration without a script ("$file" of 2017) stand
// before them.
void apply_arguments(const SubmitRequest& request, const ProjectRun& project, RunSpec& spec) {
  if (!request.command.empty()) {
    spec.command = request.command;
    spec.script.clear();
    return;
  }
  const bool from_line = !request.script.empty();
  spec.script = from_line ? request.script : project.script;
  if (!from_line || project.script.empty()) spec.arguments = project.arguments;
  spec.arguments.insert(spec.arguments.end(), request.arguments.begin(), request.arguments.end());
}

json::object submit_document(const SubmitRequest& request, const std::string& experiment, const RunSpec& spec,
                             const std::optional<GitFacts>& git) {
  json::object document{{"experiment", experiment}, {"runType", "azureml.scriptrun"}, {"spec", to_json(spec)}};
  if (!request.display_name.empty()) document["displayName"] = request.display_name;
  json::object tags;
  for (const auto& [name, value] : request.tags) tags[name] = value;
  document["tags"] = std::move(tags);
  if (git) document["git"] = client::git_to_json(*git);
  return document;
}

constexpr std::string_view kRunPoolTarget = "amlcompute";  // v1's word: a pool is made for the run

void tell_misplaced(Context& context, const SubmitRequest& request, const std::string& script) {
  const auto words = misplaced_options(request.folder / script, request.arguments, context.options_before_script);
  if (words.empty()) return;
  context.terminal().warn(fmt::format("{} behind {} is passed to the script; {}'s own options stand before its name",
                                      fmt::join(words, ", "), visible(script), context.program));
}

struct Accepted {
  std::string workspace;
  std::string run;
  json::value document;
};

Result<Accepted> send_submission(Context& context, const SubmitRequest& request) {
  std::vector<std::string> notes;
  TRY(RunSpec spec, make_spec(context, request, notes));
  for (const std::string& note : notes) context.terminal().warn(visible(note));
  if (!request.script.empty()) tell_misplaced(context, request, spec.script);
  Accepted accepted;
  TRY(accepted.workspace, context.workspace(request.folder));
  CHECK_OK(tell_other_subscription(context, request.folder));
  CHECK_OK(check_target(context, request.folder, spec.target));
  CHECK_OK(context.ensure_workspace(accepted.workspace));
  TRY(client::Session* const server, context.session());
  // git reads the folder while it is hashed.
  auto git = std::async(std::launch::async, [&] { return client::gather_git_facts(request.folder, context.environment()); });
  TRY(const client::SnapshotResult snapshot, push_snapshot(context, accepted.workspace, request.folder));
  spec.snapshot_id = snapshot.snapshot_id;
  const std::string experiment = request.experiment.empty() ? experiment_of_folder(request.folder) : request.experiment;
  json::object document = submit_document(request, experiment, spec, git.get());
  if (spec.target == kRunPoolTarget) {
    TRY(ProjectRun project, load_project(request));
    document["pool"] = std::move(project.pool);
  }
  const std::string target = fmt::format("/api/v1/workspaces/{}/runs", net::encode_segment(accepted.workspace));
  TRY(accepted.document, server->send_json(net::Method::kPost, target, document, random_uuid()));
  JsonReader reader(accepted.document, "run");
  accepted.run = reader.required_string("runId");
  CHECK_OK(reader.finish(false));
  context.terminal().say(fmt::format("RunId: {}", accepted.run));
  TRY(const std::string view, context.web_view(accepted.workspace, accepted.run));
  context.terminal().say(fmt::format("Web View: {}", view));
  return accepted;
}

// What is kept with the run travels as JSON, which holds text only.
Status check_texts(const SubmitRequest& request) {
  const auto check = [](std::string_view what, std::string_view text) -> Status {
    if (is_valid_utf8(text)) return {};
    return fail(errors::usage, fmt::format("{} is not text in UTF-8: {}", what, visible(text)),
                "Pass such bytes in a file of the project folder.");
  };
  for (size_t i = 0; i < request.arguments.size(); ++i) {
    CHECK_OK(check(fmt::format("argument {} of the script", i + 1), request.arguments[i]));
  }
  for (const auto& [name, value] : request.variables) CHECK_OK(check("a variable", name + "=" + value));
  for (const auto& [name, value] : request.tags) CHECK_OK(check("a tag", name + "=" + value));
  CHECK_OK(check("the run's name", request.display_name));
  CHECK_OK(check("the experiment's name", request.experiment));
  return check("the command", request.command);
}

}  // namespace

std::string experiment_of_folder(const fs::path& folder) {
  std::error_code ignored;
  fs::path whole = fs::weakly_canonical(folder, ignored);
  if (!whole.has_filename()) whole = whole.parent_path();
  std::string name = whole.filename().string();
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  for (char& c : name) {
    if (!alphanumeric(c) && c != '_' && c != '-') c = '-';
  }
  const auto first = std::ranges::find_if(name, alphanumeric);
  name.erase(name.begin(), first);
  name.resize(std::min(name.size(), kExperimentNameMax));
  return name.empty() ? "default" : name;
}

Result<RunSpec> make_environment_spec(const Context& context, const SubmitRequest& request, std::vector<std::string>& notes) {
  TRY(ProjectRun project, load_project(request));
  notes.insert(notes.end(), project.notes.begin(), project.notes.end());
  return with_environment(context, request, std::move(project.spec));
}

Result<RunSpec> make_spec(const Context& context, const SubmitRequest& request, std::vector<std::string>& notes) {
  CHECK_OK(check_texts(request));
  TRY(const ProjectRun project, load_project(request));
  notes.insert(notes.end(), project.notes.begin(), project.notes.end());
  RunSpec spec = project.spec;
  if (!request.command.empty() && !request.script.empty()) {
    return fail(errors::usage, fmt::format("a command and the script {:?} are given", request.script), "Give one of them.");
  }
  apply_arguments(request, project, spec);
  if (spec.script.empty() && spec.command.empty()) {
    return fail(errors::usage, "no script is named",
                "Name it behind the options, and its arguments behind it: SCRIPT [ARGUMENTS...]");
  }
  if (!spec.script.empty()) {
    TRY(spec.script, locate_script(request.folder, spec.script));
    spec.command.clear();
  }
  if (request.timeout_seconds) spec.timeout_seconds = *request.timeout_seconds;
  if (request.priority) spec.priority = *request.priority;
  return with_environment(context, request, std::move(spec));
}

Result<int> follow_and_print(Context& context, const std::string& workspace, const std::string& run) {
  const bool document_wanted = !context.output.empty() || !context.query.empty() || !context.metadata_file.empty();
  // One stream carries one kind of data: the run's document takes stdout, the script's output goes where the talk goes.
  TRY(const int code, follow_to_end(context, FollowView{.workspace = workspace, .run = run, .output_as_talk = document_wanted}));
  if (!document_wanted) return code;
  TRY(client::Session* const server, context.session());
  const std::string target =
      fmt::format("/api/v1/workspaces/{}/runs/{}", net::encode_segment(workspace), net::encode_segment(run));
  TRY(const json::value document, server->get(target));
  CHECK_OK(context.print(document, {}));
  return code;
}

Result<int> submit(Context& context, const SubmitRequest& request) {
  const auto accepted = send_submission(context, request);
  if (!accepted) {
    context.terminal().clear_progress();
    context.terminal().error(in_our_words(accepted.error()), context.program);
    return kExitRefused;
  }
  if (request.detach) {
    const bool document_wanted = !context.output.empty() || !context.query.empty() || !context.metadata_file.empty();
    if (!document_wanted) {
      context.terminal().out(accepted->run + "\n");
    } else {
      CHECK_OK(context.print(accepted->document, {}));
    }
    context.terminal().say(fmt::format("Follow it with: werkbank run logs {} --follow", accepted->run));
    return kExitDone;
  }
  return follow_and_print(context, accepted->workspace, accepted->run);
}

}  // namespace werkbank::cli
