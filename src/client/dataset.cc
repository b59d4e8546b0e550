#include "client/dataset.hh"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/files.hh"
#include "data/content_hash.hh"
#include "data/resolve.hh"

namespace werkbank::client {
namespace {

constexpr size_t kDocumentBytesMax = 256 * 1024 * 1024;

const OpenDatastore& place_of(const DatasetFile& file, const std::vector<OpenDatastore>& places) {
  return places.at(static_cast<size_t>(file.source));
}

OpenDatastore open_web(const data::DataStoreOpener& opener) {
  OpenDatastore web;
  web.access.datastore.kind = DatastoreKind::kHttp;  // without an address of its own: paths are whole URLs
  web.description = json::object{{"name", "web"}, {"kind", to_string(DatastoreKind::kHttp)}};
  web.identity = data::storage_identity(web.access.datastore);
  web.open = [&opener, access = web.access] { return opener(access); };
  return web;
}

}  // namespace

Result<DatasetContent> fetch_dataset(Session& session, const std::string& workspace_route, const std::string& reference) {
  const std::string target = fmt::format("{}/datasets/{}/content", workspace_route, net::encode_segment(reference));
  TRY(const net::ClientResponse answer, session.call({.method = net::Method::kGet, .target = target}, Repeat::kSafe));
  TRY(const json::value document, parse_json(answer.body, {.size_bytes_max = kDocumentBytesMax}));
  return dataset_content_from_json(document, "dataset");
}

Result<std::vector<OpenDatastore>> open_sources(Session& session, const std::string& workspace_route,
                                                const std::vector<DatasetSource>& sources, const data::DataStoreOpener& opener) {
  if (!opener) return fail(errors::not_supported, "this program opens no datastores");
  std::map<std::string, OpenDatastore> known;
  std::vector<OpenDatastore> places;
  for (const DatasetSource& source : sources) {
    if (source.datastore.empty()) {
      places.push_back(open_web(opener));
      continue;
    }
    auto place = known.find(source.datastore);
    if (place == known.end()) {
      TRY(OpenDatastore opened, open_datastore(session, workspace_route, source.datastore, opener));
      place = known.emplace(source.datastore, std::move(opened)).first;
    }
    places.push_back(place->second);
  }
  return places;
}

Status resolve_dataset(DatasetContent& content, const std::vector<OpenDatastore>& places) {
  TRY(content.files, data::resolve_files(content.sources, [&places](size_t source) { return places.at(source).open(); }));
  return {};
}

Status measure_web_files(DatasetContent& content, const std::vector<OpenDatastore>& places) {
  for (DatasetFile& file : content.files) {
    const bool is_web = !content.sources.at(static_cast<size_t>(file.source)).url.empty();
    if (!is_web || file.size_bytes > 0) continue;
    TRY(const std::unique_ptr<data::DataStore> store, place_of(file, places).open());
    TRY(data::DataEntry entry, store->find(file.path));
    file.size_bytes = entry.size_bytes;
    if (file.etag.empty()) file.etag = std::move(entry.etag);
  }
  return {};
}

Status hash_local_files(DatasetContent& content, const std::vector<OpenDatastore>& places) {
  for (DatasetFile& file : content.files) {
    TRY(const std::optional<std::filesystem::path> local, find_local_file(file, place_of(file, places)));
    if (!local) continue;
    TRY(file.hash, data::blake2b_of_file(*local));
  }
  return {};
}

Result<std::optional<std::filesystem::path>> find_local_file(const DatasetFile& file, const OpenDatastore& place) {
  if (place.local_folder.empty()) return std::nullopt;
  TRY(const RelativePath checked, RelativePath::parse(file.path));
  TRY(const std::unique_ptr<data::DataStore> store, place.open());
  Result<data::DataEntry> entry = store->find(file.path);
  if (!entry) return fail(advise_on_change(std::move(entry).error()));
  if (entry->size_bytes != file.size_bytes || (!file.etag.empty() && entry->etag != file.etag)) {
    return fail(advise_on_change(Error{&errors::data_changed,
                                       fmt::format("{} in datastore {:?} is not the file any more that the dataset names",
                                                   file.path, place.access.datastore.name),
                                       {},
                                       {}}));
  }
  return checked.below(place.local_folder);
}

Result<std::vector<DatasetPart>> dataset_downloads(const DatasetContent& content, const std::vector<OpenDatastore>& places,
                                                   const std::filesystem::path& folder) {
  std::map<std::string, DatasetPart> parts;  // by datastore; all URLs are one
  for (const DatasetFile& file : content.files) {
    TRY(const RelativePath name, RelativePath::parse(file.name));
    const OpenDatastore& place = place_of(file, places);
    DatasetPart& part = parts.try_emplace(place.access.datastore.name, DatasetPart{place, {}}).first->second;
    part.items.push_back({file.path, name.below(folder), file.size_bytes, file.etag, file.hash});
  }
  std::vector<DatasetPart> answer;
  for (auto& [name, part] : parts) answer.push_back(std::move(part));
  return answer;
}

Error advise_on_change(Error error) {
  if (error.code == &errors::data_changed || error.code == &errors::not_found)
    error.hint =
        "What a dataset names never changes. Register what is there now as a new version: werkbank dataset register NAME … "
        "--new-version (create_new_version=True).";
  return error;
}

}  // namespace werkbank::client
