// The data of a run in its work folder: data/in/NAME for inputs, data/out/NAME for outputs.
#pragma once

#include "runner/follower.hh"

namespace werkbank::runner {

std::filesystem::path input_folder(const WorkFolder& folder, const std::string& name);
std::filesystem::path output_folder(const WorkFolder& folder, const std::string& name);

// Input step 2: inputs are mounted or downloaded, folders for outputs made, and data.json says where each is.
Status bring_data(const AttemptContext& context);
// The script has ended: mounts and links go.
void release_data(const AttemptContext& context);

}  // namespace werkbank::runner
