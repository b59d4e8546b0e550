#include "registry/model_content.hh"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/files.hh"

namespace werkbank::registry {
namespace {

constexpr size_t kNamedMax = 10;

// The files and their folders: all that could have been meant.
std::vector<std::string> registrable_paths(const std::vector<Artifact>& files) {
  std::set<std::string> paths;
  for (const Artifact& file : files) {
    paths.insert(file.path);
    for (size_t slash = file.path.find('/'); slash != std::string::npos; slash = file.path.find('/', slash + 1))
      paths.insert(file.path.substr(0, slash));
  }
  return {paths.begin(), paths.end()};
}

std::string last_component(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

// Of the same name elsewhere, or of nearly the same.
std::optional<std::string> nearest_path(const std::vector<Artifact>& files, std::string_view path) {
  const std::vector<std::string> known = registrable_paths(files);
  const auto same_name = std::ranges::find(known, last_component(path), last_component);
  if (same_name != known.end()) return *same_name;
  return nearest_word(path, known);
}

std::string list_files(const std::vector<Artifact>& files) {
  std::vector<std::string> paths;
  for (const Artifact& file : files) paths.push_back(file.path);
  std::ranges::sort(paths, {}, [](const std::string& path) { return std::pair(!path.starts_with("outputs/"), path); });
  std::string text;
  for (size_t i = 0; i < std::min(paths.size(), kNamedMax); ++i) text += (i == 0 ? "" : ", ") + paths[i];
  if (paths.size() > kNamedMax) text += fmt::format(" and {} more", paths.size() - kNamedMax);
  return text;
}

Error no_such_path(const Run& run, const std::vector<Artifact>& files, std::string_view path) {
  std::string message = fmt::format("run {:?} has no file or folder {:?}; ", run.key.run_id, path);
  message += files.empty() ? "it has no files" : "its files are: " + list_files(files);
  std::string hint;
  if (const std::optional<std::string> near = nearest_path(files, path))
    hint = fmt::format("Did you mean {:?}?", *near);
  else if (!is_terminal(run.status))
    hint = fmt::format(
        "The run is {}: what its job leaves in outputs/ is there once it has ended; run.upload_file brings a file now.",
        to_string(run.status));
  return Error{&errors::model_path_not_found, std::move(message), std::move(hint), {}};
}

}  // namespace

Result<SnapshotManifest> manifest_of_run_files(const Run& run, const std::vector<Artifact>& files, std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path.starts_with("./") && path.size() > 2) path.remove_prefix(2);
  TRY(const RelativePath asked, RelativePath::parse(path));
  const std::string& top = asked.text();
  const size_t cut = top.size() - last_component(top).size();
  SnapshotManifest manifest;
  for (const Artifact& file : files) {
    const bool is_meant = file.path == top || (file.path.starts_with(top) && file.path[top.size()] == '/');
    if (!is_meant || file.hash.empty()) continue;
    TRY(const Hash hash, Hash::parse(file.hash));
    manifest.entries.push_back({file.path.substr(cut), hash, file.size_bytes, false});
  }
  if (manifest.entries.empty()) return fail(no_such_path(run, files, top));
  std::ranges::sort(manifest.entries, {}, &SnapshotEntry::path);
  return manifest;
}

}  // namespace werkbank::registry
