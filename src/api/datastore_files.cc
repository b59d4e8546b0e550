// Files of datastores that are folders of this machine, for clients on other machines.
#include <fcntl.h>

#include <memory>

#include "api/datastore_access.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "base/files.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using data::DataEntry;
using net::Method;

json::object entry_json(const DataEntry& entry) {
  return {{"path", entry.path},
          {"sizeBytes", entry.size_bytes},
          {"etag", entry.etag},
          {"modifiedUtc", format_utc(entry.modified_ms)}};
}

Result<data::DataAccess> folder_of(Api& api, const std::string& workspace, const std::string& name) {
  TRY(const store::DatastoreRecord record,
      read<store::DatastoreRecord>(api, [&](store::Reader& reader) { return find_datastore(reader, workspace, name); }));
  TRY(data::DataAccess access, access_to(api, record));
  if (access.datastore.kind == DatastoreKind::kFolder) return access;
  return fail(errors::not_supported, fmt::format("the data of {:?} does not travel through this server", access.datastore.name),
              "GET …/datastores/NAME/access tells the way to it; `werkbank datastore download` goes it.");
}

Task<Result<net::Response>> list_files(Api& api, Call& call) {
  CO_TRY(const data::DataAccess access, folder_of(api, call.workspace(), call.arguments[1]));
  const std::string prefix = query_text(call.request, "prefix");
  const std::string cursor = query_text(call.request, "cursor");
  const auto look = [&]() -> Result<data::DataPage> {
    TRY(const std::unique_ptr<data::DataStore> store, api.open_data(access));
    return store->list(prefix, cursor);
  };
  CO_TRY(const data::DataPage page, co_await api.services.builders.run(look));
  json::array items;
  for (const DataEntry& entry : page.entries) items.push_back(entry_json(entry));
  co_return json_response(json::object{{"items", std::move(items)}, {"next", page.next}});
}

Task<Result<net::Response>> get_file(Api& api, Call& call) {
  CO_TRY(const RelativePath path, RelativePath::parse(call.arguments[2]));
  CO_TRY(const data::DataAccess access, folder_of(api, call.workspace(), call.arguments[1]));
  const auto look = [&]() -> Result<DataEntry> {
    TRY(const std::unique_ptr<data::DataStore> store, api.open_data(access));
    return store->find(path.text());
  };
  CO_TRY(const DataEntry entry, co_await api.services.pool.run(look));
  const std::filesystem::path place = path.below(access.datastore.settings.at("path"));
  co_return bytes_response(call.request, entry.size_bytes, media_type_of(path.text()), entry.etag,
                           [place](uint64_t offset, uint64_t size_max) { return read_file_range(place, offset, size_max); });
}

// Gone with the request, whatever becomes of it.
struct Incoming {
  explicit Incoming(std::filesystem::path place) : path(std::move(place)) {}
  ~Incoming() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  std::filesystem::path path;
};

Task<Result<net::Response>> put_file(Api& api, Call& call) {
  CO_TRY(const RelativePath path, RelativePath::parse(call.arguments[2]));
  CO_TRY(const data::DataAccess access, folder_of(api, call.workspace(), call.arguments[1]));
  CO_TRY(const std::unique_ptr<data::DataStore> store, api.open_data(access));
  const bool overwrite = query_flag(call.request, "overwrite");
  if (!overwrite && store->find(path.text()))
    co_return fail(errors::already_exists, fmt::format("{} is there already", path.text()));
  const std::filesystem::path folder = api.services.datastore_folder / lifecycle::kIncomingData;
  CO_CHECK_OK(make_directories(folder));
  const Incoming incoming(folder / random_hex(8));
  data::DataSource source;
  {
    CO_TRY(const Fd file, open_file(incoming.path, O_WRONLY | O_CREAT | O_EXCL));
    while (true) {
      CO_TRY(const std::string piece, co_await call.request.body->next());
      if (piece.empty()) break;
      source.size_bytes += piece.size();
      const auto append = [&file, &piece] { return write_all(file.get(), piece); };
      CO_CHECK_OK(co_await api.services.pool.run(append));
    }
  }
  source.read = [&incoming](uint64_t offset, uint64_t size) { return read_file_range(incoming.path, offset, size); };
  const auto write = [&]() -> Result<DataEntry> {
    CHECK_OK(store->write(path.text(), source, overwrite, {}));
    return store->find(path.text());
  };
  CO_TRY(const DataEntry entry, co_await api.services.builders.run(write));
  co_return json_response(entry_json(entry), 201);
}

Task<Result<net::Response>> delete_file(Api& api, Call& call) {
  CO_TRY(const RelativePath path, RelativePath::parse(call.arguments[2]));
  CO_TRY(const data::DataAccess access, folder_of(api, call.workspace(), call.arguments[1]));
  CO_TRY(const std::unique_ptr<data::DataStore> store, api.open_data(access));
  const auto remove = [&] { return store->remove(path.text()); };
  CO_CHECK_OK(co_await api.services.pool.run(remove));
  co_return no_content();
}

#define FILES "/api/v1/workspaces/{workspace}/datastores/{name}/files"
constexpr Route kRoutes[] = {
    route<Permission::kContent>(
        Method::kGet, FILES, list_files,
        {"List files of a datastore that is a folder of the server's machine", "prefix:string,cursor:string", "", "DataFile[]"}),
    route<Permission::kContent>(Method::kGet, FILES "/{path...}", get_file,
                                {"Get such a file, or a range of it", "", "", "application/octet-stream"}),
    route<Permission::kContent>(Method::kPut, FILES "/{path...}", put_file,
                                {"Write such a file", "overwrite:boolean", "application/octet-stream", "DataFile", 201}),
    route<Permission::kJob>(Method::kDelete, FILES "/{path...}", delete_file, {"Delete such a file", "", "", "", 204}),
};
#undef FILES

}  // namespace

std::span<const Route> datastore_file_routes() { return kRoutes; }

}  // namespace werkbank::api
