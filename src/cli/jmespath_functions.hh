// The functions of JMESPath and its notions of truth, equality and order.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/json.hh"

namespace werkbank::cli::jmespath {

struct Argument {
  json::value value;
  std::function<Result<json::value>(const json::value&)> reference;  // set for &expression
};

bool is_true(const json::value& value);                            // null, false, "", [] and {} are not
bool is_equal(const json::value& left, const json::value& right);  // 1 and 1.0 are equal
int order_of(const json::value& left, const json::value& right);   // of two numbers or two texts

Result<json::value> call_function(std::string_view name, const std::vector<Argument>& arguments);

}  // namespace werkbank::cli::jmespath
