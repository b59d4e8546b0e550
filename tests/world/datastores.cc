// Datastores as the handlers keep them: what every workspace has, registration, who gets the credential, files of folders.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>

#include "store/datastores.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

constexpr const char* kStores = "/api/v1/workspaces/default/datastores";
constexpr const char* kDefault = "/api/v1/workspaces/default/default-datastore";
const net::Peer kTcp{false, 0, "127.0.0.1:9"};

struct Desk {
  ~Desk() { (void)remove_tree(folder); }
  test::TestWorld world;
  std::filesystem::path folder = world.folder.parent_path() / ("wb-store-" + random_hex(8));

  net::Response ask(Method method, const std::string& target, const std::string& body = {}, const std::string& token = {}) {
    std::optional<net::Peer> peer;
    if (!token.empty()) peer = kTcp;
    return world.ask(method, target, body, token, peer);
  }
  json::value document(const net::Response& response) { return parse_json(response.body).value(); }
  std::string code_of(const net::Response& response) { return text(document(response), "code"); }
  static std::string text(const json::value& object, const char* key) {
    return std::string(object.as_object().at(key).as_string());
  }
  net::Response add(const std::string& name, const std::string& rest = {}, const std::string& token = {}) {
    const std::string body =
        fmt::format(R"({{"name":"{}","kind":"folder","settings":{{"path":"{}"}}{}}})", name, folder.string(), rest);
    return ask(Method::kPost, kStores, body, token);
  }
  std::string token(const std::string& role) {
    const net::Response made =
        ask(Method::kPost, "/api/v1/workspaces/default/tokens", fmt::format(R"({{"user":"{0}","role":"{0}"}})", role));
    REQUIRE(made.status == 201);
    return text(document(made), "token");
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    const json::value list = document(ask(Method::kGet, kStores));
    for (const json::value& item : list.as_object().at("items").as_array()) found.push_back(text(item, "name"));
    return found;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("every workspace has its two datastores, and the first is the default until another is chosen") {
  Desk desk;
  CHECK(desk.names() == Names{"workspaceblobstore", "workspacefilestore"});
  CHECK(Desk::text(desk.document(desk.ask(Method::kGet, kDefault)), "name") == "workspaceblobstore");
  CHECK(desk.ask(Method::kPut, kDefault, R"({"name":"WorkspaceFileStore"})").status == 200);
  CHECK(Desk::text(desk.document(desk.ask(Method::kGet, kDefault)), "name") == "workspacefilestore");
  CHECK(desk.code_of(desk.ask(Method::kPut, kDefault, R"({"name":"workspaceblobstor"})")) == "datastore_not_found");
  CHECK(desk.ask(Method::kDelete, std::string(kStores) + "/workspaceblobstore").status == 403);
  CHECK(desk.code_of(desk.add("workspaceBLOBstore", R"(,"overwrite":true,"createIfNotExists":true)")) == "already_exists");
  CHECK(desk.ask(Method::kGet, "/api/v1/workspaces/none/datastores").status == 404);
}

TEST_CASE("a registration is tried out, whole, and refused without a trace") {
  Desk desk;
  const net::Response refused = desk.add("data");
  CHECK(desk.code_of(refused) == "datastore_refused");
  CHECK(desk.names().size() == 2);
  CHECK(desk.add("later", R"(,"skipValidation":true)").status == 201);
  const net::Response made = desk.add("data", R"(,"createIfNotExists":true)");
  REQUIRE(made.status == 201);
  CHECK(desk.document(made).as_object().at("isDefault") == json::value(false));
  CHECK(desk.names() == Names{"data", "later", "workspaceblobstore", "workspacefilestore"});
  CHECK(desk.code_of(desk.add("DATA")) == "already_exists");
  CHECK(desk.add("DATA", R"(,"overwrite":true)").status == 201);
  CHECK(desk.names().size() == 4);
  REQUIRE(desk.ask(Method::kPut, kDefault, R"({"name":"data"})").status == 200);
  CHECK(desk.ask(Method::kDelete, std::string(kStores) + "/Data").status == 204);
  CHECK(Desk::text(desk.document(desk.ask(Method::kGet, kDefault)), "name") == "workspaceblobstore");
  const net::Response missing = desk.ask(Method::kGet, std::string(kStores) + "/latr");
  CHECK(desk.code_of(missing) == "datastore_not_found");
  CHECK(missing.body.find("later") != std::string::npos);
  for (const char* const body :
       {R"({})", R"({"name":"a b","kind":"folder","settings":{"path":"/tmp"}})", R"({"name":"a","kind":"tape"})",
        R"({"name":"a","kind":"folder","settings":{"path":"tmp"}})", R"({"name":"a","kind":"folder","settings":{"path":7}})",
        R"({"name":"a","kind":"folder","settings":{"path":"/tmp"},"credential":{"accountKey":"x"}})"}) {
    CHECK(desk.ask(Method::kPost, kStores, body).status == 400);
  }
  CHECK(desk.names().size() == 3);
}

TEST_CASE("the server's own folder is nobody's datastore") {
  Desk desk;
  for (const std::filesystem::path& path : {desk.world.folder, desk.world.folder / "sub" / "..", desk.world.folder.parent_path(),
                                            desk.world.folder / "datastores" / "default"}) {
    desk.folder = path;
    CHECK(desk.code_of(desk.add("home", R"(,"skipValidation":true)")) == "datastore_refused");
  }
  desk.folder = "/nonexistent";
}

TEST_CASE("credentials are sealed, told to contributors at use, and to nobody else") {
  Desk desk;
  const std::string body =
      R"({"name":"cloud","kind":"azureBlob","settings":{"account":"acc","container":"data"},"skipValidation":true,)"
      R"("credential":{"accountKey":"TOPSECRET=="}})";
  const net::Response made = desk.ask(Method::kPost, kStores, body);
  REQUIRE(made.status == 201);
  CHECK(Desk::text(desk.document(made), "credentialType") == "accountKey");
  CHECK(made.body.find("TOPSECRET") == std::string::npos);
  const std::string one = std::string(kStores) + "/cloud";
  for (const std::string& target : {std::string(kStores), one}) {
    CHECK(desk.ask(Method::kGet, target).body.find("TOPSECRET") == std::string::npos);
  }
  const Status read = desk.world.store->read([](store::Reader& reader) -> Status {
    TRY(const auto record, reader.datastores().find("default", "cloud"));
    CHECK(record->sealed.find("TOPSECRET") == std::string::npos);
    CHECK(!record->sealed.empty());
    return {};
  });
  CHECK(read);
  const net::Response told = desk.ask(Method::kGet, one + "/access", "", desk.token("contributor"));
  CHECK(told.status == 200);
  CHECK(told.body.find("TOPSECRET==") != std::string::npos);
  CHECK(desk.ask(Method::kGet, one + "/access", "", desk.token("reader")).status == 403);
  // Only who owns the workspace says what of this machine is read and written for others.
  CHECK(desk.add("data", R"(,"createIfNotExists":true)", desk.token("contributor")).status == 403);
  CHECK(desk.add("data", R"(,"createIfNotExists":true)", desk.token("owner")).status == 201);
}

TEST_CASE("files of a folder come and go by the server, for clients elsewhere") {
  Desk desk;
  const std::string files = std::string(kStores) + "/workspaceblobstore/files";
  const std::string token = desk.token("contributor");
  CHECK(desk.ask(Method::kPut, files + "/train/a.txt", "hello", token).status == 201);
  CHECK(desk.code_of(desk.ask(Method::kPut, files + "/train/a.txt", "other", token)) == "already_exists");
  CHECK(desk.ask(Method::kGet, files + "/train/a.txt", "", token).body == "hello");
  CHECK(desk.ask(Method::kPut, files + "/train/a.txt?overwrite=true", "other", token).status == 201);
  CHECK(desk.ask(Method::kGet, files + "/train/a.txt", "", token).body == "other");
  CHECK(desk.ask(Method::kPut, files + "/../../escape", "x", token).status == 400);
  const json::value list = desk.document(desk.ask(Method::kGet, files + "?prefix=train", "", token));
  REQUIRE(list.as_object().at("items").as_array().size() == 1);
  CHECK(list.as_object().at("items").as_array()[0].as_object().at("sizeBytes").to_number<int>() == 5);
  // A client on this machine goes there itself; one elsewhere is not told where.
  const std::string access = std::string(kStores) + "/workspaceblobstore/access";
  const std::string path = Desk::text(desk.document(desk.ask(Method::kGet, access)).as_object().at("settings"), "path");
  std::ifstream there(path + "/train/a.txt");
  CHECK(std::string(std::istreambuf_iterator<char>(there), {}) == "other");
  CHECK(desk.ask(Method::kGet, access, "", token).body.find(path) == std::string::npos);
  CHECK(desk.ask(Method::kDelete, files + "/train/a.txt", "", token).status == 204);
  CHECK(desk.ask(Method::kDelete, files + "/train/a.txt", "", token).status == 404);
  std::error_code ignored;
  CHECK(std::filesystem::is_empty(desk.world.folder / "datastores" / ".incoming", ignored));
}

TEST_CASE("a workspace's data goes with it") {
  Desk desk;
  REQUIRE(desk.ask(Method::kPut, "/api/v1/workspaces/other/datastores/workspacefilestore/files/x", "x").status == 201);
  const std::filesystem::path data = desk.world.folder / "datastores" / "other";
  CHECK(std::filesystem::exists(data));
  const json::value contents = desk.document(desk.ask(Method::kGet, "/api/v1/workspaces/other/contents"));
  CHECK(contents.as_object().at("dataFiles").to_number<int>() == 1);
  CHECK(contents.as_object().at("totalBytes").to_number<int>() == 1);
  REQUIRE(desk.ask(Method::kDelete, "/api/v1/workspaces/other").status == 204);
  CHECK(!std::filesystem::exists(data));
}
