// The documents of single nouns as JSON Schema, each an object of schemas by name; schemas() puts them together.
#pragma once

#include <string_view>

namespace werkbank::api {

std::string_view model_schemas();
std::string_view datastore_schemas();
std::string_view runner_data_schemas();
std::string_view quota_schemas();
std::string_view dataset_schemas();

}  // namespace werkbank::api
