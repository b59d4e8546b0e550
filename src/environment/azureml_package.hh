// Requirements on Microsoft's SDK packages: Werkbank's own SDK stands in for them, so they are not installed.
#pragma once

#include <string>
#include <vector>

#include "environment/requirement.hh"

namespace werkbank::environment {

bool is_azureml_package(const Requirement& requirement);
// The open packages that a script which asks for this one expects beside the SDK: azureml-dataset-runtime[pandas] brings pandas
// and pyarrow.
std::vector<std::string> companions_of(const Requirement& requirement);

}  // namespace werkbank::environment
