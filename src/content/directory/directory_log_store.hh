// Growing logs as one file per stream, for a server on this machine.
//
//     <folder>/ab/<hash of workspace and run>/<hash of attempt, rank and path>
//     <folder>/journal    what was appended lately and is durable there only (log_journal.hh)
//
// A file begins with one line of JSON that holds its key; the stream's bytes follow. Names are hashes, so no client's text
// becomes a path. One process at a time.
#pragma once

#include <filesystem>
#include <memory>

#include "content/log_store.hh"

namespace werkbank::content {

struct LogStoreOptions {
  size_t open_files_max = 256;  // streams kept open between two appends; the least recently used ones are closed
};

// Creates the folder where it is not there.
Result<std::unique_ptr<LogStore>> open_directory_log_store(const std::filesystem::path& folder, LogStoreOptions options = {});

}  // namespace werkbank::content
