// Every project of tests/corpus/project-files is refused with exactly the text of its *.expected, and nothing else happens.
#include <doctest/doctest.h>

#include <cstdlib>
#include <sstream>

#include "cli/command_line_test.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

struct Case {
  std::vector<std::string> words;
  std::map<std::string, std::string> files;
};

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

Case parse_case(const std::string& text) {
  constexpr std::string_view kFile = "=== ";
  constexpr std::string_view kHex = " (hex)";
  Case parsed;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  REQUIRE(line.starts_with("$ "));
  std::istringstream words(line.substr(2));
  for (std::string word; words >> word;) parsed.words.push_back(word);
  std::string* content = nullptr;
  bool hex = false;
  while (std::getline(lines, line)) {
    if (line.starts_with(kFile)) {
      hex = line.ends_with(kHex);
      content = &parsed.files[line.substr(kFile.size(), line.size() - kFile.size() - (hex ? kHex.size() : 0))];
      continue;
    }
    REQUIRE(content != nullptr);
    *content += hex ? bytes_of(line) : line + "\n";
  }
  return parsed;
}

std::map<std::string, std::string> content_of(const fs::path& folder) {
  std::map<std::string, std::string> content;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) content[entry.path().lexically_relative(folder).string()] = read_file(entry.path()).value();
  }
  return content;
}

std::string with_placeholder(std::string text, const std::string& folder) {
  for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at))
    text.replace(at, folder.size(), "FOLDER");
  return text;
}

std::string refusal_of(const Case& wanted, FakeServer& server) {
  const TemporaryFolder folder;
  REQUIRE(write_file_atomically(folder.path / "train.py", "print(1)\n"));
  for (const auto& [path, content] : wanted.files) {
    REQUIRE(make_directories((folder.path / path).parent_path()));
    REQUIRE(write_file_atomically(folder.path / path, content));
  }
  const auto before = content_of(folder.path);
  CommandLine line;
  line.environment["WERKBANK_URL"] = server.url();
  fs::current_path(folder.path);
  const bool az = wanted.words.front() == "az";
  const Outcome outcome = line.run({wanted.words.begin() + 1, wanted.words.end()}, az);
  fs::current_path("/");
  CHECK(outcome.code == kExitRefused);
  CHECK(outcome.out.empty());
  CHECK(content_of(folder.path) == before);
  CHECK(server.asked().empty());
  return with_placeholder(outcome.err, folder.path.string());
}

TEST_CASE("malformed project files are refused with these messages, and nothing happens") {
  const char* const source = std::getenv("WERKBANK_SOURCE");
  const fs::path corpus = fs::path(source != nullptr ? source : WERKBANK_SOURCE_FOLDER) / "tests/corpus/project-files";
  const bool update = std::getenv("WERKBANK_UPDATE_SNAPSHOTS") != nullptr;
  FakeServer server;
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(corpus)) {
    if (entry.path().extension() != ".case") continue;
    ++count;
    CAPTURE(entry.path().filename().string());
    const std::string refusal = refusal_of(parse_case(read_file(entry.path()).value()), server);
    CHECK_FALSE(refusal.empty());
    const fs::path expected_file = fs::path(entry.path()).replace_extension(".expected");
    if (update) REQUIRE(write_file_atomically(expected_file, refusal, 0644, false));
    const auto expected = read_file(expected_file);
    REQUIRE(expected);
    CHECK(refusal == *expected);
  }
  CHECK(count >= 100);
}

}  // namespace
}  // namespace werkbank::cli
