// version, and the hidden verbs that the Python package calls: yaml-to-json, internal submitter-environment.
#include <fmt/format.h>
#include <unistd.h>

#include "base/files.hh"
#include "cli/command.hh"
#include "cli/project_source.hh"
#include "client/datastore.hh"
#include "domain/submitter.hh"
#include "mount/mount_process.hh"

namespace werkbank::cli {
namespace {

constexpr size_t kYamlMax = 16 * 1024 * 1024;

Result<int> print_version(Context& context, const NoOptions&) {
  context.terminal().out(fmt::format("werkbank {}\n", context.programs().version));
  return kExitDone;
}

struct YamlOptions {
  std::string file;
  bool run_configuration = false;
};

void declare_yaml(CLI::App& verb, YamlOptions& options) {
  verb.add_option("FILE", options.file, "A YAML file, or - for stdin")->required();
  verb.add_flag("--run-configuration", options.run_configuration, "The file is a run configuration, perhaps of 2017");
}

Result<std::string> read_stdin() {
  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0) return std::unexpected(errno_error(errno, "stdin"));
    if (count == 0) return text;
    text.append(buffer, static_cast<size_t>(count));
    if (text.size() > kYamlMax) return fail(errors::too_large, fmt::format("more than {} bytes of YAML", kYamlMax));
  }
}

Result<int> convert_yaml(Context& context, const YamlOptions& options) {
  const bool from_stdin = options.file == "-";
  TRY(const std::string text, from_stdin ? read_stdin() : read_file(options.file, kYamlMax));
  const std::string name = from_stdin ? "stdin" : options.file;
  TRY(const json::value document, options.run_configuration ? load_run_config_document(text, name) : load_yaml(text, name));
  context.terminal().out(json::serialize(document) + "\n");
  return kExitDone;
}

Result<int> print_submitter_environment(Context& context, const NoOptions&) {
  json::object variables;
  for (const auto& [name, value] : submitter_environment(context.environment())) variables[name] = value;
  context.terminal().out(json::serialize(variables) + "\n");
  return kExitDone;
}

struct MountOptions {
  std::string request;
};

void declare_mount(CLI::App& verb, MountOptions& options) { verb.add_option("REQUEST", options.request, "A file")->required(); }

Result<int> serve_background_mount(Context& context, const MountOptions& options) {
  const auto open = [&context](const json::value& description) {
    return client::open_described(description, context.programs().open_data);
  };
  return mount::run_mount_process(options.request, open);
}

}  // namespace

void add_internal_commands(CLI::App& app, Context& context) {
  constexpr VerbOptions kPlain{.workspace = false, .output = false};
  add_verb<NoOptions>(app, context, {"version", "Print the version", "  werkbank version"}, nullptr, print_version, kPlain);
  add_verb<YamlOptions>(app, context,
                        {"yaml-to-json", "Read YAML as the server and the command line do, and print it as JSON", ""},
                        declare_yaml, convert_yaml, kPlain)
      ->group("");
  CLI::App& internal = *add_noun(app, "internal", "For Werkbank's own packages");
  internal.group("");
  add_verb<NoOptions>(internal, context,
                      {"submitter-environment", "The variables of this shell that travel with a run, as JSON", ""}, nullptr,
                      print_submitter_environment, kPlain);
  add_verb<MountOptions>(internal, context, {"mount", "Serve the mount that a file asks for", ""}, declare_mount,
                         serve_background_mount, kPlain);
}

}  // namespace werkbank::cli
