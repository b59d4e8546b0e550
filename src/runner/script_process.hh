// What the script's process is made of: pure, from the plan and the work folder.
#pragma once

#include "base/process.hh"
#include "domain/launch.hh"
#include "domain/work_folder.hh"

namespace werkbank::runner {

// interpreter script arguments…, or /bin/sh -c command; in code/, with the plan's variables and the runner's own; stdout and
// stderr appended to one spool file. `places`: where its data is (data_places.hh).
SpawnPlan script_process(const LaunchPlan& plan, const WorkFolder& folder, const TextMap& places = {});

}  // namespace werkbank::runner
