// The files of a model, as a manifest of what a run has.
#pragma once

#include "domain/run.hh"
#include "domain/snapshot.hh"

namespace werkbank::registry {

// A file or folder of the run, its last component being the one entry at the top: "outputs/net" gives "net/weights",
// "net/config". `files` are the run's files by path; what still grows is no file yet. model_path_not_found names what is there,
// path_refused.
Result<SnapshotManifest> manifest_of_run_files(const Run& run, const std::vector<Artifact>& files, std::string_view path);

}  // namespace werkbank::registry
