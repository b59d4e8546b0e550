#include "runner/data_ways.hh"

#include <fmt/format.h>
#include <unistd.h>

#include "domain/snapshot.hh"

namespace werkbank::runner {
namespace {

using data::DataEntry;

constexpr size_t kDocumentBytesMax = 512ULL * 1024 * 1024;
constexpr size_t kManifestDepth = 16;

// A store whose reading ends soon after the run does.
class Watched final : public data::DataStore {
 public:
  Watched(std::unique_ptr<data::DataStore> store, std::filesystem::path cancel, const Lifeline& lifeline)
      : store_(std::move(store)), cancel_(std::move(cancel)), lifeline_(lifeline) {}

  Status check(bool create) override { return store_->check(create); }
  Result<data::DataPage> list(const std::string& prefix, const std::string& cursor) override {
    CHECK_OK(go_on());
    return store_->list(prefix, cursor);
  }
  Result<DataEntry> find(const std::string& path) override { return store_->find(path); }
  Status read(const std::string& path, const std::string& etag, uint64_t offset, const data::DataSink& sink) override {
    CHECK_OK(go_on());
    return store_->read(path, etag, offset, [&](std::string_view bytes) -> Status {
      CHECK_OK(go_on());
      return sink(bytes);
    });
  }
  Status write(const std::string& path, const data::DataSource& source, bool overwrite, const data::OnBytes& on_bytes) override {
    // A cancel does not keep outputs from being stored; another attempt does.
    data::DataSource watched = source;
    watched.read = [&](uint64_t offset, uint64_t size) -> Result<std::string> {
      if (lifeline_.is_lost()) return fail(errors::lease_lost, "another attempt has taken over this run");
      return source.read(offset, size);
    };
    return store_->write(path, watched, overwrite, on_bytes);
  }
  Status remove(const std::string& path) override { return store_->remove(path); }

 private:
  Status go_on() const {
    if (lifeline_.is_lost()) return fail(errors::lease_lost, "another attempt has taken over this run");
    if (access(cancel_.c_str(), F_OK) == 0) return fail(errors::io_failed, "the run was canceled");
    return {};
  }

  const std::unique_ptr<data::DataStore> store_;
  const std::filesystem::path cancel_;
  const Lifeline& lifeline_;
};

using Opened = client::OpenDatastore;

Opened watched(const AttemptContext& context, Opened source) {
  source.open = [open = std::move(source.open), cancel = context.folder.cancel(),
                 &lifeline = context.lifeline]() -> Result<std::unique_ptr<data::DataStore>> {
    TRY(std::unique_ptr<data::DataStore> store, open());
    return std::make_unique<Watched>(std::move(store), cancel, lifeline);
  };
  return source;
}

Result<DatasetContent> get_document(const AttemptContext& context, ServerLink& link, const Hash& hash) {
  std::string text;
  if (!context.plan.blob_folder.empty()) {
    Result<std::string> local = read_file(blob_path(context.plan.blob_folder, hash), kDocumentBytesMax);
    if (local) text = std::move(*local);
  }
  if (text.empty()) {
    net::ClientRequest request;
    request.target = link.workspace_route("blobs/" + hash.hex());
    TRY(net::ClientResponse answer, link.ask(request));
    if (!is_success(answer)) return fail(net::error_from_response(answer));
    text = std::move(answer.body);
  }
  if (Hash::of(text) != hash) return fail(errors::hash_mismatch, "the document of the dataset does not have its hash");
  TRY(const json::value document, parse_json(text, {.size_bytes_max = kDocumentBytesMax, .depth_max = kManifestDepth}));
  return dataset_content_from_json(document, "dataset");
}

// The name below the folder `path`, which may be "": "" where the entry lies elsewhere ("a/bc" for "a/b").
std::string name_below(const std::string& path, const std::string& entry) {
  if (path.empty()) return entry;
  if (entry == path) return entry.substr(entry.rfind('/') + 1);
  return entry.size() > path.size() && entry[path.size()] == '/' ? entry.substr(path.size() + 1) : std::string();
}

Result<InputFiles> list_place(const AttemptContext& context, const DataWays& ways, const RunInput& input) {
  InputFiles found;
  TRY(Opened source, find_source(context, ways, input.datastore));
  TRY(const std::unique_ptr<data::DataStore> store, source.open());
  CHECK_OK(data::each_entry(*store, input.path, [&](DataEntry entry) -> Status {
    const std::string name = name_below(input.path, entry.path);
    if (name.empty() || name.ends_with('/')) return {};  // folders as some tools of object stores mark them
    TRY(const RelativePath safe, RelativePath::parse(name));
    found.is_one_file = entry.path == input.path;
    found.files.push_back({0, entry.path, safe.text(), entry.size_bytes, entry.etag, {}});
    return {};
  }));
  found.sources.push_back(std::move(source));
  if (found.files.empty()) {
    return fail(errors::dataset_empty, fmt::format("input {:?}: there is nothing at {:?} in the datastore {:?}", input.name,
                                                   input.path, input.datastore));
  }
  return found;
}

}  // namespace

Result<DataWays> ask_data_ways(const AttemptContext& context, ServerLink& link) {
  net::ClientRequest request;
  request.target = link.runner_route("data");
  TRY(const net::ClientResponse answer, link.ask(request));
  if (!is_success(answer)) return fail(net::error_from_response(answer));
  TRY(const json::value document, parse_json(answer.body));
  JsonReader reader(document, "data");
  const json::array* const datastores = reader.array("datastores");
  const auto datasets = reader.string_map_or_empty("datasets");
  CHECK_OK(reader.finish(false));
  DataWays ways;
  const client::ServerAddress server{.url = context.plan.server_url, .token = context.plan.token};
  for (const json::value& each : datastores == nullptr ? json::array() : *datastores) {
    JsonReader entry(each, "datastore");
    const std::string name = entry.required_string("name");
    CHECK_OK(entry.finish(false));
    const std::string route = link.workspace_route("datastores/" + net::encode_segment(name));
    TRY(Opened opened, client::open_lent(each, server, route, *context.open_data));
    ways.datastores.insert_or_assign(datastore_name_key(name), std::move(opened));
  }
  for (const auto& [id, hash] : datasets) {
    TRY(const Hash content, Hash::parse(hash));
    ways.datasets.insert_or_assign(id, content);
  }
  return ways;
}

Result<Opened> find_source(const AttemptContext& context, const DataWays& ways, const std::string& datastore) {
  const auto found = ways.datastores.find(datastore_name_key(datastore));
  if (found == ways.datastores.end())
    return fail(errors::datastore_not_found, fmt::format("the run does not use the datastore {:?}", datastore));
  return watched(context, found->second);
}

Result<InputFiles> find_input_files(const AttemptContext& context, ServerLink& link, const DataWays& ways,
                                    const RunInput& input) {
  if (input.dataset_id.empty()) return list_place(context, ways, input);
  const auto known = ways.datasets.find(input.dataset_id);
  if (known == ways.datasets.end())
    return fail(errors::dataset_not_found, fmt::format("the run does not use the dataset {:?}", input.dataset_id));
  TRY(DatasetContent content, get_document(context, link, known->second));
  InputFiles found;
  for (const DatasetSource& each : content.sources) {
    if (!each.url.empty()) {
      // Its paths are whole addresses.
      const json::value web{{"name", ""}, {"kind", "http"}, {"settings", json::object()}, {"credential", json::object()}};
      TRY(Opened source, client::open_lent(web, {}, {}, *context.open_data));
      found.sources.push_back(watched(context, std::move(source)));
      continue;
    }
    TRY(Opened source, find_source(context, ways, each.datastore));
    found.sources.push_back(std::move(source));
  }
  found.is_one_file = content.files.size() == 1;
  found.files = std::move(content.files);
  if (found.files.empty()) return fail(errors::dataset_empty, fmt::format("input {:?}: the dataset holds no file", input.name));
  return found;
}

}  // namespace werkbank::runner
