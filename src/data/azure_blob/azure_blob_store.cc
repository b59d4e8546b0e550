#include "data/azure_blob/azure_blob_store.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/clock.hh"
#include "base/files.hh"
#include "base/hash.hh"
#include "data/azure_blob/shared_key.hh"
#include "data/rest/signing.hh"
#include "data/rest/storage_client.hh"
#include "data/rest/xml.hh"

namespace werkbank::data {
namespace {

using net::Method;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kProtocolVersion = "2020-10-02";
constexpr uint64_t kBlockBytes = 8ULL * 1024 * 1024;
constexpr uint64_t kBlocksMax = 50'000;

struct Endpoint {
  std::string url;     // scheme, host, port
  std::string prefix;  // the path in front of the container: "" or "/account"
};

Endpoint endpoint_of(const Datastore& datastore) {
  const std::string account = setting_of(datastore, "account");
  std::string endpoint = setting_of(datastore, "endpoint", "core.windows.net");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const std::string scheme = setting_of(datastore, "protocol", "https") + "://";
  const bool is_url = endpoint.find("://") != std::string::npos;
  if (!is_url && endpoint.find_first_of(":/") == std::string::npos) return {scheme + account + ".blob." + endpoint, ""};
  const std::string whole = is_url ? endpoint : scheme + endpoint;
  const size_t slash = whole.find('/', whole.find("://") + 3);
  if (slash == std::string::npos) return {whole, is_url ? "" : "/" + account};
  return {whole.substr(0, slash), whole.substr(slash)};
}

Result<std::string> decoded_name(const XmlNode& blob) {
  const XmlNode* const name = blob.child("Name");
  if (name == nullptr) return fail(errors::storage_unavailable, "the storage lists a blob without a name");
  if (name->attribute("Encoded") != "true") return name->text;
  std::string text;
  for (size_t at = 0; at < name->text.size(); ++at) {
    unsigned int code = 0;
    const char* const digits = name->text.data() + at + 1;
    const bool is_code =
        name->text[at] == '%' && at + 2 < name->text.size() && std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2;
    text += is_code ? static_cast<char>(code) : name->text[at];
    at += is_code ? 2 : 0;
  }
  return text;
}

class AzureBlobStore final : public DataStore {
 public:
  AzureBlobStore(const Datastore& datastore, Endpoint endpoint, Secret key, Secret sas, size_t page_entries)
      : account_(setting_of(datastore, "account")),
        container_path_(endpoint.prefix + "/" + setting_of(datastore, "container")),
        page_entries_(page_entries),
        key_(std::move(key)),
        sas_(std::move(sas)),
        client_(endpoint.url,
                fmt::format("container {} of {}", setting_of(datastore, "container"), endpoint.url + endpoint.prefix)) {}

  Status check(bool create) override {
    Ask ask{.path = container_path_, .query = {{"restype", "container"}, {"comp", "list"}, {"maxresults", "1"}}};
    TRY(const net::ClientResponse answer, send(ask));
    if (answer.status < 400) return {};
    const Error error = refused(answer).error();
    if (error.code != &errors::container_not_found || !create) return fail(error);
    Ask make{.method = Method::kPut, .path = container_path_, .query = {{"restype", "container"}}};
    TRY(const net::ClientResponse made, send(make));
    // Another one may have made it meanwhile.
    if (made.status < 400 || made.status == 409) return {};
    return refused(made);
  }

  Result<DataPage> list(const std::string& prefix, const std::string& cursor) override {
    Ask ask{.path = container_path_,
            .query = {{"restype", "container"}, {"comp", "list"}, {"maxresults", std::to_string(page_entries_)}}};
    if (!prefix.empty()) ask.query.emplace_back("prefix", prefix);
    if (!cursor.empty()) ask.query.emplace_back("marker", cursor);
    TRY(const net::ClientResponse answer, send(ask));
    if (answer.status >= 400) return refused(answer);
    TRY(const XmlNode document, parse_xml(answer.body));
    DataPage page;
    page.next = document.text_of("NextMarker");
    const XmlNode* const blobs = document.child("Blobs");
    for (const XmlNode& blob : blobs == nullptr ? std::vector<XmlNode>() : blobs->children) {
      const XmlNode* const facts = blob.child("Properties");
      if (blob.name != "Blob" || facts == nullptr) continue;
      TRY(std::string path, decoded_name(blob));
      page.entries.push_back({std::move(path), number_of(facts->text_of("Content-Length")),
                              without_quotes(facts->text_of("Etag")), parse_http_date(facts->text_of("Last-Modified"))});
    }
    return page;
  }

  Result<DataEntry> find(const std::string& path) override {
    TRY(std::string place, path_of(path));
    TRY(const net::ClientResponse answer, send({.method = Method::kHead, .path = std::move(place)}));
    if (answer.status >= 400) return refused(answer, path);
    return DataEntry{path, number_of(header_of(answer, "content-length")), without_quotes(header_of(answer, "etag")),
                     parse_http_date(header_of(answer, "last-modified"))};
  }

  Status read(const std::string& path, const std::string& etag, uint64_t offset, const DataSink& sink) override {
    return read_bytes(path, etag, offset > 0 ? fmt::format("bytes={}-", offset) : "", sink);
  }

  Status read_range(const std::string& path, const std::string& etag, uint64_t offset, uint64_t size_bytes,
                    const DataSink& sink) override {
    if (size_bytes == 0) return {};
    const uint64_t last = offset + std::min(size_bytes, UINT64_MAX - offset) - 1;
    return read_bytes(path, etag, fmt::format("bytes={}-{}", offset, std::min<uint64_t>(last, INT64_MAX)), sink);
  }

  Status write(const std::string& path, const DataSource& source, bool overwrite, const OnBytes& on_bytes) override {
    TRY(const std::string place, path_of(path));
    if (source.size_bytes > kBlockBytes) return write_blocks(path, place, source, overwrite, on_bytes);
    Ask ask{.method = Method::kPut, .path = place, .headers = {{"x-ms-blob-type", "BlockBlob"}}};
    if (source.size_bytes > 0) {
      TRY(ask.body, source.read(0, source.size_bytes));
    }
    CHECK_OK(put(std::move(ask), path, overwrite));
    if (on_bytes && source.size_bytes > 0) on_bytes(source.size_bytes);
    return {};
  }

  Status remove(const std::string& path) override {
    TRY(std::string place, path_of(path));
    TRY(const net::ClientResponse answer, send({.method = Method::kDelete, .path = std::move(place)}));
    if (answer.status >= 400) return refused(answer, path);
    return {};
  }

 private:
  struct Ask {
    Method method = Method::kGet;
    std::string path;  // encoded
    Pairs query = {}, headers = {};
    std::string body = {};
  };

  Status read_bytes(const std::string& path, const std::string& etag, const std::string& range, const DataSink& sink) {
    Ask ask;
    TRY(ask.path, path_of(path));
    if (!range.empty()) ask.headers.emplace_back("x-ms-range", range);
    if (!etag.empty()) ask.headers.emplace_back("If-Match", fmt::format("\"{}\"", etag));
    TRY(const net::ClientRequest request, signed_request(ask));
    TRY(const net::ClientResponse answer, client_.stream(request, sink));
    if (answer.status < 400 || answer.status == 416) return {};  // 416: there is nothing behind the offset
    return refused(answer, path);
  }

  Result<std::string> path_of(const std::string& path) const {
    TRY(const RelativePath checked, RelativePath::parse(path));
    return fmt::format("{}/{}", container_path_, encode_data_path(checked.text()));
  }

  Result<net::ClientRequest> signed_request(Ask ask) const {
    ask.headers.emplace_back("x-ms-version", kProtocolVersion);
    ask.headers.emplace_back("x-ms-date", http_date(system_clock().utc_now_ms()));
    net::ClientRequest request{.method = ask.method, .target = ask.path};
    char separator = '?';
    for (const auto& [name, value] : ask.query)
      request.target += fmt::format("{}{}={}", std::exchange(separator, '&'), name, net::encode_segment(value));
    if (!sas_.empty()) request.target += separator + sas_.reveal();
    if (!key_.empty()) {
      const SignedRequest wanted{std::string(net::to_string(ask.method)), ask.path, ask.query, ask.headers, ask.body.size()};
      ask.headers.emplace_back("Authorization", shared_key_authorization(wanted, account_, key_));
    }
    request.headers = std::move(ask.headers);
    request.body = std::move(ask.body);
    return request;
  }

  Result<net::ClientResponse> send(Ask ask) {
    TRY(const net::ClientRequest request, signed_request(std::move(ask)));
    return client_.send(request);
  }

  std::unexpected<Error> refused(const net::ClientResponse& answer, const std::string& path = {}) const {
    std::string code = header_of(answer, "x-ms-error-code");
    if (code.empty() && !answer.body.empty()) {
      if (const Result<XmlNode> document = parse_xml(answer.body)) code = document->text_of("Code");
    }
    if (code == "ContainerNotFound") return fail(errors::container_not_found, client_.place() + " is not there");
    if (answer.status == 404 && !path.empty()) return fail(errors::not_found, fmt::format("there is no file {:?}", path));
    return client_.refused({answer.status, code});
  }

  Status put(Ask ask, const std::string& path, bool overwrite) {
    if (!overwrite) ask.headers.emplace_back("If-None-Match", "*");
    TRY(const net::ClientResponse answer, send(std::move(ask)));
    if (answer.status < 400) return {};
    if (!overwrite && (answer.status == 409 || answer.status == 412))
      return fail(errors::already_exists, fmt::format("{} is there already", path));
    if (answer.status == 404 && header_of(answer, "x-ms-error-code") != "ContainerNotFound") return client_.refused({404, ""});
    return refused(answer);
  }

  // Blocks of a write that broke off, by name: what they hold is in the name.
  Result<std::set<std::string>> blocks_there(const std::string& place) {
    TRY(const net::ClientResponse answer,
        send({.path = place, .query = {{"comp", "blocklist"}, {"blocklisttype", "uncommitted"}}}));
    std::set<std::string> names;
    if (answer.status >= 400) return names;  // none, or not to be seen by this credential
    TRY(const XmlNode document, parse_xml(answer.body));
    const XmlNode* const blocks = document.child("UncommittedBlocks");
    for (const XmlNode& block : blocks == nullptr ? std::vector<XmlNode>() : blocks->children)
      names.insert(block.text_of("Name"));
    return names;
  }

  Status write_blocks(const std::string& path, const std::string& place, const DataSource& source, bool overwrite,
                      const OnBytes& on_bytes) {
    // Before the bytes travel; the last request asks again.
    if (!overwrite && find(path)) return fail(errors::already_exists, fmt::format("{} is there already", path));
    const uint64_t block_bytes = std::max(kBlockBytes, source.size_bytes / kBlocksMax + 1);
    TRY(const std::set<std::string> there, blocks_there(place));
    std::string names;
    for (uint64_t offset = 0; offset < source.size_bytes; offset += block_bytes) {
      const uint64_t size = std::min(block_bytes, source.size_bytes - offset);
      Ask ask{.method = Method::kPut, .path = place};
      TRY(ask.body, source.read(offset, size));
      const std::string name =
          base64_encode(Hash::of(fmt::format("{} {}", offset, Hash::of(ask.body).hex())).hex().substr(0, 48));
      names += fmt::format("<Latest>{}</Latest>", name);
      if (!there.contains(name)) {
        ask.query = {{"comp", "block"}, {"blockid", name}};
        TRY(const net::ClientResponse answer, send(std::move(ask)));
        if (answer.status >= 400) return refused(answer);
      }
      if (on_bytes) on_bytes(size);
    }
    Ask commit{.method = Method::kPut, .path = place, .query = {{"comp", "blocklist"}}};
    commit.body = fmt::format("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{}</BlockList>", names);
    return put(std::move(commit), path, overwrite);
  }

  const std::string account_;
  const std::string container_path_;  // encoded: container names need no encoding, but for $root and its like
  const size_t page_entries_;
  const Secret key_;  // decoded; empty: none
  const Secret sas_;  // encoded, without '?'; empty: none
  StorageClient client_;
};

}  // namespace

Result<std::unique_ptr<DataStore>> make_azure_blob_store(const DataAccess& access, size_t page_entries) {
  Secret key, sas;
  if (const auto found = access.credential.find("accountKey"); found != access.credential.end()) {
    const Result<std::string> decoded = base64_decode(found->second.reveal());
    if (!decoded)
      return fail(errors::invalid_request, "credential.accountKey: an account's key is base64 (it is not shown here)");
    key = Secret(*decoded);
  }
  if (const auto found = access.credential.find("sasToken"); found != access.credential.end()) {
    std::string_view token = found->second.reveal();
    if (token.starts_with('?')) token.remove_prefix(1);
    if (token.find("sig=") == std::string_view::npos)
      return fail(errors::invalid_request, "credential.sasToken: has no signature (it is not shown here)");
    sas = Secret(std::string(token));
  }
  return std::make_unique<AzureBlobStore>(access.datastore, endpoint_of(access.datastore), std::move(key), std::move(sas),
                                          page_entries);
}

}  // namespace werkbank::data
