// What the steps of a run's way are made of: references to the parts below, wired once in main/.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "access/run_token.hh"
#include "access/vault.hh"
#include "base/blocking_pool.hh"
#include "base/clock.hh"
#include "compute/compute_target.hh"
#include "content/blob_store.hh"
#include "content/log_store.hh"
#include "content/snapshot_store.hh"
#include "environment/environment_kind.hh"
#include "lifecycle/environment_builds.hh"
#include "lifecycle/target_registry.hh"
#include "store/series.hh"
#include "store/store.hh"

namespace werkbank::lifecycle {

// What a runner is told about this server.
struct RunnerSettings {
  std::string server_url;       // where runners report
  std::string sdk_folder;       // our Python package, unpacked
  std::string blob_folder;      // of the content store; empty where it cannot be read directly
  std::string data_cache = {};  // a folder for what runners on this machine fetch of datastores
  std::string job_url = {};     // the same server by HTTP, for clients in jobs on this machine; empty: none
  std::string program = {};     // this program, for jobs on this machine that submit runs themselves; empty: not told
};

struct Services {
  const Clock& clock;
  store::Store& store;
  store::SeriesStore& series;
  content::BlobStore& blobs;
  content::LogStore& logs;
  const environment::EnvironmentPlanner& environments;
  TargetRegistry& targets;
  const access::RunTokenSigner& run_tokens;
  const access::Vault& vault;  // what submissions hold of logins is stored sealed
  BlockingPool& pool;          // short calls
  BlockingPool& builders;      // what may take minutes: environment builds, copies, clearing away
  RunnerSettings runner;
  EnvironmentBuilds& environment_builds;
  std::unique_ptr<content::CheckedSnapshots> checked_snapshots = std::make_unique<content::CheckedSnapshots>();
  std::filesystem::path datastore_folder = {};               // workspaces' own datastores: WORKSPACE/NAME
  std::function<bool()> is_stopping = [] { return false; };  // set by the engine: builds under way are given up, and made again
};

// In the datastore folder, a name that no workspace can have: uploads under way, emptied when the server starts.
inline constexpr std::string_view kIncomingData = ".incoming";
inline constexpr std::string_view kBuildLog = "azureml-logs/20_image_build_log.txt";
inline constexpr std::string_view kDriverLog = "azureml-logs/70_driver_log.txt";

}  // namespace werkbank::lifecycle
