#include "domain/dataset.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/files.hh"
#include "domain/names.hh"

namespace werkbank {
namespace {

constexpr size_t kUrlBytesMax = 2048;
constexpr std::string_view kLatest = "latest";

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

// A pattern is a path in which parts may hold '*', '?' and '['.
Result<DatasetSource> source_from_json(const json::value& value, const std::string& path) {
  JsonReader reader(value, path);
  DatasetSource source;
  source.datastore = reader.string_or("datastore");
  source.path = reader.string_or("path");
  source.url = reader.string_or("url");
  if (source.datastore.empty() == source.url.empty()) reader.refuse("datastore", "exactly one of datastore and url is needed");
  const bool is_http = source.url.starts_with("http://") || source.url.starts_with("https://");
  if (!source.url.empty() && (!is_http || source.url.size() > kUrlBytesMax))
    reader.refuse("url", fmt::format("{:?} is not an http or https address of at most {} bytes", source.url, kUrlBytesMax));
  const std::string_view rest = std::string_view(source.url).substr(std::min<size_t>(source.url.size(), 8));
  if (rest.substr(0, rest.find('/')).find('@') != rest.npos)
    reader.refuse("url", "holds a login, which everybody who reads the workspace would see: register a datastore of kind http");
  CHECK_OK(reader.finish());
  if (!source.path.empty()) {
    Result<RelativePath> safe = RelativePath::parse(source.path);
    if (!safe) return fail_in(path + ".path", std::move(safe).error());
    source.path = safe->text();
  }
  return source;
}

json::object to_json(const DatasetSource& source) {
  if (!source.url.empty()) return {{"url", source.url}};
  return {{"datastore", source.datastore}, {"path", source.path}};
}

Result<DatasetFile> file_from_json(const json::value& value, const std::string& path, const std::vector<DatasetSource>& sources) {
  JsonReader reader(value, path);
  DatasetFile file;
  file.source = reader.int_or("source", 0, 0, INT32_MAX);
  file.path = reader.required_string("path");
  file.name = reader.required_string("name");
  file.size_bytes = static_cast<uint64_t>(reader.int_or("sizeBytes", 0, 0, INT64_MAX));
  file.etag = reader.string_or("etag");
  file.hash = reader.string_or("hash");
  if (file.source >= std::ssize(sources)) {
    reader.refuse("source", fmt::format("{} is not the index of a source; there are {}", file.source, sources.size()));
  }
  CHECK_OK(reader.finish());
  Result<RelativePath> name = RelativePath::parse(file.name);
  if (!name) return fail_in(path + ".name", std::move(name).error());
  if (sources[static_cast<size_t>(file.source)].url.empty()) {
    Result<RelativePath> safe = RelativePath::parse(file.path);
    if (!safe) return fail_in(path + ".path", std::move(safe).error());
  }
  return file;
}

// Of two names one must not be the folder of the other: they all lie below one folder.
Status check_file_names(const std::vector<DatasetFile>& files, const std::string& path) {
  std::set<std::string_view> names;
  for (const DatasetFile& file : files) {
    if (!names.insert(file.name).second)
      return fail(errors::invalid_request, fmt::format("{}.files: two files are called {:?}", path, file.name));
  }
  for (const DatasetFile& file : files) {
    const std::string_view name = file.name;
    for (size_t slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
      if (names.contains(name.substr(0, slash)))
        return fail(errors::invalid_request,
                    fmt::format("{}.files: {:?} lies below the file {:?}", path, name, name.substr(0, slash)));
    }
  }
  return {};
}

json::object describe(const Dataset& dataset) {
  return {{"id", dataset.id},
          {"workspace", dataset.workspace},
          {"kind", to_string(dataset.kind)},
          {"name", nullptr},
          {"version", nullptr},
          {"description", ""},
          {"tags", json::object()},
          {"definition", dataset.definition},
          {"fileCount", dataset.file_count},
          {"sizeBytes", dataset.size_bytes},
          {"createdBy", json::object{{"userName", dataset.created_by}}},
          {"createdUtc", format_utc(dataset.created_ms)},
          {"modifiedUtc", format_utc(dataset.created_ms)},
          {"revision", 1}};
}

}  // namespace

std::string_view to_string(DatasetKind kind) { return kind == DatasetKind::kFile ? "file" : "tabular"; }

std::optional<DatasetKind> parse_dataset_kind(std::string_view text) {
  if (text == "file") return DatasetKind::kFile;
  if (text == "tabular") return DatasetKind::kTabular;
  return std::nullopt;
}

json::object to_json(const DatasetFile& file) {
  return {{"source", file.source},
          {"path", file.path},
          {"name", file.name},
          {"sizeBytes", file.size_bytes},
          {"etag", text_or_null(file.etag)},
          {"hash", text_or_null(file.hash)}};
}

json::object to_json(const DatasetContent& content) {
  json::array sources, files;
  for (const DatasetSource& source : content.sources) sources.push_back(to_json(source));
  for (const DatasetFile& file : content.files) files.push_back(to_json(file));
  return {{"kind", to_string(content.kind)},
          {"sources", std::move(sources)},
          {"reader", content.reader},
          {"steps", content.steps},
          {"files", std::move(files)}};
}

Result<DatasetContent> dataset_content_from_json(const json::value& value, const std::string& path) {
  JsonReader reader(value, path);
  DatasetContent content;
  const std::string kind = reader.required_string("kind");
  const json::array* const sources = reader.array("sources");
  const json::array* const files = reader.array("files");
  if (const json::object* const table = reader.object("reader")) content.reader = *table;
  if (const json::array* const steps = reader.array("steps")) content.steps = *steps;
  const std::optional<DatasetKind> known = parse_dataset_kind(kind);
  if (!known) reader.refuse("kind", fmt::format("{:?} is neither file nor tabular", kind));
  if (sources == nullptr || sources->empty()) reader.refuse("sources", "is missing or empty");
  if (files == nullptr) reader.refuse("files", "is missing");
  CHECK_OK(reader.finish());
  content.kind = *known;
  for (const json::value& source : *sources) {
    TRY(DatasetSource read, source_from_json(source, fmt::format("{}.sources[{}]", path, content.sources.size())));
    content.sources.push_back(std::move(read));
  }
  content.files.reserve(files->size());
  for (const json::value& file : *files) {
    TRY(DatasetFile read, file_from_json(file, fmt::format("{}.files[{}]", path, content.files.size()), content.sources));
    content.files.push_back(std::move(read));
  }
  CHECK_OK(check_file_names(content.files, path));
  return content;
}

std::string dataset_id(const Hash& content) {
  const std::string hex = content.hex();
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20, 12));
}

bool is_dataset_id(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool is_hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (is_dash ? text[i] != '-' : !is_hex) return false;
  }
  return true;
}

Status check_dataset_name(std::string_view name) {
  CHECK_OK(check_stored_name("the dataset's name", name));
  if (name.find(':') != name.npos)
    return fail(errors::name_refused, fmt::format("the dataset's name {:?} holds a ':'", name), "NAME:VERSION names a version.");
  if (is_dataset_id(name)) return fail(errors::name_refused, fmt::format("the dataset's name {:?} looks like an id", name));
  return {};
}

Result<DatasetKey> parse_dataset_reference(std::string workspace, std::string_view text) {
  DatasetKey key;
  key.workspace = std::move(workspace);
  const size_t colon = text.rfind(':');
  key.name = std::string(text.substr(0, colon));
  CHECK_OK(check_dataset_name(key.name));
  if (colon == text.npos || text.substr(colon + 1) == kLatest) return key;
  const std::string_view number = text.substr(colon + 1);
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), key.version);
  if (parsed.ec == std::errc() && parsed.ptr == number.data() + number.size() && key.version > 0) return key;
  return fail(errors::invalid_request, fmt::format("{:?} is not a version of a dataset", number),
              "A version is 1, 2, 3 … or latest: NAME:2.");
}

json::object to_json(const Dataset& dataset) { return describe(dataset); }

json::object to_json(const DatasetVersion& version) {
  json::object document = describe(version.dataset);
  document["name"] = version.key.name;
  document["version"] = version.key.version;
  document["description"] = version.description;
  document["tags"] = text_map_to_json(version.tags);
  document["createdBy"] = json::object{{"userName", version.created_by}};
  document["createdUtc"] = format_utc(version.created_ms);
  document["modifiedUtc"] = format_utc(version.modified_ms);
  document["revision"] = version.revision;
  return document;
}

json::object to_json(const DatasetUse& use) {
  return {{"runId", use.run.run_id},
          {"direction", use.is_output ? "output" : "input"},
          {"port", use.port},
          {"mode", use.mode},
          {"datasetId", use.dataset_id}};
}

}  // namespace werkbank
