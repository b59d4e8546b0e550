// One connection to a storage that speaks HTTP. Not thread-safe.
#pragma once

#include <string>

#include "data/data_store.hh"
#include "net/http_client.hh"

namespace werkbank::data {

// What the storage said of a request that it refused, in words of its own.
struct StorageRefusal {
  int status = 0;
  std::string code;  // "BlobNotFound", "NoSuchKey"; empty where it gave none
};

class StorageClient {
 public:
  // `url`: scheme, host and port only. `place` is what messages call it ("container data of account x").
  StorageClient(const std::string& url, std::string place);

  // Any HTTP status is an answer; storage_unavailable where there is none. Nothing of the request is in the message.
  Result<net::ClientResponse> send(const net::ClientRequest& request);
  // The body goes to `sink`, whose failure is the answer.
  Result<net::ClientResponse> stream(const net::ClientRequest& request, const DataSink& sink);
  // The usual meaning of a refusal: 401 and 403 storage_denied, 404 not_found, 412 data_changed, 408, 429 and 5xx
  // storage_unavailable, else io_failed.
  std::unexpected<Error> refused(const StorageRefusal& refusal) const;
  const std::string& place() const { return place_; }

 private:
  std::unexpected<Error> unavailable(const Error& error) const;
  net::HttpClient http_;
  const std::string place_;
};

// A path as it stands in a request: each part encoded, '/' between them.
std::string encode_data_path(const std::string& path);
std::string without_quotes(std::string etag);
uint64_t number_of(const std::string& text);                                      // 0 where it is none
std::string header_of(const net::ClientResponse& answer, std::string_view name);  // empty where absent
std::string setting_of(const Datastore& datastore, const std::string& name, const std::string& fallback = {});

}  // namespace werkbank::data
