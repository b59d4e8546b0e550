// A run's files, or a model's, to the disk.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/hash.hh"
#include "cli/context.hh"

namespace werkbank::cli {

struct DownloadRequest {
  std::string run;
  std::filesystem::path folder;
  std::string prefix;
  std::vector<std::string> paths;  // empty: all below `prefix`
  bool overwrite = false;
};

// Fetches each file below `folder` under its own path and answers [{"path", "sizeBytes", "file"}]. A file that is there is
// already_exists before anything is fetched, unless `overwrite`; one that breaks off, or is not what was stored, leaves nothing
// under its name.
Result<json::array> download_run(Context& context, const DownloadRequest& request);

// The same of whatever has "/files" below its route; `what` is in messages ("run \"r1\""). `request.run` is not looked at.
Result<json::array> download_files(Context& context, const std::string& target, const std::string& what,
                                   const DownloadRequest& request);

// A path as segments of a route, each encoded.
std::string encode_run_path(const std::string& path);
// The bytes of one file as they come. `run_target` is the run's route. hash_mismatch at the end where they are not what was
// stored; a log that grows has no hash.
Status stream_run_file(client::Session& server, const std::string& run_target, const std::string& path,
                       const std::function<bool(std::string_view)>& sink);

// hash_mismatch, naming the file.
Status check_content(const Hash& expected, const Hash& received, const std::string& path);

}  // namespace werkbank::cli
