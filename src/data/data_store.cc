#include "data/data_store.hh"

#include "base/json.hh"

namespace werkbank::data {

Status DataStore::read_range(const std::string& path, const std::string& etag, uint64_t offset, uint64_t size_bytes,
                             const DataSink& sink) {
  if (size_bytes == 0) return {};
  uint64_t left = size_bytes;
  Status taken;
  const auto take = [&](std::string_view bytes) -> Status {
    const std::string_view wanted = bytes.substr(0, left);
    taken = sink(wanted);
    if (!taken) return taken;
    left -= wanted.size();
    // The failure that ends the reading; it is no answer.
    return left > 0 ? Status() : fail(errors::internal, "the range is read");
  };
  Status outcome = read(path, etag, offset, take);
  if (!taken) return taken;
  return left == 0 ? Status() : outcome;
}

std::string storage_identity(const Datastore& datastore) {
  json::object facts{{"kind", to_string(datastore.kind)}};
  for (const auto& [name, text] : datastore.settings) {
    if (name != "accessKeyId" && name != "protocol") facts[name] = text;
  }
  return canonical_json(facts);
}

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
