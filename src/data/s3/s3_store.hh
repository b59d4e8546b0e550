// A bucket of Amazon S3, or of what speaks its protocol.
#pragma once

#include <memory>

#include "data/data_store.hh"

namespace werkbank::data {

// Goes nowhere. A page of a listing has at most `page_entries`.
Result<std::unique_ptr<DataStore>> make_s3_store(const DataAccess& access, size_t page_entries = 1000);

}  // namespace werkbank::data
