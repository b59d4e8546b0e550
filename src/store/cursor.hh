// What every store's listings share: limits, opaque cursors (base64url of the sort key of the last item), and the cut of a page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hh"
#include "store/store.hh"

namespace werkbank::store {

inline constexpr int64_t kPageLimitMax = 1000;

// Where a run stands in a listing. `serial` is the store's own order of creation, for runs of equal time and number.
struct RunSortKey {
  int64_t created_ms = 0, number = 0, serial = 0;
  auto operator<=>(const RunSortKey&) const = default;
};

Result<int64_t> check_limit(int64_t limit);  // invalid_request outside 1 … kPageLimitMax
std::string encode_run_cursor(const RunSortKey& key);
Result<std::optional<RunSortKey>> decode_run_cursor(const std::string& cursor);  // empty cursor: from the start
// Where an experiment stands in a listing: by name; several that are archived or deleted may have had the same one.
struct NameSortKey {
  std::string name;
  int64_t id = 0;
  auto operator<=>(const NameSortKey&) const = default;
};
std::string encode_name_cursor(const NameSortKey& key);
Result<NameSortKey> decode_name_cursor(const std::string& cursor);  // empty cursor: before all

// `items` holds up to limit + 1; the surplus one only tells that there is more.
template <typename T, typename CursorOf>
Page<T> cut_page(std::vector<T> items, int64_t limit, CursorOf cursor_of) {
  Page<T> page;
  const bool more = items.size() > static_cast<size_t>(limit);
  if (more) items.resize(static_cast<size_t>(limit));
  if (more) page.next = cursor_of(items.back());
  page.items = std::move(items);
  return page;
}

}  // namespace werkbank::store
