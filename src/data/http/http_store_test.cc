#include "data/http/http_store.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <mutex>

#include "base/files.hh"
#include "base/hash.hh"
#include "data/http/http_address.hh"
#include "data/transfer.hh"
#include "net/http_server.hh"

using namespace werkbank;
using namespace werkbank::data;

namespace {

constexpr std::string_view kFile = "/base/d/a%20file";

Task<Status> send_pieces(net::BodyWriter& writer, std::string content, bool breaks) {
  CO_CHECK_OK(co_await writer.write(std::move(content)));
  if (breaks) co_return fail(errors::internal, "the server died");
  co_return Status{};
}

// A web server with the habits that there are: one file, at kFile.
class WebServer {
 public:
  WebServer() : server_({}, [this](net::Request& request) { return answer(request); }) {
    const Result<uint16_t> port = server_.listen_tcp("127.0.0.1:0");
    REQUIRE(port);
    url = fmt::format("http://127.0.0.1:{}", *port);
    REQUIRE(server_.start());
  }
  ~WebServer() { server_.stop(std::chrono::milliseconds(0)); }

  std::unique_ptr<DataStore> store(const TextMap& settings = {}, const SecretMap& credential = {}) const {
    DataAccess access{{.kind = DatastoreKind::kHttp, .settings = {{"url", url + "/base/"}}}, credential};
    for (const auto& [name, value] : settings) access.datastore.settings[name] = value;
    return make_http_store(access);
  }
  std::string file() const { return url + std::string(kFile); }
  std::vector<std::string> asked() {
    const std::lock_guard guard(mutex_);
    return std::exchange(asked_, {});
  }

  std::string url;
  std::string content = "0123456789", etag = "\"one\"", modified, moved_to = "/base/d/a%20file", login;
  bool takes_ranges = true, knows_head = true, tells_size = true;
  size_t breaks_after = SIZE_MAX;  // once
  std::vector<std::string> logins;

 private:
  Task<net::Response> answer(net::Request& request) {
    const std::lock_guard guard(mutex_);
    std::string note = fmt::format("{} {}", net::to_string(request.method), request.path);
    for (const char* const name : {"range", "if-match", "if-unmodified-since"}) {
      if (!request.header(name).empty()) note += fmt::format(" {}={}", name, request.header(name));
    }
    asked_.push_back(note);
    logins.emplace_back(request.header("authorization"));
    net::Response response;
    response.status = status_of(request);
    if (response.status == 302) response.headers.emplace_back("Location", moved_to);
    if (response.status == 200) send_file(request, response);
    co_return response;
  }

  int status_of(const net::Request& request) const {
    if (!login.empty() && request.header("authorization") != login) return 401;
    if (!knows_head && request.method == net::Method::kHead) return 405;
    if (request.path == "/base/moved") return 302;
    if (request.path == "/base/broken") return 503;
    if (request.path != kFile) return 404;
    const bool is_other = !request.header("if-match").empty() && request.header("if-match") != etag;
    return is_other ? 412 : 200;
  }

  void send_file(const net::Request& request, net::Response& response) {
    if (!etag.empty()) response.headers.emplace_back("ETag", etag);
    if (!modified.empty()) response.headers.emplace_back("Last-Modified", modified);
    if (takes_ranges && knows_head) response.headers.emplace_back("Accept-Ranges", "bytes");
    std::string body = content;
    const std::string range(request.header("range"));
    if (takes_ranges && range.starts_with("bytes=")) {
      const size_t dash = range.find('-');
      const size_t from = std::stoul(range.substr(6));
      const size_t to = dash + 1 < range.size() ? std::stoul(range.substr(dash + 1)) : content.size() - 1;
      body = content.substr(from, to - from + 1);
      response.status = 206;
      response.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", from, to, content.size()));
    }
    const bool breaks = request.method == net::Method::kGet && breaks_after < body.size();
    if (tells_size) response.headers.emplace_back("Content-Length", std::to_string(body.size()));
    if (breaks) body.resize(std::exchange(breaks_after, SIZE_MAX));
    response.stream = [body, breaks](net::BodyWriter& writer) { return send_pieces(writer, body, breaks); };
  }

  std::mutex mutex_;
  std::vector<std::string> asked_;
  net::HttpServer server_;
};

std::string read(DataStore& store, const std::string& path, uint64_t offset = 0, const std::string& etag = {}) {
  std::string content;
  const Status done = store.read(path, etag, offset, [&](std::string_view piece) -> Status {
    content += piece;
    return {};
  });
  return done ? content : std::string(done.error().code->id);
}

std::string piece(DataStore& store, const std::string& path, const std::string& etag, uint64_t offset, uint64_t size) {
  std::string content;
  const Status done = store.read_range(path, etag, offset, size, [&](std::string_view bytes) -> Status {
    content += bytes;
    return {};
  });
  return done ? content : std::string(done.error().code->id);
}

std::string code(const Status& status) { return status ? "ok" : std::string(status.error().code->id); }

using Asked = std::vector<std::string>;

}  // namespace

TEST_CASE("a file behind an address is found and read, from any place on") {
  WebServer web;
  const std::unique_ptr<DataStore> store = web.store();
  CHECK(store->check(false));
  CHECK(store->find("d/a file").value().size_bytes == 10);
  CHECK(store->find("d/a file").value().etag == "one");
  CHECK(read(*store, "d/a file") == "0123456789");
  CHECK(read(*store, "d/a file", 7, "one") == "789");
  CHECK(read(*store, "d/a file", 10).empty());
  CHECK(read(*store, "d/a file", 11) == "data_changed");
  CHECK(piece(*store, "d/a file", "one", 2, 3) == "234");
  CHECK(piece(*store, "d/a file", "one", 8, 9) == "89");
  web.takes_ranges = false;
  CHECK(read(*web.store(), "d/a file", 7) == "789");
  CHECK(piece(*web.store(), "d/a file", "one", 2, 3) == "234");
  CHECK(read(*store, "moved") == "0123456789");
}

TEST_CASE("without an address of its own, paths are whole addresses") {
  WebServer web;
  const std::unique_ptr<DataStore> store = web.store({{"url", ""}});
  const DataEntry entry = store->find(web.file() + "?sig=secret#part").value();
  CHECK(entry.size_bytes == 10);
  CHECK(read(*store, web.url + "/base/d/a file", 0, "\"one\"") == "0123456789");
  CHECK(read(*store, "ftp://h/x") == "invalid_request");
  CHECK(read(*store, "d/a file") == "invalid_request");
  const auto missing = store->find(web.url + "/none?sig=secret");
  REQUIRE(!missing);
  CHECK(missing.error().code == &errors::not_found);
  CHECK(missing.error().to_string().find("secret") == std::string::npos);
}

TEST_CASE("what is not there, not to be had, or not to be changed") {
  WebServer web;
  const std::unique_ptr<DataStore> store = web.store();
  CHECK(read(*store, "none") == "not_found");
  CHECK(read(*store, "broken") == "storage_unavailable");
  CHECK(read(*store, "../up") == "path_refused");
  CHECK(code(store->write("x", {}, true, {})) == "not_supported");
  CHECK(code(store->remove("x")) == "not_supported");
  CHECK(store->list("", "").error().code == &errors::not_supported);
  CHECK(store->list("none", "").value().entries.empty());
  CHECK(store->list("d/a file", "").value().entries.size() == 1);
  const std::string nobody = [] {
    const WebServer gone;
    return gone.url;
  }();
  CHECK(code(web.store({{"url", nobody}})->check(false)) == "storage_unavailable");
}

TEST_CASE("a content that changes is never mixed with the one that was meant") {
  WebServer web;
  const std::unique_ptr<DataStore> store = web.store();
  CHECK(read(*store, "d/a file", 0, "another") == "data_changed");
  CHECK(piece(*store, "d/a file", "one", 0, 2) == "01");
  web.asked();
  CHECK(piece(*store, "d/a file", "one", 2, 2) == "23");
  CHECK(web.asked() == Asked{"GET /base/d/a%20file range=bytes=2-3 if-match=\"one\""});
  web.etag = "\"two\"";
  CHECK(piece(*store, "d/a file", "one", 4, 2) == "data_changed");
  CHECK(piece(*store, "d/a file", "two", 4, 2) == "45");
  web.etag.clear();
  web.modified = "Sat, 21 Nov 2026 20:35:00 GMT";
  CHECK(store->find("d/a file").value().etag == web.modified);
  web.asked();
  CHECK(read(*store, "d/a file", 0, web.modified) == "0123456789");
  CHECK(web.asked().back() == "GET /base/d/a%20file if-unmodified-since=Sat, 21 Nov 2026 20:35:00 GMT");
}

TEST_CASE("servers that know no HEAD, or tell no size") {
  WebServer web;
  web.knows_head = false;
  CHECK(web.store()->find("d/a file").value().size_bytes == 10);
  CHECK(read(*web.store(), "d/a file", 4) == "456789");
  web.takes_ranges = false;
  CHECK(web.store()->find("d/a file").value().size_bytes == 10);
  web.knows_head = true;
  web.tells_size = false;
  CHECK(web.store()->find("d/a file").value().size_bytes == 10);
  CHECK(read(*web.store(), "d/a file") == "0123456789");
}

TEST_CASE("a login goes to the datastore's own host, and is not shown") {
  WebServer web, other;
  web.login = "Bearer good";
  CHECK(read(*web.store(), "d/a file") == "storage_denied");
  CHECK(code(web.store()->check(false)) == "storage_denied");
  CHECK(read(*web.store({}, {{"token", Secret("good")}}), "d/a file") == "0123456789");
  other.content = "elsewhere";
  web.moved_to = other.file();
  CHECK(read(*web.store({}, {{"token", Secret("good")}}), "moved") == "elsewhere");
  for (const std::string& login : other.logins) CHECK(login.empty());
  web.login = "Basic YW5uYTpwdw==";
  CHECK(read(*web.store({{"user", "anna"}}, {{"password", Secret("pw")}}), "d/a file") == "0123456789");
}

TEST_CASE("redirects end") {
  WebServer web;
  web.moved_to = "/base/moved";
  CHECK(read(*web.store(), "moved") == "io_failed");
  web.moved_to = "ftp://x/y";
  CHECK(read(*web.store(), "moved") == "io_failed");
  const HttpAddress from{"https://h", "/a/b?c=d"};
  CHECK(follow_redirect(from, "/x y")->target == "/x%20y");
  CHECK(follow_redirect(from, "x?y#z")->target == "/a/x?y");
  CHECK(follow_redirect(from, "?e=f")->target == "/a/b?e=f");
  CHECK(follow_redirect(from, "//other:8443/x")->origin == "https://other:8443");
  CHECK(!follow_redirect(from, "http://h/x"));
  CHECK(!follow_redirect(from, ""));
  CHECK(parse_http_address("http://h")->target == "/");
  CHECK(parse_http_address("http://h?q")->target == "/?q");
  CHECK(!parse_http_address("https:///x"));
}

TEST_CASE("a download that breaks in the middle goes on there") {
  WebServer web;
  web.content = std::string(300'000, 'x') + "end";
  web.breaks_after = 200'000;
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("wb-http-" + random_hex(8));
  TransferOptions options;
  options.open = [&web]() -> Result<std::unique_ptr<DataStore>> { return web.store({{"url", ""}}); };
  options.threads = 1;
  options.pause = std::chrono::milliseconds(1);
  const TransferItem item{web.file(), folder / "f", web.content.size(), "one"};
  const auto done = download({item}, options);
  REQUIRE_MESSAGE(done, done.error().to_string());
  CHECK(read_file(folder / "f").value() == web.content);
  const Asked asked = web.asked();
  CHECK(asked.back().find("range=bytes=") != std::string::npos);
  web.etag = "\"two\"";
  TransferItem other = item;
  other.file = folder / "g";
  const auto refused = download({other}, options);
  REQUIRE(!refused);
  CHECK(refused.error().code == &errors::data_changed);
  CHECK(!std::filesystem::exists(folder / "g"));
  CHECK(remove_tree(folder));
}
