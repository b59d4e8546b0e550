// The parser of metric lines (docs/reference/metric-lines.md).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <unordered_set>

#include "base/files.hh"
#include "domain/metric.hh"

namespace werkbank {
namespace {

constexpr size_t kLineBytesMax = 16 * 1024 * 1024;
constexpr size_t kNameBytesMax = 512;
constexpr int kSkipDepthMax = 32;
constexpr size_t kColumnsComparedInOrder = 16;  // up to here a duplicate column is searched for without a hash set

bool is_artifact_kind(MetricKind kind) { return kind != MetricKind::kScalar && kind != MetricKind::kTable; }

// Parses one line in one pass. A general JSON parser would build a tree for each of half a million lines a second.
class LineParser {
 public:
  explicit LineParser(std::string_view line) : begin_(line.data()), at_(line.data()), end_(line.data() + line.size()) {}

  Result<MetricLine> parse() {
    if (static_cast<size_t>(end_ - begin_) > kLineBytesMax) {
      return fail(errors::invalid_request,
                  fmt::format("metric line of {} bytes: at most {} are allowed", end_ - begin_, kLineBytesMax));
    }
    if (!is_valid_utf8({begin_, end_})) return fail(errors::invalid_request, "metric line is not valid UTF-8");
    if (!members() || !check()) {
      return fail(errors::invalid_request, fmt::format("metric line, byte {}: {}", error_at_, error_));
    }
    return std::move(line_);
  }

 private:
  enum class Shape { kNone, kValue, kList, kRow, kColumns };

  bool refuse(std::string message) {
    if (error_.empty()) {
      error_ = std::move(message);
      error_at_ = static_cast<size_t>(at_ - begin_) + 1;
    }
    return false;
  }

  void blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r' || *at_ == '\n')) ++at_;
  }
  bool next_is(char wanted) {
    blanks();
    return at_ != end_ && *at_ == wanted;
  }
  bool take(char wanted) {
    if (!next_is(wanted)) return false;
    ++at_;
    return true;
  }
  bool expect(char wanted) { return take(wanted) || refuse(fmt::format("'{}' is expected", wanted)); }

  // Calls `element` for each element up to `close`; the opening bracket is already taken.
  template <typename Element>
  bool sequence(char close, Element element) {
    if (take(close)) return true;
    while (true) {
      if (!element()) return false;
      if (take(close)) return true;
      if (!take(',')) return refuse(fmt::format("',' or '{}' is expected", close));
    }
  }

  bool members() {
    if (!expect('{')) return false;
    std::string key;
    const bool read = sequence('}', [&] { return text(key) && expect(':') && member(key); });
    if (!read) return false;
    blanks();
    return at_ == end_ || refuse("nothing may follow the closing brace");
  }

  bool member(const std::string& key) {
    if (key.size() != 1) return skip(0);
    const unsigned bit = 1U << (static_cast<unsigned char>(key[0]) & 31U);
    constexpr std::string_view kKnown = "stnpkvlrcx";
    if (kKnown.find(key[0]) == std::string_view::npos) return skip(0);
    if ((seen_ & bit) != 0) return refuse(fmt::format("key {:?} appears twice", key));
    seen_ |= bit;
    switch (key[0]) {
      case 's':
        return integer(line_.sequence) && (line_.sequence >= 1 || refuse("the sequence \"s\" counts from 1"));
      case 't':
        return integer(line_.timestamp_ms);
      case 'n':
        return text(line_.name);
      case 'p':
        return integer(line_.step.emplace());
      case 'k':
        return kind();
      case 'v':
        return shape(Shape::kValue) && value(line_.columns.emplace_back().values.emplace_back());
      case 'l':
        return shape(Shape::kList) && values(line_.columns.emplace_back().values);
      case 'r':
        return shape(Shape::kRow) && columns();
      case 'x':
        return skipped();
      default:
        return shape(Shape::kColumns) && columns();
    }
  }

  bool shape(Shape shape) {
    if (shape_ != Shape::kNone) return refuse("only one of \"v\", \"l\", \"r\" and \"c\" is allowed");
    shape_ = shape;
    return true;
  }

  bool skipped() {
    std::string why;
    return text(why) && (why == "skipped" || refuse("\"x\" of a line is \"skipped\""));
  }

  bool kind() {
    std::string name;
    if (!text(name)) return false;
    const std::optional<MetricKind> kind = parse_metric_kind(name);
    if (!kind) return refuse(fmt::format("{:?} is not a kind of metric", name));
    kind_ = kind;
    return true;
  }

  bool columns() {
    if (!expect('{')) return false;
    const bool read = sequence('}', [&] {
      MetricLine::Column& column = line_.columns.emplace_back();
      if (!text(column.name) || !expect(':')) return false;
      if (column.name.size() > kNameBytesMax) return refuse(fmt::format("a column's name has at most {} bytes", kNameBytesMax));
      if (shape_ == Shape::kRow) return value(column.values.emplace_back());
      return values(column.values);
    });
    return read && columns_are_distinct() && columns_are_of_equal_length();
  }

  bool columns_are_distinct() {
    const auto twice = [&](const std::string& name) { return refuse(fmt::format("column {:?} appears twice", name)); };
    if (line_.columns.size() <= kColumnsComparedInOrder) {
      for (size_t i = 1; i < line_.columns.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
          if (line_.columns[i].name == line_.columns[j].name) return twice(line_.columns[i].name);
        }
      }
      return true;
    }
    std::unordered_set<std::string_view> names;
    for (const MetricLine::Column& column : line_.columns) {
      if (!names.insert(column.name).second) return twice(column.name);
    }
    return true;
  }

  bool columns_are_of_equal_length() {
    for (const MetricLine::Column& column : line_.columns) {
      if (column.values.size() != line_.columns.front().values.size()) {
        return refuse(fmt::format("column {:?} has {} values where {:?} has {}", column.name, column.values.size(),
                                  line_.columns.front().name, line_.columns.front().values.size()));
      }
    }
    return true;
  }

  bool values(std::vector<MetricValue>& list) {
    return expect('[') && sequence(']', [&] { return value(list.emplace_back()); });
  }

  bool value(MetricValue& value) {
    blanks();
    if (at_ == end_) return refuse("a value is expected");
    switch (*at_) {
      case '"':
        return text(value.emplace<std::string>());
      case '{':
        return special(value);
      case 'n':
        value = std::monostate();
        return word("null");
      case 't':
        value = int64_t{1};
        return word("true");
      case 'f':
        value = int64_t{0};
        return word("false");
      default:
        return number(value);
    }
  }

  bool word(std::string_view wanted) {
    if (!std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(wanted)) return refuse("a value is expected");
    at_ += wanted.size();
    return true;
  }

  // {"x":"nan"} and its two relatives, for which JSON has no number.
  bool special(MetricValue& value) {
    std::string key, name;
    if (!expect('{') || !text(key) || !expect(':') || !text(name)) return false;
    if (key != "x" || (name != "nan" && name != "inf" && name != "-inf")) {
      return refuse("an object is allowed as a value only as {\"x\":\"nan\"}, {\"x\":\"inf\"} or {\"x\":\"-inf\"}");
    }
    const double infinity = std::numeric_limits<double>::infinity();
    value = name == "nan" ? std::numeric_limits<double>::quiet_NaN() : name == "inf" ? infinity : -infinity;
    return expect('}');
  }

  // Finds the end of a number by JSON's grammar, which is stricter than from_chars.
  bool scan_number(const char*& number_end, bool& is_integer) {
    const char* p = at_;
    const auto digits = [&] {
      const char* const first = p;
      while (p != end_ && *p >= '0' && *p <= '9') ++p;
      return p - first;
    };
    if (p != end_ && *p == '-') ++p;
    const char* const first_digit = p;
    const auto whole = digits();
    if (whole == 0) return refuse("a value is expected");
    if (whole > 1 && *first_digit == '0') return refuse("a number does not start with 0");
    is_integer = true;
    if (p != end_ && *p == '.') {
      ++p;
      is_integer = false;
      if (digits() == 0) return refuse("digits are expected after the decimal point");
    }
    if (p != end_ && (*p == 'e' || *p == 'E')) {
      ++p;
      is_integer = false;
      if (p != end_ && (*p == '+' || *p == '-')) ++p;
      if (digits() == 0) return refuse("digits are expected in the exponent");
    }
    number_end = p;
    return true;
  }

  bool number(MetricValue& value) {
    const char* number_end = nullptr;
    bool is_integer = false;
    if (!scan_number(number_end, is_integer)) return false;
    if (is_integer) {
      int64_t parsed = 0;
      if (std::from_chars(at_, number_end, parsed).ec == std::errc()) {
        value = parsed;
        at_ = number_end;
        return true;
      }  // beyond 64 bits: kept as the nearest double
    }
    double parsed = 0;
    if (std::from_chars(at_, number_end, parsed).ec != std::errc()) {
      parsed = std::strtod(std::string(at_, number_end).c_str(), nullptr);  // out of range: ±inf or the nearest small number
    }
    value = parsed;
    at_ = number_end;
    return true;
  }

  bool integer(int64_t& result) {
    blanks();
    const char* number_end = nullptr;
    bool is_integer = false;
    if (!scan_number(number_end, is_integer)) return false;
    if (!is_integer || std::from_chars(at_, number_end, result).ec != std::errc())
      return refuse("an integer of 64 bits is expected");
    at_ = number_end;
    return true;
  }

  bool text(std::string& result) {
    result.clear();
    if (!expect('"')) return false;
    while (true) {
      const char* const plain = at_;
      while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20) ++at_;
      result.append(plain, at_);
      if (at_ == end_) return refuse("the text is not closed");
      if (*at_ == '"') {
        ++at_;
        return true;
      }
      if (*at_ != '\\') return refuse("a control character must be escaped");
      ++at_;
      if (!escape(result)) return false;
    }
  }

  bool escape(std::string& result) {
    if (at_ == end_) return refuse("the text is not closed");
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const size_t index = kLetters.find(*at_); index != std::string_view::npos) {
      result += kMeanings[index];
      ++at_;
      return true;
    }
    if (*at_ != 'u') return refuse("unknown escape");
    ++at_;
    uint32_t code = 0;
    if (!hex4(code)) return false;
    if (code >= 0xD800 && code < 0xDC00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
      const char* const second = at_;
      at_ += 2;
      uint32_t low = 0;
      if (!hex4(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = second;
      }
    }
    // Half a surrogate pair is what Python writes for an undecodable byte. It must not cost the point: U+FFFD stands for it.
    if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;
    append_utf8(result, code);
    return true;
  }

  bool hex4(uint32_t& code) {
    if (end_ - at_ < 4) return refuse("four hexadecimal digits are expected");
    const auto parsed = std::from_chars(at_, at_ + 4, code, 16);
    if (parsed.ec != std::errc() || parsed.ptr != at_ + 4) return refuse("four hexadecimal digits are expected");
    at_ += 4;
    return true;
  }

  static void append_utf8(std::string& text, uint32_t code) {
    const auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
    } else {
      put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
    }
  }

  // Any value under a key that only a newer writer knows.
  bool skip(int depth) {
    if (depth > kSkipDepthMax) return refuse("the line is nested too deeply");
    std::string ignored;
    if (take('{')) return sequence('}', [&] { return text(ignored) && expect(':') && skip(depth + 1); });
    if (take('[')) return sequence(']', [&] { return skip(depth + 1); });
    MetricValue value_ignored;
    return value(value_ignored);
  }

  bool check() {
    const auto has = [&](char key) { return (seen_ & (1U << (static_cast<unsigned char>(key) & 31U))) != 0; };
    if (!has('s')) return refuse("the sequence \"s\" is missing");
    if (has('x')) {
      const bool has_more = std::ranges::any_of(std::string_view("tnpkvlrc"), has);
      return !has_more || refuse("a skipped line has its sequence \"s\" and nothing else");
    }
    if (!has('t')) return refuse("the time \"t\" is missing");
    if (!has('n')) return refuse("the name \"n\" is missing");
    if (line_.name.empty() || line_.name.size() > kNameBytesMax) {
      return refuse(fmt::format("a metric's name has 1 to {} bytes, not {}", kNameBytesMax, line_.name.size()));
    }
    if (shape_ == Shape::kNone) return refuse("one of \"v\", \"l\", \"r\" and \"c\" is missing");
    const bool is_table = shape_ == Shape::kRow || shape_ == Shape::kColumns;
    line_.kind = kind_.value_or(is_table ? MetricKind::kTable : MetricKind::kScalar);
    if (is_table != (line_.kind == MetricKind::kTable)) {
      return refuse(fmt::format("kind {} does not go with this form of value", to_string(line_.kind)));
    }
    if (is_artifact_kind(line_.kind) &&
        (shape_ != Shape::kValue || !std::holds_alternative<std::string>(line_.columns[0].values[0]))) {
      return refuse(fmt::format("the value of kind {} is a file's path", to_string(line_.kind)));
    }
    return true;
  }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  MetricLine line_;
  std::optional<MetricKind> kind_;
  Shape shape_ = Shape::kNone;
  unsigned seen_ = 0;
  std::string error_;
  size_t error_at_ = 0;
};

}  // namespace

Result<MetricLine> parse_metric_line(std::string_view line) { return LineParser(line).parse(); }

}  // namespace werkbank
