// A folder of this machine as a datastore: files of the user's, or of the server's own home.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <memory>

#include "data/data_store.hh"

namespace werkbank::data {

// Links to files are read as the files; links to folders are not followed. What is not a plain file is not listed, nor are names
// that no path of a datastore can have. A write goes to a hidden file beside its place (".werkbank-…", never listed) and is
// renamed: two writers, and the last one wins.
std::unique_ptr<DataStore> make_folder_data_store(std::filesystem::path folder, size_t page_entries = 5000);

// The etag that such a store gives a file of these facts.
std::string folder_etag(const struct stat& facts);

}  // namespace werkbank::data
