// --query: JMESPath (jmespath.org), the whole grammar and the functions that queries on lists and documents use.
#pragma once

#include <memory>
#include <string_view>

#include "base/json.hh"

namespace werkbank::cli {

// usage with the position where the expression is malformed, or the function that does not fit its arguments.
Result<json::value> search_jmespath(std::string_view expression, const json::value& value);

}  // namespace werkbank::cli
