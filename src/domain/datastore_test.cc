#include "domain/datastore.hh"

#include <doctest/doctest.h>

using namespace werkbank;

namespace {

Datastore blob() {
  return {.workspace = "default",
          .name = "images",
          .kind = DatastoreKind::kAzureBlob,
          .settings = {{"account", "acc"}, {"container", "data"}}};
}

std::string refusal(const Datastore& datastore, const SecretMap& credential = {}) {
  const Status checked = check_datastore(datastore, credential);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("each kind has its fields, and names the one that is wrong") {
  CHECK(refusal(blob(), {{"accountKey", Secret("abc=")}}).empty());
  CHECK(refusal(blob(), {{"sasToken", Secret("sv=1&sig=a%2Bb")}}).empty());
  const auto with = [](const std::string& field, const std::string& value) {
    Datastore changed = blob();
    changed.settings[field] = value;
    return refusal(changed);
  };
  CHECK(with("account", "UPPER").starts_with("settings.account"));
  CHECK(with("container", "a").starts_with("settings.container"));
  CHECK(with("container", "$root").empty());
  CHECK(with("protocol", "ftp").starts_with("settings.protocol"));
  CHECK(with("endpoint", "https://user:pw@host").starts_with("settings.endpoint"));
  CHECK(with("path", "/x").starts_with("settings.path"));
  Datastore nothing = blob();
  nothing.settings.clear();
  CHECK(refusal(nothing) == "settings.account: is missing");
  CHECK(refusal({.name = "f", .settings = {{"path", "data"}}}).starts_with("settings.path"));
  CHECK(refusal({.name = "f", .settings = {{"path", "/data"}}}).empty());
  CHECK(refusal({.name = "s", .kind = DatastoreKind::kS3, .settings = {{"bucket", "b-1"}, {"accessKeyId", "AK"}}})
            .starts_with("settings.accessKeyId"));
  CHECK(refusal({.name = "h", .kind = DatastoreKind::kHttp, .settings = {{"url", "ftp://host"}}}).starts_with("settings.url"));
  const auto web = [](const std::string& user, const SecretMap& credential) {
    return refusal({.name = "h", .kind = DatastoreKind::kHttp, .settings = {{"url", "http://h/d"}, {"user", user}}}, credential);
  };
  CHECK(web("", {}).empty());
  CHECK(web("", {{"token", Secret("t")}}).empty());
  CHECK(web("anna", {{"password", Secret("p")}}).empty());
  CHECK(web("anna", {}).starts_with("settings.user"));
  CHECK(web("", {{"password", Secret("p")}}).starts_with("settings.user"));
  CHECK(web("an:na", {{"password", Secret("p")}}).starts_with("settings.user"));
  CHECK(web("anna", {{"password", Secret("p")}, {"token", Secret("t")}}).starts_with("settings.user"));
}

TEST_CASE("a credential is refused without being shown") {
  for (const char* const value : {"top secret", "top\nsecret", ""}) {
    const std::string said = refusal(blob(), {{"accountKey", Secret(value)}});
    CHECK(said.starts_with("credential.accountKey"));
    CHECK(said.find("secret") == std::string::npos);
  }
  CHECK(refusal(blob(), {{"password", Secret("topsecret")}}).find("topsecret") == std::string::npos);
  CHECK(!refusal(blob(), {{"accountKey", Secret("a")}, {"sasToken", Secret("b")}}).empty());
  CHECK(credential_type({{"sasToken", Secret("b")}}) == "sasToken");
  CHECK(credential_type({}) == "none");
  const SecretMap read = credential_from_json(credential_to_json({{"token", Secret("t")}})).value();
  CHECK(read.at("token").reveal() == "t");
  CHECK(!credential_from_json(json::object{{"token", 1}}));
}

TEST_CASE("names, kinds, and what every workspace has") {
  CHECK(check_datastore_name("My_store-1"));
  for (const char* const name : {"", "a b", "a/b", "\xc3\xa4", ".."}) CHECK(!check_datastore_name(name));
  CHECK(datastore_name_key("My_STORE") == "my_store");
  for (const char* const kind : {"folder", "azureBlob", "s3", "http"}) CHECK(to_string(*parse_datastore_kind(kind)) == kind);
  CHECK(!parse_datastore_kind("tape"));
  const Workspace workspace{.name = "w", .created_ms = 5};
  const auto own = own_datastore(workspace, "WorkspaceBlobStore");
  REQUIRE(own);
  CHECK(own->name == "workspaceblobstore");
  CHECK(own->ours);
  CHECK(!own_datastore(workspace, "images"));
}
