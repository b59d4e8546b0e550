#include "api/datastore_access.hh"

#include "api/reading.hh"
#include "base/files.hh"

namespace werkbank::api {
namespace {

namespace fs = std::filesystem;

bool is_inside(const fs::path& inner, const fs::path& outer) {
  const auto [at, rest] = std::ranges::mismatch(outer, inner);
  return at == outer.end();
}

}  // namespace

Result<store::DatastoreRecord> find_datastore(store::Reader& reader, const std::string& workspace, const std::string& name) {
  TRY(const Workspace known, find_workspace(reader, workspace));
  if (auto own = own_datastore(known, name)) return store::DatastoreRecord{std::move(*own), {}};
  TRY(auto record, reader.datastores().find(workspace, name));
  if (record) return std::move(*record);
  TRY(const std::vector<store::DatastoreRecord> all, reader.datastores().list(workspace));
  std::vector<std::string> names{std::string(kWorkspaceBlobStore), std::string(kWorkspaceFileStore)};
  for (const store::DatastoreRecord& each : all) names.push_back(each.datastore.name);
  const std::optional<std::string> nearest = nearest_word(name, names);
  return fail(errors::datastore_not_found, fmt::format("there is no datastore {:?} in workspace {:?}{}", name, workspace,
                                                       nearest ? fmt::format("; did you mean {:?}?", *nearest) : ""));
}

Result<std::string> default_datastore(store::Reader& reader, const std::string& workspace) {
  TRY(std::string chosen, reader.datastores().default_name(workspace));
  return chosen.empty() ? std::string(kWorkspaceBlobStore) : chosen;
}

Result<SecretMap> unsealed(Api& api, const store::DatastoreRecord& record) {
  if (record.sealed.empty()) return SecretMap();
  TRY(const Secret text, api.vault.unseal(record.sealed));
  TRY(const json::value document, parse_json(text.reveal()));
  return credential_from_json(document);
}

Result<data::DataAccess> access_to(Api& api, const store::DatastoreRecord& record) {
  data::DataAccess access{record.datastore, {}};
  TRY(access.credential, unsealed(api, record));
  if (!record.datastore.ours) return access;
  TRY(const RelativePath place, RelativePath::parse(record.datastore.workspace + "/" + record.datastore.name));
  const fs::path folder = place.below(api.services.datastore_folder);
  CHECK_OK(make_directories(folder));
  access.datastore.settings["path"] = folder.string();
  return access;
}

Status check_folder_may_serve(const Api& api, const Call& call, const Datastore& datastore) {
  const access::Identity& identity = call.identity;
  const bool is_owner = identity.kind == access::LoginKind::kUnixSocket || identity.kind == access::LoginKind::kNoAuth ||
                        (identity.kind == access::LoginKind::kToken && identity.role == Role::kOwner);
  if (!is_owner) return fail(errors::denied, "a folder of the server's machine is registered by an owner of the workspace");
  std::error_code failure;
  const fs::path wanted = fs::weakly_canonical(datastore.settings.at("path"), failure);
  const fs::path home = fs::weakly_canonical(api.services.datastore_folder.parent_path(), failure);
  if (!failure && !is_inside(wanted, home) && !is_inside(home, wanted)) return {};
  return fail(errors::datastore_refused,
              fmt::format("{} is, or holds, or lies in the folder where the server keeps its own state", wanted.string()),
              "Choose a folder outside of WERKBANK_HOME; workspaceblobstore is there without being registered.");
}

}  // namespace werkbank::api
