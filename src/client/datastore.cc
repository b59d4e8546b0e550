#include "client/datastore.hh"

#include <fmt/format.h>

#include "base/files.hh"

namespace werkbank::client {
namespace {

using data::DataEntry;
using data::DataPage;

constexpr std::chrono::milliseconds kSilenceMax{60'000};

std::string encode_path(const std::string& path) {
  std::string encoded;
  for (const char c : net::encode_segment(path)) encoded += c;
  for (size_t at = encoded.find("%2F"); at != std::string::npos; at = encoded.find("%2F", at + 1)) encoded.replace(at, 3, "/");
  return encoded;
}

Result<DataEntry> entry_from_json(const json::value& item) {
  JsonReader reader(item, "file");
  DataEntry entry;
  entry.path = reader.required_string("path");
  entry.size_bytes = static_cast<uint64_t>(reader.int_or("sizeBytes", 0, 0, INT64_MAX));
  entry.etag = reader.string_or("etag");
  const std::string modified = reader.string_or("modifiedUtc");
  CHECK_OK(reader.finish(false));
  entry.modified_ms = parse_utc(modified).value_or(0);
  return entry;
}

// A folder of the server's machine, by the server's routes.
class ServedFolder final : public data::DataStore {
 public:
  ServedFolder(const ServerAddress& address, std::string files_route)
      // The server answers an upload when the file is whole and on its disk.
      : http_(net::ClientConfig{.server_url = address.url, .token = address.token, .read_timeout = std::chrono::minutes(10)}),
        route_(std::move(files_route)) {}

  Status check(bool) override {
    TRY([[maybe_unused]] const DataPage page, list("", ""));
    return {};
  }

  Result<DataPage> list(const std::string& prefix, const std::string& cursor) override {
    const std::string target =
        fmt::format("{}?prefix={}&cursor={}", route_, net::encode_segment(prefix), net::encode_segment(cursor));
    TRY(const net::ClientResponse answer, ask({.method = net::Method::kGet, .target = target}));
    TRY(const json::value document, parse_json(answer.body, {.size_bytes_max = 64 * 1024 * 1024}));
    JsonReader reader(document, "files");
    const json::array* const items = reader.array("items");
    DataPage page;
    page.next = reader.string_or("next");
    CHECK_OK(reader.finish(false));
    for (const json::value& item : items == nullptr ? json::array() : *items) {
      TRY(DataEntry entry, entry_from_json(item));
      page.entries.push_back(std::move(entry));
    }
    return page;
  }

  Result<DataEntry> find(const std::string& path) override {
    TRY(const std::string target, target_of(path));
    TRY(const DataPage page, list(path, ""));
    if (!page.entries.empty() && page.entries.front().path == path) return page.entries.front();
    return fail(errors::not_found, fmt::format("there is no file {:?}", path));
  }

  Status read(const std::string& path, const std::string& etag, uint64_t offset, const data::DataSink& sink) override {
    return read_range(path, etag, offset, UINT64_MAX, sink);
  }

  Status read_range(const std::string& path, const std::string& etag, uint64_t offset, uint64_t size_bytes,
                    const data::DataSink& sink) override {
    TRY(const std::string target, target_of(path));
    TRY(const DataEntry entry, find(path));
    const auto changed = [&path] { return fail(errors::data_changed, fmt::format("{} changed while it was read", path)); };
    if (!etag.empty() && entry.etag != etag) return changed();
    if (offset >= entry.size_bytes || size_bytes == 0) return {};
    net::ClientRequest request{.method = net::Method::kGet, .target = target};
    const uint64_t end = offset + std::min(size_bytes, entry.size_bytes - offset);
    request.headers.emplace_back("Range", fmt::format("bytes={}-{}", offset, end - 1));
    Status taken;
    const auto take = [&](std::string_view piece) {
      taken = sink(piece);
      return taken.has_value();
    };
    const Result<net::ClientResponse> answer = http_.stream(request, take, kSilenceMax);
    if (!taken) return taken;
    if (!answer) return fail(answer.error());
    if (answer->status >= 400) return fail(net::error_from_response(*answer));
    const auto sent = answer->headers.find("etag");
    if (sent != answer->headers.end() && sent->second != fmt::format("\"{}\"", entry.etag)) return changed();
    return {};
  }

  Status write(const std::string& path, const data::DataSource& source, bool overwrite, const data::OnBytes& on_bytes) override {
    TRY(std::string target, target_of(path));
    // Before the bytes travel.
    if (!overwrite && find(path)) return fail(errors::already_exists, fmt::format("{} is there already", path));
    target += overwrite ? "?overwrite=true" : "?overwrite=false";
    net::ClientRequest request{.method = net::Method::kPut, .target = target};
    uint64_t offset = 0;
    Status fetched;
    request.body_length = source.size_bytes;
    if (source.size_bytes > 0) {
      request.body_source = [&]() -> Result<std::string> {
        Result<std::string> piece = source.read(offset, std::min(kPieceBytes, source.size_bytes - offset));
        if (!piece) {
          fetched = fail(piece.error());
          return piece;
        }
        offset += piece->size();
        return piece;
      };
    }
    const Result<net::ClientResponse> answer = ask(request);
    if (!fetched) return fetched;
    if (!answer) return fail(answer.error());
    if (on_bytes) on_bytes(source.size_bytes);
    return {};
  }

  Status remove(const std::string& path) override {
    TRY(const std::string target, target_of(path));
    TRY([[maybe_unused]] const net::ClientResponse gone, ask({.method = net::Method::kDelete, .target = target}));
    return {};
  }

 private:
  static constexpr uint64_t kPieceBytes = 64 * 1024;

  Result<std::string> target_of(const std::string& path) const {
    TRY(const RelativePath checked, RelativePath::parse(path));
    return fmt::format("{}/{}", route_, encode_path(checked.text()));
  }

  Result<net::ClientResponse> ask(const net::ClientRequest& request) {
    TRY(net::ClientResponse answer, http_.send(request));
    if (answer.status >= 400) return fail(net::error_from_response(answer));
    return answer;
  }

  net::HttpClient http_;
  const std::string route_;
};

Result<std::string> default_name(Session& session, const std::string& workspace_route) {
  TRY(const json::value document, session.get(workspace_route + "/default-datastore"));
  JsonReader reader(document, "datastore");
  std::string name = reader.required_string("name");
  CHECK_OK(reader.finish(false));
  return name;
}

Result<data::DataAccess> access_from_json(const json::value& document) {
  JsonReader reader(document, "datastore");
  data::DataAccess access;
  access.datastore.name = reader.required_string("name");
  const std::string kind_text = reader.required_string("kind");
  const std::optional<DatastoreKind> kind = parse_datastore_kind(kind_text);
  if (!kind) reader.refuse("kind", fmt::format("{:?} is not known to this program", kind_text));
  for (auto& [key, text] : reader.string_map_or_empty("settings")) access.datastore.settings[key] = text;
  const json::value* const credential = reader.value("credential");
  CHECK_OK(reader.finish(false));
  access.datastore.kind = *kind;
  if (credential != nullptr) {
    TRY(access.credential, credential_from_json(*credential));
  }
  return access;
}

}  // namespace

Result<OpenDatastore> open_lent(const json::value& document, const ServerAddress& address, const std::string& route,
                                const data::DataStoreOpener& opener) {
  OpenDatastore open;
  TRY(open.access, access_from_json(document));
  const data::DataAccess& access = open.access;
  const bool is_folder = access.datastore.kind == DatastoreKind::kFolder;
  if (is_folder && !access.datastore.settings.contains("path")) {
    open.description = json::object{{"url", address.url}, {"token", address.token.reveal()}, {"files", route + "/files"}};
    open.identity = fmt::format("{} {}", address.url, route);
    open.open = [address, files = route + "/files"]() -> Result<std::unique_ptr<data::DataStore>> {
      return std::make_unique<ServedFolder>(address, files);
    };
    return open;
  }
  if (is_folder) open.local_folder = access.datastore.settings.at("path");
  open.identity = data::storage_identity(access.datastore);
  open.description = document;
  open.open = [&opener, access] { return opener(access); };
  return open;
}

Result<OpenDatastore> open_datastore(Session& session, const std::string& workspace_route, const std::string& name,
                                     const data::DataStoreOpener& opener) {
  std::string wanted = name;
  if (wanted.empty()) {
    TRY(wanted, default_name(session, workspace_route));
  }
  const std::string route = fmt::format("{}/datastores/{}", workspace_route, net::encode_segment(wanted));
  TRY(const json::value document, session.get(route + "/access"));
  return open_lent(document, session.address(), route, opener);
}

Result<std::unique_ptr<data::DataStore>> open_described(const json::value& description, const data::DataStoreOpener& opener) {
  const json::object* const served = description.if_object();
  if (served == nullptr || !served->contains("files")) {
    TRY(const data::DataAccess access, access_from_json(description));
    return opener(access);
  }
  JsonReader reader(description, "source");
  ServerAddress address{.url = reader.required_string("url"), .token = Secret(reader.string_or("token"))};
  std::string files = reader.required_string("files");
  CHECK_OK(reader.finish());
  return std::make_unique<ServedFolder>(address, std::move(files));
}

}  // namespace werkbank::client
