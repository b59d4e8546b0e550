// A container of Azure Blob Storage, or of what speaks its protocol.
#pragma once

#include <memory>

#include "data/data_store.hh"

namespace werkbank::data {

// invalid_request where the credential is not well formed; goes nowhere. A page of a listing has at most `page_entries`.
Result<std::unique_ptr<DataStore>> make_azure_blob_store(const DataAccess& access, size_t page_entries = 5000);

}  // namespace werkbank::data
