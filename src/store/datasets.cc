#include "store/datasets.hh"

#include <fmt/format.h>

namespace werkbank::store {

Error no_such_dataset(const DatasetKey& key) {
  const std::string what = key.version == 0 ? key.name : fmt::format("{}:{}", key.name, key.version);
  return Error{&errors::dataset_not_found, fmt::format("there is no dataset {:?} in workspace {:?}", what, key.workspace), {}};
}

Error no_such_dataset(const std::string& workspace, const std::string& id) {
  return Error{
      &errors::dataset_not_found, fmt::format("there is no dataset with the id {:?} in workspace {:?}", id, workspace), {}};
}

}  // namespace werkbank::store
