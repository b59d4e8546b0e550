#include "data/kinds/data_kinds.hh"

#include "data/azure_blob/azure_blob_store.hh"
#include "data/folder/folder_data_store.hh"
#include "data/http/http_store.hh"
#include "data/s3/s3_store.hh"

namespace werkbank {

Result<std::unique_ptr<data::DataStore>> open_data_store(const data::DataAccess& access) {
  switch (access.datastore.kind) {
    case DatastoreKind::kFolder:
      return data::make_folder_data_store(access.datastore.settings.at("path"));
    case DatastoreKind::kAzureBlob:
      return data::make_azure_blob_store(access);
    case DatastoreKind::kS3:
      return data::make_s3_store(access);
    case DatastoreKind::kHttp:
      return data::make_http_store(access);
  }
  return fail(errors::not_supported, "a datastore of a kind that this program does not know");
}

}  // namespace werkbank
