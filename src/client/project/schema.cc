#include "client/project/schema.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hh"

namespace werkbank::client {
namespace {

// The keys directly below a prefix.
std::vector<std::string> keys_below(std::span<const Key> keys, std::string_view prefix) {
  std::vector<std::string> names;
  for (const Key& key : keys) {
    std::string_view path = key.path;
    if (!prefix.empty()) {
      if (!path.starts_with(prefix) || path.size() <= prefix.size() || path[prefix.size()] != '.') continue;
      path.remove_prefix(prefix.size() + 1);
    }
    // Keys may hold dots themselves; groups are told by being in the table.
    const bool deeper = std::ranges::any_of(keys, [&](const Key& group) {
      return group.kind == ValueKind::kGroup && key.path != group.path && key.path.starts_with(group.path) &&
             key.path[group.path.size()] == '.' && group.path.size() > prefix.size();
    });
    if (!deeper) names.emplace_back(path);
  }
  return names;
}

std::unexpected<Error> unknown_key(const YamlNode& key, const std::string& name, std::span<const Key> keys,
                                   std::string_view prefix) {
  const std::vector<std::string> known = keys_below(keys, prefix);
  std::optional<std::string> meant;
  for (const std::string& one : known) {
    if (lower(one) == lower(key.text)) meant = one;
  }
  if (!meant) meant = nearest_word(key.text, known);
  if (!meant) {
    // Or it stands in the wrong place.
    for (const Key& one : keys) {
      if (one.path.ends_with("." + key.text)) meant = std::string(one.path);
    }
  }
  const std::string where = prefix.empty() ? "" : fmt::format(" in '{}'", prefix);
  std::string hint =
      meant ? fmt::format("Did you mean '{}'?", *meant) : fmt::format("Known keys here: {}.", fmt::join(known, ", "));
  return yaml_error(name, key, fmt::format("unknown key '{}'{}", key.text, where), std::move(hint));
}

Status check_value(const YamlNode& value, const std::string& name, const Key& key) {
  const auto wrong = [&](std::string_view expected) {
    const std::string found = value.kind == YamlNode::Kind::kScalar ? fmt::format("'{}'", value.text) : yaml_kind_name(value);
    return yaml_error(name, value, fmt::format("'{}' has to be {}, not {}", key.path, expected, found));
  };
  const auto all_scalars = [](const YamlNode& list) {
    return std::ranges::all_of(list.items, [](const YamlNode& item) { return item.kind == YamlNode::Kind::kScalar; });
  };
  switch (key.kind) {
    case ValueKind::kText:
      if (value.kind != YamlNode::Kind::kScalar) return wrong("a text");
      return {};
    case ValueKind::kTruth:
      if (!yaml_bool(value)) return wrong("true or false");
      return {};
    case ValueKind::kInteger:
      if (!yaml_int(value)) return wrong("a whole number");
      return {};
    case ValueKind::kTexts:
      if (value.kind != YamlNode::Kind::kList) return wrong("a list");
      if (!all_scalars(value)) return wrong("a list of single values");
      return {};
    case ValueKind::kTextMap:
      if (value.kind != YamlNode::Kind::kMap) return wrong("a group of 'name: value' lines");
      for (const auto& [entry, content] : value.entries) {
        if (content.kind == YamlNode::Kind::kScalar || content.is_null()) continue;
        return yaml_error(name, content,
                          fmt::format("'{}.{}' has to be a single value, not {}", key.path, entry.text, yaml_kind_name(content)));
      }
      return {};
    case ValueKind::kGroup:
      if (value.kind != YamlNode::Kind::kMap) return wrong("a group of keys");
      return {};
    case ValueKind::kAnything:
      return {};
  }
  return {};
}

}  // namespace

Status check_schema(const YamlNode& root, const std::string& name, std::span<const Key> keys, std::string_view prefix) {
  if (root.is_null()) return {};
  if (root.kind != YamlNode::Kind::kMap) {
    return yaml_error(name, root, fmt::format("'key: value' lines are expected, not {}", yaml_kind_name(root)));
  }
  for (const auto& [key, value] : root.entries) {
    const std::string path = prefix.empty() ? key.text : fmt::format("{}.{}", prefix, key.text);
    const auto known = std::ranges::find_if(keys, [&](const Key& one) { return one.path == path; });
    if (known == keys.end()) return unknown_key(key, name, keys, prefix);
    if (value.is_null()) continue;
    CHECK_OK(check_value(value, name, *known));
    if (known->kind == ValueKind::kGroup) CHECK_OK(check_schema(value, name, keys, path));
  }
  return {};
}

const YamlNode* node_at(const YamlNode& root, std::string_view path) {
  const YamlNode* node = &root;
  while (node != nullptr && !path.empty()) {
    const size_t dot = path.find('.');
    node = node->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return node == nullptr || node->is_null() ? nullptr : node;
}

std::string text_at(const YamlNode& root, std::string_view path, std::string_view fallback) {
  const YamlNode* node = node_at(root, path);
  return node == nullptr ? std::string(fallback) : node->text;
}

bool truth_at(const YamlNode& root, std::string_view path, bool fallback) {
  const YamlNode* node = node_at(root, path);
  return node == nullptr ? fallback : yaml_bool(*node).value_or(fallback);
}

std::optional<int64_t> integer_at(const YamlNode& root, std::string_view path) {
  const YamlNode* node = node_at(root, path);
  return node == nullptr ? std::nullopt : yaml_int(*node);
}

std::vector<std::string> texts_at(const YamlNode& root, std::string_view path) {
  std::vector<std::string> texts;
  if (const YamlNode* node = node_at(root, path)) {
    for (const YamlNode& item : node->items) texts.push_back(item.text);
  }
  return texts;
}

std::vector<std::pair<std::string, std::string>> text_map_at(const YamlNode& root, std::string_view path) {
  std::vector<std::pair<std::string, std::string>> map;
  if (const YamlNode* node = node_at(root, path)) {
    for (const auto& [key, value] : node->entries) map.emplace_back(key.text, value.text);
  }
  return map;
}

bool filled_at(const YamlNode& root, std::string_view path) {
  const YamlNode* node = node_at(root, path);
  return node != nullptr && !(node->items.empty() && node->entries.empty() && node->text.empty());
}

}  // namespace werkbank::client
