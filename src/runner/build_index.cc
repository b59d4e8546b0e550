#include "runner/build_index.hh"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/files.hh"
#include "base/text.hh"

namespace werkbank::runner {
namespace {

namespace fs = std::filesystem;
using Texts = std::map<std::string, std::string>;

std::string value_of(const Texts& texts, const std::string& name) {
  const auto found = texts.find(name);
  return found == texts.end() ? std::string() : found->second;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

void append_words(std::string_view text, std::vector<std::string>& list) {
  while (!text.empty()) {
    const size_t blank = text.find_first_of(" \t\n");
    const std::string word(text.substr(0, blank));
    if (!word.empty() && std::ranges::find(list, word) == list.end()) list.push_back(word);
    text = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
  }
}

bool is_true(const std::string& text) { return !text.empty() && text != "0" && text != "false" && text != "no" && text != "off"; }

void apply_settings(const Texts& settings, PackageSources& sources) {
  const auto set = [&settings](const char* key, std::string& target) {
    if (const std::string value = value_of(settings, key); !value.empty()) target = value;
  };
  set("index-url", sources.index_url);
  set("cert", sources.certificate);
  set("proxy", sources.proxy);
  append_words(value_of(settings, "extra-index-url"), sources.extra_indexes);
  append_words(value_of(settings, "find-links"), sources.find_links);
  append_words(value_of(settings, "trusted-host"), sources.insecure_hosts);
  if (settings.contains("no-index")) sources.no_index = is_true(value_of(settings, "no-index"));
  if (settings.contains("pre")) sources.prereleases = is_true(value_of(settings, "pre"));
}

Texts pip_variables(const Texts& environment) {
  Texts settings;
  for (const char* key : {"index-url", "extra-index-url", "find-links", "trusted-host", "cert", "proxy", "no-index", "pre"}) {
    std::string variable = "PIP_";
    for (const char c : std::string_view(key)) variable += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
    if (environment.contains(variable)) settings[key] = environment.at(variable);
  }
  return settings;
}

void apply_recipe(const std::vector<std::string>& options, PackageSources& sources) {
  for (const std::string& option : options) {
    const size_t equals = option.find('=');
    const std::string name = option.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
    if (name == "--index-url") {
      sources.index_url = value;
      sources.no_index = false;
    }
    if (name == "--no-index") sources.no_index = true;
    if (name == "--pre") sources.prereleases = true;
    if (name == "--extra-index-url") append_words(value, sources.extra_indexes);
    if (name == "--find-links") append_words(value, sources.find_links);
    if (name == "--trusted-host") append_words(value, sources.insecure_hosts);
  }
}

}  // namespace

std::map<std::string, std::string> read_pip_configuration(std::string_view text) {
  Texts global, install;
  Texts* section = nullptr;
  std::string key;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    const std::string_view content = trimmed(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    if (content.front() == '[') {
      section = content == "[global]" ? &global : content == "[install]" ? &install : nullptr;
      key.clear();
      continue;
    }
    if (section == nullptr) continue;
    const bool continued = (line.front() == ' ' || line.front() == '\t') && !key.empty();
    if (continued) {
      (*section)[key] += "\n" + std::string(content);
      continue;
    }
    const size_t separator = content.find_first_of("=:");
    if (separator == std::string_view::npos) continue;
    key = trimmed(content.substr(0, separator));
    std::ranges::transform(key, key.begin(), [](char c) { return c == '_' ? '-' : lower(c); });
    (*section)[key] = trimmed(content.substr(separator + 1));
  }
  for (auto& [name, value] : install) global[name] = value;
  return global;
}

std::vector<fs::path> pip_configuration_files(const Texts& environment) {
  if (value_of(environment, "PIP_CONFIG_FILE") == "/dev/null") return {};
  std::vector<fs::path> files{"/etc/xdg/pip/pip.conf", "/etc/pip.conf"};
  const std::string home = value_of(environment, "HOME");
  if (!home.empty()) {
    files.push_back(fs::path(home) / ".pip/pip.conf");
    const std::string config = value_of(environment, "XDG_CONFIG_HOME");
    files.push_back((config.empty() ? fs::path(home) / ".config" : fs::path(config)) / "pip/pip.conf");
  }
  if (const std::string own = value_of(environment, "PIP_CONFIG_FILE"); !own.empty()) files.emplace_back(own);
  return files;
}

PackageSources gather_sources(const Texts& environment, const std::vector<std::string>& recipe_options) {
  PackageSources sources;
  for (const fs::path& file : pip_configuration_files(environment)) {
    if (const auto text = read_file(file, 1 << 20)) apply_settings(read_pip_configuration(*text), sources);
  }
  apply_settings(pip_variables(environment), sources);
  apply_recipe(recipe_options, sources);
  std::erase_if(sources.find_links, [&sources](const std::string& place) {
    std::string path = place;
    if (path.starts_with("file://")) path = path.substr(7);
    std::error_code error;
    if (path.find("://") != std::string::npos || fs::exists(path, error)) return false;
    sources.notes.push_back(fmt::format("--find-links {} is left out: it is not on this machine", place));
    return true;
  });
  if (!sources.certificate.empty()) {
    std::error_code error;
    if (!fs::exists(sources.certificate, error)) {
      sources.notes.push_back(fmt::format("pip's cert {} is left out: it is not on this machine", sources.certificate));
      sources.certificate.clear();
    }
  }
  return sources;
}

std::vector<fs::path> authority_files(const Texts& environment, const PackageSources& sources) {
  if (!sources.certificate.empty()) return {sources.certificate};
  std::vector<fs::path> files;
  for (const char* const variable : {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}) {
    std::error_code error;
    const fs::path file(value_of(environment, variable));
    const bool known = std::ranges::any_of(files, [&](const fs::path& other) { return fs::equivalent(other, file, error); });
    if (!known && fs::is_regular_file(file, error)) files.push_back(file);
  }
  return files;
}

std::map<std::string, std::string> uv_variables(const PackageSources& sources) {
  Texts variables;
  if (!sources.index_url.empty()) variables["UV_INDEX_URL"] = sources.index_url;
  if (!sources.extra_indexes.empty()) variables["UV_EXTRA_INDEX_URL"] = fmt::format("{}", fmt::join(sources.extra_indexes, " "));
  if (!sources.find_links.empty()) variables["UV_FIND_LINKS"] = fmt::format("{}", fmt::join(sources.find_links, ","));
  if (!sources.insecure_hosts.empty()) variables["UV_INSECURE_HOST"] = fmt::format("{}", fmt::join(sources.insecure_hosts, " "));
  if (sources.prereleases) variables["UV_PRERELEASE"] = "allow";
  if (!sources.certificate.empty()) variables["SSL_CERT_FILE"] = sources.certificate;
  if (!sources.proxy.empty()) variables["ALL_PROXY"] = sources.proxy;
  // Several indexes are one pool to pip, and so they are here.
  if (!sources.extra_indexes.empty()) variables["UV_INDEX_STRATEGY"] = "unsafe-best-match";
  return variables;
}

}  // namespace werkbank::runner
