#include "cli/context.hh"

#include <fmt/format.h>

#include "base/files.hh"
#include "base/process.hh"
#include "cli/jmespath.hh"
#include "cli/project_source.hh"
#include "client/server_process.hh"

namespace werkbank::cli {

Context::Context(const CliPrograms& programs, std::map<std::string, std::string> environment, Terminal& terminal)
    : programs_(programs), environment_(std::move(environment)), terminal_(terminal) {}

Result<client::Session*> Context::session() {
  if (session_) return session_.get();
  TRY(client::ServerAddress address, client::find_server(environment_));
  client::ServerProgram server{.executable = own_executable(), .home = address.home, .environment = environment_};
  const auto start = [this, server]() -> Status {
    TRY(const bool started, client::start_server(server));
    if (started)
      terminal_.say(terminal_.paint_err(Colour::kFaint, fmt::format("Started the server for {}", server.home.string())));
    return {};
  };
  session_ = std::make_unique<client::Session>(std::move(address), start);
  return session_.get();
}

Result<std::string> Context::workspace(const std::filesystem::path& folder) {
  if (!workspace_flag.empty()) return workspace_flag;
  TRY(const std::optional<ProjectWorkspace> configured, find_project_workspace(folder));
  return configured ? configured->name : "default";
}

Result<std::string> Context::route(std::string_view path) {
  TRY(const std::string name, workspace(project_folder));
  return fmt::format("/api/v1/workspaces/{}{}", net::encode_segment(name), path);
}

Status Context::ensure_workspace(const std::string& name) {
  if (name == "default") return {};
  TRY(client::Session* const server, session());
  if (!server->address().local) return {};
  const std::string target = "/api/v1/workspaces/" + net::encode_segment(name);
  const auto found = server->get(target);
  if (found || found.error().code != &errors::workspace_not_found) return found ? Status() : fail(found.error());
  TRY(const std::optional<ProjectWorkspace> configured, find_project_workspace(project_folder));
  if (!configured || configured->name != name) return fail(found.error());
  const json::object body{{"name", name},
                          {"subscriptionId", configured->subscription_id},
                          {"resourceGroup", configured->resource_group},
                          {"existOk", true}};
  TRY([[maybe_unused]] const json::value made, server->send_json(net::Method::kPost, "/api/v1/workspaces", body));
  terminal_.say(fmt::format("Created the workspace {} that {} names", name, configured->file.string()));
  return {};
}

OutputFormat Context::format(OutputFormat fallback) const {
  if (output.empty()) return fallback;
  return parse_output_format(output).value_or(fallback);  // checked when the line was read
}

Status Context::print(const json::value& value, const std::vector<Column>& columns, OutputFormat fallback) {
  const OutputFormat chosen = format(fallback);
  if (!metadata_file.empty()) CHECK_OK(write_file_atomically(metadata_file, pretty_json(value), 0644, false));
  if (query.empty()) {
    terminal_.out(format_output(value, chosen, columns));
    return {};
  }
  TRY(const json::value result, search_jmespath(query, value));
  terminal_.out(format_output(result, chosen, {}));
  return {};
}

void Context::tell_cut(size_t shown, bool more) {
  if (more) terminal_.say(fmt::format("These are the first {}; there are more: --top N shows N of them", shown));
}

Result<std::string> Context::web_view(const std::string& workspace, const std::string& run) {
  TRY(client::Session* const server, session());
  const auto field = [](const Result<json::value>& document, std::string_view name) {
    const json::value* const value = document && document->is_object() ? document->as_object().if_contains(name) : nullptr;
    return value == nullptr ? std::string() : plain_text(*value);
  };
  std::string address = server->address().url;
  if (address.starts_with("unix:")) address = field(server->get("/api/v1"), "webAddress");
  if (address.empty()) return fmt::format("werkbank run show {}{}", run, workspace == "default" ? "" : " -w " + workspace);
  const auto document = server->get("/api/v1/workspaces/" + net::encode_segment(workspace));
  return fmt::format("{}/runs/{}?wsid=/subscriptions/{}/resourcegroups/{}/workspaces/{}", address, net::encode_segment(run),
                     field(document, "subscriptionId"), field(document, "resourceGroup"), workspace);
}

CLI::App* add_noun(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* const noun = parent.add_subcommand(name, description);
  noun->require_subcommand(1);
  return noun;
}

CLI::App* add_bare_verb(CLI::App& noun, Context& context, const VerbText& text, VerbOptions options) {
  CLI::App* const verb = noun.add_subcommand(text.name, text.description);
  if (!text.examples.empty()) verb->footer("Examples:\n" + text.examples);
  if (options.workspace)
    verb->add_option("-w,--workspace", context.workspace_flag, "Workspace (default: the project's, or `default`)");
  if (options.output) {
    verb->add_option("-o,--output", context.output, "table, json, yaml, tsv or none");
    verb->add_option("--query", context.query, "JMESPath expression: what to choose from the data");
  }
  return verb;
}

CLI::Option* add_repeatable(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                            const std::string& description) {
  return app.add_option(name, values, description)->expected(1)->take_all()->allow_extra_args(false);
}

Result<std::pair<std::string, std::string>> split_assignment(const std::string& text, std::string_view option) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return fail(errors::usage, fmt::format("{} {:?} is not of the form NAME=VALUE", option, text));
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

int exit_code_of(const Error& error) {
  return error.kind() == ErrorKind::kUnavailable || error.kind() == ErrorKind::kInternal ? kExitFailed : kExitRefused;
}

}  // namespace werkbank::cli
