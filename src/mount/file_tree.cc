#include "mount/file_tree.hh"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/files.hh"

namespace werkbank::mount {

uint32_t FileTree::add(uint32_t parent, std::string_view name, int64_t file) {
  const auto number = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back({.name = std::string(name), .parent = parent, .file = file, .children = {}});
  if (number != kRoot) nodes_[parent].children.push_back(number);
  return number;
}

Result<FileTree> FileTree::make(const std::vector<MountedFile>& files) {
  FileTree tree;
  tree.add(kRoot, "", -1);
  // By the parts of their names, so that what is in one folder comes one after another.
  std::vector<size_t> order(files.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<std::string> keys;
  keys.reserve(files.size());
  for (const MountedFile& file : files) {
    TRY(const RelativePath name, RelativePath::parse(file.name));
    std::string key = name.text();
    std::ranges::replace(key, '/', '\0');
    keys.push_back(std::move(key));
  }
  std::ranges::sort(order, [&keys](size_t a, size_t b) { return keys[a] < keys[b]; });
  std::vector<uint32_t> way{kRoot};  // the folders of the file before
  for (const size_t at : order) {
    const std::string_view name = files[at].name;
    const auto taken = [name] {
      return fail(errors::already_exists, fmt::format("{} is there twice, or is both a file and a folder", name));
    };
    size_t depth = 1, begin = 0;
    for (size_t slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', begin), ++depth) {
      const std::string_view part = name.substr(begin, slash - begin);
      if (depth >= way.size() || tree.nodes_[way[depth]].name != part) {
        way.resize(depth);
        const std::vector<uint32_t>& before = tree.nodes_[way.back()].children;
        if (!before.empty() && tree.nodes_[before.back()].name == part) return taken();
        way.push_back(tree.add(way.back(), part, -1));
      }
      begin = slash + 1;
    }
    way.resize(depth);
    const std::vector<uint32_t>& before = tree.nodes_[way.back()].children;
    if (!before.empty() && tree.nodes_[before.back()].name == name.substr(begin)) return taken();
    tree.add(way.back(), name.substr(begin), static_cast<int64_t>(at));
  }
  return tree;
}

std::optional<uint32_t> FileTree::find(uint32_t folder, std::string_view name) const {
  const std::vector<uint32_t>& children = nodes_[folder].children;
  const auto found =
      std::ranges::lower_bound(children, name, {}, [this](uint32_t child) -> std::string_view { return nodes_[child].name; });
  if (found == children.end() || nodes_[*found].name != name) return std::nullopt;
  return *found;
}

}  // namespace werkbank::mount
