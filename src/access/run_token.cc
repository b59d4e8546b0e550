#include "access/run_token.hh"

#include <fmt/format.h>
#include <sodium.h>

#include "base/hash.hh"
#include "base/json.hh"

namespace werkbank::access {
namespace {

constexpr std::string_view kJobScope = "run";
constexpr std::string_view kRunnerScope = "runner";
constexpr size_t kTokenBytesMax = 8 * 1024;
constexpr size_t kKeyBytesMin = 32;
constexpr size_t kSignatureBytes = crypto_auth_hmacsha256_BYTES;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string signature_of(const Secret& key, std::string_view text) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(key.reveal()), key.reveal().size());
  crypto_auth_hmacsha256_update(&state, bytes_of(text), text.size());
  std::string signature(kSignatureBytes, '\0');
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(signature.data()));
  sodium_memzero(&state, sizeof state);
  return signature;
}

std::unexpected<Error> refuse(std::string message) {
  return fail(errors::unauthenticated, std::move(message),
              "A run's token works while the run does; outside a job use WERKBANK_TOKEN.");
}

std::unexpected<Error> malformed() { return refuse("the run token is malformed"); }

// The object in one of the first two parts.
Result<json::value> decode_part(std::string_view part) {
  const Result<std::string> text = base64url_decode(part);
  if (!text) return malformed();
  Result<json::value> value = parse_json(*text);
  if (!value || !value->is_object()) return malformed();
  return std::move(*value);
}

}  // namespace

RunTokenSigner::RunTokenSigner(Secret key, const Clock& clock) : key_(std::move(key)), clock_(clock) {
  WB_INVARIANT(sodium_init() >= 0);
  WB_INVARIANT(key_.reveal().size() >= kKeyBytesMin);
}

Secret RunTokenSigner::issue(const RunKey& run, int64_t attempt, UtcMs expires_ms, TokenScope scope) const {
  const json::object header{{"alg", "HS256"}, {"typ", "JWT"}};
  const json::object claims{{"sub", run.run_id},
                            {"ws", run.workspace},
                            {"att", attempt},
                            {"scope", scope == TokenScope::kRunner ? kRunnerScope : kJobScope},
                            {"iat", clock_.utc_now_ms() / 1000},
                            {"exp", expires_ms / 1000},
                            {"jti", random_uuid()}};
  std::string text = base64url_encode(canonical_json(header)) + '.' + base64url_encode(canonical_json(claims));
  text += '.' + base64url_encode(signature_of(key_, text));
  return Secret(std::move(text));
}

Result<RunTokenClaims> RunTokenSigner::verify(std::string_view token, UtcMs now_ms) const {
  if (token.size() > kTokenBytesMax) return malformed();
  const size_t first_dot = token.find('.');
  const size_t last_dot = token.rfind('.');
  if (first_dot == token.npos || first_dot == last_dot) return malformed();
  const std::string_view body = token.substr(0, last_dot);
  const Result<std::string> signature = base64url_decode(token.substr(last_dot + 1));
  if (!signature || signature->size() != kSignatureBytes) return malformed();
  // The signature comes first: nothing of what a stranger wrote is read before it is known to be ours.
  if (sodium_memcmp(signature->data(), signature_of(key_, body).data(), kSignatureBytes) != 0) {
    return refuse("the run token was not made by this server, or was changed");
  }
  TRY(const json::value header_value, decode_part(body.substr(0, first_dot)));
  JsonReader header(header_value, "header");
  if (header.required_string("alg") != "HS256") return malformed();
  TRY(const json::value claims_value, decode_part(body.substr(first_dot + 1)));
  JsonReader reader(claims_value, "claims");
  RunTokenClaims claims;
  claims.run.run_id = reader.required_string("sub");
  claims.run.workspace = reader.required_string("ws");
  claims.attempt = reader.int_or("att", 0, 1, INT64_MAX);
  claims.expires_ms = reader.int_or("exp", 0, 0, INT64_MAX / 1000) * 1000;
  const std::string scope = reader.required_string("scope");
  claims.scope = scope == kRunnerScope ? TokenScope::kRunner : TokenScope::kJob;
  const bool is_for_runs = scope == kJobScope || scope == kRunnerScope;
  if (!reader.finish(false) || !is_for_runs || claims.run.run_id.empty() || claims.run.workspace.empty()) return malformed();
  if (claims.expires_ms <= now_ms) return refuse(fmt::format("the run token has expired at {}", format_utc(claims.expires_ms)));
  return claims;
}

}  // namespace werkbank::access
