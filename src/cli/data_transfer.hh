// Uploads and downloads as the command lines tell of them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/context.hh"
#include "data/transfer.hh"

namespace werkbank::cli {

struct DataTransfer {
  std::string datastore;  // empty: the default one
  std::string path;       // in it; empty: the top
  std::filesystem::path folder;
  std::vector<std::filesystem::path> files;  // uploads: these in place of the folder
  std::filesystem::path files_from;          // names of more of them, NUL between them
  std::filesystem::path relative_root;       // what the files' paths count from; empty: the folder they have in common
  bool overwrite = false;
  bool events = false;  // a JSON line for each step on stdout, for the Python package, and no other output
  size_t threads = 8;
};

// Files that travel from or to one storage.
struct TransferPart {
  std::function<Result<std::unique_ptr<data::DataStore>>()> open;  // any thread; each has its own
  std::vector<data::TransferItem> items;
};
// One part after the other, told as one transfer. Answers `facts` with "files", "skipped" and "sizeBytes". `advise` has a word
// in what is said of a failure.
Result<json::object> download_parts(Context& context, const DataTransfer& transfer, const std::vector<TransferPart>& parts,
                                    json::object facts, Error (*advise)(Error));

// Answer {"datastore", "path", "files", "skipped", "sizeBytes"}. A download that matches nothing is not_found.
Result<json::object> upload_data(Context& context, const DataTransfer& transfer);
Result<json::object> download_data(Context& context, const DataTransfer& transfer);

// The datastores of the workspace, as documents and as a table.
Result<json::array> fetch_datastores(Context& context);
Result<json::value> fetch_datastore(Context& context, const std::string& name);  // empty: the default one
std::vector<Column> datastore_columns();
Result<json::value> register_datastore(Context& context, const json::object& request);
Status unregister_datastore(Context& context, const std::string& name);
Result<json::value> choose_default_datastore(Context& context, const std::string& name);

}  // namespace werkbank::cli
