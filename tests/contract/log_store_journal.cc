// What the directory's log store promises by its journal: nothing acknowledged is lost by a crash or a failing disk.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/files.hh"
#include "base/hash.hh"
#include "content/directory/directory_log_store.hh"
#include "support/log_worlds.hh"

using namespace werkbank;
using namespace werkbank::content;
using namespace werkbank::content::testing;

namespace {

std::filesystem::path only_log_below(const std::filesystem::path& folder) {
  std::filesystem::path found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".log") found = entry.path();
  }
  REQUIRE(!found.empty());
  return found;
}

// What a failure of the power may leave at worst: of the streams' own files nothing that was not synced by itself.
void lose_what_only_the_journal_has(const std::filesystem::path& folder, const std::filesystem::path& left) {
  std::filesystem::create_directories(left);
  for (const char* name : {"journal", "unclean"}) {
    if (std::filesystem::exists(folder / name)) std::filesystem::copy_file(folder / name, left / name);
  }
}

// While it lives, syncs of a file that this process has open fail; afterwards they succeed, as the kernel reports an error once.
class FailingSyncs {
 public:
  explicit FailingSyncs(const std::filesystem::path& file) {
    const std::filesystem::path wanted = std::filesystem::canonical(file);
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      if (std::filesystem::read_symlink(entry.path(), ignored) == wanted) fd_ = std::stoi(entry.path().filename().string());
    }
    REQUIRE(fd_ >= 0);
    const Fd null = open_file("/dev/null", O_RDWR).value();
    saved_ = Fd(::dup(fd_));
    REQUIRE(::dup2(null.get(), fd_) == fd_);
  }
  ~FailingSyncs() { ::dup2(saved_.get(), fd_); }

 private:
  int fd_ = -1;
  Fd saved_;
};

}  // namespace

TEST_CASE("directory: what only the journal has is there again after a crash") {
  const TemporaryFolder folder, left;
  const LogKey other{kRun, 1, 3, "logs/other"}, removed{{"default", "run_2"}, 1, 0, "logs/x"};
  const auto store = open_directory_log_store(folder.path);
  REQUIRE(store);
  REQUIRE(append(**store, kDriver, 0, "one "));
  REQUIRE(append(**store, other, 0, "other"));
  REQUIRE(append(**store, kDriver, 4, "two"));
  SUBCASE("all of it") {
    lose_what_only_the_journal_has(folder.path, left.path);
    const auto again = open_directory_log_store(left.path);
    REQUIRE(again);
    CHECK((*again)->read(kDriver, 0, 100) == "one two");
    CHECK((*again)->read(other, 0, 100) == "other");
    CHECK((*again)->list(kRun)->size() == 2);
    CHECK(append(**again, kDriver, 7, "!") == 8);
  }
  SUBCASE("up to a record that was not written whole") {
    lose_what_only_the_journal_has(folder.path, left.path);
    const std::filesystem::path journal = left.path / "journal";
    SUBCASE("cut") { std::filesystem::resize_file(journal, std::filesystem::file_size(journal) - 1); }
    SUBCASE("damaged") {
      std::string bytes = *read_file(journal);
      bytes.back() ^= 1;
      REQUIRE(write_file_atomically(journal, bytes));
    }
    const auto again = open_directory_log_store(left.path);
    REQUIRE(again);
    CHECK((*again)->read(kDriver, 0, 100) == "one ");
    CHECK((*again)->read(other, 0, 100) == "other");
  }
  SUBCASE("but for a run that was removed") {
    REQUIRE(append(**store, removed, 0, "gone"));
    REQUIRE((*store)->remove_run(removed.run));
    REQUIRE(append(**store, other, 5, "!"));
    std::filesystem::copy(folder.path, left.path, std::filesystem::copy_options::recursive);
    const auto again = open_directory_log_store(left.path);
    REQUIRE(again);
    CHECK((*again)->list(removed.run)->empty());
    CHECK((*again)->read(kDriver, 0, 100) == "one two");
    CHECK((*again)->read(other, 0, 100) == "other!");
  }
  SUBCASE("after two crashes, and nothing of the first once a run was removed in between") {
    lose_what_only_the_journal_has(folder.path, left.path);
    {
      const TemporaryFolder last;
      const auto between = open_directory_log_store(left.path);
      REQUIRE(between);
      REQUIRE((*between)->remove_run(kRun));
      std::filesystem::copy(left.path, last.path, std::filesystem::copy_options::recursive);
      const auto again = open_directory_log_store(last.path);
      REQUIRE(again);
      CHECK((*again)->list(kRun)->empty());
    }
  }
  SUBCASE("a journal of a newer version is left alone") {
    lose_what_only_the_journal_has(folder.path, left.path);
    std::string bytes = *read_file(left.path / "journal");
    bytes[0] = 2;
    REQUIRE(write_file_atomically(left.path / "journal", bytes));
    CHECK(code_of(open_directory_log_store(left.path)) == &errors::store_newer);
    CHECK(std::filesystem::exists(left.path / "journal"));
  }
}

TEST_CASE("directory: a journal that cannot be replayed whole is not lost") {
  const TemporaryFolder folder, left;
  const LogKey other{kRun, 1, 3, "logs/other"};
  const auto store = open_directory_log_store(folder.path);
  REQUIRE(store);
  REQUIRE(append(**store, kDriver, 0, "one "));
  const std::filesystem::path file = left.path / std::filesystem::relative(only_log_below(folder.path), folder.path);
  REQUIRE(append(**store, other, 0, "other"));
  lose_what_only_the_journal_has(folder.path, left.path);
  const std::string journal = *read_file(left.path / "journal");
  const auto aside = [&left] {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(left.path)) {
      if (entry.path().filename().string().starts_with("journal.aside-")) found.push_back(entry.path());
    }
    return found;
  };
  SUBCASE("a file that cannot be opened fails the start") {
    std::filesystem::create_directories(file);
    CHECK(code_of(open_directory_log_store(left.path)) == &errors::io_failed);
    CHECK(read_file(left.path / "journal") == journal);
    std::filesystem::remove(file);
    const auto again = open_directory_log_store(left.path);
    REQUIRE(again);
    CHECK((*again)->read(kDriver, 0, 100) == "one ");
    CHECK((*again)->read(other, 0, 100) == "other");
    CHECK(aside().empty());
  }
  SUBCASE("a damaged file does not, and the journal is set aside until a scrub") {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << "nonsense\nand more\n";
    const auto again = open_directory_log_store(left.path);
    REQUIRE(again);
    CHECK(code_of((*again)->size(kDriver)) == &errors::store_corrupt);
    CHECK((*again)->read(other, 0, 100) == "other");
    REQUIRE(aside().size() == 1);
    CHECK(read_file(aside()[0]) == journal);
    CHECK(append(**again, other, 5, "!") == 6);
    REQUIRE((*again)->scrub());
    CHECK(aside().empty());
  }
  SUBCASE("nor does one that was taken away") {
    REQUIRE((*store)->scrub());
    REQUIRE(append(**store, kDriver, 4, "two"));
    std::filesystem::copy_file(folder.path / "journal", left.path / "journal", std::filesystem::copy_options::overwrite_existing);
    const auto again = open_directory_log_store(left.path);
    REQUIRE(again);
    CHECK(aside().size() == 1);
  }
}

TEST_CASE("directory: a file that fails to sync loses nothing of what only the journal has") {
  const TemporaryFolder folder, left;
  const LogKey other{{"default", "run_2"}, 1, 0, "logs/x"};
  const auto store = open_directory_log_store(folder.path, {.open_files_max = 2});  // one of them may wait for its own sync
  REQUIRE(store);
  REQUIRE(append(**store, kDriver, 0, "one "));
  {
    const FailingSyncs failing(only_log_below(folder.path));
    SUBCASE("while the journal is emptied") { CHECK(code_of((*store)->scrub()) == &errors::io_failed); }
    SUBCASE("while a run is removed") { CHECK(code_of((*store)->remove_run(other.run)) == &errors::io_failed); }
    SUBCASE("by an append past the journal") {
      CHECK(code_of(append(**store, kDriver, 4, std::string(300'000, 'L'))) == &errors::io_failed);
    }
    SUBCASE("to make room for another stream") { CHECK(append(**store, other, 0, "other") == 5); }
  }
  const uintmax_t journal_size = std::filesystem::file_size(folder.path / "journal");
  CHECK(code_of((*store)->scrub()) == &errors::io_failed);
  CHECK(code_of((*store)->remove_run(kRun)) == &errors::io_failed);
  CHECK(code_of(append(**store, kDriver, 4, "two")) == &errors::io_failed);
  CHECK((*store)->read(kDriver, 0, 100) == "one ");
  CHECK(append(**store, other, 0, "other") == 5);
  CHECK(append(**store, other, 5, "!") == 6);
  CHECK(std::filesystem::file_size(folder.path / "journal") == journal_size);
  (*store)->close();
  lose_what_only_the_journal_has(folder.path, left.path);
  for (const auto& path : {left.path, folder.path}) {
    const auto again = open_directory_log_store(path);
    REQUIRE(again);
    CHECK((*again)->read(kDriver, 0, 100) == "one ");
    CHECK(append(**again, kDriver, 4, "two") == 7);
    if (path == folder.path) CHECK((*again)->read(other, 0, 100) == "other!");
    CHECK((*again)->scrub());
    (*again)->close();
    CHECK_FALSE(std::filesystem::exists(path / "unclean"));
  }
}

TEST_CASE("directory: the journal begins anew when it is full, and large appends go past it") {
  const TemporaryFolder folder, left;
  const auto store = open_directory_log_store(folder.path);
  REQUIRE(store);
  const std::string piece(100'000, 'p');
  const auto key = [](uint64_t i) { return LogKey{kRun, 1, static_cast<int64_t>(i), "logs/x"}; };
  for (uint64_t round = 0; round < 30; ++round) {
    for (uint64_t i = 0; i < 3; ++i) REQUIRE(append(**store, key(i), round * piece.size(), piece));
  }
  REQUIRE(append(**store, key(3), 0, std::string(1'000'000, 'L')));
  CHECK(std::filesystem::file_size(folder.path / "journal") <= (4 << 20));
  std::filesystem::copy(folder.path, left.path, std::filesystem::copy_options::recursive);
  const auto again = open_directory_log_store(left.path);
  REQUIRE(again);
  for (uint64_t i = 0; i < 3; ++i) {
    REQUIRE((*again)->size(key(i)) == 30 * piece.size());
    CHECK((*again)->read(key(i), 29 * piece.size(), piece.size()) == piece);
  }
  CHECK((*again)->size(key(3)) == 1'000'000);
  (*again)->close();
  CHECK_FALSE(std::filesystem::exists(left.path / "unclean"));
}

TEST_CASE("directory: streams that go on growing stay in the journal") {
  const TemporaryFolder folder;
  const auto store = open_directory_log_store(folder.path, {.open_files_max = 4});  // two of them may wait for their own sync
  REQUIRE(store);
  uintmax_t journal_size = 0;
  for (uint64_t round = 0; round < 5; ++round) {
    for (int64_t rank = 0; rank < 2; ++rank) {
      REQUIRE(append(**store, {kRun, 1, rank, "logs/x"}, round, "x"));
      const uintmax_t size = std::filesystem::file_size(folder.path / "journal");
      CHECK(size > journal_size);  // not begun anew
      journal_size = size;
    }
  }
}
