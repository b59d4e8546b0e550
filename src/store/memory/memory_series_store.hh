// The series store in memory: for tests and the simulation. The same contract, but for durability.
#pragma once

#include <memory>

#include "store/series.hh"

namespace werkbank::store {

std::unique_ptr<SeriesStore> make_memory_series_store();

}  // namespace werkbank::store
