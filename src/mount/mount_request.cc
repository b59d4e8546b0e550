// A mount's request as it travels to its process.
#include "mount/mount_process.hh"

namespace werkbank::mount {

json::value to_json(const MountRequest& request) {
  json::array files, sources;
  files.reserve(request.files.size());
  for (const MountedFile& file : request.files) {
    files.push_back(json::object{{"name", file.name},
                                 {"path", file.path},
                                 {"sizeBytes", file.size_bytes},
                                 {"etag", file.etag},
                                 {"source", file.source},
                                 {"modifiedMs", file.modified_ms}});
  }
  for (const MountSource& source : request.sources) {
    sources.push_back(json::object{
        {"identity", source.identity}, {"localFolder", source.local_folder.string()}, {"description", source.description}});
  }
  return json::object{{"folder", request.folder.string()},
                      {"files", std::move(files)},
                      {"sources", std::move(sources)},
                      {"cacheFolder", request.cache_folder.string()},
                      {"stateFile", request.state_file.string()},
                      {"logFile", request.log_file.string()},
                      {"allowOther", request.allow_other},
                      {"patienceMs", request.patience.count()}};
}

Result<MountRequest> mount_request_from_json(const json::value& document) {
  JsonReader reader(document, "mount");
  MountRequest request;
  request.folder = reader.required_string("folder");
  const json::array* const files = reader.array("files");
  const json::array* const sources = reader.array("sources");
  request.cache_folder = reader.string_or("cacheFolder");
  request.state_file = reader.string_or("stateFile");
  request.log_file = reader.string_or("logFile");
  request.allow_other = reader.bool_or("allowOther", false);
  constexpr int64_t kUsualMs = 120'000, kMostMs = 3'600'000;
  request.patience = std::chrono::milliseconds(reader.int_or("patienceMs", kUsualMs, 1, kMostMs));
  CHECK_OK(reader.finish());
  for (const json::value& item : sources == nullptr ? json::array() : *sources) {
    JsonReader source(item, "mount.sources");
    MountSource one{.identity = source.string_or("identity"), .local_folder = source.string_or("localFolder")};
    if (const json::value* const description = source.value("description")) one.description = *description;
    CHECK_OK(source.finish());
    request.sources.push_back(std::move(one));
  }
  for (const json::value& item : files == nullptr ? json::array() : *files) {
    JsonReader file(item, "mount.files");
    MountedFile one{.name = file.required_string("name"), .path = file.required_string("path")};
    one.size_bytes = static_cast<uint64_t>(file.int_or("sizeBytes", 0, 0, INT64_MAX));
    one.etag = file.string_or("etag");
    one.source = static_cast<size_t>(file.int_or("source", 0, 0, INT64_MAX));
    one.modified_ms = file.int_or("modifiedMs", 0, 0, INT64_MAX);
    if (one.source >= request.sources.size()) file.refuse("source", "there is no such source");
    CHECK_OK(file.finish());
    request.files.push_back(std::move(one));
  }
  return request;
}

}  // namespace werkbank::mount
