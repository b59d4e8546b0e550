#include "data/rest/xml.hh"

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

namespace werkbank::data {
namespace {

using Tree = boost::property_tree::ptree;

constexpr size_t kSizeMax = 64 * 1024 * 1024;
constexpr size_t kDepthMax = 32;

// The parser recurses: how deep it would go is counted before.
bool is_too_deep(const std::string& text) {
  size_t depth = 0;
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (next == '?' || next == '!') continue;
    if (next == '/') {
      depth -= depth > 0 ? 1 : 0;
      continue;
    }
    const size_t end = text.find('>', at);
    if (end == std::string::npos || text[end - 1] == '/') continue;
    if (++depth > kDepthMax) return true;
  }
  return false;
}

XmlNode node_of(const std::string& name, const Tree& tree) {
  XmlNode node{.name = name, .text = tree.data()};
  for (const auto& [child_name, child] : tree) {
    if (child_name == "<xmlattr>") {
      for (const auto& [attribute, value] : child) node.attributes.emplace_back(attribute, value.data());
    } else if (child_name != "<xmlcomment>") {
      node.children.push_back(node_of(child_name, child));
    }
  }
  return node;
}

}  // namespace

const XmlNode* XmlNode::child(std::string_view child_name) const {
  const auto found = std::ranges::find(children, child_name, &XmlNode::name);
  return found == children.end() ? nullptr : &*found;
}

std::string XmlNode::text_of(std::string_view child_name) const {
  const XmlNode* const found = child(child_name);
  return found == nullptr ? std::string() : found->text;
}

std::string XmlNode::attribute(std::string_view attribute_name) const {
  const auto found = std::ranges::find(attributes, attribute_name, [](const auto& each) { return each.first; });
  return found == attributes.end() ? std::string() : found->second;
}

Result<XmlNode> parse_xml(const std::string& text) {
  const auto refuse = [](const std::string& why) {
    return fail(errors::storage_unavailable, "the storage's answer is no XML document: " + why);
  };
  if (text.size() > kSizeMax) return refuse("it is too large");
  if (is_too_deep(text)) return refuse("it is too deep");
  std::string_view document = text;
  if (document.starts_with("\xef\xbb\xbf")) document.remove_prefix(3);  // Azure begins with a byte order mark
  try {
    std::istringstream stream{std::string(document)};
    Tree tree;
    boost::property_tree::read_xml(stream, tree);
    for (const auto& [name, child] : tree) {
      if (name != "<xmlcomment>") return node_of(name, child);
    }
  } catch (const boost::property_tree::ptree_error& error) {
    return refuse(error.what());
  }
  return refuse("it is empty");
}

}  // namespace werkbank::data
