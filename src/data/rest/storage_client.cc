#include "data/rest/storage_client.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace werkbank::data {
namespace {

constexpr std::chrono::milliseconds kSilenceMax{60'000};

}  // namespace

StorageClient::StorageClient(const std::string& url, std::string place)
    : http_(net::ClientConfig{.server_url = url, .connect_timeout = std::chrono::milliseconds(10'000)}),
      place_(std::move(place)) {}

std::unexpected<Error> StorageClient::unavailable(const Error& error) const {
  if (error.kind() != ErrorKind::kUnavailable) return fail(error);
  return fail(errors::storage_unavailable, fmt::format("{}: {}", place_, error.to_string()),
              "Check the network and the endpoint of the datastore, then repeat the command.");
}

Result<net::ClientResponse> StorageClient::send(const net::ClientRequest& request) {
  Result<net::ClientResponse> answer = http_.send(request);
  if (!answer) return unavailable(answer.error());
  return answer;
}

Result<net::ClientResponse> StorageClient::stream(const net::ClientRequest& request, const DataSink& sink) {
  Status taken;
  const auto take = [&](std::string_view piece) {
    taken = sink(piece);
    return taken.has_value();
  };
  Result<net::ClientResponse> answer = http_.stream(request, take, kSilenceMax);
  if (!taken) return fail(taken.error());
  if (!answer) return unavailable(answer.error());
  return answer;
}

std::unexpected<Error> StorageClient::refused(const StorageRefusal& refusal) const {
  const std::string said =
      fmt::format("{}: the storage answered {}{}{}", place_, refusal.status, refusal.code.empty() ? "" : " ", refusal.code);
  switch (refusal.status) {
    case 401:
    case 403:
      return fail(errors::storage_denied, said);
    case 404:
      return fail(errors::not_found, said);
    case 412:
      return fail(errors::data_changed, said);
    case 408:
    case 429:
      return fail(errors::storage_unavailable, said);
    default:
      return fail(refusal.status >= 500 ? errors::storage_unavailable : errors::io_failed, said);
  }
}

std::string encode_data_path(const std::string& path) {
  std::string encoded;
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (begin > 0) encoded += '/';
    encoded += net::encode_segment(std::string_view(path).substr(begin, end - begin));
    begin = end + 1;
  }
  return encoded;
}

std::string without_quotes(std::string etag) {
  std::erase(etag, '"');
  return etag;
}

uint64_t number_of(const std::string& text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string header_of(const net::ClientResponse& answer, std::string_view name) {
  const auto found = answer.headers.find(name);
  return found == answer.headers.end() ? std::string() : found->second;
}

std::string setting_of(const Datastore& datastore, const std::string& name, const std::string& fallback) {
  const auto found = datastore.settings.find(name);
  return found == datastore.settings.end() || found->second.empty() ? fallback : found->second;
}

}  // namespace werkbank::data
