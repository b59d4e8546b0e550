// Top-down operator precedence, as the JMESPath grammar is defined.
#include <fmt/format.h>

#include <charconv>

#include "cli/jmespath_tree.hh"

namespace werkbank::cli::jmespath {
namespace {

constexpr int kDepthMax = 64;

enum class Token { kEnd, kName, kNumber, kLiteral, kText, kSign };

struct Lexeme {
  Token token = Token::kEnd;
  std::string text;   // a sign: "." "[" "[?" "[]" "==" …
  json::value value;  // kLiteral, kText
  size_t position = 0;
};

Error malformed(std::string_view expression, size_t position, std::string_view what) {
  return Error{&errors::usage,
               fmt::format("--query {:?}, at character {}: {}", expression, position + 1, what),
               "Quote the expression for the shell; the language is described at https://jmespath.org.",
               {}};
}

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Lexeme>> all() {
    std::vector<Lexeme> lexemes;
    while (true) {
      while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
      TRY(Lexeme lexeme, next());
      const bool end = lexeme.token == Token::kEnd;
      lexemes.push_back(std::move(lexeme));
      if (end) return lexemes;
    }
  }

 private:
  Result<Lexeme> next() {
    const size_t begin = at_;
    if (at_ == text_.size()) return Lexeme{Token::kEnd, "", nullptr, begin};
    const char c = text_[at_];
    if (is_name_start(c)) {
      while (at_ < text_.size() && (is_name_start(text_[at_]) || is_digit(text_[at_]))) ++at_;
      return Lexeme{Token::kName, std::string(text_.substr(begin, at_ - begin)), nullptr, begin};
    }
    if (is_digit(c) || (c == '-' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
      ++at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      return Lexeme{Token::kNumber, std::string(text_.substr(begin, at_ - begin)), nullptr, begin};
    }
    if (c == '"' || c == '\'' || c == '`') return quoted(c);
    static constexpr std::string_view kSigns[] = {"[?", "[]", "||", "&&", "==", "!=", "<=", ">=", ".", "*", "@", "&",
                                                  "|",  "!",  "<",  ">",  "(",  ")",  "[",  "]",  "{", "}", ",", ":"};
    for (const std::string_view sign : kSigns) {
      if (!text_.substr(at_).starts_with(sign)) continue;
      at_ += sign.size();
      return Lexeme{Token::kSign, std::string(sign), nullptr, begin};
    }
    return std::unexpected(malformed(text_, at_, fmt::format("{:?} is unexpected", c)));
  }

  Result<Lexeme> quoted(char quote) {
    const size_t begin = at_++;
    std::string raw;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        if (text_[at_ + 1] != quote || quote == '"') raw += '\\';
        ++at_;
      }
      raw += text_[at_++];
    }
    if (at_ == text_.size()) return std::unexpected(malformed(text_, begin, "the quote is not closed"));
    ++at_;
    if (quote == '\'') return Lexeme{Token::kText, raw, json::value(raw), begin};
    auto value = parse_json(quote == '"' ? "\"" + raw + "\"" : raw);
    // Older expressions leave the quotes of a text out: `Completed`.
    if (!value && quote == '`') return Lexeme{Token::kLiteral, raw, json::value(raw), begin};
    if (!value) return std::unexpected(malformed(text_, begin, value.error().message));
    if (quote == '"') return Lexeme{Token::kName, std::string(value->as_string()), nullptr, begin};
    return Lexeme{Token::kLiteral, raw, std::move(*value), begin};
  }

  std::string_view text_;
  size_t at_ = 0;
};

int binding_power(const Lexeme& lexeme) {
  if (lexeme.token != Token::kSign) return 0;
  const std::string& sign = lexeme.text;
  if (sign == "|") return 1;
  if (sign == "||") return 2;
  if (sign == "&&") return 3;
  if (sign == "==" || sign == "!=" || sign == "<" || sign == "<=" || sign == ">" || sign == ">=") return 5;
  if (sign == "[]") return 9;
  if (sign == "*") return 20;
  if (sign == "[?") return 21;
  if (sign == ".") return 40;
  if (sign == "[") return 55;
  return 0;
}

constexpr int kProjectionStop = 10;

NodePtr make(Kind kind, NodePtr first = nullptr, NodePtr second = nullptr) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  if (first) node->children.push_back(std::move(first));
  if (second) node->children.push_back(std::move(second));
  return node;
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Lexeme> lexemes) : text_(text), lexemes_(std::move(lexemes)) {}

  Result<NodePtr> whole() {
    TRY(NodePtr node, expression(0));
    if (peek().token != Token::kEnd) return std::unexpected(unexpected_here());
    return node;
  }

 private:
  const Lexeme& peek(size_t ahead = 0) const { return lexemes_[std::min(at_ + ahead, lexemes_.size() - 1)]; }
  bool is(std::string_view sign, size_t ahead = 0) const { return peek(ahead).token == Token::kSign && peek(ahead).text == sign; }
  const Lexeme& take() { return lexemes_[at_ + 1 < lexemes_.size() ? at_++ : at_]; }
  Error unexpected_here() const {
    const Lexeme& lexeme = peek();
    const std::string what =
        lexeme.token == Token::kEnd ? "the expression ends too early" : fmt::format("{:?} is unexpected", lexeme.text);
    return malformed(text_, lexeme.position, what);
  }
  Status expect(std::string_view sign) {
    if (!is(sign)) return std::unexpected(unexpected_here());
    take();
    return {};
  }

  Result<NodePtr> expression(int power) {
    if (++depth_ > kDepthMax) return std::unexpected(malformed(text_, peek().position, "nested too deeply"));
    TRY(NodePtr left, prefix());
    while (power < binding_power(peek())) {
      TRY(left, infix(std::move(left)));
    }
    --depth_;
    return left;
  }

  Result<NodePtr> prefix() {
    const Lexeme lexeme = peek();
    if (lexeme.token == Token::kLiteral || lexeme.token == Token::kText) {
      take();
      NodePtr node = make(Kind::kLiteral);
      node->literal = lexeme.value;
      return node;
    }
    if (lexeme.token == Token::kName) {
      take();
      if (is("(")) return call(lexeme.text);
      NodePtr node = make(Kind::kField);
      node->name = lexeme.text;
      return node;
    }
    if (lexeme.token != Token::kSign) return std::unexpected(unexpected_here());
    if (lexeme.text == "@") return take(), make(Kind::kCurrent);
    if (lexeme.text == "*") return take(), projection(Kind::kProjectValues, make(Kind::kCurrent), 20);
    if (lexeme.text == "[?") return filter(make(Kind::kCurrent));
    if (lexeme.text == "[]") return take(), projection(Kind::kFlatten, make(Kind::kCurrent), 9);
    if (lexeme.text == "{") return hash();
    if (lexeme.text == "[") return bracket_prefix();
    if (lexeme.text == "!" || lexeme.text == "&") {
      take();
      TRY(NodePtr inner, expression(lexeme.text == "!" ? 45 : 0));
      return make(lexeme.text == "!" ? Kind::kNot : Kind::kReference, std::move(inner));
    }
    if (lexeme.text == "(") {
      take();
      TRY(NodePtr inner, expression(0));
      CHECK_OK(expect(")"));
      return inner;
    }
    return std::unexpected(unexpected_here());
  }

  Result<NodePtr> infix(NodePtr left) {
    const Lexeme lexeme = peek();
    const std::string& sign = lexeme.text;
    if (sign == "[?") return filter(std::move(left));
    if (sign == "[]") return take(), projection(Kind::kFlatten, std::move(left), 9);
    if (sign == "[") return bracket(std::move(left));
    take();
    if (sign == ".") {
      if (is("*")) return take(), projection(Kind::kProjectValues, std::move(left), 20);
      TRY(NodePtr right, dot_right(40));
      return make(Kind::kSub, std::move(left), std::move(right));
    }
    TRY(NodePtr right, expression(binding_power(lexeme)));
    if (sign == "|") return make(Kind::kPipe, std::move(left), std::move(right));
    if (sign == "||") return make(Kind::kOr, std::move(left), std::move(right));
    if (sign == "&&") return make(Kind::kAnd, std::move(left), std::move(right));
    if (sign == "*") return std::unexpected(malformed(text_, lexeme.position, "'*' is unexpected"));
    NodePtr node = make(Kind::kCompare, std::move(left), std::move(right));
    node->comparison = sign == "=="   ? Comparison::kEqual
                       : sign == "!=" ? Comparison::kNotEqual
                       : sign == "<"  ? Comparison::kLess
                       : sign == "<=" ? Comparison::kLessEqual
                       : sign == ">"  ? Comparison::kGreater
                                      : Comparison::kGreaterEqual;
    return node;
  }

  Result<NodePtr> dot_right(int power) {
    if (peek().token == Token::kName || is("*")) return expression(power);
    if (is("[")) return take(), list();
    if (is("{")) return hash();
    return std::unexpected(unexpected_here());
  }

  // What a projection does to each of its items: as much as follows with a closer binding.
  Result<NodePtr> projection(Kind kind, NodePtr source, int power) {
    TRY(NodePtr each, projected(power));
    return make(kind, std::move(source), std::move(each));
  }

  Result<NodePtr> projected(int power) {
    if (binding_power(peek()) < kProjectionStop) return make(Kind::kCurrent);
    if (is("[") || is("[?")) return expression(power);
    if (!is(".")) return std::unexpected(unexpected_here());
    take();
    return dot_right(power);
  }

  Result<NodePtr> filter(NodePtr source) {
    take();
    TRY(NodePtr condition, expression(0));
    CHECK_OK(expect("]"));
    NodePtr each = make(Kind::kCurrent);
    if (!is("[]")) {
      TRY(each, projected(21));
    }
    NodePtr node = make(Kind::kFilter, std::move(source), std::move(each));
    node->children.push_back(std::move(condition));
    return node;
  }

  Result<NodePtr> bracket_prefix() {
    const bool index = peek(1).token == Token::kNumber || is(":", 1) || (is("*", 1) && is("]", 2));
    if (index) return bracket(make(Kind::kCurrent));
    take();
    return list();
  }

  // [n], [a:b:c] and [*] behind something.
  Result<NodePtr> bracket(NodePtr source) {
    take();
    if (is("*") && is("]", 1)) {
      take();
      take();
      return projection(Kind::kProject, std::move(source), 20);
    }
    std::optional<int64_t> parts[3];
    int part = 0;
    while (!is("]")) {
      if (is(":") && part < 2) {
        ++part;
      } else if (peek().token == Token::kNumber && !parts[part]) {
        int64_t number = 0;
        const std::string& digits = peek().text;
        if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc())
          return std::unexpected(unexpected_here());
        parts[part] = number;
      } else {
        return std::unexpected(unexpected_here());
      }
      take();
    }
    if (part == 0 && !parts[0]) return std::unexpected(unexpected_here());
    take();
    NodePtr node = make(part == 0 ? Kind::kIndex : Kind::kSlice);
    node->start = parts[0];
    node->stop = parts[1];
    node->step = parts[2];
    NodePtr taken = make(Kind::kSub, std::move(source), std::move(node));
    return part == 0 ? Result<NodePtr>(std::move(taken)) : projection(Kind::kProject, std::move(taken), 20);
  }

  Result<NodePtr> list() {
    NodePtr node = make(Kind::kList);
    CHECK_OK(items(*node, "]"));
    return node;
  }

  Result<NodePtr> call(const std::string& name) {
    take();
    NodePtr node = make(Kind::kCall);
    node->name = name;
    if (is(")")) return take(), std::move(node);
    CHECK_OK(items(*node, ")"));
    return node;
  }

  Status items(Node& node, std::string_view end) {
    while (true) {
      TRY(NodePtr item, expression(0));
      node.children.push_back(std::move(item));
      if (is(end)) return take(), Status();
      CHECK_OK(expect(","));
    }
  }

  Result<NodePtr> hash() {
    take();
    NodePtr node = make(Kind::kHash);
    while (true) {
      if (peek().token != Token::kName) return std::unexpected(unexpected_here());
      node->keys.push_back(take().text);
      CHECK_OK(expect(":"));
      TRY(NodePtr item, expression(0));
      node->children.push_back(std::move(item));
      if (is("}")) return take(), std::move(node);
      CHECK_OK(expect(","));
    }
  }

  std::string_view text_;
  std::vector<Lexeme> lexemes_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<NodePtr> parse(std::string_view expression) {
  Lexer lexer(expression);
  TRY(std::vector<Lexeme> lexemes, lexer.all());
  Parser parser(expression, std::move(lexemes));
  return parser.whole();
}

}  // namespace werkbank::cli::jmespath
