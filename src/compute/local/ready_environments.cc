#include "compute/local/ready_environments.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "base/files.hh"
#include "base/hash.hh"
#include "base/log.hh"

namespace werkbank::compute {
namespace {

constexpr std::string_view kSystemKind = "system";

bool is_program(const std::filesystem::path& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0;
}

// The interpreter the recipe means at this moment; nothing where the answer must not be remembered.
std::optional<std::filesystem::path> interpreter_now(const EnvironmentRecipe& recipe) {
  for (const std::string& candidate : interpreter_candidates(recipe)) {
    std::filesystem::path path(candidate);
    if (!is_program(path)) continue;
    if (path.parent_path().filename() == "shims") return std::nullopt;  // stands for what pyenv has selected just now
    return path;
  }
  return std::nullopt;
}

void describe(std::string& text, const std::filesystem::path& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) {
    text += path.native() + ":-;";
    return;
  }
  text += fmt::format("{}:{}:{}:{}.{:09};", path.native(), status.st_ino, status.st_size, status.st_mtim.tv_sec,
                      status.st_mtim.tv_nsec);
}

// Changes when the interpreter is replaced, and when packages come or go: whether azureml is among them is part of the answer.
std::string fingerprint_of(const std::filesystem::path& candidate, const ReadyEnvironment& ready) {
  std::string text;
  describe(text, candidate);
  describe(text, ready.interpreter);
  const std::filesystem::path prefix = candidate.parent_path().parent_path();
  const std::string minor = ready.python_version.substr(0, ready.python_version.find('.', ready.python_version.find('.') + 1));
  describe(text, prefix / "pyvenv.cfg");
  describe(text, prefix / "lib" / ("python" + minor) / "site-packages");
  describe(text, prefix / "lib" / "python3" / "dist-packages");
  describe(text, std::filesystem::path("/usr/local/lib") / ("python" + minor) / "dist-packages");
  return text;
}

int64_t modified_ms(const std::filesystem::path& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return 0;
  return status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

// A file with several names (in the shared cache, in other environments) counts in parts.
uint64_t size_of_tree(const std::filesystem::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    struct stat status{};
    if (lstat(it->path().c_str(), &status) != 0 || S_ISDIR(status.st_mode)) continue;
    bytes += static_cast<uint64_t>(status.st_blocks) * 512 / std::max<uint64_t>(1, status.st_nlink);
  }
  return bytes;
}

Error no_environment(const std::string& hash) {
  return Error{&errors::not_found,
               "there is no built environment " + hash,
               "werkbank environment list --built shows those there are.",
               {}};
}

Result<ReadyEnvironment> read_ready(const std::filesystem::path& path) {
  TRY(const std::string text, read_file(path, 1024 * 1024));
  TRY(const json::value document, parse_json(text));
  return ready_environment_from_json(document);
}

}  // namespace

std::optional<ReadyEnvironment> ReadyEnvironments::find(const EnvironmentRecipe& recipe) {
  // The hash becomes part of a path.
  const Result<Hash> hash = Hash::parse(recipe.hash);
  if (!hash) return std::nullopt;
  return recipe.kind == kSystemKind ? find_system(recipe, hash->hex()) : find_built(hash->hex());
}

std::optional<ReadyEnvironment> ReadyEnvironments::find_built(const std::string& hash) const {
  Result<ReadyEnvironment> ready = read_ready(cache_folder_ / hash / "ready.json");
  if (!ready || ready->hash != hash || !is_program(ready->interpreter)) return std::nullopt;
  // Its time tells `prune` how long nobody has asked for it.
  utimensat(AT_FDCWD, (cache_folder_ / hash / "recipe.json").c_str(), nullptr, 0);
  return std::move(*ready);
}

std::optional<ReadyEnvironment> ReadyEnvironments::find_system(const EnvironmentRecipe& recipe, const std::string& hash) {
  const std::optional<std::filesystem::path> candidate = interpreter_now(recipe);
  if (!candidate) return std::nullopt;
  const std::lock_guard lock(mutex_);
  auto known = known_.find(hash);
  if (known == known_.end()) {
    const Result<std::string> text = read_file(record_path(hash), 1024 * 1024);
    const Result<json::value> document = text ? parse_json(*text) : Result<json::value>(fail(text.error()));
    if (!document) return std::nullopt;
    JsonReader reader(*document, "interpreter");
    Known record;
    record.fingerprint = reader.required_string("fingerprint");
    const json::value* const ready = reader.value("ready");
    Result<ReadyEnvironment> read =
        ready != nullptr ? ready_environment_from_json(*ready) : fail(errors::invalid_request, "no ready");
    if (!reader.finish(false) || !read) return std::nullopt;
    record.ready = std::move(*read);
    known = known_.emplace(hash, std::move(record)).first;
  }
  if (known->second.fingerprint != fingerprint_of(*candidate, known->second.ready)) return std::nullopt;
  return known->second.ready;
}

void ReadyEnvironments::remember(const EnvironmentRecipe& recipe, const ReadyEnvironment& ready) {
  const Result<Hash> hash = Hash::parse(recipe.hash);
  if (!hash || recipe.kind != kSystemKind) return;
  const std::optional<std::filesystem::path> candidate = interpreter_now(recipe);
  if (!candidate) return;
  Known known{ready, fingerprint_of(*candidate, ready)};
  const json::object document{{"fingerprint", known.fingerprint}, {"ready", to_json(ready)}};
  const std::filesystem::path path = record_path(hash->hex());
  Status written = make_directories(path.parent_path());
  if (written) written = write_file_atomically(path, json::serialize(document), 0600, false);
  if (!written) log_warning("interpreter not remembered: {}", written.error().to_string());
  const std::lock_guard lock(mutex_);
  known_.insert_or_assign(hash->hex(), std::move(known));
}

std::vector<BuiltEnvironment> ReadyEnvironments::list(bool with_sizes) const {
  std::vector<BuiltEnvironment> found;
  std::error_code error;
  for (std::filesystem::directory_iterator it(cache_folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().native();
    if (!Hash::parse(name)) continue;
    Result<ReadyEnvironment> ready = read_ready(it->path() / "ready.json");
    if (!ready) continue;  // being built, or a torso
    BuiltEnvironment built;
    built.ready = std::move(*ready);
    const Result<std::string> text = read_file(it->path() / "recipe.json", 8 << 20);
    const Result<json::value> document = text ? parse_json(*text) : Result<json::value>(fail(text.error()));
    if (document) {
      if (auto recipe = environment_recipe_from_json(*document)) built.recipe = std::move(*recipe);
      built.recipe.hash = built.ready.hash;  // logins in addresses are masked in the file, and its own hash is of that
    }
    built.built_ms = modified_ms(it->path() / "ready.json");
    built.used_ms = std::max(built.built_ms, modified_ms(it->path() / "recipe.json"));
    if (with_sizes) built.size_bytes = size_of_tree(it->path());
    found.push_back(std::move(built));
  }
  std::ranges::sort(found, std::greater<>(), &BuiltEnvironment::used_ms);
  return found;
}

Result<std::string> ReadyEnvironments::lock_text(const std::string& hash) const {
  const Result<Hash> valid = Hash::parse(hash);
  if (!valid) return fail(no_environment(hash));
  const std::filesystem::path folder = cache_folder_ / valid->hex();
  if (!read_ready(folder / "ready.json")) return fail(no_environment(hash));
  Result<std::string> text = read_file(folder / "requirements.lock", 16 << 20);
  if (!text) return std::string();  // nothing was asked for, nothing was installed
  return text;
}

Status ReadyEnvironments::remove(const std::string& hash) {
  const Result<Hash> valid = Hash::parse(hash);
  if (!valid) return fail(no_environment(hash));
  const std::filesystem::path folder = cache_folder_ / valid->hex();
  CHECK_OK(make_directories(cache_folder_ / "locks"));
  TRY(const auto lock, FileLock::try_lock(cache_folder_ / "locks" / (valid->hex() + ".lock")));
  if (!lock) return fail(errors::run_state_conflict, "environment " + hash + " is being built", "Wait for its end.");
  if (!read_ready(folder / "ready.json")) return fail(no_environment(hash));
  // First what makes it count: who looks meanwhile finds no environment, not half of one.
  std::error_code error;
  std::filesystem::remove(folder / "ready.json", error);
  if (error) return fail(errno_error(error.value(), "remove " + (folder / "ready.json").string()));
  return remove_tree(folder);
}

}  // namespace werkbank::compute
