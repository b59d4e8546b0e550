#include "data/data_store.hh"

namespace werkbank::data {

Status each_entry(DataStore& store, const std::string& prefix, const std::function<Status(DataEntry)>& visit) {
  std::string cursor;
  do {
    TRY(DataPage page, store.list(prefix, cursor));
    for (DataEntry& entry : page.entries) CHECK_OK(visit(std::move(entry)));
    cursor = std::move(page.next);
  } while (!cursor.empty());
  return {};
}

}  // namespace werkbank::data
