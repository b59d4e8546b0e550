// From the sources of a dataset to its files: listing what lies in datastores, asking for the size of what lies behind URLs.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "data/data_store.hh"
#include "domain/dataset.hh"

namespace werkbank::data {

// Where the files of a source, by its index, lie. Of a datastore: paths are in it. Of a URL: paths are whole URLs.
using SourceOpener = std::function<Result<std::unique_ptr<DataStore>>(size_t source)>;

// The files of all sources, in their order and by path. What two sources of one datastore match is there once. Names are as
// docs/reference/datasets.md says: unique. dataset_empty for a source that matches nothing, with the nearest names that are
// there as the hint; what the storage says else.
Result<std::vector<DatasetFile>> resolve_files(const std::vector<DatasetSource>& sources, const SourceOpener& open);

// The name of a file that is alone behind its URL: what follows the last '/', decoded, without the query.
std::string name_of_url(std::string_view url);

}  // namespace werkbank::data
