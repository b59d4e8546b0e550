#include "data/resolve.hh"

#include <doctest/doctest.h>

#include <map>

#include "data/path_pattern.hh"

using namespace werkbank;
using namespace werkbank::data;

namespace {

using Files = std::map<std::string, uint64_t>;

// Knows sizes, and notes what it is asked.
class ListedStore final : public DataStore {
 public:
  ListedStore(const Files& files, std::vector<std::string>* asked) : files_(files), asked_(asked) {}
  Status check(bool) override { return {}; }
  Result<DataPage> list(const std::string& prefix, const std::string&) override {
    if (asked_ != nullptr) asked_->push_back(prefix);
    DataPage page;
    for (const auto& [path, size] : files_) {
      if (path.starts_with(prefix)) page.entries.push_back({path, size, "e-" + path, 1});
    }
    return page;
  }
  Result<DataEntry> find(const std::string& path) override {
    const auto found = files_.find(path);
    if (found == files_.end()) return fail(errors::not_found, "not there");
    return DataEntry{path, found->second, "e", 1};
  }
  Status read(const std::string&, const std::string&, uint64_t, const DataSink&) override { return {}; }
  Status write(const std::string&, const DataSource&, bool, const OnBytes&) override { return {}; }
  Status remove(const std::string&) override { return {}; }

 private:
  const Files& files_;
  std::vector<std::string>* asked_;
};

Result<std::vector<DatasetFile>> resolve(const Files& files, const std::vector<DatasetSource>& sources,
                                         std::vector<std::string>* asked = nullptr) {
  return resolve_files(sources,
                       [&](size_t) -> Result<std::unique_ptr<DataStore>> { return std::make_unique<ListedStore>(files, asked); });
}

using Names = std::vector<std::string>;

Names names_of(const Files& files, const std::vector<DatasetSource>& sources) {
  const auto found = resolve(files, sources);
  REQUIRE_MESSAGE(found, found.error().to_string());
  Names names;
  for (const DatasetFile& file : *found) names.push_back(file.name);
  return names;
}

bool matches(std::string_view pattern, std::string_view path) { return PathPattern::parse(pattern).value().matches(path); }

const Files kFiles{{"digits/a/1.csv", 1}, {"digits/a/2.txt", 2}, {"digits/b/c/3.csv", 3}, {"digits/top.csv", 4}, {"digitsx", 5}};

}  // namespace

TEST_CASE("patterns match whole parts, and ** any number of them") {
  CHECK(matches("a/*.csv", "a/x.csv"));
  CHECK(!matches("a/*.csv", "a/b/x.csv"));
  CHECK(!matches("a/*.csv", "a/x.csv.gz"));
  CHECK(matches("a/**/*.csv", "a/x.csv"));
  CHECK(matches("a/**/*.csv", "a/b/c/x.csv"));
  CHECK(matches("**/x", "x"));
  CHECK(matches("a/**", "a/b/c"));
  CHECK(matches("a/**/c/**/e", "a/b/c/c/d/e"));
  CHECK(!matches("a/**/c", "a/b"));
  CHECK(matches("a?c", "abc"));
  CHECK(!matches("a?c", "a/c"));
  CHECK(matches("[a-c]x[!0-9]", "bxz"));
  CHECK(!matches("[a-c]x[!0-9]", "bx7"));
  CHECK(matches("[]x]", "]"));
  CHECK(matches("a[b", "a[b"));
  CHECK(matches("a[1].csv", "a[1].csv"));  // a file of this very name
  CHECK(matches("*a*b*c", "xxaxbxbxc"));
  CHECK(!matches(std::string(40, '*') + "b", std::string(2000, 'a')));
  CHECK(matches("", "any/thing"));
  CHECK(matches("/a/b/", "a/b/c"));
  CHECK(!matches("a/b", "a/bc"));
  CHECK(PathPattern::parse("a/b*/c").value().prefix() == "a/b");
  CHECK(!PathPattern::parse("a/../b"));
}

TEST_CASE("a source's files: by pattern, folder or name, and named below what is certain") {
  CHECK(names_of(kFiles, {{"d", "digits/**/*.csv", ""}}) == Names{"a/1.csv", "b/c/3.csv", "top.csv"});
  CHECK(names_of(kFiles, {{"d", "digits", ""}}) == Names{"a/1.csv", "a/2.txt", "b/c/3.csv", "top.csv"});
  CHECK(names_of(kFiles, {{"d", "digits/", ""}}).size() == 4);
  CHECK(names_of(kFiles, {{"d", "digits/a/1.csv", ""}}) == Names{"1.csv"});
  CHECK(names_of(kFiles, {{"d", "digits/*/*.csv", ""}}) == Names{"a/1.csv"});
  CHECK(names_of(kFiles, {{"d", "", ""}}).size() == 5);
  std::vector<std::string> asked;
  const auto found = resolve(kFiles, {{"d", "digits/b*/**", ""}}, &asked);
  REQUIRE(found);
  CHECK(asked == std::vector<std::string>{"digits/b"});
  CHECK(found->at(0).path == "digits/b/c/3.csv");
  CHECK(found->at(0).size_bytes == 3);
  CHECK(found->at(0).etag == "e-digits/b/c/3.csv");
}

TEST_CASE("several sources: nothing twice, and no two files of one name") {
  CHECK(names_of(kFiles, {{"d", "digits/a", ""}, {"d", "digits/a/*.csv", ""}}) == Names{"1.csv", "2.txt"});
  const Files two{{"x/f", 1}, {"y/f", 1}};
  CHECK(names_of(two, {{"d", "x", ""}, {"d", "y", ""}}) == Names{"x/f", "y/f"});
  CHECK(names_of({{"f", 1}}, {{"d", "f", ""}, {"e", "f", ""}}) == Names{"d/f", "e/f"});
}

TEST_CASE("addresses are named below the folder that all have in common") {
  const Files web{{"https://h/d/a%20b.csv?sig=x", 1}, {"https://h/d/e/c.csv", 2}, {"https://g/c.csv", 3}, {"https://h", 4}};
  CHECK(names_of(web, {{"", "", "https://h/d/a%20b.csv?sig=x"}}) == Names{"a b.csv"});
  CHECK(names_of(web, {{"", "", "https://h/d/a%20b.csv?sig=x"}, {"", "", "https://h/d/e/c.csv"}}) == Names{"a b.csv", "e/c.csv"});
  CHECK(names_of(web, {{"", "", "https://h/d/e/c.csv"}, {"", "", "https://g/c.csv"}}) == Names{"h/d/e/c.csv", "g/c.csv"});
  CHECK(name_of_url("https://h/d/x%2Fy.csv") == "x%2Fy.csv");
  CHECK(name_of_url("https://h/") == "download");
  CHECK(name_of_url("https://h") == "download");
  CHECK(name_of_url("https://h/..") == "download");
  const auto missing = resolve(web, {{"", "", "https://h/none?sig=secret"}});
  REQUIRE(!missing);
  CHECK(missing.error().code == &errors::dataset_empty);
  CHECK(missing.error().to_string().find("secret") == std::string::npos);
}

TEST_CASE("a path that matches nothing names what is near") {
  const auto hint = [](const std::string& path) {
    const auto found = resolve(kFiles, {{"d", path, ""}});
    REQUIRE(!found);
    CHECK(found.error().code == &errors::dataset_empty);
    return found.error().hint;
  };
  CHECK(hint("digts/**") == "Did you mean \"digits\"?");
  CHECK(hint("digits/a/1.cvs") == "Did you mean \"digits/a/1.csv\"?");
  CHECK(hint("digits/zzzzzz/*.csv").find("a, b, top.csv") != std::string::npos);
  const auto nothing = resolve({}, {{"d", "x", ""}});
  REQUIRE(!nothing);
  CHECK(nothing.error().hint == "The datastore is empty.");
  CHECK(resolve(kFiles, {{"d", "../x", ""}}).error().code == &errors::path_refused);
}
