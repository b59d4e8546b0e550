#include "compute/local/ready_environments.hh"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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

}  // namespace werkbank::compute
