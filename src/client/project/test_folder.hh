// A project folder for one test, gone with it; and where the test data lies. For tests only.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/files.hh"
#include "base/hash.hh"

namespace werkbank::client {

class TestFolder {
 public:
  TestFolder() : path_(std::filesystem::temp_directory_path() / ("werkbank-project-" + random_hex(8))) {
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { static_cast<void>(remove_tree(path_)); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& relative, std::string_view content) const {
    const std::filesystem::path file = path_ / relative;
    std::filesystem::create_directories(file.parent_path());
    static_cast<void>(write_file_atomically(file, content, 0644, false));
  }

 private:
  std::filesystem::path path_;
};

// The source folder is known to the build; WERKBANK_SOURCE overrides it for a program that was moved.
inline std::filesystem::path testdata_folder() {
  const char* source = std::getenv("WERKBANK_SOURCE");
  return std::filesystem::path(source ? source : WERKBANK_SOURCE_FOLDER) / "src/client/project/testdata";
}

}  // namespace werkbank::client
