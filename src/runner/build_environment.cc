#include "runner/build_environment.hh"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/failpoint.hh"
#include "base/files.hh"
#include "base/hash.hh"
#include "base/json.hh"
#include "base/logins.hh"
#include "base/process.hh"
#include "runner/build_command.hh"
#include "runner/build_interpreters.hh"
#include "runner/build_venv.hh"

namespace werkbank::runner {
namespace {

namespace fs = std::filesystem;

constexpr size_t kRecipeBytesMax = 8 << 20;

Result<std::string> read_stdin() {
  std::string text;
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, "read the recipe from stdin"));
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(count));
    if (text.size() > kRecipeBytesMax) return fail(errors::invalid_request, "the recipe is larger than 8 MiB");
  }
}

// Kind "system": nothing is made; the interpreter has to be there and be Python.
Result<ReadyEnvironment> check_system(const EnvironmentRecipe& recipe, Variables environment) {
  for (const auto& [name, value] : recipe.lookup) environment[name] = value;  // a pyenv shim answers by these
  const bool any_python = recipe.interpreter.empty();
  const std::vector<std::string> candidates = interpreter_candidates(recipe);
  std::optional<Error> first_error;
  for (const std::string& candidate : candidates) {
    std::error_code error;
    if (candidates.size() > 1 && !fs::exists(candidate, error)) continue;
    auto interpreter = probe_interpreter(candidate, environment);
    if (interpreter && any_python && version_less(interpreter->version, "3.0"))
      continue;  // an old machine's `python`: python3 is meant
    if (!interpreter) {
      if (!first_error) first_error = interpreter.error();
      continue;  // a shim without a version selected: the next in PATH is what the shell's user would want
    }
    if (interpreter->has_genuine_azureml) {
      say("azureml-core of Microsoft is installed in this interpreter; Werkbank's SDK goes before it (WERKBANK_AZUREML=genuine: "
          "not)");
    }
    ReadyEnvironment ready;
    ready.hash = recipe.hash;
    ready.interpreter = interpreter->path.string();
    ready.python_version = interpreter->version;
    ready.has_azureml = interpreter->has_azureml;
    if (interpreter->prefix != interpreter->base_prefix) ready.variables["VIRTUAL_ENV"] = interpreter->prefix;
    if (fs::exists(fs::path(interpreter->prefix) / "conda-meta", error)) ready.variables["CONDA_PREFIX"] = interpreter->prefix;
    return ready;
  }
  if (first_error) return fail(*first_error);
  const std::string name = recipe.interpreter.empty() ? "python or python3" : recipe.interpreter;
  const auto path = recipe.lookup.find("PATH");
  return fail(errors::interpreter_not_found, fmt::format("there is no {} in the PATH of the submit: {}", name,
                                                         path == recipe.lookup.end() ? "(empty)" : path->second));
}

Result<FileLock> lock_hash(const fs::path& cache_folder, const std::string& hash) {
  const fs::path locks = cache_folder / "locks";
  CHECK_OK(make_directories(locks));
  const fs::path file = locks / (hash + ".lock");
  TRY(auto lock, FileLock::try_lock(file));
  if (lock) return std::move(*lock);
  say("Another run is building this environment; waiting for it");
  return FileLock::lock(file);
}

void say_built(const ReadyEnvironment& ready, bool cached, std::chrono::steady_clock::time_point start) {
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  say(fmt::format("Environment {} {} in {:.1f} s (Python {})", ready.hash.substr(0, 12), cached ? "found ready" : "built",
                  seconds.count(), ready.python_version));
}

Result<ReadyEnvironment> build_cached(const fs::path& cache_folder, const EnvironmentRecipe& recipe,
                                      const Variables& environment) {
  const auto start = std::chrono::steady_clock::now();
  if (auto ready = find_built(cache_folder, recipe.hash)) {
    say_built(*ready, true, start);
    return *ready;
  }
  TRY(const FileLock lock, lock_hash(cache_folder, recipe.hash));
  if (auto ready = find_built(cache_folder, recipe.hash)) {  // the one waited for has built it
    say_built(*ready, true, start);
    return *ready;
  }
  for (const std::string& note : recipe.notes) say("Note: " + note);
  // Paths inside a virtual environment are absolute, so it is built in its final place; ready.json, written last, makes it count.
  const fs::path folder = cache_folder / recipe.hash;
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder, error))) {
    say("Removing what an interrupted build left behind");
    CHECK_OK(remove_tree(folder));
  }
  auto ready = build_venv(cache_folder, folder, recipe, environment);
  if (!ready) {
    static_cast<void>(remove_tree(folder));
    return ready;
  }
  // Beside it for whoever looks at the cache; nothing is read from it to find an environment.
  EnvironmentRecipe shown = recipe;
  shown.network.clear();
  for (std::string& option : shown.options) option = without_logins(option);
  for (std::string& channel : shown.conda_channels) channel = without_logins(channel);
  shown.hash = recipe_hash(shown);
  CHECK_OK(write_file_atomically(folder / "recipe.json", canonical_json(to_json(shown)) + "\n", 0600, false));
  failpoint_kill("build.before_ready");
  CHECK_OK(write_file_atomically(folder / "ready.json", canonical_json(to_json(*ready)) + "\n"));
  failpoint_kill("build.after_ready");
  say_built(*ready, false, start);
  return ready;
}

Result<ReadyEnvironment> build(const fs::path& cache_folder) {
  TRY(const std::string text, read_stdin());
  TRY(const json::value document, parse_json(text));
  TRY(const EnvironmentRecipe recipe, environment_recipe_from_json(document));
  const Variables environment = current_environment();
  if (recipe.kind == "system") return check_system(recipe, environment);
  if (recipe.kind != "uv") {
    return fail(errors::not_supported, fmt::format("this runner cannot build environments of kind '{}'", recipe.kind));
  }
  std::error_code error;
  const fs::path cache = fs::absolute(cache_folder, error);
  if (error) return fail(errno_error(error.value(), "resolve " + cache_folder.string()));
  CHECK_OK(make_directories(cache));
  return build_cached(cache, recipe, environment);
}

}  // namespace

std::optional<ReadyEnvironment> find_built(const fs::path& cache_folder, std::string_view hash) {
  const auto valid = Hash::parse(hash);
  if (!valid) return std::nullopt;
  const auto text = read_file(cache_folder / std::string(hash) / "ready.json", 1 << 20);
  if (!text) return std::nullopt;
  const auto document = parse_json(*text);
  if (!document) return std::nullopt;
  auto ready = ready_environment_from_json(*document);
  // The interpreter is a link to one that may have been removed since.
  if (!ready || access(ready->interpreter.c_str(), X_OK) != 0) return std::nullopt;
  return std::move(*ready);
}

int build_environment(const fs::path& cache_folder) {
  // A server that goes away while its runner builds: the build goes on, and the next run finds it ready.
  signal(SIGPIPE, SIG_IGN);
  const auto ready = build(cache_folder);
  if (ready) {
    say("READY " + canonical_json(to_json(*ready)));
    return 0;
  }
  const Error& error = ready.error();
  json::object failure;
  failure["code"] = error.code->id;
  failure["message"] = error.to_string();
  failure["hint"] = error.remedy();
  say("FAILED " + canonical_json(failure));
  return 1;
}

}  // namespace werkbank::runner
