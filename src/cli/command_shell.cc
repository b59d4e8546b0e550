// shell: the user's shell in the project folder, with the default runtime's python and pip, our az, and a conda that lists every
// environment.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.hh"
#include "base/process.hh"
#include "cli/command.hh"
#include "cli/conda_list.hh"
#include "cli/prepare.hh"
#include "cli/shell_start.hh"
#include "domain/submitter.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;
using Variables = std::map<std::string, std::string>;

struct ShellOptions {
  std::string folder = ".";
  std::string command;
};

void declare_shell(CLI::App& verb, ShellOptions& options) {
  verb.add_option("FOLDER", options.folder, "The project folder (default: the current one)");
  verb.add_option("-c,--command", options.command, "Run this in the shell and end");
}

// The default runtime: what a script runs in whose user names no interpreter and has nothing activated.
Result<fs::path> runtime_interpreter(Context& context, const fs::path& folder) {
  TRY(const std::string workspace, context.workspace(folder));
  CHECK_OK(context.ensure_workspace(workspace));
  RunSpec spec;
  spec.submitter_environment = submitter_environment(context.environment());
  for (const char* const active : {"VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_VERSION"}) spec.submitter_environment.erase(active);
  TRY(const json::value ready, prepare_spec(context, workspace, spec));
  JsonReader reader(ready, "environment");
  const std::string interpreter = reader.required_string("interpreter");
  CHECK_OK(reader.finish(false));
  return fs::path(interpreter);
}

// A folder with the names under which this program answers in the shell.
Result<fs::path> program_folder(const Context& context) {
  TRY(const fs::path home, client::find_home(context.environment()));
  const fs::path folder = home / "client" / "bin";
  CHECK_OK(make_directories(folder, 0700));
  const fs::path program = own_executable();
  for (const char* const name : {"az", "werkbank", "conda"}) {
    const fs::path link = folder / name;
    std::error_code ignored;
    if (fs::read_symlink(link, ignored) == program) continue;
    // Under another name first: a shell that runs meanwhile never misses it.
    const fs::path made = folder / fmt::format(".{}-{}", name, getpid());
    std::error_code failure;
    fs::create_symlink(program, made, failure);
    if (!failure) fs::rename(made, link, failure);
    if (failure) return fail(errors::io_failed, fmt::format("{}: {}", link.string(), failure.message()));
  }
  return folder;
}

std::string value_of(const Variables& variables, const std::string& name, const std::string& fallback) {
  const auto found = variables.find(name);
  return found == variables.end() || found->second.empty() ? fallback : found->second;
}

std::string front_of_path(const fs::path& programs, const fs::path& interpreter) {
  return fmt::format("{}:{}", programs.string(), interpreter.parent_path().string());
}

Variables shell_variables(const Context& context, const fs::path& programs, const fs::path& interpreter) {
  Variables variables = context.environment();
  const std::string rest = value_of(variables, "PATH", "/usr/local/bin:/usr/bin:/bin");
  variables["PATH"] = front_of_path(programs, interpreter) + ":" + rest;
  const fs::path prefix = interpreter.parent_path().parent_path();
  std::error_code ignored;
  variables.erase("PYTHONHOME");
  variables.erase("CONDA_PREFIX");
  if (fs::exists(prefix / "pyvenv.cfg", ignored)) {
    variables["VIRTUAL_ENV"] = prefix.string();
  } else {
    variables.erase("VIRTUAL_ENV");
  }
  variables[std::string(kRuntimeVariable)] = prefix.string();
  variables["WERKBANK_BINARY"] = own_executable().string();
  return variables;
}

// Takes this process's place: the terminal, its signals and the exit code are the shell's, as if the user had started it.
Error become(const std::vector<std::string>& argv, const Variables& variables) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  std::vector<char*> arguments;
  std::vector<char*> environment;
  for (const std::string& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
  for (const std::string& entry : entries) environment.push_back(const_cast<char*>(entry.c_str()));
  arguments.push_back(nullptr);
  environment.push_back(nullptr);
  execve(arguments.front(), arguments.data(), environment.data());
  return {&errors::usage,
          fmt::format("{}: {}", argv.front(), errno_error(errno, "start it").message),
          "Set SHELL to the shell that is wanted.",
          {}};
}

Result<int> open_shell(Context& context, const ShellOptions& options) {
  std::error_code failure;
  const fs::path folder = fs::absolute(options.folder, failure);
  if (failure || !fs::is_directory(folder, failure))
    return fail(errors::usage, fmt::format("{} is not a folder", options.folder), "Name the project folder.");
  TRY(const fs::path interpreter, runtime_interpreter(context, folder));
  TRY(const fs::path programs, program_folder(context));
  const Variables variables = shell_variables(context, programs, interpreter);
  fs::current_path(folder, failure);
  if (failure) return fail(errors::io_failed, fmt::format("{}: {}", folder.string(), failure.message()));
  TRY(const fs::path home, client::find_home(context.environment()));
  const ShellRequest request{.shell = value_of(variables, "SHELL", "/bin/sh"),
                             .command = options.command,
                             .front = front_of_path(programs, interpreter),
                             .virtual_environment = value_of(variables, "VIRTUAL_ENV", ""),
                             .variables = variables,
                             .folder = home / "client" / "shell"};
  TRY(const ShellStart start, start_of_shell(request));
  if (options.command.empty())
    context.terminal().say(fmt::format("{} with {}; `exit` leaves it", folder.string(), interpreter.string()));
  return fail(become(start.argv, start.variables));
}

}  // namespace

int run_as_conda(const std::vector<std::string>& words, const Variables& environment, Terminal& terminal) {
  const bool lists = (words.size() >= 2 && words[0] == "env" && words[1] == "list") ||
                     (words.size() >= 2 && words[0] == "info" && (words[1] == "--envs" || words[1] == "-e"));
  const auto own = client::find_home(environment);
  const fs::path own_folder = own ? *own / "client" / "bin" : fs::path();
  // A conda that is installed does everything else, and lists its own environments first.
  std::string others;
  for (const std::string& folder : path_folders(value_of(environment, "PATH", ""))) {
    if (fs::path(folder) == own_folder) continue;
    others += (others.empty() ? "" : ":") + folder;
  }
  const auto installed = find_program("conda", others);
  if (!lists && installed) {
    std::vector<std::string> argv{installed->string()};
    argv.insert(argv.end(), words.begin(), words.end());
    terminal.error(become(argv, environment), "conda");
    return kExitFailed;
  }
  if (!lists) {
    terminal.error({&errors::not_supported,
                    "conda is not installed on this machine; here it lists environments only: conda env list",
                    "pip installs packages into the runtime; `werkbank run submit --conda-file FILE` has an environment built.",
                    {}},
                   "conda");
    return kExitRefused;
  }
  std::string text = "# conda environments:\n#\n";
  if (installed) {
    const auto listed =
        run_process({.argv = {installed->string(), "env", "list"}, .environment = environment}, std::chrono::seconds(60));
    if (listed && listed->exit_code == 0) text = listed->out;
  }
  if (own) text += format_built(list_built(*own), value_of(environment, std::string(kRuntimeVariable), ""));
  terminal.out(text);
  return kExitDone;
}

void add_shell_command(CLI::App& app, Context& context) {
  add_verb<ShellOptions>(app, context,
                         {"shell", "Your shell in the project folder, with the default runtime's python, pip and az",
                          "  werkbank shell\n  werkbank shell ~/projects/digits\n  werkbank shell -c 'conda env list'"},
                         declare_shell, open_shell, {.output = false});
}

}  // namespace werkbank::cli
