// How handlers find a datastore and what it takes to use it.
#pragma once

#include "api/api.hh"
#include "api/route.hh"
#include "data/data_store.hh"
#include "store/datastores.hh"

namespace werkbank::api {

// What was registered, or one of those that every workspace has; datastore_not_found names the nearest.
Result<store::DatastoreRecord> find_datastore(store::Reader& reader, const std::string& workspace, const std::string& name);
Result<std::string> default_datastore(store::Reader& reader, const std::string& workspace);
Result<SecretMap> unsealed(Api& api, const store::DatastoreRecord& record);
// With the path of a folder that the server keeps itself.
Result<data::DataAccess> access_to(Api& api, const store::DatastoreRecord& record);
// Who registers a folder chooses what the server's user reads and writes for others: owners only, and never the server's home.
Status check_folder_may_serve(const Api& api, const Call& call, const Datastore& datastore);

}  // namespace werkbank::api
