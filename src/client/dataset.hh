// Datasets on this machine: the document, the way to the storages that its files lie in, and what a download of them is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "client/datastore.hh"
#include "data/transfer.hh"
#include "domain/dataset.hh"

namespace werkbank::client {

// The document of a dataset, with all files. `reference`: an id, NAME, NAME:VERSION or NAME:latest. dataset_not_found.
Result<DatasetContent> fetch_dataset(Session& session, const std::string& workspace_route, const std::string& reference);

// Where the files of each source lie, in the order of the sources. What a URL needs is known here; for a datastore the server is
// asked, once for each. The opener has to outlive the answer.
Result<std::vector<OpenDatastore>> open_sources(Session& session, const std::string& workspace_route,
                                                const std::vector<DatasetSource>& sources, const data::DataStoreOpener& opener);

// Fills in content.files from content.sources. dataset_empty, with the nearest names as the hint.
Status resolve_dataset(DatasetContent& content, const std::vector<OpenDatastore>& places);
// Asks web servers for the sizes of files that were given without.
Status measure_web_files(DatasetContent& content, const std::vector<OpenDatastore>& places);
// Notes the hashes of files that lie in folders of this machine.
Status hash_local_files(DatasetContent& content, const std::vector<OpenDatastore>& places);

// A file that this process can open where it lies; nothing where it has to be fetched. data_changed where it is another one by
// now.
Result<std::optional<std::filesystem::path>> find_local_file(const DatasetFile& file, const OpenDatastore& place);

// The files that lie in one storage, on their way to places below `folder`.
struct DatasetPart {
  OpenDatastore place;
  std::vector<data::TransferItem> items;
};
Result<std::vector<DatasetPart>> dataset_downloads(const DatasetContent& content, const std::vector<OpenDatastore>& places,
                                                   const std::filesystem::path& folder);

// data_changed says what to do about a dataset.
Error advise_on_change(Error error);

}  // namespace werkbank::client
