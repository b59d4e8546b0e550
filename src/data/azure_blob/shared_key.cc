#include "data/azure_blob/shared_key.hh"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "data/rest/signing.hh"

namespace werkbank::data {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::string string_to_sign(const SignedRequest& request, const std::string& account) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) headers[lower(name)] = value;
  const auto header = [&](const char* name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  };
  const std::string length = request.content_length == 0 ? "" : std::to_string(request.content_length);
  // Verb, Content-Encoding, -Language, -Length, -MD5, -Type, Date, If-Modified-Since, If-Match, If-None-Match,
  // If-Unmodified-Since, Range: a line each, empty where it is not sent.
  std::string text =
      fmt::format("{}\n\n\n{}\n\n\n\n\n{}\n{}\n\n\n", request.verb, length, header("if-match"), header("if-none-match"));
  for (const auto& [name, value] : headers) {
    if (name.starts_with("x-ms-")) text += fmt::format("{}:{}\n", name, value);
  }
  text += fmt::format("/{}{}", account, request.path);
  std::map<std::string, std::string> query;
  for (const auto& [name, value] : request.query) query[lower(name)] = value;
  for (const auto& [name, value] : query) text += fmt::format("\n{}:{}", name, value);
  return text;
}

std::string shared_key_authorization(const SignedRequest& request, const std::string& account, const Secret& key) {
  return fmt::format("SharedKey {}:{}", account, base64_encode(hmac_sha256(key.reveal(), string_to_sign(request, account))));
}

}  // namespace werkbank::data
