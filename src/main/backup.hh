// `werkbank backup` and `werkbank restore`: a home as a folder of plain files.
#pragma once

#include <filesystem>

#include "base/result.hh"

namespace werkbank {

// Copies all that cannot be made again: records, series, content, the vault's key. Works beside a server that is in use; what it
// acknowledges after the beginning may be in the copy or not. Blobs are hard links where the file system allows it: they never
// change. `target` is absent or empty; a copy that was broken off has no backup.json and is refused by restore. Answers the bytes
// that the copy has. already_exists, not_found (no home), disk_full, io_failed.
Result<uint64_t> back_up_home(const std::filesystem::path& home, const std::filesystem::path& target);

// Brings back a whole backup, or (a file) the records alone. The server must not run (store_busy). What is in the home already is
// refused (already_exists), or with `replace` moved to a folder replaced-<time> in it, which is answered (else empty). Work
// folders of runs always go there. All is copied to restore.incoming/ first: a failure or a crash before that is done leaves the
// home as it was.
Result<std::filesystem::path> restore_home(const std::filesystem::path& home, const std::filesystem::path& backup, bool replace);

}  // namespace werkbank
