#include "data/azure_blob/azure_blob_store.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <mutex>

#include "data/azure_blob/shared_key.hh"
#include "data/rest/signing.hh"
#include "data/rest/xml.hh"
#include "net/http_server.hh"

using namespace werkbank;
using namespace werkbank::data;

namespace {

// As much of the protocol as blocks need; counts what travels.
class BlockServer {
 public:
  BlockServer() : server_({}, [this](net::Request& request) { return answer(request); }) {
    const Result<uint16_t> port = server_.listen_tcp("127.0.0.1:0");
    REQUIRE(port);
    endpoint = fmt::format("http://127.0.0.1:{}/account", *port);
    REQUIRE(server_.start());
  }
  ~BlockServer() { server_.stop(std::chrono::milliseconds(0)); }

  std::string endpoint;
  std::mutex mutex;
  std::map<std::string, std::string> blocks;
  std::string committed;
  int blocks_sent = 0;
  bool fails_next = false;

 private:
  Task<net::Response> answer(net::Request& request) {
    const Result<std::string> body = co_await request.body->all(64 << 20);
    const std::lock_guard guard(mutex);
    net::Response response;
    response.status = 201;
    const std::string part = request.query_value("comp").value_or("");
    if (request.method == net::Method::kHead) {
      response.status = 404;
    } else if (part == "block") {
      response.status = std::exchange(fails_next, false) ? 503 : 201;
      ++blocks_sent;
      if (response.status == 201) blocks[*request.query_value("blockid")] = *body;
    } else if (request.method == net::Method::kGet) {
      response.status = 200;
      response.body = "<?xml version=\"1.0\"?><BlockList><CommittedBlocks/><UncommittedBlocks>";
      for (const auto& [name, content] : blocks)
        response.body += fmt::format("<Block><Name>{}</Name><Size>{}</Size></Block>", name, content.size());
      response.body += "</UncommittedBlocks></BlockList>";
    } else {
      const Result<XmlNode> list = parse_xml(*body);
      for (const XmlNode& name : list->children) committed += blocks.at(name.text);
    }
    co_return response;
  }

  net::HttpServer server_;
};

}  // namespace

TEST_CASE("a write that broke off sends only the blocks that are missing") {
  BlockServer server;
  const DataAccess access{{.kind = DatastoreKind::kAzureBlob,
                           .settings = {{"account", "account"}, {"container", "data"}, {"endpoint", server.endpoint}}},
                          {{"accountKey", Secret("a2V5")}}};
  const std::unique_ptr<DataStore> store = make_azure_blob_store(access).value();
  std::string content(20 * 1024 * 1024, 'x');  // equal blocks are blocks of their own
  content.back() = 'y';
  DataSource source{content.size(), [&](uint64_t offset, uint64_t size) -> Result<std::string> {
                      if (offset > 0 && server.committed.empty() && server.blocks.size() == 1) server.fails_next = true;
                      return content.substr(offset, size);
                    }};
  const Status broken = store->write("big", source, false, {});
  REQUIRE(!broken);
  CHECK(broken.error().code == &errors::storage_unavailable);
  CHECK(server.blocks_sent == 2);
  source.read = [&](uint64_t offset, uint64_t size) -> Result<std::string> { return content.substr(offset, size); };
  uint64_t told = 0;
  REQUIRE(store->write("big", source, false, [&](uint64_t count) { told += count; }));
  CHECK(server.blocks_sent == 4);
  CHECK(told == content.size());
  CHECK(server.committed == content);
}

TEST_CASE("the text that is signed is the one of the protocol") {
  const SignedRequest request{.verb = "PUT",
                              .path = "/account/data/a%20b",
                              .query = {{"comp", "block"}, {"blockid", "QQ=="}},
                              .headers = {{"x-ms-version", "2020-10-02"}, {"If-None-Match", "*"}, {"x-ms-date", "today"}},
                              .content_length = 5};
  CHECK(string_to_sign(request, "account") ==
        "PUT\n\n\n5\n\n\n\n\n\n*\n\n\nx-ms-date:today\nx-ms-version:2020-10-02\n/account/account/data/a%20b\nblockid:QQ==\n"
        "comp:block");
}

TEST_CASE("dates, base64 and HMAC as others write them") {
  CHECK(http_date(1'795'293'300'000) == "Sat, 21 Nov 2026 20:35:00 GMT");
  CHECK(parse_http_date("Sat, 21 Nov 2026 20:35:00 GMT") == 1'795'293'300'000);
  CHECK(parse_http_date("yesterday") == 0);
  for (const char* const text : {"", "f", "fo", "foo", "foob"}) {
    const std::string encoded = base64_encode(text);
    if (*text != '\0') CHECK(base64_decode(encoded).value() == text);
  }
  CHECK(base64_encode("fo") == "Zm8=");
  for (const char* const text : {"", "Zg", "Zg=", "Z===", "Zm 8", "Zg==Zg=="}) CHECK(!base64_decode(text));
  // RFC 4231, test case 2.
  std::string hex;
  for (const unsigned char byte : hmac_sha256("Jefe", "what do ya want for nothing?")) hex += fmt::format("{:02x}", byte);
  CHECK(hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("XML that is broken, deep or hostile is refused") {
  CHECK(parse_xml("\xef\xbb\xbf<?xml version=\"1.0\"?><A b=\"1\"><C>x &amp; y</C><C/></A>").value().text_of("C") == "x & y");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (const std::string& text : {std::string(), std::string("<a>"), std::string("no xml"), deep}) CHECK(!parse_xml(text));
}
