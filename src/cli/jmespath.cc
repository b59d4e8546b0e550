#include "cli/jmespath.hh"

#include <algorithm>

#include "cli/jmespath_functions.hh"
#include "cli/jmespath_tree.hh"

namespace werkbank::cli {
namespace jmespath {
namespace {

Result<json::value> evaluate(const Node& node, const json::value& value);

Result<json::value> over_items(const Node& each, const json::array& items) {
  json::array results;
  for (const json::value& item : items) {
    TRY(json::value result, evaluate(each, item));
    if (!result.is_null()) results.push_back(std::move(result));
  }
  return json::value(std::move(results));
}

json::array flattened(const json::array& items) {
  json::array flat;
  for (const json::value& item : items) {
    if (item.is_array()) {
      flat.insert(flat.end(), item.as_array().begin(), item.as_array().end());
    } else {
      flat.push_back(item);
    }
  }
  return flat;
}

Result<json::value> project(const Node& node, const json::value& value) {
  TRY(const json::value source, evaluate(*node.children[0], value));
  if (node.kind == Kind::kProjectValues) {
    if (!source.is_object()) return json::value(nullptr);
    json::array values;
    for (const auto& field : source.as_object()) values.push_back(field.value());
    return over_items(*node.children[1], values);
  }
  if (!source.is_array()) return json::value(nullptr);
  if (node.kind == Kind::kFlatten) return over_items(*node.children[1], flattened(source.as_array()));
  if (node.kind == Kind::kProject) return over_items(*node.children[1], source.as_array());
  json::array chosen;
  for (const json::value& item : source.as_array()) {
    TRY(const json::value condition, evaluate(*node.children[2], item));
    if (is_true(condition)) chosen.push_back(item);
  }
  return over_items(*node.children[1], chosen);
}

json::value index_of(const json::value& value, int64_t index) {
  if (!value.is_array()) return nullptr;
  const auto size = static_cast<int64_t>(value.as_array().size());
  if (index < 0) index += size;
  return index < 0 || index >= size ? json::value(nullptr) : value.as_array()[static_cast<size_t>(index)];
}

Result<json::value> slice_of(const Node& node, const json::value& value) {
  if (!value.is_array()) return json::value(nullptr);
  const int64_t step = node.step.value_or(1);
  if (step == 0) return fail(errors::usage, "--query: the step of a slice is 0");
  const auto size = static_cast<int64_t>(value.as_array().size());
  const auto bound = [&](std::optional<int64_t> given, int64_t fallback) {
    if (!given) return fallback;
    const int64_t index = *given < 0 ? *given + size : *given;
    return step > 0 ? std::clamp<int64_t>(index, 0, size) : std::clamp<int64_t>(index, -1, size - 1);
  };
  const int64_t start = bound(node.start, step > 0 ? 0 : size - 1);
  const int64_t stop = bound(node.stop, step > 0 ? size : -1);
  json::array chosen;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) chosen.push_back(value.as_array()[static_cast<size_t>(i)]);
  return json::value(std::move(chosen));
}

json::value compare(Comparison comparison, const json::value& left, const json::value& right) {
  if (comparison == Comparison::kEqual) return is_equal(left, right);
  if (comparison == Comparison::kNotEqual) return !is_equal(left, right);
  // Beyond the specification, as the reference program does: texts are ordered too (times are compared so).
  const bool numbers = left.is_number() && right.is_number();
  if (!numbers && !(left.is_string() && right.is_string())) return nullptr;
  const int order = order_of(left, right);
  switch (comparison) {
    case Comparison::kLess:
      return order < 0;
    case Comparison::kLessEqual:
      return order <= 0;
    case Comparison::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

Result<json::value> collect(const Node& node, const json::value& value) {
  if (value.is_null()) return json::value(nullptr);
  json::array list;
  json::object hash;
  for (size_t i = 0; i < node.children.size(); ++i) {
    TRY(json::value item, evaluate(*node.children[i], value));
    if (node.kind == Kind::kHash) {
      hash[node.keys[i]] = std::move(item);
    } else {
      list.push_back(std::move(item));
    }
  }
  return node.kind == Kind::kHash ? json::value(std::move(hash)) : json::value(std::move(list));
}

Result<json::value> call(const Node& node, const json::value& value) {
  std::vector<Argument> arguments;
  for (const NodePtr& child : node.children) {
    Argument argument;
    if (child->kind == Kind::kReference) {
      argument.reference = [inner = child->children[0].get()](const json::value& item) { return evaluate(*inner, item); };
    } else {
      TRY(argument.value, evaluate(*child, value));
    }
    arguments.push_back(std::move(argument));
  }
  return call_function(node.name, arguments);
}

Result<json::value> evaluate(const Node& node, const json::value& value) {
  switch (node.kind) {
    case Kind::kCurrent:
      return value;
    case Kind::kLiteral:
      return node.literal;
    case Kind::kField: {
      const json::value* const found = value.is_object() ? value.as_object().if_contains(node.name) : nullptr;
      return found == nullptr ? json::value(nullptr) : *found;
    }
    case Kind::kIndex:
      return index_of(value, node.start.value_or(0));
    case Kind::kSlice:
      return slice_of(node, value);
    case Kind::kSub:
    case Kind::kPipe: {
      TRY(const json::value left, evaluate(*node.children[0], value));
      return evaluate(*node.children[1], left);
    }
    case Kind::kAnd:
    case Kind::kOr: {
      TRY(json::value left, evaluate(*node.children[0], value));
      if (is_true(left) == (node.kind == Kind::kOr)) return left;
      return evaluate(*node.children[1], value);
    }
    case Kind::kNot: {
      TRY(const json::value inner, evaluate(*node.children[0], value));
      return json::value(!is_true(inner));
    }
    case Kind::kCompare: {
      TRY(const json::value left, evaluate(*node.children[0], value));
      TRY(const json::value right, evaluate(*node.children[1], value));
      return compare(node.comparison, left, right);
    }
    case Kind::kList:
    case Kind::kHash:
      return collect(node, value);
    case Kind::kCall:
      return call(node, value);
    case Kind::kReference:
      return fail(errors::usage, "--query: '&' stands only before an argument of a function");
    case Kind::kProject:
    case Kind::kProjectValues:
    case Kind::kFilter:
    case Kind::kFlatten:
      return project(node, value);
  }
  return json::value(nullptr);
}

}  // namespace
}  // namespace jmespath

Result<json::value> search_jmespath(std::string_view expression, const json::value& value) {
  TRY(const jmespath::NodePtr node, jmespath::parse(expression));
  return jmespath::evaluate(*node, value);
}

}  // namespace werkbank::cli
