#include "runner/server_link.hh"

#include <fmt/format.h>

#include "base/log.hh"

namespace werkbank::runner {
namespace {

net::ClientConfig client_config(const LaunchPlan& plan) {
  net::ClientConfig config;
  config.server_url = plan.server_url;
  config.token = plan.token;
  return config;
}

}  // namespace

ServerLink::ServerLink(const LaunchPlan& plan, Lifeline& lifeline)
    : plan_(plan), lifeline_(lifeline), client_(client_config(plan)) {}

ServerLink::Verdict ServerLink::judge(const Result<net::ClientResponse>& answer) {
  std::string why;
  if (!answer) {
    why = answer.error().to_string();
  } else if (is_success(*answer)) {
    if (is_away_) log_info("server answers again url={}", plan_.server_url);
    is_away_ = false;
    backoff_.reset();
    return Verdict::kAnswer;
  } else {
    const Error error = net::error_from_response(*answer);
    if (error.code == &errors::lease_lost || error.code == &errors::run_not_found || error.code == &errors::workspace_not_found) {
      lifeline_.lose(error.to_string());
      return Verdict::kLost;
    }
    const int status = answer->status;
    const bool may_change = status >= 500 || status == 401 || status == 403 || status == 408 || status == 429;
    if (!may_change) return Verdict::kAnswer;
    why = fmt::format("{} {}", status, error.to_string());
  }
  if (!is_away_) log_warning("server away, trying on url={} error={:?}", plan_.server_url, why);
  is_away_ = true;
  return lifeline_.is_lost() ? Verdict::kLost : Verdict::kAgain;
}

// `once` asks the client. What it cannot prepare for asking it puts into its argument: that is passed on, not repeated.
template <typename Once>
Result<net::ClientResponse> ServerLink::repeat(const Once& once) {
  while (!lifeline_.is_lost()) {
    Status prepared;
    Result<net::ClientResponse> answer = once(prepared);
    if (!prepared) return fail(std::move(prepared).error());
    const Verdict verdict = judge(answer);
    if (verdict == Verdict::kAnswer) return answer;
    if (verdict == Verdict::kAgain) lifeline_.pause(backoff_.next());
  }
  return fail(errors::lease_lost, "another attempt has taken over this run, or it was deleted");
}

Result<net::ClientResponse> ServerLink::ask(const net::ClientRequest& request) {
  return repeat([&](Status&) { return client_.send(request); });
}

Result<net::ClientResponse> ServerLink::ask(const std::function<Result<net::ClientRequest>()>& make) {
  return repeat([&](Status& prepared) -> Result<net::ClientResponse> {
    Result<net::ClientRequest> request = make();
    if (request) return client_.send(*request);
    prepared = fail(request.error());
    return fail(std::move(request).error());
  });
}

Result<net::ClientResponse> ServerLink::fetch(const net::ClientRequest& request, const std::function<Status()>& restart,
                                              const std::function<bool(std::string_view)>& sink) {
  constexpr std::chrono::milliseconds kSilence{60'000};
  return repeat([&](Status& prepared) -> Result<net::ClientResponse> {
    prepared = restart();
    if (!prepared) return fail(prepared.error());
    return client_.stream(request, sink, kSilence);
  });
}

std::string ServerLink::workspace_route(std::string_view tail) const {
  return fmt::format("/api/v1/workspaces/{}/{}", net::encode_segment(plan_.run.workspace), tail);
}

std::string ServerLink::runner_route(std::string_view verb) const {
  return fmt::format("/api/v1/workspaces/{}/runs/{}/runner/{}?attempt={}&rank={}&lease={}",
                     net::encode_segment(plan_.run.workspace), net::encode_segment(plan_.run.run_id), verb, plan_.attempt,
                     plan_.rank, net::encode_segment(plan_.lease));
}

}  // namespace werkbank::runner
