#include "runner/build_venv.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "base/logins.hh"
#include "runner/build_command.hh"
#include "runner/build_conda.hh"
#include "runner/build_index.hh"
#include "runner/build_resolution.hh"
#include "runner/build_uv.hh"

namespace werkbank::runner {
namespace {

namespace fs = std::filesystem;

// The newest of a minor version.
const Interpreter* newest_of(const std::vector<Interpreter>& sorted, const std::string& minor) {
  const auto found =
      std::ranges::find_if(sorted.rbegin(), sorted.rend(), [&](const Interpreter& one) { return one.minor == minor; });
  return found == sorted.rend() ? nullptr : &*found;
}

// Where the wanted Python is not there and pins may give way: the next newer one, otherwise the newest older one.
const Interpreter* nearest_of(const std::vector<Interpreter>& sorted, const std::string& minor) {
  for (const Interpreter& one : sorted) {
    if (version_less(minor, one.minor)) return newest_of(sorted, one.minor);
  }
  return sorted.empty() ? nullptr : &sorted.back();
}

std::string minor_of(const std::string& version) { return version.substr(0, version.find('.', version.find('.') + 1)); }

// Our SDK, by a path file: a newer server's SDK is there without another build.
Result<bool> add_sdk(const fs::path& cache_folder, const fs::path& folder) {
  const fs::path link = cache_folder / "sdk";  // kept by the target: the unpacked SDK of the server that runs
  std::error_code error;
  if (!fs::exists(link, error)) {
    say("The SDK is not on this machine: runs have it beside the environment");
    return false;
  }
  for (fs::directory_iterator it(folder / "lib", error), end; !error && it != end; it.increment(error)) {
    const fs::path packages = it->path() / "site-packages";
    if (fs::is_directory(packages))
      CHECK_OK(write_file_atomically(packages / "werkbank-sdk.pth", link.string() + "\n", 0600, false));
  }
  return true;
}

class VenvBuild {
 public:
  VenvBuild(const UvTool& uv, const EnvironmentRecipe& recipe, const Variables& environment)
      : uv_(uv), recipe_(recipe), environment_(environment) {}

  Result<ReadyEnvironment> build(const fs::path& folder) {
    interpreters_ = interpreters_now();
    TRY(const std::vector<Interpreter> candidates, choose());
    // The first candidate is nearly always the one that is taken: its virtual environment is made while the versions are sought.
    TRY(std::optional<StartedVenv> venv, uv_.start_venv(candidates.front(), folder));
    Resolver resolver(uv_, recipe_, interpreters_);
    TRY(const Resolution resolution, resolver.resolve(candidates));
    if (venv->interpreter.path != resolution.interpreter.path) {
      venv.reset();
      CHECK_OK(remove_tree(folder));
      TRY(StartedVenv other, uv_.start_venv(resolution.interpreter, folder));
      venv.emplace(std::move(other));
    }
    return install(std::move(*venv), resolution);
  }

 private:
  Result<std::vector<Interpreter>> choose() {
    std::vector<Interpreter> candidates;
    if (!recipe_.python_version.empty()) {
      TRY(Interpreter pinned, pinned_interpreter());
      candidates.push_back(std::move(pinned));
      return candidates;
    }
    for (const std::string& minor : recipe_.python_fallbacks) {
      if (const Interpreter* found = newest_of(interpreters_, minor)) candidates.push_back(*found);
    }
    if (!candidates.empty()) return candidates;
    const std::string usual = recipe_.python_fallbacks.empty() ? "3.10" : recipe_.python_fallbacks.front();
    TRY(Interpreter fetched, fetch(usual));
    candidates.push_back(std::move(fetched));
    return candidates;
  }

  std::vector<Interpreter> interpreters_now() const {
    return find_interpreters(environment_, {uv_.python_folder()}, uv_.cache_folder() / "tools" / "interpreters.json");
  }

  Result<Interpreter> pinned_interpreter() {
    const std::string& wanted = recipe_.python_version;
    const std::string minor = minor_of(wanted);
    const auto exact = std::ranges::find(interpreters_, wanted, &Interpreter::version);
    if (exact != interpreters_.end()) return *exact;
    if (const Interpreter* found = newest_of(interpreters_, minor)) {
      if (wanted != minor)
        say(fmt::format("Python {} is asked for; {} is taken, of the same minor version", wanted, found->version));
      return *found;
    }
    auto fetched = fetch(minor);
    if (fetched || recipe_.policy == PinPolicy::kExact) return fetched;
    const Interpreter* nearest = nearest_of(interpreters_, minor);
    if (nearest == nullptr) return fetched;
    say(fmt::format("Policy nearest: Python {} is not on this machine, {} is taken", wanted, nearest->version));
    relaxed_.push_back(fmt::format("python=={} -> python=={}", wanted, nearest->version));
    return *nearest;
  }

  // uv has interpreters of its own to offer, where it can reach them.
  Result<Interpreter> fetch(const std::string& minor) {
    if (!version_less(minor, "3.6")) {
      say(fmt::format("Python {} is not on this machine; asking uv for one", minor));
      TRY(const CommandResult result, uv_.fetch_python(minor));
      if (result.exit_code == 0) {
        const std::vector<Interpreter> now = interpreters_now();
        if (const Interpreter* found = newest_of(now, minor)) return *found;
      }
    }
    const std::string wanted = recipe_.python_version.empty() ? minor : recipe_.python_version;
    const Interpreter* nearest = nearest_of(interpreters_, minor);
    return fail(errors::environment_failed,
                fmt::format("Python {} is not on this machine and could not be fetched; found: {}", wanted,
                            list_interpreters(interpreters_)),
                fmt::format("Install it (pyenv install {}, or your distribution's package), name a conda channel that has it, or "
                            "ask for one of those found{}.",
                            wanted,
                            nearest == nullptr ? std::string()
                                               : fmt::format("; the policy \"nearest\" would take {}", nearest->version)));
  }

  Result<ReadyEnvironment> install(StartedVenv venv, const Resolution& resolution) {
    const fs::path folder = venv.folder;
    say(fmt::format("Creating the environment with Python {} ({})", resolution.interpreter.version,
                    resolution.interpreter.path.string()));
    TRY(const CommandResult made, uv_.finish_venv(std::move(venv)));
    if (made.exit_code != 0) return fail(failed_with("the virtual environment could not be created", made.output));
    const fs::path python = folder / "bin/python";
    const fs::path lock = folder / "requirements.lock";
    if (!resolution.lock.empty()) {
      CHECK_OK(write_file_atomically(lock, resolution.lock, 0600, false));
      TRY(const CommandResult installed, uv_.install(python, lock, resolution.source_builds));
      if (installed.exit_code != 0) return fail(explain_install(installed.output));
    }
    const std::string header = fmt::format("# Python {}; what was installed, exactly\n", resolution.interpreter.version);
    CHECK_OK(write_file_atomically(lock, header + resolution.lock, 0600, false));
    ReadyEnvironment ready;
    ready.hash = recipe_.hash;
    ready.interpreter = python.string();
    // uv has just made it of that interpreter: it need not be started to say so.
    ready.python_version = resolution.interpreter.version;
    if (recipe_.with_sdk) {
      TRY(ready.has_azureml, add_sdk(uv_.cache_folder(), folder));
    }
    ready.variables["VIRTUAL_ENV"] = folder.string();
    ready.relaxed = relaxed_;
    ready.relaxed.insert(ready.relaxed.end(), resolution.relaxed.begin(), resolution.relaxed.end());
    return ready;
  }

  static Error failed_with(std::string_view what, std::string_view output) {
    const BuildFailure failure = read_failure(output);
    const bool full = failure.cause == FailureCause::kDiskFull;
    return Error{full ? &errors::disk_full : &errors::environment_failed, fmt::format("{}: {}", what, failure.reason), "", {}};
  }

  Error explain_install(std::string_view output) const {
    const BuildFailure failure = read_failure(output);
    if (failure.cause == FailureCause::kNetwork) {
      return Error{&errors::unavailable,
                   fmt::format("the package index stopped answering: {}", failure.reason),
                   "Submit again: what was downloaded is kept.",
                   {}};
    }
    if (failure.cause == FailureCause::kBuildFailed && !failure.package.empty()) {
      const auto requirement = requirement_of(recipe_.requirements, failure.package);
      return Error{&errors::environment_failed,
                   fmt::format("requirement '{}': it comes as source only, and building it failed: {}",
                               requirement.value_or(failure.package), failure.reason),
                   "Ask for a version that has wheels, or install the compilers and libraries that the log names.",
                   {}};
    }
    return failed_with("the packages could not be installed", output);
  }

  const UvTool& uv_;
  const EnvironmentRecipe& recipe_;
  const Variables& environment_;
  std::vector<Interpreter> interpreters_;
  std::vector<std::string> relaxed_;
};

// What the submitter's shell says about the net counts where this machine says nothing; a CA file counts where it is here.
Variables with_network(const Variables& machine, const std::map<std::string, std::string>& network) {
  Variables all = machine;
  std::erase_if(all, [](const auto& variable) { return variable.second.empty(); });  // says nothing, either
  for (const auto& [name, value] : network) {
    std::error_code error;
    if (value.starts_with('/') && !fs::exists(value, error)) continue;
    all.try_emplace(name, value);
  }
  return all;
}

// uv, the conda solver and Python read one file. A bundle of several is written into `scratch`.
Status trust_authorities(Variables& environment, const PackageSources& sources, const fs::path& scratch) {
  const std::vector<fs::path> files = authority_files(environment, sources);
  if (files.empty()) return {};
  fs::path bundle = files.front();
  if (files.size() > 1) {
    std::string text;
    for (const fs::path& file : files) {
      TRY(const std::string part, read_file(file, 16 << 20));
      text += part + "\n";
    }
    bundle = scratch / "authorities.pem";
    CHECK_OK(write_file_atomically(bundle, text, 0600, false));
  }
  environment["SSL_CERT_FILE"] = bundle.string();
  return {};
}

}  // namespace

Result<ReadyEnvironment> build_venv(const fs::path& cache_folder, const fs::path& folder, const EnvironmentRecipe& recipe,
                                    const Variables& machine) {
  Variables environment = with_network(machine, recipe.network);
  const PackageSources sources = gather_sources(environment, recipe.options);
  TRY(const ScratchFolder scratch, ScratchFolder::make(cache_folder));
  CHECK_OK(trust_authorities(environment, sources, scratch.path()));
  TRY(UvTool uv, UvTool::locate(cache_folder, environment));
  for (const std::string& note : sources.notes) say(note);
  if (!sources.index_url.empty()) say("Packages come from " + without_logins(sources.index_url));
  // What the product itself needs comes from where this machine has packages from, whatever the recipe says of its own.
  UvTool own_uv = uv;
  own_uv.use(gather_sources(environment, {}));
  uv.use(sources);
  if (!recipe.conda_channels.empty()) {
    const std::vector<Interpreter> interpreters =
        find_interpreters(environment, {uv.python_folder()}, cache_folder / "tools" / "interpreters.json");
    TRY(auto built, build_from_channels(uv, own_uv, folder, recipe, environment, interpreters));
    if (built) return std::move(*built);
    if (!recipe.conda_specs.empty()) say("The conda packages are taken as wheels of the same versions, from the Python index");
  }
  for (const std::string& note : recipe.wheel_notes) say("Note: " + note);
  EnvironmentRecipe of_wheels = recipe;
  of_wheels.requirements.insert(of_wheels.requirements.end(), recipe.conda_wheels.begin(), recipe.conda_wheels.end());
  return VenvBuild(uv, of_wheels, environment).build(folder);
}

}  // namespace werkbank::runner
