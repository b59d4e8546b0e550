#include "runner/build_conda.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "base/json.hh"
#include "base/process.hh"
#include "base/text.hh"
#include "runner/build_resolution.hh"

namespace werkbank::runner {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAnswer = "WERKBANK ";
constexpr const char* kSolver = "py-rattler>=0.28,<1";
constexpr const char* kOldestForSolver = "3.10";
constexpr int kNewestMinor = 14;

#if defined(__aarch64__)
constexpr const char* kPlatform = "linux-aarch64";
#else
constexpr const char* kPlatform = "linux-64";
#endif

json::array texts(const std::vector<std::string>& list) {
  json::array array;
  for (const std::string& text : list) array.emplace_back(text);
  return array;
}

struct Package {
  std::string name, version, url, sha256;
};

struct Solved {
  size_t attempt = 0;
  std::vector<Package> packages;
};

class ChannelBuild {
 public:
  ChannelBuild(const UvTool& uv, const UvTool& own_uv, const EnvironmentRecipe& recipe, const Variables& environment,
               const std::vector<Interpreter>& interpreters)
      : uv_(uv), own_uv_(own_uv), recipe_(recipe), environment_(environment), interpreters_(interpreters) {}

  Result<std::optional<ReadyEnvironment>> build(const fs::path& folder) {
    TRY(const bool answers, find_channels());
    if (!answers) return std::nullopt;
    TRY(const bool has_solver, ensure_solver());
    if (!has_solver) return std::nullopt;
    const CondaAttempts attempts = conda_attempts(recipe_);
    TRY(const std::optional<Solved> solved, solve(attempts, folder));
    if (!solved) return std::nullopt;
    TRY(ReadyEnvironment ready, describe(folder, attempts, *solved));
    CHECK_OK(add_requirements(folder, ready));
    CHECK_OK(write_lock(folder, *solved, ready));
    return ready;
  }

 private:
  fs::path tools() const { return uv_.cache_folder() / "tools"; }

  // The program's answer: its last line that starts with the mark. What it says besides is shown.
  Result<json::value> call(const fs::path& python, const std::string& verb, const json::object& request, Echo echo) const {
    const fs::path program = tools() / "conda_channels.py";
    CHECK_OK(make_directories(tools()));
    CHECK_OK(write_file_atomically(program, kCondaProgram, 0600, false));
    TRY(const ScratchFolder scratch, ScratchFolder::make(uv_.cache_folder()));
    const fs::path file = scratch.path() / "request.json";  // addresses may hold a login: no arguments
    CHECK_OK(write_file_atomically(file, json::serialize(request), 0600, false));
    Variables variables = environment_;
    for (const char* name : {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX"}) variables.erase(name);
    TRY(const CommandResult result,
        run_command({python.string(), "-I", program.string(), verb, file.string()}, variables, Echo::kHide));
    const size_t mark = result.output.rfind(kAnswer);
    if (mark == std::string::npos) {
      return fail(errors::environment_failed, fmt::format("the conda channels could not be asked: {}",
                                                          result.output.substr(0, std::min<size_t>(result.output.size(), 400))));
    }
    if (echo == Echo::kShow && mark > 0) say(std::string_view(result.output).substr(0, mark - 1));
    const std::string_view line = std::string_view(result.output).substr(mark + kAnswer.size());
    return parse_json(line.substr(0, line.find('\n')));
  }

  Result<bool> find_channels() {
    if (interpreters_.empty()) return false;
    TRY(const json::value answer,
        call(interpreters_.back().path, "probe", {{"channels", texts(recipe_.conda_channels)}}, Echo::kHide));
    JsonReader reader(answer, "channels");
    const json::array* const channels = reader.array("channels");
    CHECK_OK(reader.finish());
    std::vector<std::string> silent;
    for (const json::value& channel : channels == nullptr ? json::array{} : *channels) {
      JsonReader entry(channel, "channel");
      const std::string name = entry.required_string("name");
      const std::string why = entry.string_or("why");
      const std::string url = entry.string_or("url");
      if (why.empty()) {
        channels_.push_back(url);
      } else {
        silent.push_back(fmt::format("{} ({})", name, why));
      }
      CHECK_OK(entry.finish());
    }
    some_silent_ = !silent.empty();
    if (channels_.empty()) {
      say(fmt::format("No conda channel answers: {}", fmt::join(silent, "; ")));
      return false;
    }
    if (some_silent_) say(fmt::format("Conda channels that do not answer: {}", fmt::join(silent, "; ")));
    return true;
  }

  // In a virtual environment of its own, made once.
  Result<bool> ensure_solver() {
    const fs::path venv = tools() / "conda";
    const fs::path ready = venv / "ready";
    solver_ = venv / "bin/python";
    std::error_code error;
    if (fs::exists(ready, error) && fs::exists(solver_, error)) return true;
    TRY(const FileLock lock, FileLock::lock(tools() / "conda.lock"));
    if (fs::exists(ready, error) && fs::exists(solver_, error)) return true;
    const Interpreter& newest = interpreters_.back();
    if (version_less(newest.version, kOldestForSolver)) {
      say(fmt::format("The solver for conda channels needs Python {} or newer; {} is the newest here", kOldestForSolver,
                      newest.version));
      return false;
    }
    say(fmt::format("Installing the solver for conda channels (py-rattler), once, into {}", venv.string()));
    CHECK_OK(remove_tree(venv));
    TRY(const CommandResult made, own_uv_.make_venv(newest, venv));
    CommandResult installed = made;
    if (made.exit_code == 0) {
      TRY(installed, own_uv_.install_requirements(solver_, {kSolver}, SourceBuilds::kRefused, Echo::kHide));
    }
    if (installed.exit_code == 0) {
      CHECK_OK(write_file_atomically(ready, ""));
      return true;
    }
    say(fmt::format("The solver could not be installed: {}", read_failure(installed.output).reason));
    return false;
  }

  Result<std::optional<Solved>> solve(const CondaAttempts& attempts, const fs::path& folder) {
    json::array wanted;
    for (const std::vector<std::string>& specs : attempts.specs) wanted.push_back(texts(specs));
    say(fmt::format("Asking {} conda channel{} for {}", channels_.size(), channels_.size() == 1 ? "" : "s",
                    fmt::join(attempts.specs.front(), ", ")));
    TRY(const json::value answer, call(solver_, "build",
                                       {{"channels", texts(channels_)},
                                        {"cache", (uv_.cache_folder() / "conda-cache").string()},
                                        {"prefix", folder.string()},
                                        {"platform", kPlatform},
                                        {"attempts", std::move(wanted)}},
                                       Echo::kShow));
    JsonReader reader(answer, "answer");
    if (const std::string failed = reader.string_or("failed"); !failed.empty()) return give_up(failed, reader.string_or("kind"));
    Solved solved;
    solved.attempt = static_cast<size_t>(reader.int_or("attempt", 0, 0, 1000));
    const json::array* const packages = reader.array("packages");
    CHECK_OK(reader.finish());
    for (const json::value& package : packages == nullptr ? json::array{} : *packages) {
      JsonReader entry(package, "package");
      solved.packages.push_back(
          {entry.required_string("name"), entry.required_string("version"), entry.string_or("url"), entry.string_or("sha256")});
      CHECK_OK(entry.finish());
    }
    if (solved.attempt >= attempts.specs.size()) return fail(errors::environment_failed, "the conda solver answered nonsense");
    return solved;
  }

  Result<std::optional<Solved>> give_up(const std::string& failed, const std::string& kind) const {
    say(failed);
    if (kind == "full") return fail(errors::disk_full, "the disk is full while conda packages are installed");
    if (kind != "unsolvable") return fail(errors::environment_failed, fmt::format("conda packages: {}", one_line(failed)));
    if (some_silent_) {
      say("The channels that answer do not have it all, and others do not answer: wheels are taken");
      return std::nullopt;
    }
    return fail(errors::environment_failed, fmt::format("the conda channels cannot meet the packages: {}", one_line(failed)),
                recipe_.policy == PinPolicy::kExact
                    ? "Loosen the pin that the message names, add a channel that has it, or let pins give way with the policy "
                      "\"nearest\"."
                    : "Add a channel that has the package which the message names, or take it out.");
  }

  Result<ReadyEnvironment> describe(const fs::path& folder, const CondaAttempts& attempts, const Solved& solved) const {
    TRY(const Interpreter built, probe_interpreter(folder / "bin/python", environment_));
    ReadyEnvironment ready;
    ready.hash = recipe_.hash;
    ready.interpreter = (folder / "bin/python").string();
    ready.python_version = built.version;
    ready.variables["CONDA_PREFIX"] = folder.string();
    ready.variables["CONDA_DEFAULT_ENV"] = folder.string();
    if (!recipe_.python_version.empty() && !built.version.starts_with(recipe_.python_version)) {
      say(fmt::format("Python {} is asked for; {} is what the channel has", recipe_.python_version, built.version));
    }
    if (solved.attempt < attempts.exact) return ready;
    for (const std::string& spec : recipe_.conda_specs) {
      if (relaxed_spec(spec) == spec) continue;
      const auto taken = std::ranges::find(solved.packages, spec_name(spec), &Package::name);
      ready.relaxed.push_back(
          fmt::format("{} -> {}", spec, taken == solved.packages.end() ? "?" : taken->name + "=" + taken->version));
      say("Policy nearest: " + ready.relaxed.back());
    }
    if (!recipe_.python_version.empty() && !built.version.starts_with(recipe_.python_version)) {
      ready.relaxed.push_back(fmt::format("python={} -> python={}", recipe_.python_version, built.version));
      say("Policy nearest: " + ready.relaxed.back());
    }
    return ready;
  }

  // pip's part, on top of what conda put there, as `conda env create` does.
  Status add_requirements(const fs::path& folder, const ReadyEnvironment& ready) const {
    if (recipe_.requirements.empty()) return {};
    const fs::path python = folder / "bin/python";
    say(fmt::format("Installing {} requirements beside the conda packages", recipe_.requirements.size()));
    if (version_less(ready.python_version, "3.6")) return add_with_pip(python);
    TRY(CommandResult result, uv_.install_requirements(python, recipe_.requirements, SourceBuilds::kRefused, Echo::kShow));
    if (result.exit_code == 0) return {};
    if (const FailureCause cause = read_failure(result.output).cause;
        cause == FailureCause::kNoWheel || cause == FailureCause::kPythonTooOld) {
      TRY(result, uv_.install_requirements(python, recipe_.requirements, SourceBuilds::kAllowed, Echo::kShow));
      if (result.exit_code == 0) return {};
    }
    TRY(const Interpreter built, probe_interpreter(python, environment_));
    return fail(Resolver(uv_, recipe_, {built}).explain_output(built, result.output));
  }

  // uv serves Python 3.6 and newer.
  Status add_with_pip(const fs::path& python) const {
    std::vector<std::string> argv{python.string(), "-m", "pip", "install", "--disable-pip-version-check"};
    argv.insert(argv.end(), recipe_.requirements.begin(), recipe_.requirements.end());
    TRY(const CommandResult result, run_command(argv, environment_, Echo::kShow));
    if (result.exit_code == 0) return {};
    return fail(errors::environment_failed, "pip of the conda environment could not install the requirements",
                "azureml-logs/20_image_build_log.txt has what it said.");
  }

  Status write_lock(const fs::path& folder, const Solved& solved, const ReadyEnvironment& ready) const {
    std::string text =
        fmt::format("# Python {}; what was installed, exactly\n# conda packages\n@EXPLICIT\n", ready.python_version);
    for (const Package& package : solved.packages)
      text += package.url + (package.sha256.empty() ? "" : "#sha256:" + package.sha256) + "\n";
    if (!recipe_.requirements.empty()) {
      TRY(const std::string pips_part, lock_of_requirements(folder, ready));
      text += pips_part;
    }
    return write_file_atomically(folder / "requirements.lock", text, 0600, false);
  }

  // With hashes, where the index has the versions that are there (a requirement by its address is in none).
  Result<std::string> lock_of_requirements(const fs::path& folder, const ReadyEnvironment& ready) const {
    const std::vector<std::string> pins = pip_installed(folder);
    if (pins.empty()) return std::string();
    if (!version_less(ready.python_version, "3.6")) {
      Interpreter built;
      built.path = folder / "bin/python";
      // An index that tells no hashes is asked for the files: only where they are looked into, for what they need in turn.
      TRY(CommandResult locked, uv_.resolve(built, pins, SourceBuilds::kRefused));
      if (locked.exit_code != 0) {
        TRY(locked, uv_.lock_pins(built, pins));
      }
      if (locked.exit_code == 0) return "# pip's part\n" + lock_of(locked.output, pins);
    }
    return fmt::format("# pip's part; no index gives its hashes\n{}\n", fmt::join(pins, "\n"));
  }

  static std::string one_line(std::string text) {
    for (char& c : text) {
      if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    if (text.size() > 600) text = text.substr(0, 600) + " …";
    return text;
  }

  const UvTool& uv_;
  const UvTool& own_uv_;  // for the solver
  const EnvironmentRecipe& recipe_;
  const Variables& environment_;
  const std::vector<Interpreter>& interpreters_;
  std::vector<std::string> channels_;  // addresses of those that answer
  bool some_silent_ = false;
  fs::path solver_;
};

}  // namespace

std::vector<std::string> pip_installed(const fs::path& folder) {
  constexpr std::string_view kEnd = ".dist-info";
  std::vector<std::string> pins;
  std::error_code error;
  for (fs::directory_iterator lib(folder / "lib", error), end; !error && lib != end; lib.increment(error)) {
    std::error_code none;
    for (fs::directory_iterator it(lib->path() / "site-packages", none), last; !none && it != last; it.increment(none)) {
      const std::string name = it->path().filename().string();
      if (!name.ends_with(kEnd) || lib->is_symlink()) continue;
      const auto installer = read_file(it->path() / "INSTALLER", 1024);
      if (!installer || !(installer->starts_with("uv") || installer->starts_with("pip"))) continue;
      const std::string distribution = name.substr(0, name.size() - kEnd.size());
      const size_t dash = distribution.rfind('-');
      if (dash == std::string::npos) continue;
      pins.push_back(fmt::format("{}=={}", requirement_name(distribution.substr(0, dash)), distribution.substr(dash + 1)));
    }
  }
  std::ranges::sort(pins);
  return pins;
}

std::string lock_of(std::string_view lock, const std::vector<std::string>& pins) {
  std::string kept;
  bool keeps = false;
  while (!lock.empty()) {
    const size_t end = std::min(lock.find('\n'), lock.size() - 1) + 1;
    const std::string_view line = lock.substr(0, end);
    lock.remove_prefix(end);
    if (!line.starts_with(' ')) {
      keeps = std::ranges::any_of(pins, [&](const std::string& pin) { return requirement_name(pin) == requirement_name(line); });
    }
    if (keeps) kept += line;
  }
  return kept;
}

std::string spec_name(std::string_view spec) {
  if (const size_t colons = spec.rfind("::"); colons != std::string_view::npos) spec = spec.substr(colons + 2);
  while (spec.starts_with(' ')) spec.remove_prefix(1);
  return lower(spec.substr(0, spec.find_first_of("=<>!~[ ")));
}

std::string relaxed_spec(const std::string& spec) {
  const size_t colons = spec.rfind("::");
  const size_t start = colons == std::string::npos ? 0 : colons + 2;
  const size_t name_end = spec.find_first_of("=<>!~[ ", start);
  if (name_end == std::string::npos) return spec;
  const size_t version_at = spec.find_first_not_of("= ", name_end);
  const bool pinned = version_at != std::string::npos && spec[version_at] >= '0' && spec[version_at] <= '9';
  if (!pinned || spec.find_first_of(",|<>!~[", name_end) != std::string::npos) return spec;
  std::string version = spec.substr(version_at, spec.find_first_of("= ", version_at) - version_at);
  while (version.ends_with('*') || version.ends_with('.')) version.pop_back();
  return spec.substr(0, name_end) + " >=" + version;
}

CondaAttempts conda_attempts(const EnvironmentRecipe& recipe) {
  CondaAttempts attempts;
  const auto add = [&attempts](const std::vector<std::string>& packages, const std::string& python) {
    std::vector<std::string> specs{"python=" + python};
    specs.insert(specs.end(), packages.begin(), packages.end());
    attempts.specs.push_back(std::move(specs));
  };
  std::vector<std::string> pythons = recipe.python_fallbacks;
  const std::string& wanted = recipe.python_version;
  const std::string minor = wanted.substr(0, wanted.find('.', wanted.find('.') + 1));
  if (!wanted.empty()) {
    pythons = {wanted};
    // Another patch level is as good, but of the versions that are asked for because of their very age.
    if (minor != wanted && !version_less(minor, "3.6")) pythons.push_back(minor);
  }
  for (const std::string& python : pythons) add(recipe.conda_specs, python);
  attempts.exact = attempts.specs.size();
  if (recipe.policy == PinPolicy::kExact) return attempts;
  std::vector<std::string> relaxed;
  std::ranges::transform(recipe.conda_specs, std::back_inserter(relaxed), relaxed_spec);
  if (!minor.empty()) {
    pythons = {minor};
    for (int newer = 6; newer <= kNewestMinor; ++newer) {
      const std::string other = fmt::format("3.{}", newer);
      if (version_less(minor, other)) pythons.push_back(other);
    }
  }
  for (const std::string& python : pythons) add(relaxed, python);
  return attempts;
}

Result<std::optional<ReadyEnvironment>> build_from_channels(const UvTool& uv, const UvTool& own_uv, const fs::path& folder,
                                                            const EnvironmentRecipe& recipe, const Variables& environment,
                                                            const std::vector<Interpreter>& interpreters) {
  return ChannelBuild(uv, own_uv, recipe, environment, interpreters).build(folder);
}

}  // namespace werkbank::runner
