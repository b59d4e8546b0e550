// The parsed form of a JMESPath expression; between jmespath_parse.cc and jmespath.cc only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hh"

namespace werkbank::cli::jmespath {

enum class Kind {
  kCurrent,
  kField,
  kLiteral,
  kIndex,
  kSlice,
  kSub,
  kPipe,
  kProject,
  kProjectValues,
  kFilter,
  kFlatten,
  kAnd,
  kOr,
  kNot,
  kCompare,
  kList,
  kHash,
  kCall,
  kReference,
};
enum class Comparison { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  Kind kind = Kind::kCurrent;
  std::string name;               // kField, kCall
  std::vector<std::string> keys;  // kHash
  json::value literal;
  std::optional<int64_t> start, stop, step;  // kSlice; kIndex: start
  Comparison comparison = Comparison::kEqual;
  // kSub, kPipe, kAnd, kOr, kCompare: left and right. kProject, kProjectValues, kFlatten: source and what is done to each item.
  // kFilter: source, what is done, the condition. kList, kHash, kCall: all.
  std::vector<NodePtr> children;
};

Result<NodePtr> parse(std::string_view expression);

}  // namespace werkbank::cli::jmespath
