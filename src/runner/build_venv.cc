#include "runner/build_venv.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "base/logins.hh"
#include "runner/build_command.hh"
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

class VenvBuild {
 public:
  VenvBuild(const UvTool& uv, const EnvironmentRecipe& recipe, const Variables& environment)
      : uv_(uv), recipe_(recipe), environment_(environment) {}

  Result<ReadyEnvironment> build(const fs::path& folder) {
    interpreters_ = find_interpreters(environment_, {uv_.python_folder()});
    TRY(const std::vector<Interpreter> candidates, choose());
    Resolver resolver(uv_, recipe_, interpreters_);
    TRY(const Resolution resolution, resolver.resolve(candidates));
    return install(folder, resolution);
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

  Result<Interpreter> pinned_interpreter() {
    if (const Interpreter* found = newest_of(interpreters_, recipe_.python_version)) return *found;
    auto fetched = fetch(recipe_.python_version);
    if (fetched || recipe_.policy == PinPolicy::kExact) return fetched;
    const Interpreter* nearest = nearest_of(interpreters_, recipe_.python_version);
    if (nearest == nullptr) return fetched;
    say(fmt::format("Policy nearest: Python {} is not on this machine, {} is taken", recipe_.python_version, nearest->version));
    return *nearest;
  }

  // uv has interpreters of its own to offer, where it can reach them.
  Result<Interpreter> fetch(const std::string& minor) {
    say(fmt::format("Python {} is not on this machine; asking uv for one", minor));
    TRY(const CommandResult result, uv_.fetch_python(minor));
    if (result.exit_code == 0) {
      const std::vector<Interpreter> now = find_interpreters(environment_, {uv_.python_folder()});
      if (const Interpreter* found = newest_of(now, minor)) return *found;
    }
    return fail(
        errors::environment_failed,
        fmt::format("Python {} is not on this machine and could not be fetched; found: {}", minor,
                    list_interpreters(interpreters_)),
        fmt::format(
            "Install it (pyenv install {}, or your distribution's package), ask for one of those found, or let the version give "
            "way with the policy \"nearest\".",
            minor));
  }

  Result<ReadyEnvironment> install(const fs::path& folder, const Resolution& resolution) {
    say(fmt::format("Creating the environment with Python {} ({})", resolution.interpreter.version,
                    resolution.interpreter.path.string()));
    TRY(const CommandResult made, uv_.make_venv(resolution.interpreter, folder));
    if (made.exit_code != 0) return fail(failed_with("the virtual environment could not be created", made.output));
    const fs::path python = folder / "bin/python";
    const fs::path lock = folder / "requirements.lock";
    if (!resolution.lock.empty()) {
      CHECK_OK(write_file_atomically(lock, resolution.lock, 0600, false));
      TRY(const CommandResult installed, uv_.install(python, lock, resolution.source_builds));
      if (installed.exit_code != 0) return fail(explain_install(installed.output));
    }
    TRY(const CommandResult frozen, uv_.freeze(python));
    if (frozen.exit_code != 0) return fail(failed_with("the installed packages could not be listed", frozen.output));
    const std::string header = fmt::format("# Python {}; what was installed, exactly\n", resolution.interpreter.version);
    CHECK_OK(write_file_atomically(lock, header + frozen.output, 0600, false));
    TRY(const Interpreter built, probe_interpreter(python, environment_));
    ReadyEnvironment ready;
    ready.hash = recipe_.hash;
    ready.interpreter = python.string();
    ready.python_version = built.version;
    ready.has_azureml = built.has_azureml;
    ready.variables["VIRTUAL_ENV"] = folder.string();
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
};

}  // namespace

Result<ReadyEnvironment> build_venv(const fs::path& cache_folder, const fs::path& folder, const EnvironmentRecipe& recipe,
                                    const Variables& environment) {
  TRY(UvTool uv, UvTool::locate(cache_folder, environment));
  const PackageSources sources = gather_sources(environment, recipe.options);
  for (const std::string& note : sources.notes) say(note);
  if (!sources.index_url.empty()) say("Packages come from " + without_logins(sources.index_url));
  uv.use(sources);
  return VenvBuild(uv, recipe, environment).build(folder);
}

}  // namespace werkbank::runner
