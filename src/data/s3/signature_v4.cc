#include "data/s3/signature_v4.hh"

#include <fmt/format.h>

#include <algorithm>

#include "data/rest/signing.hh"
#include "net/http_client.hh"

namespace werkbank::data {

std::string v4_query(std::vector<std::pair<std::string, std::string>> query) {
  for (auto& [name, value] : query) {
    name = net::encode_segment(name);
    value = net::encode_segment(value);
  }
  std::ranges::sort(query);
  std::string text;
  for (const auto& [name, value] : query) text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, value);
  return text;
}

std::string v4_authorization(const V4Request& request, const V4Key& key) {
  std::string headers, names;
  for (const auto& [name, value] : request.headers) {
    headers += fmt::format("{}:{}\n", name, value);
    names += fmt::format("{}{}", names.empty() ? "" : ";", name);
  }
  const std::string canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.verb, request.path, v4_query(request.query),
                                            headers, names, request.payload_hash);
  const std::string& time = request.headers.at("x-amz-date");
  const std::string date = time.substr(0, 8);
  const std::string scope = fmt::format("{}/{}/s3/aws4_request", date, key.region);
  const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, sha256_hex(canonical));
  std::string signing = hmac_sha256("AWS4" + key.secret.reveal(), date);
  for (const std::string_view part : {std::string_view(key.region), std::string_view("s3"), std::string_view("aws4_request")})
    signing = hmac_sha256(signing, part);
  return fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", key.id, scope, names,
                     hex_of(hmac_sha256(signing, to_sign)));
}

}  // namespace werkbank::data
