// The schemas of the two databases, as lists of steps from version to version. A step that was released never changes;
// a new one is added at the end.
#pragma once

#include <cstdint>
#include <vector>

namespace werkbank::store::sqlite {

inline constexpr int64_t kStoreApplicationId = 0x57424B31;   // "WBK1"
inline constexpr int64_t kSeriesApplicationId = 0x57424B32;  // "WBK2"

const std::vector<const char*>& store_migrations();
const std::vector<const char*>& series_migrations();

}  // namespace werkbank::store::sqlite
