// Files of web servers, read-only. See README.md.
#pragma once

#include <memory>

#include "data/data_store.hh"

namespace werkbank::data {

// Settings: url (empty: paths are whole addresses), user. Credentials: token (a bearer token), or the password of the user.
std::unique_ptr<DataStore> make_http_store(const DataAccess& access);

}  // namespace werkbank::data
