#include "domain/snapshot_changes.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace werkbank;

namespace {

SnapshotEntry entry(std::string path, std::string_view content = "x", bool executable = false) {
  return {std::move(path), Hash::of(content), content.size(), executable};
}

SnapshotManifest manifest_of(const std::map<std::string, SnapshotEntry>& files) {
  SnapshotManifest manifest;
  for (const auto& [path, file] : files) manifest.entries.push_back(file);
  return manifest;
}

SnapshotChanges changes_between(const SnapshotManifest& before, const SnapshotManifest& after) {
  SnapshotChanges changes;
  const auto find = [](const SnapshotManifest& manifest, const std::string& path) -> const SnapshotEntry* {
    const auto found = std::ranges::find(manifest.entries, path, &SnapshotEntry::path);
    return found == manifest.entries.end() ? nullptr : &*found;
  };
  for (const SnapshotEntry& one : after.entries) {
    const SnapshotEntry* const old = find(before, one.path);
    if (old == nullptr || old->hash != one.hash || old->executable != one.executable) changes.put.push_back(one);
  }
  for (const SnapshotEntry& one : before.entries) {
    if (find(after, one.path) == nullptr) changes.removed.push_back(one.path);
  }
  return changes;
}

bool is_taken(const std::string& text) {
  const auto changes = SnapshotChanges::parse(text);
  if (!changes) CHECK(changes.error().code == &errors::snapshot_refused);
  return changes.has_value();
}

const std::string kHead = "werkbank-changes 1\n";
const std::string kPut = Hash::of("x").hex() + " 1 - ";

}  // namespace

TEST_CASE("a list of changes reads back as it was written") {
  SnapshotChanges changes;
  changes.put = {entry("a\n", "1"), entry("m.py", "22", true), entry("z", "")};
  changes.removed = {"b/c.py", "n"};
  const std::string text = changes.to_text();
  CHECK(text == kHead + "+ " + Hash::of("1").hex() + " 1 - a%0A\n- b/c.py\n+ " + Hash::of("22").hex() + " 2 x m.py\n- n\n+ " +
                    Hash::of("").hex() + " 0 - z\n");
  const auto back = SnapshotChanges::parse(text);
  REQUIRE(back);
  CHECK(back->to_text() == text);
  CHECK(back->removed == changes.removed);
  CHECK(SnapshotChanges{}.to_text() == kHead);
  CHECK(is_taken(kHead));
}

TEST_CASE("a list of changes that is not in canonical form is refused") {
  CHECK(is_taken(kHead + "- a\n+ " + kPut + "b\n"));
  CHECK_FALSE(is_taken(""));
  CHECK_FALSE(is_taken("werkbank-snapshot 1\n"));
  CHECK_FALSE(is_taken(kHead + "- a"));                     // no line end
  CHECK_FALSE(is_taken(kHead + "\n"));                      // an empty line
  CHECK_FALSE(is_taken(kHead + "* a\n"));                   // neither put nor removed
  CHECK_FALSE(is_taken(kHead + "- b\n- a\n"));              // not sorted
  CHECK_FALSE(is_taken(kHead + "- a\n- a\n"));              // twice
  CHECK_FALSE(is_taken(kHead + "- a\n+ " + kPut + "a\n"));  // twice
  CHECK_FALSE(is_taken(kHead + "- %61\n"));                 // escaped without need
  CHECK_FALSE(is_taken(kHead + "- ../a\n"));                // never in a snapshot
  CHECK_FALSE(is_taken(kHead + "+ " + kPut + "../a\n"));    // leaves the folder
  CHECK_FALSE(is_taken(kHead + "+ " + kPut.substr(1) + "a\n"));
}

TEST_CASE("what is changed is what a whole manifest would say") {
  std::mt19937 random(20261121);  // NOLINT: the same cases each time
  const std::vector<std::string> names = {"a",  "a-b",    "a/b",         "a/b/c", "a/c", "b",
                                          "b%", "b/\xFF", "caf\xC3\xA9", "d e",   " f",  "z/y/x"};
  for (int round = 0; round < 2000; ++round) {
    std::map<std::string, SnapshotEntry> before, after;
    for (auto* files : {&before, &after}) {
      for (const std::string& name : names) {
        if (random() % 2 != 0) files->emplace(name, entry(name, random() % 2 != 0 ? "one" : "other", random() % 4 == 0));
      }
      // A file is no folder of another.
      std::set<std::string> folders;
      for (const auto& [path, file] : *files) {
        for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
          folders.insert(path.substr(0, slash));
      }
      std::erase_if(*files, [&folders](const auto& one) { return folders.contains(one.first); });
    }
    const SnapshotManifest old = manifest_of(before), wanted = manifest_of(after);
    const SnapshotChanges changes = changes_between(old, wanted);
    const auto changed = apply_changes(old.to_text(), changes);
    REQUIRE_MESSAGE(changed, changed.error().message);
    REQUIRE(changed->text == wanted.to_text());
    REQUIRE(old.total_bytes() + changed->bytes_put - changed->bytes_gone == wanted.total_bytes());
    const auto back = SnapshotChanges::parse(changes.to_text());
    REQUIRE(back);
    REQUIRE(back->to_text() == changes.to_text());
  }
}

TEST_CASE("changes that do not fit their base are refused") {
  SnapshotManifest base;
  base.entries = {entry("a.py"), entry("b/c.py"), entry("b/d.py")};
  const auto refused = [&base](const SnapshotChanges& changes) {
    const auto changed = apply_changes(base.to_text(), changes);
    return !changed && changed.error().code == &errors::snapshot_refused;
  };
  CHECK(refused({.put = {}, .removed = {"a"}}));
  CHECK(refused({.put = {}, .removed = {"b"}}));
  CHECK(refused({.put = {}, .removed = {"z"}}));
  CHECK(refused({.put = {entry("a.py/x")}, .removed = {}}));     // below a file
  CHECK(refused({.put = {entry("b")}, .removed = {}}));          // a folder
  CHECK(refused({.put = {entry("b")}, .removed = {"b/c.py"}}));  // still a folder
  CHECK(refused({.put = {entry("n"), entry("n/x")}, .removed = {}}));
  CHECK_FALSE(refused({.put = {entry("b")}, .removed = {"b/c.py", "b/d.py"}}));
  CHECK_FALSE(refused({.put = {entry("a.py/x")}, .removed = {"a.py"}}));
}
