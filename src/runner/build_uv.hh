// The tool uv, and what this machine tells it.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hh"
#include "runner/build_command.hh"
#include "runner/build_index.hh"
#include "runner/build_interpreters.hh"

namespace werkbank::runner {

enum class SourceBuilds { kRefused, kAllowed };

// A virtual environment that uv makes beside other work, with pip and setuptools, as a conda environment has them: older packages
// import pkg_resources.
struct StartedVenv {
  Interpreter interpreter;
  std::filesystem::path folder;
  RunningCommand seeding;
};

// A folder below the cache for the files of one command; gone with it.
class ScratchFolder {
 public:
  static Result<ScratchFolder> make(const std::filesystem::path& cache_folder);
  ScratchFolder(ScratchFolder&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();
  const std::filesystem::path& path() const { return folder_; }

 private:
  explicit ScratchFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

class UvTool {
 public:
  // WERKBANK_UV, then beside this program, PATH, CACHEDIR/tools/uv; otherwise it is installed there with one of the interpreters.
  static Result<UvTool> locate(const std::filesystem::path& cache_folder, const Variables& environment);

  // What the requirements come to on this interpreter: the text of a lock with hashes. The Error's message is uv's output, for
  // read_failure().
  Result<CommandResult> resolve(const Interpreter& interpreter, const std::vector<std::string>& requirements,
                                SourceBuilds source_builds) const;
  // The same for pins as they are: what they need in turn is there already.
  Result<CommandResult> lock_pins(const Interpreter& interpreter, const std::vector<std::string>& pins) const;
  // Without packages.
  Result<CommandResult> make_venv(const Interpreter& interpreter, const std::filesystem::path& folder) const;
  Result<StartedVenv> start_venv(const Interpreter& interpreter, const std::filesystem::path& folder) const;
  // Where pip cannot be put into it, it is made without.
  Result<CommandResult> finish_venv(StartedVenv started) const;
  Result<CommandResult> install(const std::filesystem::path& venv_python, const std::filesystem::path& lock,
                                SourceBuilds source_builds) const;
  // Resolves on top of what is there, and installs.
  Result<CommandResult> install_requirements(const std::filesystem::path& python, const std::vector<std::string>& requirements,
                                             SourceBuilds source_builds, Echo echo) const;
  Result<CommandResult> fetch_python(const std::string& minor) const;

  void use(const PackageSources& sources);
  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& cache_folder() const { return cache_folder_; }
  std::filesystem::path python_folder() const { return cache_folder_ / "pythons"; }

 private:
  UvTool(std::filesystem::path path, std::filesystem::path cache_folder, const Variables& environment);
  Result<CommandResult> compile(const Interpreter& interpreter, const std::vector<std::string>& requirements,
                                const std::vector<std::string>& more) const;

  std::filesystem::path path_;
  std::filesystem::path cache_folder_;
  Variables environment_;
  bool no_index_ = false;
};

}  // namespace werkbank::runner
