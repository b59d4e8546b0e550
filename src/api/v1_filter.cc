#include "api/v1_filter.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/clock.hh"
#include "base/text.hh"

namespace werkbank::api {
namespace {

constexpr int kDepthMax = 64;
constexpr size_t kTextMax = 256 * 1024;
constexpr std::array<std::string_view, 6> kOperators{"eq", "ne", "ge", "gt", "le", "lt"};

// Nothing: the run has no such tag or property. A member that is not set compares like null.
using Field = std::function<std::optional<std::string>(const Run&)>;

Field entry_of(TextMap Run::* map, std::string key) {
  return [map, key = std::move(key)](const Run& run) -> std::optional<std::string> {
    const auto found = (run.*map).find(key);
    if (found == (run.*map).end()) return std::nullopt;
    return found->second;
  };
}

Field text_field(std::string Run::* member) {
  return [member](const Run& run) -> std::optional<std::string> { return run.*member; };
}

Field field_of(std::string_view name) {
  if (name.starts_with("Tags/")) return entry_of(&Run::tags, std::string(name.substr(5)));
  if (name.starts_with("Properties/")) return entry_of(&Run::properties, std::string(name.substr(11)));
  const std::string key = lower(name);
  if (key == "runid") return [](const Run& run) -> std::optional<std::string> { return run.key.run_id; };
  if (key == "status") return [](const Run& run) -> std::optional<std::string> { return std::string(to_string(run.status)); };
  if (key == "rootrunid") return text_field(&Run::root_id);
  if (key == "parentrunid") return text_field(&Run::parent_id);
  if (key == "runtype") return text_field(&Run::run_type);
  if (key == "target") return text_field(&Run::target);
  if (key == "displayname" || key == "name") return text_field(&Run::display_name);
  return nullptr;
}

UtcMs Run::* time_of(std::string_view name) {
  const std::string key = lower(name);
  if (key == "createdutc") return &Run::created_ms;
  if (key == "starttimeutc") return &Run::started_ms;
  if (key == "endtimeutc") return &Run::ended_ms;
  return nullptr;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<RunFilter> whole() {
    TRY(RunFilter filter, any_of(0));
    skip();
    if (at_ != text_.size()) return refuse("the end is expected");
    return filter;
  }

 private:
  std::unexpected<Error> refuse(std::string_view message) const {
    return fail(errors::invalid_request, fmt::format("filter, at character {}: {}", at_ + 1, message),
                "A filter compares as in: RootRunId eq ID and (Tags/kind eq \"a\" or Status ne Failed).");
  }

  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  bool take_word(std::string_view word) {
    skip();
    const size_t end = at_ + word.size();
    const bool ends = end >= text_.size() || text_[end] == ' ' || text_[end] == '(' || text_[end] == ')';
    if (!ends || lower(text_.substr(at_, word.size())) != word) return false;
    at_ = end;
    return true;
  }

  std::string_view word() {
    skip();
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '(' && text_[at_] != ')') ++at_;
    return text_.substr(start, at_ - start);
  }

  // `and` binds closer than `or`.
  Result<RunFilter> any_of(int depth) {
    TRY(RunFilter left, all_of(depth));
    while (take_word("or")) {
      TRY(RunFilter right, all_of(depth));
      left = [left = std::move(left), right = std::move(right)](const Run& run) { return left(run) || right(run); };
    }
    return left;
  }

  Result<RunFilter> all_of(int depth) {
    TRY(RunFilter left, part(depth));
    while (take_word("and")) {
      TRY(RunFilter right, part(depth));
      left = [left = std::move(left), right = std::move(right)](const Run& run) { return left(run) && right(run); };
    }
    return left;
  }

  Result<RunFilter> part(int depth) {
    skip();
    if (at_ < text_.size() && text_[at_] == '(') {
      if (depth >= kDepthMax) return refuse("there are too many parentheses");
      ++at_;
      TRY(RunFilter inner, any_of(depth + 1));
      skip();
      if (at_ >= text_.size() || text_[at_] != ')') return refuse("')' is expected");
      ++at_;
      return inner;
    }
    return comparison();
  }

  // A value without quotes may hold blanks; it ends at a parenthesis, or before the next `and` or `or`.
  Result<std::optional<std::string>> value() {
    skip();
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const char quote = text_[at_++];
      // What the client puts between quotes is not escaped: the last quote before the value's end closes it.
      size_t end = text_.find(quote, at_);
      while (end != std::string_view::npos && end + 1 < text_.size() && text_[end + 1] != ')' && text_[end + 1] != ' ')
        end = text_.find(quote, end + 1);
      if (end == std::string_view::npos) return refuse("the quote is not closed");
      std::string text(text_.substr(at_, end - at_));
      at_ = end + 1;
      return std::optional(std::move(text));
    }
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ')' && text_[at_] != '(') {
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with(" and ") || rest.starts_with(" or ")) break;
      ++at_;
    }
    std::string_view text = text_.substr(start, at_ - start);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (text.empty()) return refuse("a value is expected");
    if (lower(text) == "null") return std::optional<std::string>();
    return std::optional(std::string(text));
  }

  Result<RunFilter> comparison() {
    const size_t start = at_;
    const std::string_view name = word();
    const Field field = field_of(name);
    UtcMs Run::* const time = time_of(name);
    if (!field && time == nullptr) {
      at_ = start;
      return refuse(fmt::format("{:?} is nothing that runs are compared by here", name));
    }
    const std::string comparator = lower(word());
    if (std::ranges::find(kOperators, comparator) == kOperators.end())
      return refuse(fmt::format("{:?} is not one of {}", comparator, fmt::join(kOperators, ", ")));
    TRY(std::optional<std::string> wanted, value());
    if (time != nullptr) return time_comparison(time, comparator, wanted);
    if (comparator != "eq" && comparator != "ne") return refuse(fmt::format("{} is compared by eq and ne only", name));
    const std::string text = wanted.value_or("");  // null and "" are one here
    return RunFilter([field, text, is_equal = comparator == "eq"](const Run& run) {
      const std::optional<std::string> found = field(run);
      return found && (*found == text) == is_equal;
    });
  }

  Result<RunFilter> time_comparison(UtcMs Run::* member, const std::string& comparator,
                                    const std::optional<std::string>& wanted) const {
    UtcMs limit = 0;
    if (wanted) {
      std::string text = *wanted;
      if (const size_t blank = text.find(' '); blank != std::string::npos) text[blank] = 'T';  // as str(datetime) has it
      if (text.find_first_of("Zz+") == std::string::npos) text += 'Z';
      TRY(limit, parse_utc(text));
    }
    return RunFilter([member, comparator, limit](const Run& run) {
      const UtcMs time = run.*member;
      if (comparator == "eq") return time == limit;
      if (comparator == "ne") return time != limit;
      if (time == 0) return false;
      if (comparator == "ge") return time >= limit;
      if (comparator == "gt") return time > limit;
      return comparator == "le" ? time <= limit : time < limit;
    });
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<RunFilter> parse_v1_filter(std::string_view text) {
  if (text.find_first_not_of(' ') == std::string_view::npos) return RunFilter([](const Run&) { return true; });
  if (text.size() > kTextMax) return fail(errors::too_large, "the filter is longer than 256 KiB");
  return Parser(text).whole();
}

}  // namespace werkbank::api
