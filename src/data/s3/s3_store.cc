#include "data/s3/s3_store.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/clock.hh"
#include "base/files.hh"
#include "data/rest/signing.hh"
#include "data/rest/storage_client.hh"
#include "data/rest/xml.hh"
#include "data/s3/signature_v4.hh"

namespace werkbank::data {
namespace {

using net::Method;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr uint64_t kPartBytes = 8ULL * 1024 * 1024;
constexpr uint64_t kPartsMax = 10'000;
constexpr const char* kUsualRegion = "us-east-1";

struct Place {
  std::string url;     // scheme, host, port
  std::string host;    // the header
  std::string prefix;  // "/bucket" where it is a part of the path
};

Place place_of(const Datastore& datastore) {
  const std::string bucket = setting_of(datastore, "bucket");
  std::string endpoint = setting_of(datastore, "endpoint");
  if (endpoint.empty()) {
    const std::string host = fmt::format("s3.{}.amazonaws.com", setting_of(datastore, "region", kUsualRegion));
    // A certificate for *.s3… does not fit a name with dots in front of it.
    if (bucket.find_first_of("._") != std::string::npos) return {"https://" + host, host, "/" + bucket};
    return {"https://" + bucket + "." + host, bucket + "." + host, ""};
  }
  if (endpoint.find("://") == std::string::npos) endpoint = "https://" + endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const std::string usual_port = endpoint.starts_with("https:") ? ":443" : ":80";
  if (endpoint.ends_with(usual_port)) endpoint.resize(endpoint.size() - usual_port.size());
  const size_t host = endpoint.find("://") + 3;
  const size_t slash = std::min(endpoint.find('/', host), endpoint.size());
  return {endpoint.substr(0, slash), endpoint.substr(host, slash - host), endpoint.substr(slash) + "/" + bucket};
}

// "20261121T203500Z"
std::string amazon_time(UtcMs now) {
  std::string text;
  for (const char c : format_utc(now).substr(0, 19)) {
    if (c != '-' && c != ':') text += c;
  }
  return text + "Z";
}

// Keys come encoded as in a form: whatever XML cannot hold arrives whole.
std::string decoded_key(const std::string& text) {
  std::string key;
  for (size_t at = 0; at < text.size(); ++at) {
    unsigned int code = 0;
    const char* const digits = text.data() + at + 1;
    const bool is_code =
        text[at] == '%' && at + 2 < text.size() && std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2;
    key += is_code ? static_cast<char>(code) : text[at] == '+' ? ' ' : text[at];
    at += is_code ? 2 : 0;
  }
  return key;
}

class S3Store final : public DataStore {
 public:
  S3Store(const Datastore& datastore, Place place, V4Key key, Secret session, size_t page_entries)
      : place_(std::move(place)),
        key_(std::move(key)),
        session_(std::move(session)),
        page_entries_(page_entries),
        client_(place_.url, fmt::format("bucket {} at {}", setting_of(datastore, "bucket"), place_.url)) {}

  Status check(bool create) override {
    TRY(const net::ClientResponse answer, send({.path = bucket_path(), .query = {{"list-type", "2"}, {"max-keys", "1"}}}));
    if (answer.status < 400) return {};
    const Error error = refused(answer).error();
    if (error.code != &errors::container_not_found || !create) return fail(error);
    Ask make{.method = Method::kPut, .path = bucket_path()};
    if (key_.region != kUsualRegion)
      make.body = fmt::format(
          "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
          "<LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
          key_.region);
    TRY(const net::ClientResponse made, send(std::move(make)));
    if (made.status < 400) return {};
    return refused(made);
  }

  Result<DataPage> list(const std::string& prefix, const std::string& cursor) override {
    Ask ask{.path = bucket_path(),
            .query = {{"list-type", "2"}, {"max-keys", std::to_string(page_entries_)}, {"encoding-type", "url"}}};
    if (!prefix.empty()) ask.query.emplace_back("prefix", prefix);
    if (!cursor.empty()) ask.query.emplace_back("continuation-token", cursor);
    TRY(const XmlNode document, document_of(std::move(ask)));
    const bool is_encoded = document.text_of("EncodingType") == "url";
    DataPage page;
    for (const XmlNode& object : document.children) {
      if (object.name != "Contents") continue;
      const std::string key = object.text_of("Key");
      page.entries.push_back({is_encoded ? decoded_key(key) : key, number_of(object.text_of("Size")),
                              without_quotes(object.text_of("ETag")), parse_utc(object.text_of("LastModified")).value_or(0)});
    }
    if (document.text_of("IsTruncated") == "true") page.next = document.text_of("NextContinuationToken");
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
    // Before the bytes travel; not every storage knows the condition of the request itself.
    if (!overwrite && find(path)) return fail(errors::already_exists, fmt::format("{} is there already", path));
    if (source.size_bytes > kPartBytes) return write_parts(path, place, source, overwrite, on_bytes);
    Ask ask{.method = Method::kPut, .path = place};
    if (source.size_bytes > 0) {
      TRY(ask.body, source.read(0, source.size_bytes));
    }
    CHECK_OK(finish(std::move(ask), path, overwrite));
    if (on_bytes && source.size_bytes > 0) on_bytes(source.size_bytes);
    return {};
  }

  Status remove(const std::string& path) override {
    TRY(std::string place, path_of(path));
    TRY([[maybe_unused]] const DataEntry there, find(path));  // S3 deletes what is not there without a word
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

  std::string bucket_path() const { return place_.prefix.empty() ? "/" : place_.prefix; }

  Status read_bytes(const std::string& path, const std::string& etag, const std::string& range, const DataSink& sink) {
    Ask ask;
    TRY(ask.path, path_of(path));
    if (!range.empty()) ask.headers.emplace_back("Range", range);
    if (!etag.empty()) ask.headers.emplace_back("If-Match", fmt::format("\"{}\"", etag));
    const net::ClientRequest request = signed_request(std::move(ask));
    TRY(const net::ClientResponse answer, client_.stream(request, sink));
    if (answer.status < 400 || answer.status == 416) return {};  // 416: there is nothing behind the offset
    return refused(answer, path);
  }

  Result<std::string> path_of(const std::string& path) const {
    TRY(const RelativePath checked, RelativePath::parse(path));
    return fmt::format("{}/{}", place_.prefix, encode_data_path(checked.text()));
  }

  net::ClientRequest signed_request(Ask ask) const {
    net::ClientRequest request{.method = ask.method, .target = ask.path, .headers = std::move(ask.headers)};
    if (!ask.query.empty()) request.target += "?" + v4_query(ask.query);
    if (!key_.secret.empty()) {
      V4Request wanted{.verb = std::string(net::to_string(ask.method)), .path = ask.path, .query = ask.query};
      wanted.payload_hash = sha256_hex(ask.body);
      wanted.headers = {{"x-amz-date", amazon_time(system_clock().utc_now_ms())}, {"x-amz-content-sha256", wanted.payload_hash}};
      if (!session_.empty()) wanted.headers["x-amz-security-token"] = session_.reveal();
      for (const auto& header : wanted.headers) request.headers.emplace_back(header);
      wanted.headers["host"] = place_.host;
      request.headers.emplace_back("Authorization", v4_authorization(wanted, key_));
    }
    request.body = std::move(ask.body);
    return request;
  }

  Result<net::ClientResponse> send(Ask ask) {
    const net::ClientRequest request = signed_request(std::move(ask));
    return client_.send(request);
  }

  Result<XmlNode> document_of(Ask ask) {
    TRY(const net::ClientResponse answer, send(std::move(ask)));
    if (answer.status >= 400) return refused(answer);
    return parse_xml(answer.body);
  }

  std::unexpected<Error> refused(const net::ClientResponse& answer, const std::string& path = {}) const {
    std::string code;
    if (!answer.body.empty()) {
      if (const Result<XmlNode> document = parse_xml(answer.body)) code = document->text_of("Code");
    }
    if (code == "NoSuchBucket") return fail(errors::container_not_found, client_.place() + " is not there");
    if (answer.status == 404 && !path.empty()) return fail(errors::not_found, fmt::format("there is no file {:?}", path));
    return client_.refused({answer.status, code});
  }

  Status finish(Ask ask, const std::string& path, bool overwrite) {
    if (!overwrite) ask.headers.emplace_back("If-None-Match", "*");
    TRY(const net::ClientResponse answer, send(std::move(ask)));
    if (!overwrite && answer.status == 412) return fail(errors::already_exists, fmt::format("{} is there already", path));
    if (answer.status >= 400) return refused(answer);
    // The end of an upload in parts is answered before it is known.
    if (answer.body.find("<Error>") == std::string::npos) return {};
    return client_.refused({500, "while it put the parts together"});
  }

  // One that broke off before, or a new one.
  Result<std::string> upload_id(const std::string& path, const std::string& place) {
    TRY(const net::ClientResponse there, send({.path = bucket_path(), .query = {{"uploads", ""}, {"prefix", path}}}));
    if (there.status < 400) {
      TRY(const XmlNode uploads, parse_xml(there.body));
      for (const XmlNode& upload : uploads.children) {
        if (upload.name == "Upload" && upload.text_of("Key") == path) return upload.text_of("UploadId");
      }
    }
    TRY(const XmlNode begun, document_of({.method = Method::kPost, .path = place, .query = {{"uploads", ""}}}));
    std::string id = begun.text_of("UploadId");
    if (id.empty()) return fail(errors::storage_unavailable, client_.place() + ": the storage began an upload without a name");
    return id;
  }

  // Number → ETag, which is the MD5 of its bytes.
  Result<std::map<uint64_t, std::string>> parts_there(const std::string& place, const std::string& id) {
    std::map<uint64_t, std::string> parts;
    std::string marker;
    do {
      Ask ask{.path = place, .query = {{"uploadId", id}}};
      if (!marker.empty()) ask.query.emplace_back("part-number-marker", marker);
      TRY(const XmlNode document, document_of(std::move(ask)));
      for (const XmlNode& part : document.children) {
        if (part.name == "Part") parts[number_of(part.text_of("PartNumber"))] = without_quotes(part.text_of("ETag"));
      }
      marker = document.text_of("IsTruncated") == "true" ? document.text_of("NextPartNumberMarker") : "";
    } while (!marker.empty());
    return parts;
  }

  Status write_parts(const std::string& path, const std::string& place, const DataSource& source, bool overwrite,
                     const OnBytes& on_bytes) {
    const uint64_t part_bytes = std::max(kPartBytes, source.size_bytes / kPartsMax + 1);
    TRY(const std::string id, upload_id(path, place));
    TRY(const auto there, parts_there(place, id));
    std::string list;
    uint64_t number = 0;
    for (uint64_t offset = 0; offset < source.size_bytes; offset += part_bytes) {
      const uint64_t size = std::min(part_bytes, source.size_bytes - offset);
      Ask ask{.method = Method::kPut, .path = place, .query = {{"partNumber", std::to_string(++number)}, {"uploadId", id}}};
      TRY(ask.body, source.read(offset, size));
      std::string etag = md5_hex(ask.body);
      const auto known = there.find(number);
      if (known == there.end() || known->second != etag) {
        TRY(const net::ClientResponse answer, send(std::move(ask)));
        if (answer.status >= 400) return refused(answer);
        etag = without_quotes(header_of(answer, "etag"));
      }
      list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag></Part>", number, etag);
      if (on_bytes) on_bytes(size);
    }
    Ask complete{.method = Method::kPost, .path = place, .query = {{"uploadId", id}}};
    complete.body = fmt::format("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", list);
    return finish(std::move(complete), path, overwrite);
  }

  const Place place_;
  const V4Key key_;
  const Secret session_;
  const size_t page_entries_;
  StorageClient client_;
};

}  // namespace

Result<std::unique_ptr<DataStore>> make_s3_store(const DataAccess& access, size_t page_entries) {
  const auto secret = [&access](const char* name) {
    const auto found = access.credential.find(name);
    return found == access.credential.end() ? Secret() : found->second;
  };
  V4Key key{.id = setting_of(access.datastore, "accessKeyId"),
            .secret = secret("secretAccessKey"),
            .region = setting_of(access.datastore, "region", kUsualRegion)};
  return std::make_unique<S3Store>(access.datastore, place_of(access.datastore), std::move(key), secret("sessionToken"),
                                   page_entries);
}

}  // namespace werkbank::data
