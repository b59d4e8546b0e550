// How a script is told where its data is: variables, and placeholders in its arguments (v1_behaviour: "Environment of a job").
#pragma once

#include <string>

#include "domain/launch.hh"

namespace werkbank::runner {

// `DatasetConsumptionConfig:NAME`, `DatasetOutputConfig:NAME` and `$AZUREML_DATAREFERENCE_NAME` become the place of NAME. What
// names nothing stays as it is.
std::string with_places(const std::string& argument, const TextMap& places);
// The same in a command for the shell, where a place stands as a reference to its variable.
std::string with_place_variables(const std::string& command, const TextMap& places);
// NAME, name in upper case, AZUREML_DATAREFERENCE_NAME; and the lists by which v1's package finds inputs and outputs.
TextMap place_variables(const LaunchPlan& plan, const TextMap& places);

}  // namespace werkbank::runner
