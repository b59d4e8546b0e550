// The store in memory: for tests and the simulation. The same contract as the others, but for durability.
#pragma once

#include <memory>

#include "store/store.hh"

namespace werkbank::store {

std::unique_ptr<Store> make_memory_store();

}  // namespace werkbank::store
