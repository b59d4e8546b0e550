// A datastore: a named place for data. What it is, what describes each kind, and which of that is secret. No I/O.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/secret.hh"
#include "domain/run.hh"

namespace werkbank {

enum class DatastoreKind { kFolder, kAzureBlob, kS3, kHttp };
std::string_view to_string(DatastoreKind kind);  // "folder", "azureBlob", "s3", "http"
std::optional<DatastoreKind> parse_datastore_kind(std::string_view text);

using SecretMap = std::map<std::string, Secret>;

struct Datastore {
  std::string workspace;
  std::string name;  // two names that differ in the case of letters only are one
  DatastoreKind kind = DatastoreKind::kFolder;
  TextMap settings;   // nothing secret; see datastore_fields()
  bool ours = false;  // made with the workspace, kept in the server's home: neither registered nor unregistered
  std::string created_by;
  UtcMs created_ms = 0;
};

// Every workspace has these two from its first day; the first one is the default until another is chosen.
inline constexpr std::string_view kWorkspaceBlobStore = "workspaceblobstore";
inline constexpr std::string_view kWorkspaceFileStore = "workspacefilestore";
std::optional<Datastore> own_datastore(const Workspace& workspace, std::string_view name);

struct DatastoreField {
  std::string_view name;
  bool required = false;
  bool secret = false;
};
std::span<const DatastoreField> datastore_fields(DatastoreKind kind);

Status check_datastore_name(std::string_view name);     // letters, digits, _ and -, 1 to 255
std::string datastore_name_key(std::string_view name);  // what equal names have in common
// The description is whole and well formed, by itself: whether the place exists is found out by going there. invalid_request
// names the field and never shows what is secret.
Status check_datastore(const Datastore& datastore, const SecretMap& credential);
// "accountKey", "sasToken", "accessKey", "password", "token" or "none".
std::string_view credential_type(const SecretMap& credential);

json::object to_json(const Datastore& datastore);

// The secret half, as it is sealed in the store and told to who may use it.
json::object credential_to_json(const SecretMap& credential);
Result<SecretMap> credential_from_json(const json::value& value);

}  // namespace werkbank
