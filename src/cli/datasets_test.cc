// dataset …: what is sent and what is fetched, with a storage of the test's own behind the datastores.
#include "base/hash.hh"
#include "cli/command_line_test.hh"

using namespace werkbank;
using namespace werkbank::cli;

namespace {

namespace fs = std::filesystem;

const std::string kWorkspace = "/api/v1/workspaces/default";
constexpr std::string_view kDataset = R"({"id":"00000000-0000-0000-0000-000000000001","workspace":"default","kind":"file",
  "name":"digits","version":2,"description":"","tags":{"area":"mnist"},"definition":{},"fileCount":2,"sizeBytes":7,
  "createdBy":{"userName":"u"},"createdUtc":"2026-11-21T08:00:00.000000Z","modifiedUtc":"2026-11-21T08:00:00.000000Z",
  "revision":1})";

struct Storage {
  std::map<std::string, std::string> files;
  int reads = 0;
  std::mutex mutex;
};

// An etag is the hash of the content.
class TestStore final : public data::DataStore {
 public:
  explicit TestStore(Storage& storage) : storage_(storage) {}
  Status check(bool) override { return {}; }
  Result<data::DataPage> list(const std::string& prefix, const std::string&) override {
    const std::lock_guard guard(storage_.mutex);
    data::DataPage page;
    for (const auto& [path, content] : storage_.files) {
      if (path.starts_with(prefix)) page.entries.push_back(entry_of(path, content));
    }
    return page;
  }
  Result<data::DataEntry> find(const std::string& path) override {
    const std::lock_guard guard(storage_.mutex);
    const auto found = storage_.files.find(path);
    if (found == storage_.files.end()) return fail(errors::not_found, fmt::format("there is no file {:?}", path));
    return entry_of(path, found->second);
  }
  Status read(const std::string& path, const std::string& etag, uint64_t offset, const data::DataSink& sink) override {
    TRY(const data::DataEntry entry, find(path));
    if (!etag.empty() && entry.etag != etag) return fail(errors::data_changed, fmt::format("{} changed", path));
    std::string content;
    {
      const std::lock_guard guard(storage_.mutex);
      ++storage_.reads;
      content = storage_.files.at(path).substr(offset);
    }
    return sink(content);
  }
  Status write(const std::string&, const data::DataSource&, bool, const data::OnBytes&) override { return {}; }
  Status remove(const std::string&) override { return {}; }

 private:
  static data::DataEntry entry_of(const std::string& path, const std::string& content) {
    return {path, content.size(), Hash::of(content).hex().substr(0, 8), 1};
  }
  Storage& storage_;
};

struct Bench {
  Bench() {
    server.answer_with("GET " + kWorkspace + "/datastores/blobs/access",
                       R"({"name":"blobs","kind":"s3","settings":{"bucket":"b"},"credential":{}})");
    server.answer_with("POST " + kWorkspace + "/datasets", std::string(kDataset), "application/json", 201);
    line = line_to(server);
    line.environment["WERKBANK_HOME"] = (folder.path / "home").string();
    line.open_data = [this](const data::DataAccess&) -> Result<std::unique_ptr<data::DataStore>> {
      return std::make_unique<TestStore>(storage);
    };
    storage.files = {{"digits/a/1.csv", "one"}, {"digits/2.csv", "four"}, {"other", "x"}};
  }
  // The server then answers with the document that was sent.
  json::value keep_sent() {
    json::value sent = json::parse(server.asked().back().body);
    json::value document = sent;
    document.as_object().erase("register");
    server.answer_with("GET " + kWorkspace + "/datasets/digits/content", json::serialize(document));
    return sent;
  }

  TemporaryFolder folder;
  FakeServer server;
  Storage storage;
  CommandLine line;
};

}  // namespace

TEST_CASE("dataset register looks the files up and sends them with their names") {
  Bench bench;
  const Outcome outcome = bench.line.run(
      {"dataset", "register", "digits", "--path", "blobs/digits/**/*.csv", "--tag", "area=mnist", "-d", "all", "--new-version"});
  CHECK_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(outcome.out.find("digits") != std::string::npos);
  const json::value sent = bench.keep_sent();
  CHECK(sent.at("files").as_array().size() == 2);
  CHECK(sent.at("files").at(0).at("name") == "2.csv");
  CHECK(sent.at("files").at(1).at("name") == "a/1.csv");
  CHECK(sent.at("files").at(1).at("sizeBytes").to_number<int>() == 3);
  CHECK(json::serialize(sent.at("sources")) == R"([{"datastore":"blobs","path":"digits/**/*.csv"}])");
  CHECK(sent.at("register").at("createNewVersion").as_bool());
  CHECK(sent.at("register").at("tags").at("area") == "mnist");
  CHECK(json::serialize(sent.at("reader")) == "{}");
}

TEST_CASE("dataset register --kind tabular says how files are read, by their ending") {
  Bench bench;
  const auto reader = [&](const std::string& path, std::vector<std::string> more = {}) {
    bench.storage.files["t/" + path] = "x";
    std::vector<std::string> words{"dataset", "register", "t", "--kind", "tabular", "--path", "blobs/t/" + path};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = bench.line.run(words);
    CHECK_MESSAGE(outcome.code == 0, outcome.err);
    return json::parse(bench.server.asked().back().body).at("reader");
  };
  CHECK(reader("a.csv").at("separator") == ",");
  CHECK(reader("a.tsv").at("separator") == "\t");
  CHECK(reader("a.txt", {"--separator", ";"}).at("separator") == ";");
  CHECK(reader("a.parquet").at("format") == "parquet");
  CHECK(reader("a.jsonl").at("format") == "jsonLines");
  CHECK(reader("a.csv", {"--format", "parquet"}).at("format") == "parquet");
  const Outcome refused = bench.line.run({"dataset", "register", "t", "--path", "blobs/t/a.csv", "--format", "parquet"});
  CHECK(refused.code == kExitRefused);
}

TEST_CASE("dataset create: files as they are given, or looked up; a dataset without one is refused") {
  Bench bench;
  const auto create = [&](const std::string& specification) {
    REQUIRE(write_file_atomically(bench.folder.path / "spec.json", specification));
    return bench.line.run({"dataset", "create", "--spec", (bench.folder.path / "spec.json").string(), "-o", "json"});
  };
  const Outcome given = create(R"({"kind":"file","sources":[{"datastore":"blobs","path":"digits"}],
    "files":[{"source":0,"path":"digits/x","name":"x","sizeBytes":1,"etag":"e","hash":""}]})");
  CHECK_MESSAGE(given.code == 0, given.err);
  CHECK(json::parse(given.out).at("version").as_int64() == 2);
  CHECK(bench.keep_sent().at("files").at(0).at("path") == "digits/x");
  bench.storage.files["https://h/x"] = "abc";
  CHECK(create(R"({"kind":"file","sources":[{"url":"https://h/x"}],"files":[{"path":"https://h/x","name":"x"}]})").code == 0);
  CHECK(bench.keep_sent().at("files").at(0).at("sizeBytes").to_number<int>() == 3);
  const Outcome none = create(R"({"kind":"file","sources":[{"datastore":"blobs","path":"digts"}]})");
  CHECK(none.code == kExitRefused);
  CHECK(none.err.find("[dataset_empty]") != std::string::npos);
  CHECK(none.err.find("digits") != std::string::npos);
  CHECK(create(R"({"kind":"file","sources":[{"datastore":"blobs","path":"digts"}],"validate":false})").code == 0);
  CHECK(bench.keep_sent().at("files").as_array().empty());
  CHECK(create(R"({"kind":"file","sources":[{"datastore":"blobs"}],"files":[]})").err.find("dataset_empty") != std::string::npos);
  CHECK(create("{").code == kExitRefused);
  CHECK(create("[]").code == kExitRefused);
  CHECK(create(R"({"kind":"image","sources":[{"datastore":"blobs"}]})").err.find("specification.kind") != std::string::npos);
  CHECK(create(R"({"kind":"file","sources":[{"datastore":"blobs"}],"validate":1})").code == kExitRefused);
}

TEST_CASE("dataset download and local-files bring what was registered, and say when it is gone") {
  Bench bench;
  REQUIRE(bench.line.run({"dataset", "register", "digits", "--path", "blobs/digits"}).code == 0);
  bench.keep_sent();
  const fs::path target = bench.folder.path / "to";
  const auto download = [&](std::vector<std::string> more = {}) {
    std::vector<std::string> words{"dataset", "download", "digits", "--target", target.string(), "-o", "json"};
    words.insert(words.end(), more.begin(), more.end());
    return bench.line.run(words);
  };
  const Outcome first = download();
  REQUIRE_MESSAGE(first.code == 0, first.err);
  CHECK(json::parse(first.out).at("files").to_number<int>() == 2);
  CHECK(read_file(target / "a" / "1.csv").value() == "one");
  CHECK(json::parse(download().out).at("skipped").to_number<int>() == 2);

  const auto local = [&] { return bench.line.run({"dataset", "local-files", "digits", "-o", "json"}); };
  const json::value files = json::parse(local().out);
  REQUIRE(files.as_array().size() == 2);
  CHECK(files.at(1).at("name") == "a/1.csv");
  CHECK(read_file(std::string(files.at(1).at("file").as_string())).value() == "one");
  const int reads = bench.storage.reads;
  CHECK(json::parse(local().out) == files);
  CHECK(bench.storage.reads == reads);  // out of the cache

  bench.storage.files["digits/a/1.csv"] = "ONE";
  const Outcome changed = download({"--overwrite"});
  CHECK(changed.code != 0);
  CHECK(changed.err.find("[data_changed]") != std::string::npos);
  CHECK(changed.err.find("digits/a/1.csv") != std::string::npos);
  CHECK(changed.err.find("--new-version") != std::string::npos);
  CHECK(read_file(target / "a" / "1.csv").value() == "one");
}

TEST_CASE("files of a folder of this machine are read where they lie, with their hash") {
  Bench bench;
  const fs::path lies = bench.folder.path / "lies";
  REQUIRE(make_directories(lies / "digits" / "a"));
  for (const auto& [path, content] : bench.storage.files) REQUIRE(write_file_atomically(lies / path, content));
  bench.server.answer_with("GET " + kWorkspace + "/datastores/blobs/access",
                           json::serialize(json::object{{"name", "blobs"},
                                                        {"kind", "folder"},
                                                        {"settings", json::object{{"path", lies.string()}}},
                                                        {"credential", json::object()}}));
  REQUIRE(bench.line.run({"dataset", "register", "digits", "--path", "blobs/digits"}).code == 0);
  const json::value sent = bench.keep_sent();
  CHECK(sent.at("files").at(1).at("hash").as_string() == "blake2b:" + Hash::of("one").hex());
  const Outcome outcome = bench.line.run({"dataset", "local-files", "digits", "-o", "json"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(json::parse(outcome.out).at(1).at("file").as_string() == (lies / "digits" / "a" / "1.csv").string());
  bench.storage.files["digits/a/1.csv"] = "ONE";
  CHECK(bench.line.run({"dataset", "local-files", "digits"}).err.find("[data_changed]") != std::string::npos);
}

TEST_CASE("the other verbs of dataset ask what they say") {
  Bench bench;
  const std::string one = kWorkspace + "/datasets/digits%3A2";
  const std::string page = fmt::format(R"({{"items":[{}],"next":""}})", kDataset);
  bench.server.answer_with("GET " + kWorkspace + "/datasets", page);
  for (const char* const reference : {"/digits", "/digits:2", "/digits%3A2"})
    bench.server.answer_with("GET " + kWorkspace + "/datasets" + reference, std::string(kDataset));
  bench.server.answer_with("PATCH " + one, std::string(kDataset));
  bench.server.answer_with("DELETE " + one, "", "application/json", 204);
  bench.server.answer_with(
      "GET " + one + "/runs",
      R"({"items":[{"runId":"r1","direction":"input","port":"p","mode":"mount","datasetId":"i"}],"next":""})");
  const auto asked = [&](const std::vector<std::string>& words) {
    const Outcome outcome = bench.line.run(words);
    CHECK_MESSAGE(outcome.code == 0, outcome.err);
    return bench.server.asked().back().method + " " + bench.server.asked().back().target;
  };
  CHECK(asked({"dataset", "list", "--kind", "file", "--tag", "area=mnist"}) ==
        "GET " + kWorkspace + "/datasets?kind=file&tag=area%3Dmnist&limit=50");
  CHECK(asked({"dataset", "versions", "digits"}) == "GET " + kWorkspace + "/datasets?name=digits&limit=50");
  CHECK(asked({"dataset", "show", "digits:2"}) == "GET " + one);
  CHECK(asked({"dataset", "runs", "digits:2"}) == "GET " + one + "/runs?limit=50");
  CHECK(asked({"dataset", "update", "digits:2", "stage=live", "--remove", "area"}) == "PATCH " + one);
  CHECK(bench.server.asked().back().body == R"({"tags":{"stage":"live","area":null}})");
  CHECK(asked({"dataset", "delete", "digits:2"}) == "DELETE " + one);
  CHECK(bench.line.run({"dataset", "update", "digits:2"}).code == kExitRefused);
  CHECK(bench.line.run({"dataset", "register", "d", "--path", "ftp://h/x"}).code == kExitRefused);
}

TEST_CASE("az ml dataset registers what a file of the extension describes") {
  Bench bench;
  const auto az = [&](const std::string& text) {
    REQUIRE(write_file_atomically(bench.folder.path / "d.json", text));
    return bench.line.run({"ml", "dataset", "register", "-f", (bench.folder.path / "d.json").string()}, true);
  };
  const Outcome shown = bench.line.run({"ml", "dataset", "register", "--show-template"}, true);
  CHECK(json::parse(shown.out).at("datasetType") == "File");
  const Outcome file = az(R"({"datasetType":"File","parameters":{"path":{"datastoreName":"blobs","relativePath":"digits/**"}},
    "registration":{"name":"digits","createNewVersion":true},"schemaVersion":1})");
  CHECK_MESSAGE(file.code == 0, file.err);
  json::value sent = bench.keep_sent();
  CHECK(sent.at("kind") == "file");
  CHECK(sent.at("files").as_array().size() == 2);
  CHECK(sent.at("register").at("name") == "digits");
  const Outcome table = az(R"({"datasetType":"Tabular","parameters":{"path":[{"datastoreName":"blobs","relativePath":"digits"}],
    "sourceType":"delimited_files","separator":";","header":"no_headers"},"registration":{"name":"t"}})");
  CHECK_MESSAGE(table.code == 0, table.err);
  sent = bench.keep_sent();
  CHECK(sent.at("reader").at("separator") == ";");
  CHECK(sent.at("reader").at("header") == "none");
  CHECK(az(R"({"datasetType":"Image","parameters":{},"registration":{}})").err.find("datasetType") != std::string::npos);
  CHECK(az(R"({"datasetType":"Tabular","parameters":{"path":"https://h/x","sourceType":"xml"},"registration":{}})")
            .err.find("delimited_files") != std::string::npos);
  CHECK(az(R"({"datasetType":"File","parameters":{},"registration":{}})").err.find("parameters.path") != std::string::npos);
  CHECK(bench.line.run({"ml", "dataset", "show"}, true).code == kExitRefused);
  CHECK(bench.line.run({"ml", "dataset", "archive", "-n", "x"}, true).err.find("werkbank dataset update") != std::string::npos);
}
