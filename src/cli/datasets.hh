// Datasets, for both command lines.
#pragma once

#include "cli/context.hh"
#include "cli/data_transfer.hh"

namespace werkbank::cli {

// Saves what a specification says: the document of docs/reference/datasets.md without `files`, which are looked up then, and with
// `register` and `validate` (default: true; a dataset without a file is dataset_empty). The dataset's document.
Result<json::value> create_dataset(Context& context, json::value specification);

// "DATASTORE/PATTERN" or a URL; usage for neither.
Result<json::object> dataset_source_from(const std::string& text);

struct DatasetFilters {
  std::string name, kind;         // empty: any
  std::vector<std::string> tags;  // NAME or NAME=VALUE; all must match
};
// The address of the list: the newest version of each name, or with a name all versions of it.
Result<std::string> datasets_route(Context& context, const DatasetFilters& filters);
// "/datasets/<reference>" below the workspace's route.
Result<std::string> dataset_route(Context& context, const std::string& reference);
Result<json::value> fetch_dataset_document(Context& context, const std::string& reference);
Status delete_dataset(Context& context, const std::string& reference);

Result<json::array> dataset_files(Context& context, const std::string& reference);
// Fetches the files below transfer.folder. Answers {"dataset", "target", "files", "skipped", "sizeBytes"}.
Result<json::object> download_dataset(Context& context, const std::string& reference, const DataTransfer& transfer);
// [{"name", "file", "sizeBytes"}]: where each file can be read on this machine. Files of folders of this machine are these
// themselves, others are fetched into the cache that all commands share.
Result<json::array> local_dataset_files(Context& context, const std::string& reference);

std::vector<Column> dataset_columns();         // of a list
std::vector<Column> dataset_detail_columns();  // of one

}  // namespace werkbank::cli
