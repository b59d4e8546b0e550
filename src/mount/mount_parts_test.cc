// The tree of names, the kernel's table of mounts, a request on its way to its process.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/hash.hh"
#include "mount/file_tree.hh"
#include "mount/mount_process.hh"
#include "mount/mount_table.hh"

using namespace werkbank;
using namespace werkbank::mount;

namespace {

std::vector<MountedFile> files_named(const std::vector<std::string>& names) {
  std::vector<MountedFile> files;
  for (const std::string& name : names) files.push_back({name, name, 1, "e", 0, 0});
  return files;
}

std::string whole_name(const FileTree& tree, uint32_t number) {
  if (number == FileTree::kRoot) return "";
  const std::string above = whole_name(tree, tree.node(number).parent);
  return above.empty() ? tree.node(number).name : above + "/" + tree.node(number).name;
}

}  // namespace

TEST_CASE("names become folders, each sorted, each found") {
  std::vector<std::string> names{"b/x", "a.txt", "a/z", "a/b/c", "a-b/q", "b/a", "top", "a/b.c", "\xc3\xa4/f", "a/b/a"};
  const auto files = files_named(names);
  const FileTree tree = FileTree::make(files).value();
  std::vector<std::string> seen;
  for (uint32_t number = 0; number < tree.size(); ++number) {
    const TreeNode& node = tree.node(number);
    if (node.file >= 0) {
      seen.push_back(whole_name(tree, number));
      CHECK(files[static_cast<size_t>(node.file)].name == seen.back());
    }
    std::string before;
    for (const uint32_t child : node.children) {
      CHECK(tree.node(child).parent == number);
      CHECK(before < tree.node(child).name);
      before = tree.node(child).name;
      CHECK(tree.find(number, before) == child);
    }
    CHECK(!tree.find(number, "nothing"));
    CHECK(!tree.find(number, ""));
  }
  std::ranges::sort(seen);
  std::ranges::sort(names);
  CHECK(seen == names);
  CHECK(FileTree::make({}).value().size() == 1);
}

TEST_CASE("names that are none, or that are two things, are refused") {
  for (const char* const name : {"", "/a", "../a", "a/../b", "a//b", "a/", "."}) {
    CAPTURE(name);
    CHECK(FileTree::make(files_named({"fine", name})).error().code == &errors::path_refused);
  }
  using Names = std::vector<std::string>;
  for (const Names& names : {Names{"a", "a"}, Names{"a/b", "a"}, Names{"a", "a.b", "a/b"}, Names{"x/a/b", "x/a", "x/a-"}}) {
    CAPTURE(names[0]);
    CHECK(FileTree::make(files_named(names)).error().code == &errors::already_exists);
  }
}

TEST_CASE("the kernel's table is read, names with blanks and foreign lines too") {
  const auto points = parse_mount_table(
      "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
      "no line\n"
      "42 22 0:39 / /data/with\\040blank\\134x ro,nosuid,nodev shared:1 - fuse.werkbank werkbank ro,user_id=0\n"
      "43 22 0:40 / /cut");
  REQUIRE(points.size() == 2);
  CHECK(points[0].folder == "/");
  CHECK(points[0].type == "ext4");
  CHECK(points[1].folder == "/data/with blank\\x");
  CHECK(points[1].type == "fuse.werkbank");
  CHECK(points[1].device == "0:39");
}

TEST_CASE("where nothing of ours is mounted there is nothing to take away") {
  CHECK(unmount("/").error().code == &errors::not_found);
  CHECK(unmount("/proc").error().code == &errors::not_found);
  CHECK(unmount_below("/nowhere/at/all"));
  CHECK(mount_place("/tmp/../a/./b/").value() == "/a/b");
}

TEST_CASE("a request reads back as it was written") {
  MountRequest request{
      .folder = "/m", .files = files_named({"a", "b/c"}), .cache_folder = "/c", .state_file = "/s", .log_file = "/l"};
  request.files[1].size_bytes = 1ULL << 40;
  request.files[1].modified_ms = 1'700'000'000'123;
  request.sources.push_back({"identity", "/local", json::object{{"kind", "folder"}}});
  request.allow_other = true;
  request.patience = std::chrono::milliseconds(5);
  const json::value document = parse_json(json::serialize(to_json(request))).value();
  CHECK(json::serialize(to_json(mount_request_from_json(document).value())) == json::serialize(document));
  json::value wrong = document;
  wrong.as_object()["files"].as_array()[0].as_object()["source"] = 1;
  CHECK(mount_request_from_json(wrong).error().code == &errors::invalid_request);
}
