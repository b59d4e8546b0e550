// XML documents of storages, as far as listings need them. What comes from outside is limited in size and depth.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace werkbank::data {

struct XmlNode {
  std::string name, text;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<XmlNode> children;

  const XmlNode* child(std::string_view child_name) const;  // the first of the name; nullptr: none
  std::string text_of(std::string_view child_name) const;   // of that child; empty: none
  std::string attribute(std::string_view attribute_name) const;
};

// The root element. storage_unavailable where it is not well formed, larger than 64 MiB, or deeper than 32.
Result<XmlNode> parse_xml(const std::string& text);

}  // namespace werkbank::data
