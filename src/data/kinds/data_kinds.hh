// The kinds of storage that datastores may be.
#pragma once

#include "data/data_store.hh"

namespace werkbank {

Result<std::unique_ptr<data::DataStore>> open_data_store(const data::DataAccess& access);

}  // namespace werkbank
