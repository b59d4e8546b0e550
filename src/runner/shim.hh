// The script's parent: a tiny process that outlives the runner, waits for the script, ends what it left behind, and writes how it
// ended.
#pragma once

#include "domain/work_folder.hh"

namespace werkbank::runner {

// `werkbank-runner shim WORKDIR`: answers the exit code. One shim per work folder ever starts the script: a second one finds the
// lock or shim.json and ends without a deed.
int run_shim(const WorkFolder& folder);

}  // namespace werkbank::runner
