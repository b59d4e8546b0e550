// JsonReader and nearest_word of json.hh.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/json.hh"

namespace werkbank {
namespace {

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "true or false";
    case json::kind::int64:
    case json::kind::uint64:
      return "an integer";
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a text";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
  }
  return "something else";
}

std::string expected(std::string_view what, const json::value& found) {
  return fmt::format("{} is expected, not {}", what, kind_name(found));
}

// 3.0 is an integer too: not every writer keeps the two apart.
std::optional<int64_t> as_int(const json::value& value) {
  if (const int64_t* const number = value.if_int64()) return *number;
  if (const double* const number = value.if_double()) {
    if (std::abs(*number) <= 9007199254740992.0 && std::floor(*number) == *number) return static_cast<int64_t>(*number);
  }
  return std::nullopt;
}

// How many letters must be put in, left out, replaced, or swapped with their neighbour.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

JsonReader::JsonReader(const json::value& value, std::string path) : path_(std::move(path)), object_(value.if_object()) {
  if (object_ == nullptr) refuse("", expected("an object", value));
}

void JsonReader::refuse(std::string_view key, std::string message) {
  if (error_) return;
  std::string where = path_;
  if (!where.empty() && !key.empty()) where += '.';
  where += key;
  error_ = Error{&errors::invalid_request, where.empty() ? std::move(message) : fmt::format("{}: {}", where, message), {}, {}};
}

bool JsonReader::has(std::string_view key) const {
  if (object_ == nullptr) return false;
  const json::value* const found = object_->if_contains(key);
  return found != nullptr && !found->is_null();
}

const json::value* JsonReader::find(std::string_view key) {
  if (std::ranges::find(seen_, key) == seen_.end()) seen_.emplace_back(key);
  if (object_ == nullptr) return nullptr;
  const json::value* const found = object_->if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string JsonReader::required_string(std::string_view key) {
  const json::value* const found = find(key);
  if (found == nullptr) {
    refuse(key, "a text is required here");
    return {};
  }
  return string_or(key);
}

std::string JsonReader::string_or(std::string_view key, std::string_view fallback) {
  return optional_string(key).value_or(std::string(fallback));
}

std::optional<std::string> JsonReader::optional_string(std::string_view key) {
  const json::value* const found = find(key);
  if (found == nullptr) return std::nullopt;
  if (const json::string* const text = found->if_string()) return std::string(*text);
  refuse(key, expected("a text", *found));
  return std::nullopt;
}

int64_t JsonReader::int_or(std::string_view key, int64_t fallback, int64_t minimum, int64_t maximum) {
  const std::optional<int64_t> number = optional_int(key);
  if (!number) return fallback;
  if (*number < minimum || *number > maximum) {
    refuse(key, fmt::format("{} is not between {} and {}", *number, minimum, maximum));
    return fallback;
  }
  return *number;
}

std::optional<int64_t> JsonReader::optional_int(std::string_view key) {
  const json::value* const found = find(key);
  if (found == nullptr) return std::nullopt;
  const std::optional<int64_t> number = as_int(*found);
  if (!number) refuse(key, expected("an integer of 64 bits", *found));
  return number;
}

double JsonReader::double_or(std::string_view key, double fallback) {
  const json::value* const found = find(key);
  if (found == nullptr) return fallback;
  if (found->is_number()) return found->to_number<double>();
  refuse(key, expected("a number", *found));
  return fallback;
}

bool JsonReader::bool_or(std::string_view key, bool fallback) {
  const json::value* const found = find(key);
  if (found == nullptr) return fallback;
  if (const bool* const flag = found->if_bool()) return *flag;
  refuse(key, expected("true or false", *found));
  return fallback;
}

std::vector<std::string> JsonReader::strings_or_empty(std::string_view key) {
  std::vector<std::string> texts;
  const json::array* const items = array(key);
  if (items == nullptr) return texts;
  texts.reserve(items->size());
  for (const json::value& item : *items) {
    const json::string* const text = item.if_string();
    if (text == nullptr) {
      refuse(fmt::format("{}[{}]", key, texts.size()), expected("a text", item));
      return {};
    }
    texts.emplace_back(*text);
  }
  return texts;
}

std::vector<std::pair<std::string, std::string>> JsonReader::string_map_or_empty(std::string_view key) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const json::object* const members = object(key);
  if (members == nullptr) return pairs;
  pairs.reserve(members->size());
  for (const json::key_value_pair& member : *members) {
    const json::string* const text = member.value().if_string();
    if (text == nullptr) {
      refuse(fmt::format("{}.{}", key, std::string_view(member.key())), expected("a text", member.value()));
      return {};
    }
    pairs.emplace_back(member.key(), *text);
  }
  return pairs;
}

const json::value* JsonReader::value(std::string_view key) { return find(key); }

const json::object* JsonReader::object(std::string_view key) {
  const json::value* const found = find(key);
  if (found == nullptr) return nullptr;
  if (!found->is_object()) refuse(key, expected("an object", *found));
  return found->if_object();
}

const json::array* JsonReader::array(std::string_view key) {
  const json::value* const found = find(key);
  if (found == nullptr) return nullptr;
  if (!found->is_array()) refuse(key, expected("a list", *found));
  return found->if_array();
}

Status JsonReader::finish(bool refuse_unknown_keys) {
  if (!error_ && refuse_unknown_keys && object_ != nullptr) {
    for (const json::key_value_pair& member : *object_) {
      const std::string key(member.key());
      if (std::ranges::find(seen_, key) != seen_.end()) continue;
      refuse(key.substr(0, 100), "this key is not known here");
      if (const auto nearest = nearest_word(key, seen_)) error_->hint = fmt::format("Did you mean {:?}?", *nearest);
      break;
    }
  }
  if (error_) return fail(*error_);
  return {};
}

std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> known) {
  constexpr size_t kDistanceMax = 3;
  std::optional<std::string> nearest;
  size_t smallest = kDistanceMax + 1;
  for (const std::string& candidate : known) {
    const size_t longer = std::max(word.size(), candidate.size());
    const size_t difference = longer - std::min(word.size(), candidate.size());
    // A word of an attacker's length must not cost its square.
    if (difference >= smallest) continue;
    const size_t distance = edit_distance(word, candidate);
    if (distance >= smallest || distance > std::max<size_t>(1, longer / 3)) continue;
    smallest = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace werkbank
