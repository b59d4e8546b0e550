#include "cli/script_file.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/files.hh"
#include "base/text.hh"
#include "cli/output.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHeadBytes = 256;
constexpr size_t kTextBytesMax = 1 << 20;

std::vector<std::string> files_of(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_regular_file(ignored)) names.push_back(entry.path().filename().string());
  }
  return names;
}

// What a file says by its first line, "#!/bin/bash": the program it is for; empty where it says nothing.
std::string program_of_first_line(const fs::path& file) {
  const auto head = read_file_range(file, 0, kHeadBytes);
  if (!head || !head->starts_with("#!")) return {};
  std::string line = head->substr(2, head->find('\n') - 2);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
  if (const size_t env = line.find("env "); env != std::string::npos) line = line.substr(env + 4);
  while (line.starts_with(' ')) line.erase(0, 1);
  line = line.substr(0, line.find(' '));
  return line.substr(line.rfind('/') + 1);
}

Status check_language(const fs::path& file) {
  const std::string name = file.filename().string();
  const std::string suffix = lower(file.extension().string());
  if (suffix == ".ipynb") {
    return fail(errors::not_supported, fmt::format("{:?} is a notebook; a run executes a script", name),
                fmt::format("`jupyter nbconvert --to script {}` writes {}.py; submit that.", name, file.stem().string()));
  }
  if (suffix == ".py") return {};
  constexpr std::array kShells{".sh", ".bash", ".zsh", ".ksh"};
  const std::string program = program_of_first_line(file);
  const bool is_shell = std::ranges::find(kShells, suffix) != kShells.end();
  const bool is_other = !program.empty() && !program.starts_with("python") && !program.starts_with("pypy");
  if (!is_shell && !is_other) return {};
  const std::string runner = is_other ? program : suffix == ".sh" ? std::string("sh") : suffix.substr(1);
  return fail(errors::not_supported, fmt::format("{:?} is a script for {}; scripts of runs are executed by Python", name, runner),
              fmt::format("`werkbank run submit --command '{} {}'` runs it, and so does `command:` in a run configuration.",
                          runner, name));
}

}  // namespace

Result<std::string> locate_script(const fs::path& folder, const std::string& script) {
  std::error_code ignored;
  const fs::path root = fs::weakly_canonical(folder, ignored);
  // As a path of the folder first; what stands elsewhere on the command line's own path may still lie inside.
  fs::path place = fs::path(script).is_absolute() ? fs::path(script) : root / script;
  if (!fs::exists(place, ignored) && fs::exists(script, ignored)) place = fs::absolute(script, ignored);
  const fs::path relative = fs::weakly_canonical(place.parent_path(), ignored).lexically_relative(root) / place.filename();
  const std::string text = relative.lexically_normal().string();
  if (text == ".." || text.starts_with("../")) {
    return fail(errors::script_not_found, fmt::format("the script {:?} is outside the project folder {}", script, root.string()),
                "Submit from the folder that holds it, or name that folder with --source-directory.");
  }
  if (!fs::exists(place, ignored)) {
    const std::vector<std::string> names = files_of(root);
    const auto nearest = nearest_word(script, names);
    return fail(errors::script_not_found, fmt::format("there is no {:?} in {}{}", script, root.string(),
                                                      nearest ? fmt::format("; did you mean {:?}?", *nearest) : ""));
  }
  if (!fs::is_regular_file(place, ignored))
    return fail(errors::script_not_found, fmt::format("{} is not a file", place.string()));
  if (access(place.c_str(), R_OK) != 0) {
    return fail(errors::script_not_found, fmt::format("the script {} cannot be read by this user", place.string()),
                "Correct its permissions.");
  }
  CHECK_OK(check_language(place));
  return text;
}

std::vector<std::string> misplaced_options(const fs::path& script, const std::vector<std::string>& arguments,
                                           const std::vector<std::string>& own) {
  std::vector<std::string> found;
  std::string text;
  for (const std::string& word : arguments) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || name == "--help" || std::ranges::find(own, name) == own.end()) continue;
    if (text.empty()) text = read_file_range(script, 0, kTextBytesMax).value_or(std::string());
    const bool is_the_scripts = text.find(name) != std::string::npos;
    if (!is_the_scripts && std::ranges::find(found, name) == found.end()) found.push_back(name);
  }
  return found;
}

}  // namespace werkbank::cli
