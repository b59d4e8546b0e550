#include "client/project/yaml.hh"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <map>
#include <sstream>

#include "base/files.hh"
#include "base/text.hh"

namespace werkbank::client {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;
constexpr size_t kDepthMax = 32;
constexpr size_t kNodesMax = 100'000;

// Leaves yaml-cpp's parser in the middle; caught at the door.
struct Refused {
  int line;
  int column;
  std::string message;
};

size_t count_nodes(const YamlNode& node) {
  size_t count = 1;
  for (const YamlNode& item : node.items) count += count_nodes(item);
  for (const auto& [key, value] : node.entries) count += 1 + count_nodes(value);
  return count;
}

size_t depth_of(const YamlNode& node) {
  size_t depth = 0;
  for (const YamlNode& item : node.items) depth = std::max(depth, depth_of(item));
  for (const auto& [key, value] : node.entries) depth = std::max(depth, depth_of(value));
  return depth + 1;
}

// Builds the tree from the parser's events, so that nothing is ever larger than the limits.
class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add_leaf(make(mark, YamlNode::Kind::kNull), anchor); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    YamlNode node = make(mark, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    add_leaf(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "the alias stands inside of what it names");
    spend(mark, count_nodes(found->second));
    if (stack_.size() + depth_of(found->second) > kDepthMax) refuse(mark, fmt::format("nested deeper than {}", kDepthMax));
    YamlNode copy = found->second;
    copy.line = mark.line + 1;
    copy.column = mark.column + 1;
    add(std::move(copy));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::kList, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::kMap, anchor);
  }
  void OnMapEnd() override { close(); }

  YamlNode take_root() { return std::move(root_); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor;
    std::optional<YamlNode> key;  // of a map, while its value is awaited
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string message) {
    throw Refused{mark.line + 1, mark.column + 1, std::move(message)};
  }

  YamlNode make(const YAML::Mark& mark, YamlNode::Kind kind) {
    spend(mark, 1);
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void spend(const YAML::Mark& mark, size_t count) {
    nodes_ += count;
    if (nodes_ > kNodesMax) refuse(mark, fmt::format("more than {} values, aliases unfolded", kNodesMax));
  }

  void open(const YAML::Mark& mark, YamlNode::Kind kind, YAML::anchor_t anchor) {
    if (stack_.size() >= kDepthMax) refuse(mark, fmt::format("nested deeper than {}", kDepthMax));
    const bool as_key = !stack_.empty() && stack_.back().node.kind == YamlNode::Kind::kMap && !stack_.back().key;
    if (as_key) refuse(mark, "a list or map cannot be a key");
    stack_.push_back(Open{make(mark, kind), anchor, std::nullopt});
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    if (done.anchor != 0) anchors_[done.anchor] = done.node;
    add(std::move(done.node));
  }

  void add_leaf(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.kind == YamlNode::Kind::kList) {
      parent.node.items.push_back(std::move(node));
      return;
    }
    if (!parent.key) {
      take_key(parent, std::move(node));
      return;
    }
    parent.node.entries.emplace_back(std::move(*parent.key), std::move(node));
    parent.key.reset();
  }

  static void take_key(Open& parent, YamlNode key) {
    if (key.kind != YamlNode::Kind::kScalar) throw Refused{key.line, key.column, "a key has to be a word"};
    for (const auto& [other, value] : parent.node.entries) {
      if (other.text != key.text) continue;
      throw Refused{key.line, key.column, fmt::format("the key '{}' was given in line {} already", key.text, other.line)};
    }
    parent.key = std::move(key);
  }

  YamlNode root_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  size_t nodes_ = 0;
};

// UTF-8 without control characters. Answers the text without its byte order mark.
Result<std::string_view> check_encoding(std::string_view text, const std::string& name) {
  if (text.size() > kFileBytesMax) return fail(errors::config_invalid, name + ": the file is larger than 1 MiB");
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return fail(errors::config_invalid, name + ": the file is UTF-16", "Save it as UTF-8.");
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  int line = 1;
  size_t start = 0;
  while (start <= text.size()) {
    const size_t newline = text.find('\n', start);
    const std::string_view one = text.substr(start, newline == std::string_view::npos ? std::string_view::npos : newline - start);
    if (!is_valid_utf8(one))
      return fail(errors::config_invalid, fmt::format("{}:{}: the line is not UTF-8", name, line), "Save the file as UTF-8.");
    const auto control = std::ranges::find_if(one, [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\t' && c != '\r') || byte == 0x7f;
    });
    if (control != one.end()) {
      return fail(errors::config_invalid, fmt::format("{}:{}:{}: a control character", name, line, control - one.begin() + 1),
                  "Take it out; the file has to be text in UTF-8.");
    }
    if (newline == std::string_view::npos) break;
    start = newline + 1;
    ++line;
  }
  return text;
}

// Whether the line (from 1) is indented with a tab, which yaml-cpp reports as something else.
bool is_indented_with_tab(std::string_view text, int line) {
  for (; line > 1; --line) {
    const size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return false;
    text.remove_prefix(newline + 1);
  }
  const size_t content = text.find_first_not_of(" \t");
  return text.substr(0, content).find('\t') != std::string_view::npos;
}

struct Slip {
  std::string_view message, hint;
};

// What yaml-cpp says about slips that people make, in words that say what to do.
Slip slip_of(std::string_view parser_says) {
  struct Known {
    std::string_view start;
    Slip slip;
  };
  constexpr std::string_view kColumn = "Write 'key: value', and the keys of one group in one column.";
  static constexpr Known kKnown[] = {
      {"illegal map value", {"a value stands where the line before it has none to take", kColumn}},
      {"illegal map key", {"a key stands where none can be", kColumn}},
      {"end of map not found", {"the line does not fit the indentation above it", kColumn}},
      {"end of sequence not found", {"the line does not fit the list above it", "Begin each item with '- ', all in one column."}},
      {"end of sequence flow not found", {"a list in brackets does not end", "Close it with ']'."}},
      {"end of map flow not found", {"a group in braces does not end", "Close it with '}'."}},
      {"illegal EOF in scalar", {"a text in quotes does not end", "Close it with the quote it began with."}},
      {"illegal document indicator in scalar", {"a text in quotes does not end", "Close it with the quote it began with."}},
      {"the referenced anchor is not defined",
       {"an alias (*name) stands for nothing: there is no such anchor (&name)", "Put a text that begins with * into quotes."}},
      {"unknown escape character",
       {"an unknown escape in a text in double quotes", "Write \\\\ for a backslash, or use single quotes."}},
  };
  for (const Known& known : kKnown) {
    if (parser_says.starts_with(known.start)) return known.slip;
  }
  return {parser_says, {}};
}

std::optional<double> yaml_double(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const bool shape = text.find_first_of("0123456789") != std::string_view::npos &&
                     text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
  const bool leading_zero = text.size() > 1 && text.front() == '0' && text.find_first_of(".eE") == std::string_view::npos;
  if (!shape || leading_zero) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::ranges::find_if(entries, [key](const auto& entry) { return entry.key.text == key; });
  return found == entries.end() ? nullptr : &found->value;
}

Result<YamlNode> parse_yaml(std::string_view raw, const std::string& name) {
  TRY(const std::string_view text, check_encoding(raw, name));
  const auto refuse = [&name](int line, int column, std::string_view message, std::string_view hint = {}) {
    return fail(errors::config_invalid, fmt::format("{}:{}:{}: {}", name, line, column, message), std::string(hint));
  };
  try {
    // yaml-cpp takes an unclosed quote for closed where the file ends with a line break. The comment makes the last thing of the
    // file one that cannot close anything.
    std::istringstream stream(std::string(text) + "\n#");
    YAML::Parser parser(stream);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder)) return YamlNode();  // nothing but comments
    YamlNode root = builder.take_root();
    TreeBuilder second;
    if (parser.HandleNextDocument(second)) {
      return refuse(second.take_root().line, 1, "a second document ('---') in one file", "Keep one, without '---'.");
    }
    return root;
  } catch (const Refused& refused) {
    return refuse(refused.line, refused.column, refused.message);
  } catch (const YAML::Exception& exception) {
    const int line = exception.mark.line + 1;
    if (is_indented_with_tab(text, line))
      return refuse(line, 1, "the line is indented with a tab; YAML takes blanks only", "Write blanks in place of the tab.");
    const Slip slip = slip_of(exception.msg);
    return refuse(line, exception.mark.column + 1, slip.message, slip.hint);
  } catch (const std::exception& exception) {
    return fail(errors::config_invalid, fmt::format("{}: {}", name, exception.what()));
  }
}

Result<YamlNode> read_yaml_file(const std::filesystem::path& file, const std::string& name) {
  // One byte over the limit is read, so that a larger file is seen to be one.
  auto text = read_file_range(file, 0, kFileBytesMax + 1);
  if (!text) return fail(errors::config_invalid, fmt::format("{}: {}", name, text.error().message));
  return parse_yaml(*text, name);
}

std::optional<bool> yaml_bool(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar || node.quoted || node.text.empty()) return std::nullopt;
  const std::string word = lower(node.text);
  const bool usual_case = node.text == word ||
                          (node.text.size() > 1 && std::ranges::all_of(node.text, [](char c) { return c >= 'A' && c <= 'Z'; })) ||
                          (node.text.substr(1) == word.substr(1));
  if (!usual_case) return std::nullopt;
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  return std::nullopt;
}

std::optional<int64_t> yaml_int(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar || node.quoted || node.text.empty()) return std::nullopt;
  std::string text;
  for (const char c : node.text) {
    if (c != '_') text += c;
  }
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x")) base = 16;
  if (digits.starts_with("0o")) base = 8;
  if (base != 10) digits.remove_prefix(2);
  const bool leading_zero = base == 10 && digits.size() > 1 && digits.front() == '0';  // "007" is a name, not a number
  if (digits.empty() || leading_zero || (base != 10 && digits.front() == '-')) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

json::value to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kList: {
      json::array array;
      for (const YamlNode& item : node.items) array.push_back(to_json(item));
      return array;
    }
    case YamlNode::Kind::kMap: {
      json::object object;
      for (const auto& [key, value] : node.entries) object[key.text] = to_json(value);
      return object;
    }
    case YamlNode::Kind::kScalar:
      break;
  }
  if (node.quoted) return json::string(node.text);
  if (const auto truth = yaml_bool(node)) return *truth;
  if (const auto number = yaml_int(node)) return *number;
  if (const auto number = yaml_double(node.text)) return *number;
  return json::string(node.text);
}

Result<json::value> yaml_to_json(std::string_view text, const std::string& name) {
  TRY(const YamlNode root, parse_yaml(text, name));
  return to_json(root);
}

std::unexpected<Error> yaml_error(const std::string& name, const YamlNode& at, std::string_view message, std::string hint) {
  return fail(errors::config_invalid, fmt::format("{}:{}:{}: {}", name, at.line, at.column, message), std::move(hint));
}

const char* yaml_kind_name(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a group of keys";
    case YamlNode::Kind::kScalar:
      return "a single value";
  }
  return "a value";
}

}  // namespace werkbank::client
