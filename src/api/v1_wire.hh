// What Microsoft's own client asks for from within a job: run history, metrics and artifacts, in that service's words. The routes
// translate to the same calls as ours. Workspaces are known by their name alone: subscription and resource group only have to be
// there.
#pragma once

#include <string>
#include <string_view>

#include "api/api.hh"
#include "api/route.hh"

// `*` is one segment that nobody asks for.
#define V1_WORKSPACE "/subscriptions/*/resourceGroups/*/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"

namespace werkbank::api {

inline constexpr std::string_view kV1Discovery = "/discovery";

// Where a client that knows no Unix sockets finds this server: what it has asked, or the door of jobs; without '/' at the end.
std::string v1_address(const Api& api, const net::Request& request);
json::object v1_run(const Api& api, const Run& run);
// The container of a run's files, and the run of a container; empty where it is none.
std::string v1_container(std::string_view run_id);
std::string v1_run_of_container(std::string_view container);
// The service's form of a page.
json::object v1_page(json::array items, const std::string& next);

// An error in the service's shape beside ours: {"error": {"code", "message"}, "code", "title", …}.
bool is_v1_path(std::string_view path);
void add_v1_error(net::Response& response, const Error& error);
// For what of the service is not served here.
Error v1_not_served(const net::Request& request);

}  // namespace werkbank::api
