#include "base/json.hh"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <system_error>
#include <unordered_set>

#include "base/files.hh"

namespace werkbank {
namespace {

using ErrorNumber = boost::system::error_code;

// Receives the parser's events and builds the value. It does what json::parser does, and refuses duplicate keys (two readers of
// such a document disagree about what it says) and reads doubles exactly (the library's own reading may be one unit off).
class DocumentHandler {
 public:
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = 64 * 1024;
  static constexpr size_t max_string_size = SIZE_MAX;

  json::value release() { return stack_.release(); }
  const std::string& problem() const { return problem_; }

  bool on_document_begin(ErrorNumber&) { return true; }
  bool on_document_end(ErrorNumber&) { return true; }
  bool on_array_begin(ErrorNumber&) { return true; }
  bool on_array_end(size_t count, ErrorNumber&) {
    stack_.push_array(count);
    return true;
  }
  bool on_object_begin(ErrorNumber&) {
    keys_.emplace_back();
    return true;
  }
  bool on_object_end(size_t count, ErrorNumber&) {
    keys_.pop_back();
    stack_.push_object(count);
    return true;
  }
  bool on_string_part(json::string_view part, size_t, ErrorNumber&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, size_t, ErrorNumber&) {
    stack_.push_string(part);
    return true;
  }
  bool on_key_part(json::string_view part, size_t, ErrorNumber&) {
    key_.append(part.data(), part.size());
    stack_.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, size_t, ErrorNumber& error) {
    key_.append(part.data(), part.size());
    stack_.push_key(part);
    if (keys_.back().insert(std::move(key_)).second) {
      key_.clear();
      return true;
    }
    return refuse(fmt::format("the key {:?} is there twice", key_.substr(0, 100)), error);
  }
  bool on_number_part(json::string_view part, ErrorNumber&) {
    number_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(int64_t value, json::string_view, ErrorNumber&) {
    number_.clear();
    stack_.push_int64(value);
    return true;
  }
  bool on_uint64(uint64_t value, json::string_view, ErrorNumber&) {
    number_.clear();
    stack_.push_uint64(value);
    return true;
  }
  bool on_double(double, json::string_view part, ErrorNumber& error) {
    number_.append(part.data(), part.size());
    double value = 0;
    const auto [end, problem] = std::from_chars(number_.data(), number_.data() + number_.size(), value);
    if (problem == std::errc::result_out_of_range) value = std::strtod(number_.c_str(), nullptr);  // tells huge from tiny
    if (end != number_.data() + number_.size() || std::isinf(value)) {
      return refuse(fmt::format("the number {} is out of range", number_.substr(0, 40)), error);
    }
    number_.clear();
    stack_.push_double(value);
    return true;
  }
  bool on_bool(bool value, ErrorNumber&) {
    stack_.push_bool(value);
    return true;
  }
  bool on_null(ErrorNumber&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, ErrorNumber&) { return true; }
  bool on_comment(json::string_view, ErrorNumber&) { return true; }

 private:
  bool refuse(std::string problem, ErrorNumber& error) {
    problem_ = std::move(problem);
    error = make_error_code(boost::system::errc::invalid_argument);
    return false;
  }

  json::value_stack stack_;
  std::vector<std::unordered_set<std::string>> keys_;
  std::string key_;
  std::string number_;
  std::string problem_;
};

std::string describe(const ErrorNumber& error) {
  if (error == json::error::too_deep) return "it is nested too deeply";
  if (error == json::error::incomplete) return "it ends too early";
  if (error == json::error::extra_data) return "something follows the document's end";
  return error.message();
}

std::string position_in(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::ranges::count(before, '\n');
  const size_t line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  return fmt::format("line {}, column {}", line, before.size() - line_start + 1);
}

void append_escaped(std::string& out, std::string_view text) {
  out += '"';
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, start, i - start);
    start = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    }
  }
  out.append(text, start);
  out += '"';
}

// Integers stay integers and doubles doubles when the text is read back. JSON has no NaN and no infinity: null, as in browsers.
void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  const std::string_view text(digits, static_cast<size_t>(end - digits));
  out += text;
  if (text.find_first_of(".e") == text.npos) out += ".0";
}

// False for an object or array.
bool append_leaf(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      return true;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return true;
    case json::kind::int64:
      fmt::format_to(std::back_inserter(out), "{}", value.get_int64());
      return true;
    case json::kind::uint64:
      fmt::format_to(std::back_inserter(out), "{}", value.get_uint64());
      return true;
    case json::kind::double_:
      append_double(out, value.get_double());
      return true;
    case json::kind::string:
      append_escaped(out, value.get_string());
      return true;
    default:
      return false;
  }
}

void append_canonical(std::string& out, const json::value& value) {
  if (append_leaf(out, value)) return;
  if (const json::array* const items = value.if_array()) {
    out += '[';
    for (size_t i = 0; i < items->size(); ++i) {
      if (i > 0) out += ',';
      append_canonical(out, (*items)[i]);
    }
    out += ']';
    return;
  }
  std::vector<const json::key_value_pair*> pairs;
  pairs.reserve(value.get_object().size());
  for (const json::key_value_pair& pair : value.get_object()) pairs.push_back(&pair);
  std::ranges::sort(pairs, [](const auto* a, const auto* b) { return std::string_view(a->key()) < std::string_view(b->key()); });
  out += '{';
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0) out += ',';
    append_escaped(out, pairs[i]->key());
    out += ':';
    append_canonical(out, pairs[i]->value());
  }
  out += '}';
}

void append_pretty(std::string& out, const json::value& value, size_t indent) {
  if (append_leaf(out, value)) return;
  const auto new_line = [&](size_t depth) {
    out += '\n';
    out.append(2 * depth, ' ');
  };
  bool first = true;
  const auto next_entry = [&] {
    if (!std::exchange(first, false)) out += ',';
    new_line(indent + 1);
  };
  const bool is_array = value.is_array();
  out += is_array ? '[' : '{';
  if (is_array) {
    for (const json::value& item : value.get_array()) {
      next_entry();
      append_pretty(out, item, indent + 1);
    }
  } else {
    for (const json::key_value_pair& pair : value.get_object()) {
      next_entry();
      append_escaped(out, pair.key());
      out += ": ";
      append_pretty(out, pair.value(), indent + 1);
    }
  }
  if (!first) new_line(indent);
  out += is_array ? ']' : '}';
}

}  // namespace

Result<json::value> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.size_bytes_max) {
    return fail(errors::invalid_request,
                fmt::format("the JSON document is too large: {} bytes, {} are allowed", text.size(), limits.size_bytes_max));
  }
  json::parse_options options;
  options.max_depth = limits.depth_max;
  json::basic_parser<DocumentHandler> parser(options);
  ErrorNumber error;
  const size_t consumed = parser.write_some(false, text.data(), text.size(), error);
  if (!error && consumed < text.size()) error = json::error::extra_data;
  if (!error) return parser.handler().release();
  const std::string& problem = parser.handler().problem();
  return fail(errors::invalid_request, fmt::format("the JSON document is not well formed at {}: {}", position_in(text, consumed),
                                                   problem.empty() ? describe(error) : problem));
}

std::string canonical_json(const json::value& value) {
  std::string out;
  append_canonical(out, value);
  return out;
}

std::string pretty_json(const json::value& value) {
  std::string out;
  append_pretty(out, value, 0);
  return out;
}

}  // namespace werkbank
