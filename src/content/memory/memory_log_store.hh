// The log store's twin in memory, for tests and simulation. Appends are acknowledged at once.
#pragma once

#include <memory>

#include "content/log_store.hh"

namespace werkbank::content {

std::unique_ptr<LogStore> make_memory_log_store();

}  // namespace werkbank::content
