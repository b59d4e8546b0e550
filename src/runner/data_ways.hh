// Where the data of a run lies and how to get there: what the server tells this run's runner (GET …/runner/data).
#pragma once

#include <map>
#include <vector>

#include "client/datastore.hh"
#include "domain/dataset.hh"
#include "runner/server_link.hh"
#include "runner/steps.hh"

namespace werkbank::runner {

struct DataWays {
  std::map<std::string, client::OpenDatastore> datastores;  // by datastore_name_key()
  std::map<std::string, Hash> datasets;                     // id → its document
};
Result<DataWays> ask_data_ways(const AttemptContext& context, ServerLink& link);

// The files of an input as they are now.
struct InputFiles {
  std::vector<client::OpenDatastore> sources;
  std::vector<DatasetFile> files;  // `source` is the index above
  bool is_one_file = false;        // the input is this file, not the folder it lies in
};
// dataset_empty where nothing is there.
Result<InputFiles> find_input_files(const AttemptContext& context, ServerLink& link, const DataWays& ways, const RunInput& input);

// The opener ends what it reads when the run is canceled or the attempt is lost.
Result<client::OpenDatastore> find_source(const AttemptContext& context, const DataWays& ways, const std::string& datastore);

}  // namespace werkbank::runner
