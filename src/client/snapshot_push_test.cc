#include "client/snapshot_push.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <mutex>

#include "base/files.hh"
#include "domain/snapshot_changes.hh"
#include "net/http_server.hh"

using namespace werkbank;
using namespace werkbank::client;

namespace {

// A server that knows three routes, and can be told to fail.
class ScriptedServer {
 public:
  ScriptedServer() : server_({.threads = 1}, [this](net::Request& request) { return answer(request); }) {
    folder_ = std::filesystem::temp_directory_path() / ("wb-push-" + random_hex(8));
    REQUIRE(make_directories(folder_ / "project"));
    REQUIRE(server_.listen_unix(folder_ / "s.sock"));
    REQUIRE(server_.start());
  }
  ~ScriptedServer() {
    server_.stop(std::chrono::milliseconds(100));
    static_cast<void>(remove_tree(folder_));
  }

  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((project() / path).parent_path());
    std::ofstream(project() / path) << text;
  }
  Result<SnapshotResult> take(SnapshotOptions options = {}) const {
    net::HttpClient client({.server_url = "unix://" + (folder_ / "s.sock").string()});
    options.cache_folder = folder_ / "cache";
    return take_snapshot(client, "default", project(), options);
  }
  Result<SnapshotResult> take_as_it_is(const std::string& path) const {
    net::HttpClient client({.server_url = "unix://" + (folder_ / "s.sock").string()});
    return take_path(client, "default", project() / path, {});
  }
  std::filesystem::path project() const { return folder_ / "project"; }
  bool has(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    return blobs_.contains(Hash::of(bytes).hex());
  }

  bool takes_batches = true;
  int unavailable = 0;  // so many requests with blobs are answered 503
  std::function<void()> before_blobs;
  std::vector<std::string> requests;
  std::map<std::string, std::string> snapshots;  // manifests by id
  std::string damage;                            // what a faulty server makes of changes, besides

 private:
  Task<net::Response> answer(net::Request& request) {
    auto body = co_await request.body->all(64 << 20);
    if (!body) co_return net::Response{.status = 400};
    co_return decide(request, *body);
  }

  net::Response decide(const net::Request& request, const std::string& body) {
    const std::lock_guard lock(mutex_);
    requests.push_back(fmt::format("{} {}", net::to_string(request.method),
                                   request.segments.back().size() == 64 ? request.segments[4] : request.segments.back()));
    if (request.segments[4] == "snapshots" && request.segments.size() > 5) return take_changes(request.segments[5], body);
    if (request.segments[4] == "snapshots") return take_manifest(body);
    if (before_blobs) std::exchange(before_blobs, {})();
    if (unavailable > 0) {
      --unavailable;
      return {.status = 503};
    }
    if (request.method == net::Method::kPut) {
      if (Hash::of(body).hex() != request.segments[5]) return {.status = 400, .body = "{}"};
      blobs_[request.segments[5]] = body;
      return {.status = 201};
    }
    if (!takes_batches) return {.status = 405};
    for (std::string_view rest = body; !rest.empty();) {
      const size_t line_end = rest.find('\n');
      size_t size = 0;
      std::from_chars(rest.data() + 65, rest.data() + line_end, size);
      blobs_[std::string(rest.substr(0, 64))] = rest.substr(line_end + 1, size);
      rest.remove_prefix(line_end + 1 + size);
    }
    return {.status = 200, .body = "{}"};
  }

  net::Response take_manifest(const std::string& text) {
    const auto manifest = SnapshotManifest::parse(text);
    if (!manifest) return {.status = 400};
    json::array missing;
    for (const SnapshotEntry& entry : manifest->entries) {
      const json::value hash(entry.hash.hex());
      if (!blobs_.contains(entry.hash.hex()) && std::ranges::find(missing, hash) == missing.end()) missing.push_back(hash);
    }
    if (missing.empty()) snapshots[manifest->id().hex()] = text;
    return {.status = 200, .body = canonical_json(json::object{{"snapshotId", manifest->id().hex()}, {"missing", missing}})};
  }

  net::Response take_changes(const std::string& base, const std::string& text) {
    const auto changes = SnapshotChanges::parse(text);
    const auto known = snapshots.find(base);
    if (!changes || known == snapshots.end()) return {.status = 404};
    const auto changed = apply_changes(known->second, *changes);
    if (!changed) return {.status = 400};
    return take_manifest(changed->text + damage);
  }

  std::filesystem::path folder_;
  std::mutex mutex_;
  std::map<std::string, std::string> blobs_;
  net::HttpServer server_;
};

}  // namespace

TEST_CASE("a snapshot travels once: small files together, large ones alone, known ones not at all") {
  ScriptedServer server;
  server.write("a.py", "one");
  server.write("b.py", "one");
  server.write("c/d.py", "two");
  const std::string large(3 << 20, 'L');
  server.write("large.bin", large);
  std::vector<SnapshotProgress> progress;
  const auto first =
      server.take({.progress = [&progress](const SnapshotProgress& now) { progress.push_back(now); }, .cache_folder = {}});
  REQUIRE_MESSAGE(first, first.error().to_string());
  CHECK(first->files == 4);
  CHECK(first->uploaded_files == 3);
  CHECK(first->uploaded_bytes == large.size() + 6);
  CHECK(server.has(large));
  CHECK(server.has("two"));
  CHECK(server.requests == std::vector<std::string>{"POST snapshots", "POST blobs", "PUT blobs", "POST snapshots"});
  REQUIRE(!progress.empty());
  CHECK(progress.back().files_done == 3);
  CHECK(progress.back().bytes_done == progress.back().bytes_total);

  server.requests.clear();
  const auto again = server.take();
  REQUIRE(again);
  CHECK(again->snapshot_id == first->snapshot_id);
  CHECK(again->uploaded_files == 0);
  CHECK(server.requests == std::vector<std::string>{"POST snapshots"});

  server.write("c/d.py", "three");
  const auto changed = server.take();
  REQUIRE(changed);
  CHECK(changed->snapshot_id != first->snapshot_id);
  CHECK(changed->uploaded_files == 1);
}

TEST_CASE("of a large folder with a few changes only these travel") {
  ScriptedServer server;
  for (int i = 0; i < 600; ++i) server.write(fmt::format("p{}/f{}.py", i % 7, i), fmt::format("{}", i));
  const auto first = server.take();
  REQUIRE_MESSAGE(first, first.error().to_string());
  const auto taken_as = [&server](const std::vector<std::string>& expected) {
    server.requests.clear();
    const auto taken = server.take();
    REQUIRE_MESSAGE(taken, taken.error().to_string());
    CHECK(server.requests == expected);
    const auto manifest = SnapshotManifest::parse(server.snapshots[taken->snapshot_id]);
    REQUIRE(manifest);
    CHECK(manifest->entries.size() == taken->files);
    return *taken;
  };
  CHECK(taken_as({"POST changes"}).snapshot_id == first->snapshot_id);
  server.write("p3/f3.py", "changed");
  std::filesystem::remove(server.project() / "p4/f4.py");
  const SnapshotResult changed = taken_as({"POST blobs", "POST changes"});
  CHECK(changed.snapshot_id != first->snapshot_id);
  CHECK(changed.files == 599);
  CHECK(changed.uploaded_files == 1);
  CHECK(server.has("changed"));

  SUBCASE("a server that has lost the base gets the manifest, and is the base's server from then on") {
    server.snapshots.clear();
    server.write("p5/f5.py", "again");
    taken_as({"POST blobs", "POST changes", "POST snapshots"});
    server.write("p6/f6.py", "and again");
    taken_as({"POST blobs", "POST changes"});
  }
  SUBCASE("an answer that is not what was meant is not believed") {
    server.damage = Hash::of("again").hex() + " 5 - zzz\n";
    server.write("p5/f5.py", "again");
    CHECK(taken_as({"POST blobs", "POST changes", "POST snapshots"}).files == 599);
  }
  SUBCASE("many changes are a new manifest") {
    for (int i = 0; i < 300; ++i) server.write(fmt::format("p{}/f{}.py", i % 7, i), fmt::format("new {}", i));
    taken_as({"POST snapshots", "POST blobs", "POST snapshots"});
  }
}

TEST_CASE("a server without the batch route gets the files one by one") {
  ScriptedServer server;
  server.takes_batches = false;
  server.write("a.py", "one");
  server.write("b.py", "two");
  server.write("empty", "");
  const auto result = server.take();
  REQUIRE_MESSAGE(result, result.error().to_string());
  CHECK(result->uploaded_files == 3);
  CHECK(server.has(""));
}

TEST_CASE("an interruption is taken up where it happened") {
  ScriptedServer server;
  server.write("a.py", "one");
  server.write("large.bin", std::string(1 << 20, 'L'));
  server.unavailable = 1;
  const auto result = server.take();
  REQUIRE_MESSAGE(result, result.error().to_string());
  CHECK(result->uploaded_files == 2);
}

TEST_CASE("a file that changes between scan and upload is scanned again") {
  ScriptedServer server;
  server.write("a.py", "one");
  server.write("large.bin", std::string(1 << 20, 'L'));
  server.before_blobs = [&server] { server.write("large.bin", std::string(100, 'S')); };
  const auto result = server.take();
  REQUIRE_MESSAGE(result, result.error().to_string());
  CHECK(server.has(std::string(100, 'S')));
  CHECK_FALSE(server.has(std::string(1 << 20, 'L')));
  CHECK(result->bytes == 103);
}

TEST_CASE("nobody listens") {
  const ScriptedServer server;
  net::HttpClient client({.server_url = "unix:///nowhere/s.sock"});
  const auto result = take_snapshot(client, "default", server.project(), {.cache_folder = server.project()});
  REQUIRE_FALSE(result);
  CHECK(result.error().kind() == ErrorKind::kUnavailable);
}

TEST_CASE("a file or folder goes as it is, under its own name") {
  ScriptedServer server;
  server.write(".amlignore", "*");
  server.write("net/.amlignore", "*");
  server.write("net/deep/weights.bin", "weights");
  server.write("model.pkl", "a model");
  std::filesystem::create_directories(server.project() / "empty");
  const auto paths = [&](const std::string& path) {
    const auto taken = server.take_as_it_is(path);
    REQUIRE_MESSAGE(taken, taken.error().to_string());
    const auto manifest = SnapshotManifest::parse(server.snapshots.at(taken->snapshot_id));
    REQUIRE(manifest);
    std::vector<std::string> found;
    for (const SnapshotEntry& entry : manifest->entries) found.push_back(entry.path);
    return found;
  };
  CHECK(paths("net") == std::vector<std::string>{"net/.amlignore", "net/deep/weights.bin"});
  CHECK(paths("net/") == paths("net"));
  CHECK(paths("model.pkl") == std::vector<std::string>{"model.pkl"});
  CHECK(server.has("a model"));
  CHECK(server.take_as_it_is("nothing").error().code == &errors::not_found);
  CHECK(server.take_as_it_is("empty").error().code == &errors::snapshot_refused);
}
