#include "domain/machine_slice.hh"

#include <algorithm>

namespace werkbank {
namespace {

constexpr int64_t kNumberMax = 1 << 20;
constexpr size_t kGroupDigitsMax = 64;

std::vector<int> read_numbers(JsonReader& reader, std::string_view key) {
  std::vector<int> numbers;
  const json::array* const list = reader.array(key);
  if (list == nullptr) return numbers;
  for (const json::value& each : *list) {
    if (!each.is_int64() || each.get_int64() < 0 || each.get_int64() > kNumberMax) {
      reader.refuse(key, "holds something that is no number of a device");
      return {};
    }
    numbers.push_back(static_cast<int>(each.get_int64()));
  }
  return numbers;
}

}  // namespace

json::object to_json(const MachineSlice& slice) {
  json::object document{{"cores", json::array(slice.cores.begin(), slice.cores.end())},
                        {"memoryBytes", static_cast<int64_t>(slice.memory_bytes)},
                        {"gpus", json::array(slice.gpus.begin(), slice.gpus.end())}};
  if (!slice.group.empty()) document["group"] = slice.group;
  return document;
}

Result<MachineSlice> machine_slice_from_json(const json::value& value, const std::string& path) {
  JsonReader reader(value, path);
  MachineSlice slice;
  slice.cores = read_numbers(reader, "cores");
  slice.memory_bytes = static_cast<uint64_t>(reader.int_or("memoryBytes", 0, 0, INT64_MAX));
  slice.gpus = read_numbers(reader, "gpus");
  slice.group = reader.string_or("group");
  const bool is_hex =
      std::ranges::all_of(slice.group, [](unsigned char c) { return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f'); });
  if (!is_hex || slice.group.size() > kGroupDigitsMax) reader.refuse("group", "is no name of a group");
  CHECK_OK(reader.finish(false));
  return slice;
}

}  // namespace werkbank
