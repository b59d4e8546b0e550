#include "data/resolve.hh"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/files.hh"
#include "base/json.hh"
#include "data/path_pattern.hh"

namespace werkbank::data {
namespace {

constexpr size_t kNamedMax = 5;
constexpr std::string_view kUnnamed = "download";

// "h/a b/c.csv" of "https://h/a%20b/c.csv?sig=x".
std::string place_of_url(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != url.npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("?#"));
  std::string place;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  for (size_t i = 0; i < url.size(); ++i) {
    const bool is_encoded = url[i] == '%' && i + 2 < url.size() && std::isxdigit(static_cast<unsigned char>(url[i + 1])) &&
                            std::isxdigit(static_cast<unsigned char>(url[i + 2]));
    const char decoded = is_encoded ? static_cast<char>(digit(url[i + 1]) * 16 + digit(url[i + 2])) : url[i];
    // An encoded slash is no folder.
    if (is_encoded && decoded != '/' && decoded != '\0') {
      place += decoded;
      i += 2;
    } else {
      place += url[i];
    }
  }
  return place;
}

size_t folder_bytes(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? 0 : slash + 1;
}

// The bytes of the longest folder that all paths lie in, its '/' included.
size_t common_folder(const std::vector<std::string>& paths) {
  if (paths.empty()) return 0;
  std::string_view folder = std::string_view(paths[0]).substr(0, folder_bytes(paths[0]));
  for (const std::string& path : paths) {
    while (!path.starts_with(folder)) folder = folder.substr(0, folder_bytes(folder.substr(0, folder.size() - 1)));
  }
  return folder.size();
}

// The names that URLs have beside each other.
void name_urls(const std::vector<DatasetSource>& sources, std::vector<DatasetFile>& files) {
  std::vector<std::string> places;
  for (const DatasetFile& file : files) {
    if (!sources[static_cast<size_t>(file.source)].url.empty()) places.push_back(place_of_url(file.path));
  }
  const size_t shared = common_folder(places);
  size_t next = 0;
  for (DatasetFile& file : files) {
    if (sources[static_cast<size_t>(file.source)].url.empty()) continue;
    file.name = places[next++].substr(shared);
    if (!RelativePath::parse(file.name)) file.name = file.name.empty() ? kUnnamed : name_of_url(file.path);
  }
}

bool are_unique(const std::vector<DatasetFile>& files) {
  std::set<std::string_view> names;
  for (const DatasetFile& file : files) {
    if (!names.insert(file.name).second) return false;
  }
  return std::ranges::none_of(files, [&names](const DatasetFile& file) {
    for (size_t slash = file.name.find('/'); slash != std::string::npos; slash = file.name.find('/', slash + 1)) {
      if (names.contains(std::string_view(file.name).substr(0, slash))) return true;
    }
    return false;
  });
}

// Where sources have files of one name: names from the folder that all files of a datastore have in common, and, where that is
// not enough, below the datastore's name; URLs below their host.
void part_names(const std::vector<DatasetSource>& sources, std::vector<DatasetFile>& files) {
  if (are_unique(files)) return;
  std::map<std::string, std::vector<std::string>> paths;
  for (const DatasetFile& file : files) paths[sources[static_cast<size_t>(file.source)].datastore].push_back(file.path);
  for (DatasetFile& file : files) {
    const std::string& datastore = sources[static_cast<size_t>(file.source)].datastore;
    if (!datastore.empty()) file.name = file.path.substr(common_folder(paths[datastore]));
  }
  if (are_unique(files)) return;
  for (DatasetFile& file : files) {
    const std::string& datastore = sources[static_cast<size_t>(file.source)].datastore;
    file.name = datastore.empty() ? place_of_url(file.path) : datastore + "/" + file.path;
  }
}

// What lies in the deepest folder of the pattern's prefix that is there, by name.
Result<std::pair<std::string, std::vector<std::string>>> neighbours(DataStore& store, const PathPattern& pattern) {
  std::string folder = pattern.prefix().substr(0, folder_bytes(pattern.prefix()));
  while (true) {
    TRY(const DataPage page, store.list(folder, ""));
    std::set<std::string> names;
    for (const DataEntry& entry : page.entries) {
      const std::string rest = entry.path.substr(folder.size());
      names.insert(rest.substr(0, rest.find('/')));
    }
    if (!names.empty() || folder.empty()) return std::pair(folder, std::vector(names.begin(), names.end()));
    folder.resize(folder_bytes(std::string_view(folder).substr(0, folder.size() - 1)));
  }
}

Error nothing_matches(DataStore& store, const DatasetSource& source, const PathPattern& pattern) {
  Error error{&errors::dataset_empty,
              fmt::format("nothing in datastore {:?} matches the path {:?}", source.datastore, source.path),
              {},
              {}};
  const auto found = neighbours(store, pattern);
  if (!found) return error;  // a storage without listings
  const auto& [folder, names] = *found;
  if (names.empty()) {
    error.hint = "The datastore is empty.";
    return error;
  }
  const std::string rest = pattern.text().substr(folder.size());
  const std::optional<std::string> near = nearest_word(rest.substr(0, rest.find('/')), names);
  if (near) {
    error.hint = fmt::format("Did you mean {:?}?", folder + *near);
    return error;
  }
  error.hint = fmt::format("{} holds: ", folder.empty() ? "The datastore" : fmt::format("{:?}", folder));
  for (size_t i = 0; i < std::min(names.size(), kNamedMax); ++i) error.hint += (i == 0 ? "" : ", ") + names[i];
  error.hint += names.size() > kNamedMax ? " …" : ".";
  return error;
}

Status resolve_datastore(const DatasetSource& source, int64_t index, DataStore& store, std::vector<DatasetFile>& files) {
  Result<PathPattern> parsed = PathPattern::parse(source.path);
  if (!parsed) return fail_in("the path of the dataset", std::move(parsed).error());
  const PathPattern& pattern = *parsed;
  size_t count = 0;
  CHECK_OK(each_entry(store, pattern.prefix(), [&](DataEntry entry) -> Status {
    // Folders as some tools of object stores mark them.
    if (entry.path.ends_with('/') || !pattern.matches(entry.path)) return {};
    // The storage's word decides no place on a disk.
    TRY(const RelativePath checked, RelativePath::parse(entry.path));
    ++count;
    files.push_back({index, checked.text(), pattern.name_of(entry.path), entry.size_bytes, std::move(entry.etag), {}});
    return {};
  }));
  if (count > 0) return {};
  return fail(nothing_matches(store, source, pattern));
}

Status resolve_url(const DatasetSource& source, int64_t index, DataStore& store, std::vector<DatasetFile>& files) {
  Result<DataEntry> entry = store.find(source.url);
  if (!entry && entry.error().code == &errors::not_found)
    return fail(errors::dataset_empty, fmt::format("there is nothing at {}", source.url.substr(0, source.url.find('?'))));
  if (!entry) return fail(std::move(entry).error());
  files.push_back({index, source.url, {}, entry->size_bytes, std::move(entry->etag), {}});
  return {};
}

}  // namespace

std::string name_of_url(std::string_view url) {
  const std::string place = place_of_url(url);
  std::string name = place.substr(folder_bytes(place));
  const bool is_bare = place.find('/') == std::string::npos;  // the host is no name
  return is_bare || !RelativePath::parse(name) ? std::string(kUnnamed) : name;
}

Result<std::vector<DatasetFile>> resolve_files(const std::vector<DatasetSource>& sources, const SourceOpener& open) {
  std::vector<DatasetFile> files;
  for (int64_t index = 0; index < std::ssize(sources); ++index) {
    const DatasetSource& source = sources[static_cast<size_t>(index)];
    TRY(const std::unique_ptr<DataStore> store, open(static_cast<size_t>(index)));
    CHECK_OK(source.url.empty() ? resolve_datastore(source, index, *store, files) : resolve_url(source, index, *store, files));
  }
  std::set<std::pair<std::string, std::string>> seen;
  std::erase_if(files, [&](const DatasetFile& file) {
    return !seen.emplace(sources[static_cast<size_t>(file.source)].datastore, file.path).second;
  });
  name_urls(sources, files);
  part_names(sources, files);
  return files;
}

}  // namespace werkbank::data
