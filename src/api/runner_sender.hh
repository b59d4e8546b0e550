// Who speaks on a runner's route: the rank of the attempt that has the run now.
#pragma once

#include "api/responses.hh"

namespace werkbank::api {

struct Sender {
  int64_t attempt = 0, rank = 0;
};

// The lease in the query is the run's current one, or lease_lost.
inline Result<Sender> check_sender(Api& api, const Call& call) {
  Sender sender;
  TRY(sender.attempt, query_int(call.request, "attempt", 1, 1, INT64_MAX));
  TRY(sender.rank, query_int(call.request, "rank", 0, 0, 1'000'000));
  CHECK_OK(api.engine.check_lease(call.run(), sender.attempt, query_text(call.request, "lease"), sender.rank));
  return sender;
}

}  // namespace werkbank::api
