#include "base/files.hh"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.hh"

using namespace werkbank;
namespace fs = std::filesystem;

namespace {

// A folder of its own for each test, gone at its end.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("wb-files-" + random_hex(8))) { REQUIRE(make_directories(path_)); }
  ~Scratch() { CHECK(remove_tree(path_)); }
  fs::path operator/(const char* name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("files are written whole and read back") {
  const Scratch scratch;
  const std::string bytes("a\0b\n", 4);
  CHECK(write_file_atomically(scratch / "f", bytes));
  CHECK(read_file(scratch / "f").value() == bytes);
  CHECK(mode_of(scratch / "f") == 0600);
  CHECK(write_file_atomically(scratch / "f", "second", 0644, false));
  CHECK(mode_of(scratch / "f") == 0644);
  CHECK(read_file(scratch / "f", 6).value() == "second");
  CHECK(read_file(scratch / "f", 5).error().code == &errors::too_large);
  CHECK(read_file_range(scratch / "f", 2, 3).value() == "con");
  CHECK(read_file_range(scratch / "f", 5, 100).value() == "d");
  CHECK(read_file_range(scratch / "f", 6, 1).value().empty());
  CHECK(read_file_range(scratch / "f", 600, 1).value().empty());
  CHECK(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("files whose size is not told beforehand are read to their end") {
  CHECK(read_file("/proc/self/status").value().find("Name:") != std::string::npos);
}

TEST_CASE("failures name the path and leave nothing behind") {
  const Scratch scratch;
  const auto absent = read_file(scratch / "absent");
  REQUIRE_FALSE(absent);
  CHECK(absent.error().code == &errors::not_found);
  CHECK(absent.error().message.find("/absent") != std::string::npos);
  CHECK(read_file(scratch.path()).error().code == &errors::io_failed);
  CHECK(read_file(fs::path(std::string("/etc/pass\0wd", 12))).error().code == &errors::path_refused);
  CHECK(make_directories(scratch / "d"));
  CHECK_FALSE(write_file_atomically(scratch / "d", "x"));
  CHECK(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()) == 1);
  CHECK_FALSE(write_file_atomically(scratch / "no" / "f", "x"));
}

TEST_CASE("make_directories makes what is missing and meets what is there") {
  const Scratch scratch;
  CHECK(make_directories(scratch / "a/b/c", 0700));
  CHECK(mode_of(scratch / "a/b") == 0700);
  CHECK(make_directories(scratch / "a/b/c"));
  CHECK(write_file_atomically(scratch / "file", ""));
  CHECK_FALSE(make_directories(scratch / "file"));
  CHECK_FALSE(make_directories(scratch / "file/below"));
}

TEST_CASE("remove_tree does not follow links and does not need permissions inside") {
  const Scratch scratch;
  CHECK(make_directories(scratch / "outside"));
  CHECK(write_file_atomically(scratch / "outside/kept", "kept"));
  CHECK(make_directories(scratch / "tree/locked/inner"));
  CHECK(write_file_atomically(scratch / "tree/locked/inner/file", "x"));
  fs::create_directory_symlink(scratch / "outside", scratch / "tree/link");
  fs::create_symlink("nowhere", scratch / "tree/dangling");
  CHECK(::chmod((scratch / "tree/locked/inner").c_str(), 0) == 0);
  CHECK(::chmod((scratch / "tree/locked").c_str(), 0500) == 0);
  CHECK(remove_tree(scratch / "tree"));
  CHECK_FALSE(fs::exists(fs::symlink_status(scratch / "tree")));
  CHECK(read_file(scratch / "outside/kept").value() == "kept");

  fs::create_directory_symlink(scratch / "outside", scratch / "link");
  CHECK(remove_tree(scratch / "link"));
  CHECK(fs::exists(scratch / "outside/kept"));
  CHECK_FALSE(fs::exists(fs::symlink_status(scratch / "link")));
}

TEST_CASE("remove_tree takes files, absent things and trees deeper than any path") {
  const Scratch scratch;
  CHECK(remove_tree(scratch / "absent"));
  CHECK(remove_tree(scratch / "absent/below"));
  CHECK(write_file_atomically(scratch / "file", "x"));
  CHECK(remove_tree(scratch / "file"));
  CHECK_FALSE(fs::exists(scratch / "file"));

  CHECK(make_directories(scratch / "deep"));
  Fd folder = open_file(scratch / "deep", O_RDONLY | O_DIRECTORY).value();
  const std::string name(200, 'n');
  for (int depth = 0; depth < 300; ++depth) {
    REQUIRE(mkdirat(folder.get(), name.c_str(), 0700) == 0);
    REQUIRE(Fd(openat(folder.get(), "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
    folder = Fd(openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(folder);
  }
  folder = Fd();
  CHECK(remove_tree(scratch / "deep"));
  CHECK_FALSE(fs::exists(scratch / "deep"));
}

TEST_CASE("remove_tree refuses what names no entry") {
  for (const char* path : {"", "/", "//", ".", "..", "a/..", "a/."}) {
    CAPTURE(path);
    const Status status = remove_tree(path);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == &errors::path_refused);
  }
}

TEST_CASE("RelativePath admits what stays below") {
  for (const char* text : {"a", "a/b.txt", "…/ü", ".hidden", "..a/b..", "a b", "-rf"}) {
    CAPTURE(text);
    const auto path = RelativePath::parse(text);
    REQUIRE(path);
    CHECK(path->below("/top") == fs::path("/top") / text);
  }
  CHECK(RelativePath::parse(std::string(255, 'a') + "/" + std::string(255, 'b')));
}

TEST_CASE("RelativePath refuses the rest") {
  const std::string long_path = [] {
    std::string path = "a";
    for (int i = 0; i < 600; ++i) path += "/a";
    return path;
  }();
  for (const std::string& text : {std::string(), std::string("/etc/passwd"), std::string(".."), std::string("a/../b"),
                                  std::string("a/.."), std::string("./a"), std::string("a//b"), std::string("a/"),
                                  std::string("a\0b", 3), std::string("a\nb"), std::string("a\x7f"), std::string("\xff"),
                                  std::string("\xc0\xaf"), std::string("\xed\xa0\x80"), std::string(256, 'a'), long_path}) {
    CAPTURE(text);
    const auto path = RelativePath::parse(text);
    REQUIRE_FALSE(path);
    CHECK(path.error().code == &errors::path_refused);
    CHECK(is_valid_utf8(path.error().message));
  }
}

TEST_CASE("is_valid_utf8 knows the borders") {
  for (const char* text : {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80",
                           "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_valid_utf8(text));
  }
  for (const char* text : {"\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82", "\xf0\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xff"}) {
    CHECK_FALSE(is_valid_utf8(text));
  }
}

TEST_CASE("a lock is held by one and given back") {
  const Scratch scratch;
  {
    auto first = FileLock::try_lock(scratch / "lock").value();
    REQUIRE(first);
    CHECK_FALSE(FileLock::try_lock(scratch / "lock").value());
  }
  CHECK(FileLock::try_lock(scratch / "lock").value());
  CHECK(FileLock::lock(scratch / "lock"));
}
