// Run tokens: what a job and its runner log in with. A JWT (HS256) with the claims sub = run id, ws = workspace, att = attempt,
// scope, iat, exp (seconds), jti. Genuine v1 clients only read `exp`; we verify all of it. The job's token (scope "run") is in
// the script's environment; the runner's (scope "runner") is in plan.json only: what a script does with its own cannot pass for
// what its runner has seen.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hh"
#include "base/secret.hh"
#include "domain/run.hh"

namespace werkbank::access {

enum class TokenScope { kJob, kRunner };

struct RunTokenClaims {
  RunKey run;
  int64_t attempt = 0;
  TokenScope scope = TokenScope::kJob;
  UtcMs expires_ms = 0;
};

class RunTokenSigner {
 public:
  explicit RunTokenSigner(Secret key, const Clock& clock = system_clock());  // at least 32 bytes; the clock is for iat

  Secret issue(const RunKey& run, int64_t attempt, UtcMs expires_ms, TokenScope scope = TokenScope::kJob) const;
  // unauthenticated, saying whether it is malformed, forged or expired. Constant time in the signature.
  Result<RunTokenClaims> verify(std::string_view token, UtcMs now_ms) const;

 private:
  Secret key_;
  const Clock& clock_;
};

}  // namespace werkbank::access
