// The way to a datastore's data, as the server tells it to this login: into the storage itself, or through the server for a
// folder that lies on the server's machine and not on this one.
#pragma once

#include "client/session.hh"
#include "data/data_store.hh"

namespace werkbank::client {

struct OpenDatastore {
  data::DataAccess access;
  std::function<Result<std::unique_ptr<data::DataStore>>()> open;  // any thread; each has its own
  // What another process needs to open the same (open_described): with what the server has lent, credentials included.
  json::value description;
  // Says which storage it is, whatever it is called: what is cached on this machine is shared under it. Nothing secret.
  std::string identity;
  std::filesystem::path local_folder;  // set: a folder of this machine
};

// The same of what GET …/datastores/NAME/access has answered. `route` is "/api/v1/workspaces/W/datastores/NAME".
Result<OpenDatastore> open_lent(const json::value& document, const ServerAddress& server, const std::string& route,
                                const data::DataStoreOpener& opener);

// `workspace_route` is "/api/v1/workspaces/…"; `name` empty: the default datastore. The opener has to outlive the answer.
Result<OpenDatastore> open_datastore(Session& session, const std::string& workspace_route, const std::string& name,
                                     const data::DataStoreOpener& opener);

// As `OpenDatastore::open` does, in a process that was only told the description.
Result<std::unique_ptr<data::DataStore>> open_described(const json::value& description, const data::DataStoreOpener& opener);

}  // namespace werkbank::client
