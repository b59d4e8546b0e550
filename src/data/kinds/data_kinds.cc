#include "data/kinds/data_kinds.hh"

#include <fmt/format.h>

#include "data/azure_blob/azure_blob_store.hh"
#include "data/folder/folder_data_store.hh"
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
    default:
      return fail(errors::not_supported,
                  fmt::format("datastores of kind {} come with a later version", to_string(access.datastore.kind)),
                  "Register a folder, an Azure Blob container or an S3 bucket, or use workspaceblobstore.");
  }
}

}  // namespace werkbank
