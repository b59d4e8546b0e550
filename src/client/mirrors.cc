#include "client/mirrors.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "base/json.hh"

namespace werkbank::client {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;
constexpr size_t kNameBytesMax = 255;

bool is_name(std::string_view name) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view(".:_-").contains(c);
  };
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, is_part);
}

bool is_address(std::string_view text) { return text.starts_with("http://") || text.starts_with("https://"); }

// "https://user:word@host/…": the file is no place for it.
bool holds_login(std::string_view address) {
  const std::string_view rest = address.substr(address.find("://") + 3);
  return rest.substr(0, rest.find('/')).contains('@');
}

}  // namespace

std::filesystem::path mirrors_file(const std::filesystem::path& home) { return home / "mirrors.json"; }

Result<std::vector<Mirror>> read_mirrors(const std::filesystem::path& home) {
  const std::filesystem::path file = mirrors_file(home);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::vector<Mirror>{};
  const auto refuse = [&](const std::string& why) {
    return fail(errors::config_invalid, fmt::format("{}: {}", file.string(), why), "Remove the file, and add the mirrors again.");
  };
  const auto text = read_file(file, kFileBytesMax);
  if (!text) return refuse(text.error().message);
  const auto document = parse_json(*text);
  if (!document) return refuse(document.error().message);
  JsonReader reader(*document, file.string());
  const json::array* const listed = reader.array("mirrors");
  if (const Status read = reader.finish(false); !read) return refuse(read.error().message);
  std::vector<Mirror> mirrors;
  for (const json::value& item : listed == nullptr ? json::array() : *listed) {
    JsonReader fields(item, file.string());
    Mirror mirror{.name = fields.required_string("name"), .target = fields.required_string("target")};
    if (const Status read = fields.finish(false); !read) return refuse(read.error().message);
    mirrors.push_back(std::move(mirror));
  }
  std::ranges::sort(mirrors, {}, &Mirror::name);
  return mirrors;
}

Status write_mirrors(const std::filesystem::path& home, std::vector<Mirror> mirrors) {
  std::ranges::sort(mirrors, {}, &Mirror::name);
  json::array listed;
  for (const Mirror& mirror : mirrors) listed.push_back(json::object{{"name", mirror.name}, {"target", mirror.target}});
  CHECK_OK(make_directories(home, 0700));
  return write_file_atomically(mirrors_file(home), pretty_json(json::object{{"mirrors", std::move(listed)}}) + "\n", 0600, false);
}

Result<Mirror> checked_mirror(const std::string& name, const std::string& target) {
  Mirror mirror{.name = name, .target = target};
  for (char& c : mirror.name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (!is_name(mirror.name))
    return fail(errors::invalid_request, fmt::format("{:?} is neither the name of an open dataset nor a host", name),
                "For example mnist, or data.example.com.");
  if (is_address(target)) {
    if (holds_login(target)) return fail(errors::invalid_request, "the address of a mirror holds no login");
    while (mirror.target.ends_with('/')) mirror.target.pop_back();
    return mirror;
  }
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(target, error).lexically_normal();
  if (error || !std::filesystem::is_directory(folder, error))
    return fail(errors::invalid_request, fmt::format("{:?} is neither a folder nor an http or https address", target),
                "A mirror is a folder of this machine, or the address of a server that has the files.");
  mirror.target = folder.string();
  while (mirror.target.size() > 1 && mirror.target.ends_with('/')) mirror.target.pop_back();
  return mirror;
}

}  // namespace werkbank::client
