// The files of a new project of 2017 as text: `local` and `docker` exist in every project, whether their files lie there or not.
#pragma once

#include <optional>
#include <string_view>

namespace werkbank::client {

// "aml_config/local.runconfig", "aml_config/docker.compute", "aml_config/conda_dependencies.yml" … in any case of letters.
// Nothing for other paths.
std::optional<std::string_view> default_project_file(std::string_view relative);

}  // namespace werkbank::client
