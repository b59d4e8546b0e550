// A variable of an environment: which package a job imports as azureml, where there is Microsoft's too. Unset: Werkbank's.
#pragma once

#include <string_view>

namespace werkbank {

inline constexpr std::string_view kPackageVariable = "WERKBANK_AZUREML";
inline constexpr std::string_view kGenuinePackage = "genuine";

}  // namespace werkbank
