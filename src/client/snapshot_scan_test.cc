#include "client/snapshot_scan.hh"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/files.hh"
#include "client/snapshot_cache.hh"

using namespace werkbank;
using namespace werkbank::client;

namespace {

struct Project {
  Project() : folder(std::filesystem::temp_directory_path() / ("wb-scan-" + random_hex(8) + "/project")) {
    std::filesystem::create_directories(folder);
  }
  ~Project() { static_cast<void>(remove_tree(folder.parent_path())); }

  void write(const std::string& path, const std::string& text = "x") const {
    std::filesystem::create_directories((folder / path).parent_path());
    std::ofstream(folder / path) << text;
  }
  void link(const std::string& target, const std::string& path) const {
    std::filesystem::create_directories((folder / path).parent_path());
    std::filesystem::create_symlink(target, folder / path);
  }
  Result<SnapshotScan> scan() const { return scan_folder(folder, {.cache_folder = folder.parent_path() / "cache"}); }
  std::string paths() const {
    const auto scanned = scan();
    REQUIRE_MESSAGE(scanned, scanned.error().to_string());
    std::string text;
    for (const SnapshotEntry& entry : scanned->manifest.entries) text += escape_snapshot_path(entry.path) + ' ';
    return text;
  }
  std::filesystem::path folder;
};

bool has_note(const SnapshotScan& scan, std::string_view text) {
  for (const std::string& note : scan.notes) {
    if (note.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a scan names every file with its content, sorted") {
  const Project project;
  project.write("train.py", "print(1)");
  project.write("a/b.py", "");
  project.write("a-b.py", "2");
  project.write("aml_config/local.runconfig");
  project.write(".azureml/config.json");
  project.write("run.sh", "#!");
  std::filesystem::permissions(project.folder / "run.sh", std::filesystem::perms::owner_all);
  const auto scan = project.scan();
  REQUIRE(scan);
  CHECK(project.paths() == ".azureml/config.json a-b.py a/b.py aml_config/local.runconfig run.sh train.py ");
  CHECK(scan->notes.empty());
  CHECK(scan->hashed_files == 6);
  const SnapshotEntry& train = scan->manifest.entries.back();
  CHECK(train.hash == Hash::of("print(1)"));
  CHECK(train.size_bytes == 8);
  CHECK_FALSE(train.executable);
  CHECK(scan->manifest.entries[4].executable);
  CHECK(SnapshotManifest::parse(scan->manifest.to_text()));
}

TEST_CASE("files beside a folder are sorted by bytes, whatever follows its name in theirs") {
  const Project project;
  for (const char* path : {"daten/x",
                           "daten\xc3\xbc"
                           "bersicht.csv",
                           "daten-1", "daten0", "daten\x01"})
    project.write(path);
  const auto scan = project.scan();
  REQUIRE(scan);
  CHECK(project.paths() ==
        "daten%01 daten-1 daten/x daten0 daten\xc3\xbc"
        "bersicht.csv ");
  CHECK(SnapshotManifest::parse(scan->manifest.to_text()));
}

TEST_CASE("an empty folder is a snapshot, a missing one and a file are not") {
  const Project project;
  CHECK(project.paths().empty());
  CHECK(scan_folder(project.folder / "missing", {}).error().code == &errors::snapshot_refused);
  project.write("file");
  CHECK(scan_folder(project.folder / "file", {}).error().code == &errors::snapshot_refused);
}

TEST_CASE(".amlignore wins over .gitignore, and files below the root do not count") {
  const Project project;
  project.write("a.txt");
  project.write("b.log");
  project.write("sub/.gitignore", "*\n");
  project.write("sub/c.txt");
  project.write(".gitignore", "*.txt\n");
  CHECK(project.paths() == ".gitignore b.log sub/.gitignore ");
  project.write(".amlignore", "*.log\n");
  CHECK(project.paths() == ".amlignore .gitignore a.txt sub/.gitignore sub/c.txt ");
  project.write(".amlignore", "");
  CHECK(project.paths() == ".amlignore .gitignore a.txt b.log sub/.gitignore sub/c.txt ");
  std::filesystem::remove(project.folder / ".amlignore");
  std::filesystem::create_directory(project.folder / ".amlignore");
  CHECK(project.scan().error().code == &errors::snapshot_refused);
}

TEST_CASE(".git, __pycache__ and virtual environments stay at home") {
  const Project project;
  project.write("train.py");
  project.write(".git/config");
  project.write("module/.git");
  project.write("module/__pycache__/x.pyc");
  project.write("env/pyvenv.cfg");
  project.write("env/lib/x.py");
  project.write("conda/conda-meta/history");
  project.write("venv/not_really.py");
  project.write("web/node_modules/x/index.js");
  const auto scan = project.scan();
  REQUIRE(scan);
  CHECK(project.paths() == "train.py venv/not_really.py web/node_modules/x/index.js ");
  CHECK(has_note(*scan, "conda/, env/: is a virtual environment"));
  CHECK(has_note(*scan, "venv/ (1 B, 1 file), web/node_modules/ (1 B, 1 file)"));
  CHECK(scan->notes.size() == 2);
}

TEST_CASE("a folder of more than 50 MB is named") {
  const Project project;
  project.write("data/deep/big.bin");
  REQUIRE(::truncate((project.folder / "data/deep/big.bin").c_str(), 60'000'000) == 0);
  project.write("small/x.bin");
  const auto scan = project.scan();
  REQUIRE(scan);
  CHECK(scan->manifest.entries.size() == 2);
  CHECK(has_note(*scan, "data/ (60 MB, 1 file)"));
  CHECK_FALSE(has_note(*scan, "small/"));
}

TEST_CASE("links inside the folder are followed") {
  const Project project;
  project.write("real/a.py", "1");
  project.link("real", "linked");
  project.link("real/a.py", "b.py");
  project.link((project.folder / "real").string(), "sub/absolute");
  CHECK(project.paths() == "b.py linked/a.py real/a.py sub/absolute/a.py ");
  project.write(".amlignore", "linked/\nsub\n");
  CHECK(project.paths() == ".amlignore b.py real/a.py ");
}

TEST_CASE("links that leave the folder or lead in a circle are refused by name") {
  const Project project;
  project.write("train.py");
  project.write("../outside.txt");
  std::string name;
  SUBCASE("a file outside") { project.link("../outside.txt", name = "leak"); }
  SUBCASE("a folder outside") { project.link("/usr", name = "sub/usr"); }
  SUBCASE("a folder whose name only begins the same") {
    std::filesystem::create_directory(project.folder.parent_path() / "project2");
    project.link("../project2", name = "twin");
  }
  SUBCASE("the folder itself") { project.link(".", name = "self"); }
  SUBCASE("a folder around it") { project.link("../..", name = "a/b/up"); }
  SUBCASE("itself") { project.link("round", name = "round"); }
  const auto scan = project.scan();
  REQUIRE_FALSE(scan);
  CHECK(scan.error().code == &errors::snapshot_refused);
  CHECK(scan.error().message.find('"' + name + '"') != std::string::npos);
  project.write(".amlignore", name + "\n");
  CHECK(project.paths() == ".amlignore train.py ");
}

TEST_CASE("what is no file is left out with a note") {
  const Project project;
  project.write("train.py");
  REQUIRE(::mkfifo((project.folder / "pipe").c_str(), 0600) == 0);
  project.link("nowhere", "dangling");
  const auto scan = project.scan();
  REQUIRE(scan);
  CHECK(project.paths() == "train.py ");
  CHECK(has_note(*scan, "pipe: is neither a file nor a folder"));
  CHECK(has_note(*scan, "dangling: is a link that leads nowhere"));
}

TEST_CASE("odd names travel") {
  const Project project;
  project.write("a\nb");
  project.write("caf\xE9");
  project.write(" blank ");
  project.write("100%");
  project.write("-rf");
  CHECK(project.paths() == "%20blank%20 -rf 100%25 a%0Ab caf%E9 ");
}

// Root reads everything, so a scan by root is done as nobody, for as long as this lives.
class UnprivilegedUser {
 public:
  explicit UnprivilegedUser(const std::filesystem::path& folder) {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() != 0) return;
    is_changed_ = true;
    REQUIRE(::chown(folder.c_str(), kNobody, kNobody) == 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      REQUIRE(::chown(entry.path().c_str(), kNobody, kNobody) == 0);
    }
    REQUIRE(::seteuid(kNobody) == 0);
  }
  ~UnprivilegedUser() {
    if (is_changed_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool is_changed_ = false;
};

TEST_CASE("what cannot be read is left out with a note") {
  const Project project;
  project.write("train.py");
  project.write("secret.key");
  project.write("closed/x");
  const auto scan = [&] {
    const UnprivilegedUser user(project.folder);
    std::filesystem::permissions(project.folder / "secret.key", std::filesystem::perms::none);
    std::filesystem::permissions(project.folder / "closed", std::filesystem::perms::none);
    auto found = project.scan();
    std::filesystem::permissions(project.folder / "closed", std::filesystem::perms::owner_all);
    return found;
  }();
  REQUIRE(scan);
  CHECK(scan->manifest.entries.size() == 1);
  CHECK(has_note(*scan, "closed/, secret.key: cannot be read (Permission denied)"));
}

TEST_CASE("a path that is too long is refused") {
  const Project project;
  int folder = ::open(project.folder.c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 5; ++i) {
    const std::string name(230, 'd');
    REQUIRE(::mkdirat(folder, name.c_str(), 0700) == 0);
    const int next = ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(folder);
    folder = next;
  }
  ::close(::openat(folder, "x", O_CREAT | O_WRONLY, 0600));
  ::close(folder);
  const auto scan = project.scan();
  REQUIRE_FALSE(scan);
  CHECK(scan.error().code == &errors::snapshot_refused);
}

TEST_CASE("a stamp is trusted only where a later change must show in it") {
  FileStamp stamp;
  stamp.changed_ns = 100'000'000'123;
  CHECK(stamp.tells_changes_after(100'100'000'000));
  CHECK_FALSE(stamp.tells_changes_after(100'000'000'123));
  CHECK_FALSE(stamp.tells_changes_after(100'010'000'000));
  CHECK_FALSE(stamp.tells_changes_after(99'000'000'000));  // a clock that went back
  stamp.changed_ns = 100'000'000'000;                      // whole seconds: a coarse file system
  CHECK_FALSE(stamp.tells_changes_after(101'000'000'000));
  CHECK(stamp.tells_changes_after(103'000'000'000));
}

TEST_CASE("the cache remembers, and damage only empties it") {
  const Project project;
  const std::filesystem::path file = project.folder / "cache" / "snapshot-x";
  std::vector<std::string> paths = {"a-b", "a.py", "a/b/c.py", "a/x", "b/y", "z"};
  std::vector<FileToRemember> files;
  for (uint64_t i = 0; i < paths.size(); ++i) files.push_back({paths[i], {1, 1000 - i, i, 5, 6}, Hash::of(paths[i]), i == 2});
  REQUIRE(SnapshotCache::write(file, files, Hash::of("rules"), Hash::of("manifest")));
  const SnapshotCache loaded = SnapshotCache::load(file);
  CHECK(loaded.rules() == Hash::of("rules"));
  CHECK(loaded.manifest() == Hash::of("manifest"));
  std::vector<std::string> read;
  for (size_t i = 0; i < loaded.files().size(); ++i) read.push_back(loaded.path_of(i));
  std::ranges::sort(read);
  CHECK(read == paths);
  CHECK(loaded.files_in("").size() == 3);
  REQUIRE(loaded.files_in("a/b").size() == 1);
  const KnownFile& deep = loaded.files_in("a/b")[0];
  CHECK(loaded.name_of(deep) == "c.py");
  CHECK(deep.hash == Hash::of("a/b/c.py"));
  CHECK(deep.executable == 1);
  CHECK(loaded.files_in("nowhere").empty());
  FileStamp stamp = files[3].stamp;
  CHECK(loaded.by_stamp().find(stamp)->hash == Hash::of("a/x"));
  ++stamp.changed_ns;
  CHECK(loaded.by_stamp().find(stamp) == nullptr);

  const std::string bytes = *read_file(file);
  for (const size_t size : {size_t{0}, size_t{7}, size_t{40}, bytes.size() / 2, bytes.size() - 1}) {
    REQUIRE(write_file_atomically(file, std::string_view(bytes).substr(0, size), 0600, false));
    CHECK(SnapshotCache::load(file).empty());
  }
  for (const size_t at : {size_t{0}, size_t{30}, bytes.size() / 2, bytes.size() - 1}) {
    std::string flipped = bytes;
    flipped[at] ^= 1;
    REQUIRE(write_file_atomically(file, flipped, 0600, false));
    CHECK(SnapshotCache::load(file).empty());
  }
  CHECK(SnapshotCache::load(project.folder / "none").empty());
}

TEST_CASE("a large folder is found whole and in order, by one thread and by many") {
  const Project project;
  std::vector<std::string> paths;
  for (int i = 0; i < 1500; ++i) paths.push_back(fmt::format("flat/f{}.bin", i));
  for (int i = 0; i < 300; ++i) {
    for (const char* name : {"x", "y-z", "y/z"})
      paths.push_back(fmt::format("deep/d{}/{}", i % 20, fmt::format("{}{}", i, name)));
  }
  for (const char* path : {"flat-b", "flat.py", "flat0", "deep-/a"}) paths.emplace_back(path);
  for (const std::string& path : paths) project.write(path, path);
  std::ranges::sort(paths);
  for (const unsigned threads : {1U, 4U}) {
    const auto scan = scan_folder(project.folder, {.cache_folder = {}, .threads = threads});
    REQUIRE(scan);
    REQUIRE(scan->manifest.entries.size() == paths.size());
    for (size_t i = 0; i < paths.size(); ++i) REQUIRE(scan->manifest.entries[i].path == paths[i]);
    for (const SnapshotEntry& entry : scan->manifest.entries) REQUIRE(entry.hash == Hash::of(entry.path));
    CHECK(SnapshotManifest::parse(scan->manifest.to_text()));
  }
}

TEST_CASE("a scan tells what differs from the one that is remembered") {
  const Project project;
  for (int i = 0; i < 30; ++i) project.write(fmt::format("p/f{:02}.py", i), fmt::format("{}", i));
  project.write("a-b", "1");
  project.write("a/b", "2");
  const auto first = project.scan();
  REQUIRE(first);
  CHECK_FALSE(first->changes);
  const auto same = project.scan();
  REQUIRE(same->changes);
  CHECK(same->changes->base == first->manifest.id());
  CHECK(same->changes->put.empty());
  CHECK(same->changes->removed.empty());

  project.write("p/f03.py", "other");
  project.write("new.py", "n");
  std::filesystem::permissions(project.folder / "p/f04.py", std::filesystem::perms::owner_all);
  std::filesystem::rename(project.folder / "p/f05.py", project.folder / "q.py");
  std::filesystem::remove_all(project.folder / "a");
  project.write("a", "a file now");
  const auto changed = project.scan();
  REQUIRE(changed);
  REQUIRE(changed->changes);
  CHECK(changed->changes->removed == std::vector<std::string>{"a/b", "p/f05.py"});
  std::vector<std::string> put;
  for (const size_t index : changed->changes->put) put.push_back(changed->manifest.entries[index].path);
  CHECK(put == std::vector<std::string>{"a", "new.py", "p/f03.py", "p/f04.py", "q.py"});

  // The rules decide anew about files that are known.
  project.write(".amlignore", "p/f1*\n");
  const auto ignoring = project.scan();
  REQUIRE(ignoring);
  CHECK(ignoring->manifest.entries.size() == changed->manifest.entries.size() - 10 + 1);
  std::filesystem::remove(project.folder / ".amlignore");
  CHECK(project.scan()->manifest.to_text() == changed->manifest.to_text());
}

TEST_CASE("a scan reads again what the cache does not vouch for") {
  const Project project;
  project.write("a.py", "one");
  project.write("b.py", "two");
  const auto first = project.scan();
  REQUIRE(first);
  CHECK(first->hashed_files == 2);
  // The same size, and the content's time set back: only the time of the change tells.
  struct stat before{};
  REQUIRE(::stat((project.folder / "a.py").c_str(), &before) == 0);
  project.write("a.py", "ONE");
  const timespec times[2] = {before.st_atim, before.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, (project.folder / "a.py").c_str(), times, 0) == 0);
  const auto second = project.scan();
  REQUIRE(second);
  CHECK(second->manifest.entries[0].hash == Hash::of("ONE"));
  CHECK(second->manifest.entries[1].hash == Hash::of("two"));
}

TEST_CASE("a second scan of files that have rested reads none of them") {
  // Files of an installed package: the time of their last change cannot be set by a test, theirs lies far back.
  const std::filesystem::path rested = "/usr/include/doctest";
  if (!std::filesystem::is_directory(rested)) {
    MESSAGE("skipped: " << rested.string() << " is not there");
    return;
  }
  const Project project;
  const ScanOptions options{.cache_folder = project.folder / "cache"};
  const auto first = scan_folder(rested, options);
  REQUIRE(first);
  REQUIRE(first->hashed_files > 0);
  const auto second = scan_folder(rested, options);
  REQUIRE(second);
  CHECK(second->hashed_files == 0);
  CHECK(second->manifest.to_text() == first->manifest.to_text());
}

TEST_CASE("where caches go") {
  CHECK(default_cache_folder({{"WERKBANK_HOME", "/srv/wb"}, {"HOME", "/root"}}) == "/srv/wb/cache");
  CHECK(default_cache_folder({{"XDG_CACHE_HOME", "/c"}, {"HOME", "/root"}}) == "/c/werkbank");
  CHECK(default_cache_folder({{"XDG_CACHE_HOME", "relative"}, {"HOME", "/root"}}) == "/root/.cache/werkbank");
  CHECK(default_cache_folder({}) == "");
}
