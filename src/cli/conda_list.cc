#include "cli/conda_list.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "base/json.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShortHash = 8;

std::string line_of(const std::string& name, bool active, const fs::path& folder) {
  return fmt::format("{:<22}{:<3}{}\n", name, active ? "*" : "", folder.string());
}

}  // namespace

std::vector<BuiltEnvironment> list_built(const fs::path& home) {
  std::vector<BuiltEnvironment> built;
  std::error_code failure;
  for (fs::directory_iterator it(home / "environments", failure), end; !failure && it != end; it.increment(failure)) {
    const auto text = read_file(it->path() / "ready.json", 1 << 20);
    if (!text) continue;
    const auto document = parse_json(*text);
    if (!document) continue;
    JsonReader reader(*document, "ready.json");
    BuiltEnvironment one{.folder = it->path(), .python_version = reader.string_or("pythonVersion")};
    if (!reader.finish(false)) continue;
    one.name = "werkbank-" + it->path().filename().string().substr(0, kShortHash);
    built.push_back(std::move(one));
  }
  std::ranges::sort(built, {}, &BuiltEnvironment::folder);
  return built;
}

std::string format_built(const std::vector<BuiltEnvironment>& built, const fs::path& runtime) {
  std::string text;
  if (!runtime.empty()) text += line_of("werkbank", true, runtime);
  for (const BuiltEnvironment& one : built) {
    const bool is_runtime = !runtime.empty() && runtime.native().starts_with(one.folder.native());
    if (!is_runtime) text += line_of(one.name, false, one.folder);
  }
  return text;
}

std::vector<std::string> path_folders(const std::string& path_value) {
  std::vector<std::string> folders;
  for (size_t begin = 0; begin <= path_value.size();) {
    const size_t end = std::min(path_value.find(':', begin), path_value.size());
    if (end > begin) folders.push_back(path_value.substr(begin, end - begin));
    begin = end + 1;
  }
  return folders;
}

}  // namespace werkbank::cli
