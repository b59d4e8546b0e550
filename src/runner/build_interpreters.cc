#include "runner/build_interpreters.hh"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/files.hh"
#include "base/json.hh"
#include "base/process.hh"

namespace werkbank::runner {
namespace {

namespace fs = std::filesystem;

// Says who it is on one line. Runs on Python 2.7 too, so that the answer to such an interpreter is its version. Microsoft's
// azureml-core is told from ours by the metadata of its distribution: it would talk to Azure, so ours is put before it.
constexpr std::chrono::seconds kProbeTimeout{60};
constexpr std::string_view kQuestion = R"PY(
import json, os, sys
ours = False
genuine = False
try:
    import importlib.util
    spec = importlib.util.find_spec("azureml.core")
    if spec is not None:
        ours = True
        for folder in sys.path:
            if os.path.isdir(folder):
                for name in os.listdir(folder):
                    if name.startswith("azureml_core-") and name.endswith((".dist-info", ".egg-info")):
                        genuine = True
except Exception:
    pass
print("WERKBANK " + json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "executable": sys.executable,
    "prefix": sys.prefix,
    "base_prefix": getattr(sys, "base_prefix", sys.prefix),
    "azureml": ours and not genuine,
    "genuine": genuine}))
)PY";

Variables probe_environment(const Variables& environment) {
  Variables reduced;
  for (const char* name : {"PATH", "HOME", "LD_LIBRARY_PATH", "PYENV_ROOT", "PYENV_VERSION", "PYTHONPATH"}) {
    const auto found = environment.find(name);
    if (found != environment.end()) reduced.insert(*found);
  }
  return reduced;
}

std::string first_line(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  text = text.substr(start);
  return std::string(text.substr(0, std::min<size_t>(text.find('\n'), 200)));
}

std::string value_of(const Variables& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

void add_children(const fs::path& folder, const char* below, std::vector<fs::path>& files) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    files.push_back(it->path() / below);
}

// python3 and python3.N of each folder in PATH. pyenv's shims are left out: its interpreters are found in its own folder.
void add_path(const Variables& environment, std::vector<fs::path>& files) {
  const std::string all = value_of(environment, "PATH") + ":/usr/local/bin:/usr/bin";
  std::string_view path = all;
  while (!path.empty()) {
    const size_t colon = path.find(':');
    const fs::path folder(path.substr(0, colon));
    path = colon == std::string_view::npos ? std::string_view() : path.substr(colon + 1);
    if (!folder.is_absolute() || folder.filename() == "shims") continue;
    files.push_back(folder / "python3");
    for (int minor = 6; minor <= 14; ++minor) files.push_back(folder / fmt::format("python3.{}", minor));
  }
}

std::vector<fs::path> candidate_files(const Variables& environment, const std::vector<fs::path>& uv_folders) {
  std::vector<fs::path> files;
  add_path(environment, files);
  const std::string home = value_of(environment, "HOME");
  if (const std::string root = value_of(environment, "PYENV_ROOT"); !root.empty())
    add_children(fs::path(root) / "versions", "bin/python3", files);
  for (const fs::path& folder : uv_folders) add_children(folder, "bin/python3", files);
  if (!home.empty()) {
    add_children(fs::path(home) / ".pyenv/versions", "bin/python3", files);
    add_children(fs::path(home) / ".local/share/uv/python", "bin/python3", files);
    for (const char* conda : {"miniconda3", "anaconda3", "miniforge3", "mambaforge"}) {
      files.push_back(fs::path(home) / conda / "bin/python3");
      add_children(fs::path(home) / conda / "envs", "bin/python3", files);
    }
  }
  files.emplace_back("/opt/conda/bin/python3");
  add_children("/opt/conda/envs", "bin/python3", files);
  return files;
}

}  // namespace

bool version_less(const std::string& a, const std::string& b) {
  const auto numbers = [](const std::string& text) {
    std::vector<int> parts;
    for (size_t i = 0; i < text.size();) {
      parts.push_back(std::atoi(text.c_str() + i));
      const size_t dot = text.find('.', i);
      if (dot == std::string::npos) break;
      i = dot + 1;
    }
    return parts;
  };
  return numbers(a) < numbers(b);
}

Result<Interpreter> probe_interpreter(const fs::path& file, const Variables& environment) {
  std::error_code error;
  if (!fs::exists(file, error))
    return fail(errors::interpreter_not_found, fmt::format("there is no interpreter '{}'", file.string()));
  if (fs::is_directory(file, error)) {
    return fail(errors::interpreter_not_found, fmt::format("'{}' is a folder, not an interpreter", file.string()),
                fmt::format("Name the file, for example {}/bin/python.", file.string()));
  }
  if (access(file.c_str(), X_OK) != 0) {
    return fail(errors::interpreter_not_found, fmt::format("'{}' may not be executed by this user", file.string()));
  }
  SpawnPlan plan;
  plan.argv = {file.string(), "-c", std::string(kQuestion)};
  plan.environment = probe_environment(environment);
  plan.working_directory = "/";  // nothing beside the interpreter may answer in its place
  const auto result = run_process(plan, kProbeTimeout, 1 << 20);
  if (!result) {
    return fail(errors::interpreter_not_found,
                fmt::format("'{}' cannot be started: {}", file.string(), result.error().to_string()));
  }
  if (result->timed_out) {
    return fail(errors::interpreter_not_found,
                fmt::format("'{}' did not tell its version within {} s", file.string(), kProbeTimeout.count()),
                "Start it by hand: it waits for something, or its machine is overloaded.");
  }
  const size_t mark = result->out.rfind("WERKBANK {");
  if (result->exit_code != 0 || mark == std::string::npos) {
    std::string said = first_line(result->err.empty() ? result->out : result->err);
    if (said.find("import json") != std::string::npos) said.clear();  // it only repeats the question
    return fail(errors::interpreter_not_found,
                fmt::format("'{}' is not Python: asked for its version it ended with exit code {}{}{}", file.string(),
                            result->exit_code, said.empty() ? "" : " and said: ", said));
  }
  const std::string_view line = std::string_view(result->out).substr(mark + 9);
  TRY(const json::value answer, parse_json(line.substr(0, line.find('\n'))));
  JsonReader reader(answer, "interpreter");
  Interpreter interpreter;
  interpreter.version = reader.required_string("version");
  interpreter.path = reader.required_string("executable");
  interpreter.prefix = reader.required_string("prefix");
  interpreter.base_prefix = reader.required_string("base_prefix");
  interpreter.has_azureml = reader.bool_or("azureml", false);
  interpreter.has_genuine_azureml = reader.bool_or("genuine", false);
  CHECK_OK(reader.finish());
  if (interpreter.path.empty()) interpreter.path = file;
  interpreter.minor = interpreter.version.substr(0, interpreter.version.rfind('.'));
  return interpreter;
}

namespace {

// What files answered when they were last asked. To start ten interpreters takes longer than many an environment.
class ProbeMemory {
 public:
  explicit ProbeMemory(fs::path file) : file_(std::move(file)) {
    if (file_.empty()) return;
    const auto text = read_file(file_, 1 << 20);
    const auto document = text ? parse_json(*text) : Result<json::value>(fail(text.error()));
    if (document && document->is_object()) known_ = document->as_object();
  }

  std::optional<Interpreter> ask(const fs::path& file, const fs::path& real, const Variables& environment) {
    const std::string fingerprint = fingerprint_of(file, real);
    if (auto remembered = recall(file, fingerprint)) return remembered;
    const auto interpreter = probe_interpreter(file, environment);
    if (!interpreter) return std::nullopt;  // what fails once may be mended: it is asked again
    known_[file.native()] = {{"fingerprint", fingerprint},
                             {"path", interpreter->path.native()},
                             {"version", interpreter->version},
                             {"prefix", interpreter->prefix},
                             {"basePrefix", interpreter->base_prefix}};
    changed_ = true;
    return *interpreter;
  }

  void save() {
    if (file_.empty() || !changed_) return;
    static_cast<void>(make_directories(file_.parent_path()));
    static_cast<void>(write_file_atomically(file_, json::serialize(known_), 0600, false));  // only time is lost without it
  }

 private:
  static std::string fingerprint_of(const fs::path& file, const fs::path& real) {
    struct stat facts{};
    struct stat settings{};
    stat(real.c_str(), &facts);
    stat((file.parent_path().parent_path() / "pyvenv.cfg").c_str(), &settings);
    return fmt::format("{} {} {}.{} {}", real.native(), facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec,
                       settings.st_mtim.tv_sec);
  }

  std::optional<Interpreter> recall(const fs::path& file, const std::string& fingerprint) const {
    const json::value* const found = known_.if_contains(file.native());
    if (found == nullptr) return std::nullopt;
    JsonReader reader(*found, "probe");
    Interpreter interpreter;
    const bool same = reader.required_string("fingerprint") == fingerprint;
    interpreter.path = reader.required_string("path");
    interpreter.version = reader.required_string("version");
    interpreter.prefix = reader.required_string("prefix");
    interpreter.base_prefix = reader.required_string("basePrefix");
    interpreter.minor = interpreter.version.substr(0, interpreter.version.rfind('.'));
    if (!reader.finish() || !same) return std::nullopt;
    return interpreter;
  }

  fs::path file_;
  json::object known_;
  bool changed_ = false;
};

}  // namespace

std::vector<Interpreter> find_interpreters(const Variables& environment, const std::vector<fs::path>& uv_folders,
                                           const fs::path& memory) {
  std::vector<Interpreter> found;
  std::set<fs::path> seen_files;
  std::set<std::string> seen_versions;
  ProbeMemory probes(memory);
  for (const fs::path& file : candidate_files(environment, uv_folders)) {
    std::error_code error;
    const fs::path real = fs::canonical(file, error);
    if (error || !seen_files.insert(real).second) continue;
    auto interpreter = probes.ask(file, real, environment);
    if (!interpreter || version_less(interpreter->version, "3.6")) continue;
    // A virtual environment stands on another interpreter, which lasts longer than it. Its file is a link to that one, which
    // has to be asked under its own name.
    if (interpreter->prefix != interpreter->base_prefix) {
      seen_files.erase(real);
      continue;
    }
    if (seen_versions.insert(interpreter->version).second) found.push_back(std::move(*interpreter));
  }
  probes.save();
  std::ranges::sort(found, [](const Interpreter& a, const Interpreter& b) { return version_less(a.version, b.version); });
  return found;
}

std::string list_interpreters(const std::vector<Interpreter>& interpreters) {
  if (interpreters.empty()) return "none";
  std::vector<std::string> texts;
  for (const Interpreter& one : interpreters) texts.push_back(fmt::format("{} ({})", one.version, one.path.string()));
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace werkbank::runner
