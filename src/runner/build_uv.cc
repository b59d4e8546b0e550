#include "runner/build_uv.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/files.hh"
#include "base/hash.hh"
#include "base/process.hh"

namespace werkbank::runner {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& file) {
  std::error_code error;
  return fs::is_regular_file(file, error) && access(file.c_str(), X_OK) == 0;
}

Variables install_environment(const Variables& environment) {
  Variables variables = environment;
  // pip installs where it is told to; variables of the submitter's own environment would mislead it.
  for (const char* name : {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"})
    variables.erase(name);
  variables["PIP_DISABLE_PIP_VERSION_CHECK"] = "1";
  variables["PIP_NO_INPUT"] = "1";
  return variables;
}

// uv by pip: in a virtual environment, or beside the interpreter's own packages where it has no venv (Debian without
// python3-venv).
Result<fs::path> install_with(const Interpreter& interpreter, const fs::path& tools, const Variables& environment) {
  const fs::path venv = tools / "uv-venv";
  const std::string python = interpreter.path.string();
  CHECK_OK(remove_tree(venv));
  TRY(const CommandResult made, run_command({python, "-m", "venv", venv.string()}, environment, Echo::kHide));
  if (made.exit_code == 0) {
    const std::string venv_python = (venv / "bin/python").string();
    TRY(const CommandResult installed, run_command({venv_python, "-m", "pip", "install", "-q", "uv"}, environment, Echo::kShow));
    if (installed.exit_code == 0 && is_program(venv / "bin/uv")) return venv / "bin/uv";
    return fail(errors::environment_failed, fmt::format("pip of {} could not install uv", interpreter.version));
  }
  CHECK_OK(remove_tree(venv));
  const fs::path target = tools / "uv-files";
  CHECK_OK(remove_tree(target));
  TRY(const CommandResult installed,
      run_command({python, "-m", "pip", "install", "-q", "--target", target.string(), "uv"}, environment, Echo::kShow));
  if (installed.exit_code == 0 && is_program(target / "bin/uv")) return target / "bin/uv";
  return fail(errors::environment_failed, fmt::format("Python {} has neither venv nor pip", interpreter.version));
}

Result<fs::path> bootstrap(const fs::path& cache_folder, const Variables& environment) {
  const fs::path tools = cache_folder / "tools";
  CHECK_OK(make_directories(tools));
  TRY(const FileLock lock, FileLock::lock(tools / "uv.lock"));
  const fs::path known = tools / "uv";
  if (is_program(known)) return known;
  const std::vector<Interpreter> interpreters = find_interpreters(environment, {}, tools / "interpreters.json");
  say("uv, which builds the environments, is not on this machine: it is installed once into " + tools.string());
  std::string reasons;
  for (const Interpreter& one : interpreters) {
    if (version_less(one.version, "3.8")) continue;  // no uv is made for it
    auto installed = install_with(one, tools, install_environment(environment));
    if (installed) {
      std::error_code error;
      fs::remove(known, error);
      fs::create_symlink(*installed, known, error);
      if (error) return fail(errno_error(error.value(), "create link " + known.string()));
      return known;
    }
    reasons += (reasons.empty() ? "" : "; ") + installed.error().to_string();
    if (installed.error().message == "the build was stopped") return fail(std::move(installed).error());
  }
  return fail(errors::environment_failed,
              fmt::format("uv is not on this machine and could not be installed: {}",
                          reasons.empty() ? "no Python 3.8 or newer was found" : reasons),
              "Install uv (pip install uv), or name it with WERKBANK_UV.");
}

}  // namespace

Result<ScratchFolder> ScratchFolder::make(const fs::path& cache_folder) {
  const fs::path folder = cache_folder / "tmp" / random_hex(8);
  CHECK_OK(make_directories(folder));
  return ScratchFolder(folder);
}

ScratchFolder::~ScratchFolder() {
  if (!folder_.empty()) static_cast<void>(remove_tree(folder_));
}

UvTool::UvTool(fs::path path, fs::path cache_folder, const Variables& environment)
    : path_(std::move(path)), cache_folder_(std::move(cache_folder)), environment_(environment) {
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_SYSTEM_PYTHON", "UV_PYTHON"})
    environment_.erase(name);
  environment_["UV_CACHE_DIR"] = (cache_folder_ / "uv-cache").string();
  environment_["UV_LINK_MODE"] = "hardlink";  // the cache lies on the environments' file system: no package is stored twice
  environment_["UV_PYTHON_INSTALL_DIR"] = python_folder().string();
  environment_["UV_PYTHON_DOWNLOADS"] = "manual";
  environment_["UV_NO_CONFIG"] = "1";  // a uv.toml of some user must not change what a recipe means
  environment_["UV_NO_PROGRESS"] = "1";
  environment_["NO_COLOR"] = "1";
}

Result<UvTool> UvTool::locate(const fs::path& cache_folder, const Variables& environment) {
  if (const auto named = environment.find("WERKBANK_UV"); named != environment.end() && !named->second.empty()) {
    if (!is_program(named->second)) {
      return fail(errors::environment_failed, fmt::format("WERKBANK_UV names '{}', which is not a program", named->second),
                  "Correct the variable, or take it away: uv is then looked for.");
    }
    return UvTool(named->second, cache_folder, environment);
  }
  std::vector<fs::path> places{own_executable().parent_path() / "uv"};
  if (const auto path = environment.find("PATH"); path != environment.end()) {
    if (auto found = find_program("uv", path->second)) places.push_back(*found);
  }
  places.push_back(cache_folder / "tools/uv");
  for (const fs::path& place : places) {
    // What only looks like uv (a shim of a version that is not selected) is passed over.
    if (!is_program(place)) continue;
    const auto answer = run_command({place.string(), "--version"}, environment, Echo::kHide);
    if (answer && answer->exit_code == 0 && answer->output.starts_with("uv ")) return UvTool(place, cache_folder, environment);
  }
  TRY(fs::path installed, bootstrap(cache_folder, environment));
  return UvTool(std::move(installed), cache_folder, environment);
}

void UvTool::use(const PackageSources& sources) {
  // What pip's variables said is in the sources already.
  for (auto& [name, value] : uv_variables(sources)) environment_[name] = value;
  no_index_ = sources.no_index;
}

Result<CommandResult> UvTool::compile(const Interpreter& interpreter, const std::vector<std::string>& requirements,
                                      const std::vector<std::string>& more) const {
  TRY(const ScratchFolder scratch, ScratchFolder::make(cache_folder_));
  const fs::path input = scratch.path() / "requirements.in";
  const fs::path lock = scratch.path() / "requirements.lock";
  CHECK_OK(write_file_atomically(input, fmt::format("{}\n", fmt::join(requirements, "\n")), 0600, false));
  std::vector<std::string> argv{path_.string(),
                                "pip",
                                "compile",
                                "--quiet",
                                "--generate-hashes",
                                "--no-header",
                                "--no-annotate",
                                "--python",
                                interpreter.path.string(),
                                "--output-file",
                                lock.string()};
  argv.insert(argv.end(), more.begin(), more.end());
  if (no_index_) argv.emplace_back("--no-index");
  argv.push_back(input.string());
  TRY(CommandResult result, run_command(argv, environment_, Echo::kHide));
  if (result.exit_code == 0) {
    TRY(result.output, read_file(lock, 16 << 20));
  }
  return result;
}

Result<CommandResult> UvTool::resolve(const Interpreter& interpreter, const std::vector<std::string>& requirements,
                                      SourceBuilds source_builds) const {
  std::vector<std::string> more;
  if (source_builds == SourceBuilds::kRefused) more = {"--only-binary", ":all:"};
  return compile(interpreter, requirements, more);
}

Result<CommandResult> UvTool::lock_pins(const Interpreter& interpreter, const std::vector<std::string>& pins) const {
  return compile(interpreter, pins, {"--no-deps"});
}

Result<CommandResult> UvTool::make_venv(const Interpreter& interpreter, const fs::path& folder) const {
  return run_command({path_.string(), "venv", "--quiet", "--python", interpreter.path.string(), folder.string()}, environment_,
                     Echo::kHide);
}

Result<StartedVenv> UvTool::start_venv(const Interpreter& interpreter, const fs::path& folder) const {
  const std::vector<std::string> argv{path_.string(), "venv", "--quiet", "--seed", "--python", interpreter.path.string(),
                                      folder.string()};
  TRY(RunningCommand seeding, RunningCommand::start(argv, environment_));
  return StartedVenv{interpreter, folder, std::move(seeding)};
}

Result<CommandResult> UvTool::finish_venv(StartedVenv started) const {
  TRY(CommandResult seeded, started.seeding.finish(Echo::kHide));
  if (seeded.exit_code == 0) return seeded;
  CHECK_OK(remove_tree(started.folder));
  TRY(CommandResult bare, make_venv(started.interpreter, started.folder));
  if (bare.exit_code == 0) say("pip and setuptools could not be put into the environment; it is made without them");
  return bare;
}

Result<CommandResult> UvTool::install(const fs::path& venv_python, const fs::path& lock, SourceBuilds source_builds) const {
  // The lock is complete, so nothing is resolved a second time.
  std::vector<std::string> argv{path_.string(),       "pip",       "install", "--python",
                                venv_python.string(), "--no-deps", "-r",      lock.string()};
  if (source_builds == SourceBuilds::kRefused) argv.insert(argv.end(), {"--only-binary", ":all:"});
  if (no_index_) argv.emplace_back("--no-index");
  return run_command(argv, environment_, Echo::kShow);
}

Result<CommandResult> UvTool::install_requirements(const fs::path& python, const std::vector<std::string>& requirements,
                                                   SourceBuilds source_builds, Echo echo) const {
  TRY(const ScratchFolder scratch, ScratchFolder::make(cache_folder_));
  const fs::path input = scratch.path() / "requirements.in";
  CHECK_OK(write_file_atomically(input, fmt::format("{}\n", fmt::join(requirements, "\n")), 0600, false));
  std::vector<std::string> argv{path_.string(), "pip", "install", "--python", python.string(), "-r", input.string()};
  if (source_builds == SourceBuilds::kRefused) argv.insert(argv.end(), {"--only-binary", ":all:"});
  if (no_index_) argv.emplace_back("--no-index");
  return run_command(argv, environment_, echo);
}

Result<CommandResult> UvTool::fetch_python(const std::string& minor) const {
  return run_command({path_.string(), "python", "install", "--no-bin", minor}, environment_, Echo::kShow);
}

}  // namespace werkbank::runner
