#include "domain/datastore.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/files.hh"

namespace werkbank {
namespace {

struct KindName {
  DatastoreKind kind;
  std::string_view name;
};
constexpr std::array kKinds{KindName{DatastoreKind::kFolder, "folder"}, KindName{DatastoreKind::kAzureBlob, "azureBlob"},
                            KindName{DatastoreKind::kS3, "s3"}, KindName{DatastoreKind::kHttp, "http"}};

constexpr std::array kFolderFields{DatastoreField{"path", true}};
constexpr std::array kAzureBlobFields{
    DatastoreField{"account", true}, DatastoreField{"container", true},         DatastoreField{"protocol"},
    DatastoreField{"endpoint"},      DatastoreField{"accountKey", false, true}, DatastoreField{"sasToken", false, true}};
constexpr std::array kS3Fields{DatastoreField{"bucket", true},
                               DatastoreField{"region"},
                               DatastoreField{"endpoint"},
                               DatastoreField{"accessKeyId"},
                               DatastoreField{"secretAccessKey", false, true},
                               DatastoreField{"sessionToken", false, true}};
constexpr std::array kHttpFields{DatastoreField{"url", true}, DatastoreField{"user"}, DatastoreField{"token", false, true},
                                 DatastoreField{"password", false, true}};

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_lower_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

template <typename Rule>
bool is_made_of(std::string_view text, size_t minimum, size_t maximum, Rule rule) {
  return text.size() >= minimum && text.size() <= maximum && std::ranges::all_of(text, rule);
}

bool is_printable_word(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

Status refuse(std::string_view field, std::string_view rule) {
  return fail(errors::invalid_request, fmt::format("settings.{}: {}", field, rule));
}

std::string setting(const Datastore& datastore, const std::string& name) {
  const auto found = datastore.settings.find(name);
  return found == datastore.settings.end() ? std::string() : found->second;
}

// An address is "host", "host:port" or a whole URL; a login in it would be shown to everybody who lists datastores.
Status check_endpoint(std::string_view field, const std::string& text) {
  if (!is_printable_word(text) || text.size() > 1024) return refuse(field, "is no address");
  if (text.find('@') != std::string::npos || text.find('?') != std::string::npos)
    return refuse(field, "holds a login or a query; the credential has fields of its own");
  return {};
}

Status check_folder(const Datastore& datastore) {
  const std::string path = setting(datastore, "path");
  if (!path.starts_with('/') || path.size() > 4096 || path.find('\0') != std::string::npos || !is_valid_utf8(path))
    return refuse("path", "is not an absolute path of the server's machine");
  return {};
}

Status check_azure_blob(const Datastore& datastore, const SecretMap& credential) {
  if (!is_made_of(setting(datastore, "account"), 3, 24, is_lower_alphanumeric))
    return refuse("account", "an account's name has 3 to 24 lower-case letters and digits");
  const std::string container = setting(datastore, "container");
  const bool is_special = container == "$root" || container == "$web" || container == "$logs";
  const auto rule = [](char c) { return is_lower_alphanumeric(c) || c == '-'; };
  if (!is_special && !is_made_of(container, 3, 63, rule))
    return refuse("container", "a container's name has 3 to 63 lower-case letters, digits and '-'");
  const std::string protocol = setting(datastore, "protocol");
  if (!protocol.empty() && protocol != "http" && protocol != "https") return refuse("protocol", "is http or https");
  if (credential.contains("accountKey") && credential.contains("sasToken"))
    return refuse("accountKey", "takes the place of a sasToken; give one of the two");
  return check_endpoint("endpoint", setting(datastore, "endpoint"));
}

Status check_s3(const Datastore& datastore, const SecretMap& credential) {
  const auto rule = [](char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_'; };
  if (!is_made_of(setting(datastore, "bucket"), 3, 255, rule))
    return refuse("bucket", "a bucket's name has 3 to 255 letters, digits, '-', '.' and '_'");
  if (!setting(datastore, "region").empty() && !is_made_of(setting(datastore, "region"), 1, 64, rule))
    return refuse("region", "is no region's name");
  const std::string id = setting(datastore, "accessKeyId");
  if (!is_printable_word(id) || id.size() > 256) return refuse("accessKeyId", "is no access key's id");
  if (id.empty() == credential.contains("secretAccessKey")) return refuse("accessKeyId", "goes together with a secretAccessKey");
  return check_endpoint("endpoint", setting(datastore, "endpoint"));
}

Status check_http(const Datastore& datastore, const SecretMap& credential) {
  const std::string url = setting(datastore, "url");
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return refuse("url", "does not begin with http:// or https://");
  const std::string user = setting(datastore, "user");
  if (user.empty() == credential.contains("password")) return refuse("user", "goes together with a password");
  if (!is_printable_word(user) || user.find(':') != std::string::npos) return refuse("user", "is no user's name");
  if (!user.empty() && credential.contains("token")) return refuse("user", "does not go together with a token");
  return check_endpoint("url", url);
}

Status check_fields(const Datastore& datastore, const SecretMap& credential) {
  const std::span<const DatastoreField> fields = datastore_fields(datastore.kind);
  const auto known = [&](std::string_view name, bool secret) {
    return std::ranges::any_of(fields, [&](const DatastoreField& field) { return field.name == name && field.secret == secret; });
  };
  for (const auto& [name, value] : datastore.settings) {
    if (!known(name, false))
      return refuse(name, fmt::format("a datastore of kind {} has no such setting", to_string(datastore.kind)));
  }
  for (const auto& [name, value] : credential) {
    if (!known(name, true)) {
      return fail(errors::invalid_request,
                  fmt::format("credential.{}: a datastore of kind {} has no such credential", name, to_string(datastore.kind)));
    }
    if (value.empty() || !is_printable_word(value.reveal()) || value.reveal().size() > 8192)
      return fail(errors::invalid_request, fmt::format("credential.{}: is empty, or holds blanks or other characters that no "
                                                       "credential has (it is not shown here)",
                                                       name));
  }
  for (const DatastoreField& field : fields) {
    if (field.required && setting(datastore, std::string(field.name)).empty()) return refuse(field.name, "is missing");
  }
  return {};
}

}  // namespace

std::string_view to_string(DatastoreKind kind) { return std::ranges::find(kKinds, kind, &KindName::kind)->name; }

std::optional<DatastoreKind> parse_datastore_kind(std::string_view text) {
  const auto* const found = std::ranges::find(kKinds, text, &KindName::name);
  return found == kKinds.end() ? std::nullopt : std::optional(found->kind);
}

std::span<const DatastoreField> datastore_fields(DatastoreKind kind) {
  switch (kind) {
    case DatastoreKind::kFolder:
      return kFolderFields;
    case DatastoreKind::kAzureBlob:
      return kAzureBlobFields;
    case DatastoreKind::kS3:
      return kS3Fields;
    case DatastoreKind::kHttp:
      return kHttpFields;
  }
  return {};
}

std::optional<Datastore> own_datastore(const Workspace& workspace, std::string_view name) {
  const std::string key = datastore_name_key(name);
  if (key != kWorkspaceBlobStore && key != kWorkspaceFileStore) return std::nullopt;
  return Datastore{.workspace = workspace.name, .name = key, .ours = true, .created_ms = workspace.created_ms};
}

Status check_datastore_name(std::string_view name) {
  const auto rule = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; };
  if (is_made_of(name, 1, 255, rule)) return {};
  return fail(errors::name_refused,
              fmt::format("datastore name {:?} is not allowed: 1 to 255 letters, digits, '_' or '-'", name));
}

std::string datastore_name_key(std::string_view name) {
  std::string key(name);
  std::ranges::transform(key, key.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return key;
}

Status check_datastore(const Datastore& datastore, const SecretMap& credential) {
  CHECK_OK(check_datastore_name(datastore.name));
  CHECK_OK(check_fields(datastore, credential));
  switch (datastore.kind) {
    case DatastoreKind::kFolder:
      return check_folder(datastore);
    case DatastoreKind::kAzureBlob:
      return check_azure_blob(datastore, credential);
    case DatastoreKind::kS3:
      return check_s3(datastore, credential);
    case DatastoreKind::kHttp:
      return check_http(datastore, credential);
  }
  return {};
}

std::string_view credential_type(const SecretMap& credential) {
  if (credential.contains("accountKey")) return "accountKey";
  if (credential.contains("sasToken")) return "sasToken";
  if (credential.contains("secretAccessKey")) return "accessKey";
  if (credential.contains("password")) return "password";
  return credential.contains("token") ? "token" : "none";
}

json::object to_json(const Datastore& datastore) {
  json::value created(nullptr);
  if (datastore.created_ms != 0) created = format_utc(datastore.created_ms);
  return {{"workspace", datastore.workspace},
          {"name", datastore.name},
          {"kind", to_string(datastore.kind)},
          {"settings", text_map_to_json(datastore.settings)},
          {"ours", datastore.ours},
          {"createdBy", datastore.created_by},
          {"createdUtc", std::move(created)}};
}

json::object credential_to_json(const SecretMap& credential) {
  json::object document;
  for (const auto& [name, value] : credential) document[name] = value.reveal();
  return document;
}

Result<SecretMap> credential_from_json(const json::value& value) {
  SecretMap credential;
  const json::object* const object = value.if_object();
  if (object == nullptr) return fail(errors::invalid_request, "credential: is no object");
  for (const auto& [name, entry] : *object) {
    const json::string* const text = entry.if_string();
    if (text == nullptr) return fail(errors::invalid_request, fmt::format("credential.{}: is no text", std::string_view(name)));
    credential.emplace(std::string(name), Secret(std::string(*text)));
  }
  return credential;
}

}  // namespace werkbank
