#include "domain/snapshot.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace werkbank;

namespace {

SnapshotEntry entry(std::string path, std::string_view content = "x", bool executable = false) {
  return {std::move(path), Hash::of(content), content.size(), executable};
}

std::string line(std::string_view path, std::string_view size = "1", std::string_view mode = "-") {
  return fmt::format("{} {} {} {}\n", Hash::of("x").hex(), size, mode, path);
}

const std::string kHead = "werkbank-snapshot 1\n";

bool is_taken(const std::string& text) {
  const auto manifest = SnapshotManifest::parse(text);
  if (!manifest) CHECK(manifest.error().code == &errors::snapshot_refused);
  return manifest.has_value();
}

}  // namespace

TEST_CASE("a manifest reads back as it was written") {
  SnapshotManifest manifest;
  manifest.entries = {entry("a b.py", "print()"), entry("bin/run", "#!", true), entry("caf\xC3\xA9"), entry("empty", "")};
  const std::string text = manifest.to_text();
  CHECK(text.starts_with(kHead + Hash::of("print()").hex() + " 7 - a b.py\n"));
  CHECK(text.find(" 2 x bin/run\n") != std::string::npos);
  const auto back = SnapshotManifest::parse(text);
  REQUIRE(back);
  CHECK(back->to_text() == text);
  CHECK(back->id() == Hash::of(text));
  CHECK(back->total_bytes() == 10);
  CHECK(back->entries[1].executable);
}

TEST_CASE("the id of a manifest is fixed") {
  CHECK(SnapshotManifest{}.to_text() == kHead);
  CHECK(SnapshotManifest::parse(kHead)->entries.empty());
}

TEST_CASE("odd names are escaped, and only as far as needed") {
  const std::pair<std::string, std::string> pairs[] = {
      {"a\nb", "a%0Ab"},
      {"100%", "100%25"},
      {" a ", "%20a%20"},
      {"a b", "a b"},
      {"\xFF.txt", "%FF.txt"},
      {"\xC3\xA9", "\xC3\xA9"},
      {"\xC3", "%C3"},
      {"\xED\xA0\x80", "%ED%A0%80"},
      {"\xC0\xAF", "%C0%AF"},
      {"\xF4\x90\x80\x80", "%F4%90%80%80"},
      {"\xF0\x9F\x90\x8D", "\xF0\x9F\x90\x8D"},
      {"\x7F", "%7F"},
  };
  for (const auto& [raw, text] : pairs) {
    CAPTURE(text);
    CHECK(escape_snapshot_path(raw) == text);
    CHECK(unescape_snapshot_path(text).value_or("") == raw);
  }
  for (const char* bad : {"%", "%4", "%zz", "%0a", "%41", "%C3%A9", " a", "a ", "a\nb", "\xFF", "%25%2", "a%20b"}) {
    CAPTURE(bad);
    CHECK_FALSE(unescape_snapshot_path(bad));
  }
}

TEST_CASE("a manifest that is not in canonical form is refused") {
  CHECK(is_taken(kHead + line("a") + line("b/c")));
  CHECK_FALSE(is_taken(""));
  CHECK_FALSE(is_taken("werkbank-snapshot 2\n"));
  CHECK_FALSE(is_taken("werkbank-snapshot 1"));
  CHECK_FALSE(is_taken("werkbank-snapshot 1\r\n"));
  CHECK_FALSE(is_taken(kHead + "\n"));
  CHECK_FALSE(is_taken(kHead + line("b") + line("a")));
  CHECK_FALSE(is_taken(kHead + line("a") + line("a")));
  std::string cut = kHead + line("a");
  cut.pop_back();
  CHECK_FALSE(is_taken(cut));
  CHECK_FALSE(is_taken(kHead + line("a", "01")));
  CHECK_FALSE(is_taken(kHead + line("a", "-1")));
  CHECK_FALSE(is_taken(kHead + line("a", "")));
  CHECK_FALSE(is_taken(kHead + line("a", "18446744073709551616")));
  CHECK_FALSE(is_taken(kHead + line("a", "9223372036854775807") + line("b", "1")));
  CHECK_FALSE(is_taken(kHead + line("a", "1", "X")));
  CHECK_FALSE(is_taken(kHead + line("a", "1", "")));
  CHECK_FALSE(is_taken(kHead + "0" + line("a")));
  std::string upper = kHead + line("a");
  upper[kHead.size()] = 'A';
  upper[kHead.size() + 1] = 'F';
  CHECK_FALSE(is_taken(upper));
}

TEST_CASE("paths that could leave the folder or cannot be files are refused") {
  for (const std::string bad : {"", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/.", "a%00b"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_taken(kHead + line(bad)));
  }
  CHECK_FALSE(is_taken(kHead + line(std::string(256, 'a'))));
  CHECK(is_taken(kHead + line(std::string(255, 'a'))));
  std::string deep;
  while (deep.size() < 1020) deep += "abc/";
  CHECK(is_taken(kHead + line(deep + "abcd")));
  CHECK_FALSE(is_taken(kHead + line(deep + "abcde")));
  CHECK(is_taken(kHead + line("..a")));
  CHECK(is_taken(kHead + line("...")));
}

TEST_CASE("a file cannot be the folder of another") {
  CHECK_FALSE(is_taken(kHead + line("a") + line("a/b")));
  CHECK_FALSE(is_taken(kHead + line("a") + line("a-b") + line("a-c/d") + line("a/b")));
  CHECK(is_taken(kHead + line("a") + line("a-b") + line("a-c/d") + line("ab/c")));
  CHECK(is_taken(kHead + line("a-b") + line("a/b") + line("a/c") + line("a0")));
}

TEST_CASE("one file is found without reading the others") {
  SnapshotManifest manifest;
  manifest.entries = {entry("a.py", "1"), entry("b/ - a.py", "22"), entry("b/x - a.py", "333"), entry("z\n", "4444")};
  const std::string text = manifest.to_text();
  for (const SnapshotEntry& expected : manifest.entries) {
    const auto found = find_in_manifest(text, expected.path);
    REQUIRE(found);
    REQUIRE(found->has_value());
    CHECK((*found)->hash == expected.hash);
    CHECK((*found)->size_bytes == expected.size_bytes);
  }
  CHECK(find_in_manifest(text, "x - a.py")->has_value() == false);
  CHECK(find_in_manifest(text, "b")->has_value() == false);
  CHECK(find_in_manifest(text, "")->has_value() == false);
}
