// pip-config: lets a plain `pip install azureml-sdk` bring Werkbank's SDK. The index is a folder of the home, so no server has to
// run.
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/files.hh"
#include "cli/command.hh"
#include "cli/pip_configuration.hh"
#include "client/session.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kConfigurationBytesMax = 1 << 20;

struct PipConfigOptions {
  bool write = false, undo = false;
  std::string file;
};

void declare_pip_config(CLI::App& verb, PipConfigOptions& options) {
  CLI::Option* const write =
      verb.add_flag("--write", options.write, "Put the index into pip's configuration; what is there stays");
  verb.add_flag("--undo", options.undo, "Take it out again")->excludes(write);
  verb.add_option("--file", options.file,
                  "pip's configuration file (default: the active virtual environment's, without one the user's own)");
}

struct Configuration {
  fs::path file;
  std::string text;  // empty: there is none
};

Result<Configuration> read_configuration(const Context& context, const PipConfigOptions& options) {
  Configuration configuration;
  configuration.file = options.file.empty() ? pip_configuration_file(context.environment()) : fs::path(options.file);
  if (configuration.file == "/dev/null") {
    return fail(errors::usage, "PIP_CONFIG_FILE is /dev/null: pip reads no configuration at all",
                "Unset PIP_CONFIG_FILE, or name a file with --file.");
  }
  std::error_code unknown;
  if (fs::is_symlink(configuration.file, unknown)) configuration.file = fs::weakly_canonical(configuration.file, unknown);
  if (!fs::exists(configuration.file, unknown)) return configuration;
  TRY(configuration.text, read_file(configuration.file, kConfigurationBytesMax));
  return configuration;
}

// It may hold passwords of other indexes: its mode stays, and a new one is the user's alone.
Status write_configuration(const Configuration& configuration, const std::string& text) {
  if (text.empty()) {
    std::error_code failed;
    fs::remove(configuration.file, failed);
    if (!failed) return {};
    return fail(errors::io_failed, fmt::format("{} cannot be removed: {}", configuration.file.string(), failed.message()));
  }
  struct stat facts{};
  const bool is_there = stat(configuration.file.c_str(), &facts) == 0;
  CHECK_OK(make_directories(configuration.file.parent_path()));
  return write_file_atomically(configuration.file, text, is_there ? facts.st_mode & 07777 : 0600);
}

Result<PipSource> source_of(Context& context, bool is_needed) {
  const auto url = context.environment().find("WERKBANK_URL");
  if (url != context.environment().end() && url->second.starts_with("http")) {
    std::string address = url->second;
    while (address.ends_with('/')) address.pop_back();
    return PipSource{"extra-index-url", address + "/simple/"};
  }
  TRY(const fs::path home, client::find_home(context.environment()));
  if (!is_needed) return PipSource{"find-links", file_address(package_folder(home))};
  TRY(const fs::path folder, context.programs().package_folder(home));
  return PipSource{"find-links", file_address(folder)};
}

Result<int> take_out(Context& context, const Configuration& configuration) {
  TRY(const PipSource source, source_of(context, false));
  const std::string text = without_source(configuration.text, source);
  if (text == configuration.text) {
    context.terminal().say(fmt::format("{} does not name {}; nothing was changed", configuration.file.string(), source.value));
    return kExitDone;
  }
  CHECK_OK(write_configuration(configuration, text));
  context.terminal().say(fmt::format("Taken out of {}: {}", configuration.file.string(), source.value));
  return kExitDone;
}

Result<int> pip_config(Context& context, const PipConfigOptions& options) {
  TRY(const Configuration configuration, read_configuration(context, options));
  if (options.undo) return take_out(context, configuration);
  TRY(const PipSource source, source_of(context, true));
  const std::string text = with_source(configuration.text, source);
  const std::string file = configuration.file.string();
  Terminal& terminal = context.terminal();
  if (!options.write) {
    terminal.out(with_source("", source));
    terminal.say(text == configuration.text ? fmt::format("{} has it", file)
                                            : fmt::format("Put it into {}: werkbank pip-config --write", file));
    return kExitDone;
  }
  if (text == configuration.text) {
    terminal.say(fmt::format("{} has it already; nothing was changed", file));
    return kExitDone;
  }
  CHECK_OK(write_configuration(configuration, text));
  terminal.say(fmt::format("Wrote {}: pip finds azureml-* as Werkbank's SDK", file));
  terminal.say("Next: pip install azureml-sdk[notebooks]    (take it back: werkbank pip-config --undo)");
  return kExitDone;
}

}  // namespace

std::filesystem::path package_folder(const std::filesystem::path& home) { return home / "packages"; }

void add_pip_config_command(CLI::App& app, Context& context) {
  add_verb<PipConfigOptions>(app, context,
                             {"pip-config", "Let pip find Werkbank's SDK under the names of v1's packages",
                              "  werkbank pip-config\n  werkbank pip-config --write\n  pip install azureml-sdk[notebooks]\n"
                              "  werkbank pip-config --undo"},
                             declare_pip_config, pip_config, {.workspace = false, .output = false});
}

}  // namespace werkbank::cli
