#include "api/route.hh"

namespace werkbank::api {

const std::vector<Route>& all_routes() {
  static const std::vector<Route> routes = [] {
    std::vector<Route> all;
    for (const std::span<const Route> noun :
         {server_routes(),      workspace_routes(),      experiment_routes(),  snapshot_routes(),
          run_routes(),         run_metric_routes(),     run_file_routes(),    runner_routes(),
          runner_data_routes(), event_routes(),          environment_routes(), built_environment_routes(),
          compute_routes(),     access_routes(),         sign_in_routes(),     package_routes(),
          datastore_routes(),   datastore_file_routes(), model_routes(),       quota_routes(),
          dataset_routes(),     v1_wire_routes(),        v1_run_routes(),      v1_metric_routes(),
          v1_artifact_routes()}) {
      all.insert(all.end(), noun.begin(), noun.end());
    }
    return all;
  }();
  return routes;
}

}  // namespace werkbank::api
