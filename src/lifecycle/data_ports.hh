// The data of a run: what submit checks and fills in, and where its outputs go.
#pragma once

#include "store/store.hh"

namespace werkbank::lifecycle {

// The datasets and datastores of the specification are there: dataset_not_found, datastore_not_found. A dataset that is named
// "NAME" or "NAME:VERSION" is its id from here on, and outputs without a datastore go to the workspace's default one.
Status settle_data_ports(store::Reader& reader, const std::string& workspace, RunSpec& spec);
// The run reads these datasets.
Status note_inputs(store::Transaction& transaction, const RunKey& run, const RunSpec& spec);
// With the place in its datastore as it is for this run: {run-id} and {output-name} are filled in.
RunOutput placed_output(const RunOutput& output, const RunKey& run);

// The names of the datastores that a run gets at, each once: of its inputs and outputs, and of the sources of its datasets.
Result<std::vector<std::string>> datastores_of(store::Reader& reader, const std::string& workspace, const RunSpec& spec);

}  // namespace werkbank::lifecycle
