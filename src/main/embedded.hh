// The files that the program carries inside (made by cmake/programs.cmake): they live as long as the process does.
#pragma once

#include <string_view>

namespace werkbank {

std::string_view embedded_runner();  // the static werkbank-runner, an ELF program
std::string_view embedded_wheel();   // the Python SDK, a zip file: werkbank_azureml-<version>-py3-none-any.whl

}  // namespace werkbank
