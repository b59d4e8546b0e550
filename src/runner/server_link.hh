// One thread's way to the server: asks until it is answered. The server away is no failure here, only a longer wait.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "domain/launch.hh"
#include "net/http_client.hh"
#include "runner/lifeline.hh"

namespace werkbank::runner {

class ServerLink {
 public:
  ServerLink(const LaunchPlan& plan, Lifeline& lifeline);

  // The answer, which is a success or a refusal that repeating would not change (status 400 and above). Repeats with growing
  // pauses while the server is away, busy or does not know the login. lease_lost where the attempt is no longer ours.
  Result<net::ClientResponse> ask(const net::ClientRequest& request);
  // The same for a body that is read from a source: made anew for each try. An error of `make` is passed on at once.
  Result<net::ClientResponse> ask(const std::function<Result<net::ClientRequest>()>& make);
  // Streams the body of a success into the sink; `restart` is called before each try.
  Result<net::ClientResponse> fetch(const net::ClientRequest& request, const std::function<Status()>& restart,
                                    const std::function<bool(std::string_view)>& sink);

  // "/api/v1/workspaces/W/<tail>" and "/api/v1/workspaces/W/runs/R/runner/<verb>?attempt=&rank=&lease="
  std::string workspace_route(std::string_view tail) const;
  std::string runner_route(std::string_view verb) const;

 private:
  enum class Verdict { kAnswer, kAgain, kLost };
  template <typename Once>
  Result<net::ClientResponse> repeat(const Once& once);
  Verdict judge(const Result<net::ClientResponse>& answer);

  const LaunchPlan& plan_;
  Lifeline& lifeline_;
  net::HttpClient client_;
  Backoff backoff_;
  bool is_away_ = false;
};

inline bool is_success(const net::ClientResponse& response) { return response.status >= 200 && response.status < 300; }

}  // namespace werkbank::runner
