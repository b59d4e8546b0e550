// The nouns of a run as plain values: Experiment, Run, RunSpec, Attempt, Artifact, RunEvent.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hh"
#include "base/hash.hh"
#include "base/json.hh"
#include "domain/data_port.hh"
#include "domain/environment.hh"
#include "domain/run_state.hh"

namespace werkbank {

using TextMap = std::map<std::string, std::string>;

// A run is named by its workspace and its id. Ids are any UTF-8 text of 1 to 255 bytes without '/' or control characters.
struct RunKey {
  std::string workspace;
  std::string run_id;
  auto operator<=>(const RunKey&) const = default;
};

struct Workspace {
  std::string name;
  std::string subscription_id;  // free text, as location and resource_group
  std::string resource_group;
  std::string location;
  std::string description;
  TextMap tags;
  UtcMs created_ms = 0;
};

enum class LifecycleStage { kActive, kArchived, kDeleted };

struct Experiment {
  std::string workspace;
  std::string name;
  int64_t id = 0;  // numeric, unique in the installation, given by the store
  std::string description;
  TextMap tags;
  LifecycleStage stage = LifecycleStage::kActive;
  UtcMs created_ms = 0;
  UtcMs stage_ms = 0;  // when it was archived or deleted; 0: active
};

// How many processes the script is, in v1's words. Counts that belong to another communicator are not read.
struct Distribution {
  std::string communicator = "None";   // None, ParameterServer, OpenMpi, IntelMpi, Nccl, Gloo (case-insensitive on input)
  int64_t process_count_per_node = 1;  // OpenMpi, IntelMpi
  int64_t process_count = 0;           // Nccl, Gloo: on all nodes together; 0: one on each
  int64_t worker_count = 1;            // ParameterServer
  int64_t parameter_server_count = 1;  // ParameterServer
};

// What the user asked for: everything that launching a run needs, fixed at submit.
struct RunSpec {
  std::string snapshot_id;             // hash of the manifest; empty: an empty folder
  std::string script;                  // relative path in the snapshot; empty where `command` is given
  std::vector<std::string> arguments;  // verbatim to the script
  std::string command;                 // run by /bin/sh -c in place of interpreter + script
  std::string target = "local";
  std::string framework = "Python";  // Python, PySpark, PyTorch, TensorFlow (case-insensitive on input)
  EnvironmentDefinition environment;
  TextMap environment_variables;  // the user's own, over everything inherited
  TextMap submitter_environment;  // PATH, locale, proxies … of the submitter's shell, by the allow-list in domain/submitter.hh
  std::vector<std::string> watched_directories{"logs"};  // streamed as they fill; outputs/ always is collected
  bool collect_outputs = true;
  int64_t timeout_seconds = 30 * 24 * 3600;  // max_run_duration_seconds; 0: none
  int64_t priority = 0;                      // higher first
  int64_t node_count = 1;
  Distribution distribution;
  std::vector<RunInput> inputs;
  std::vector<RunOutput> outputs;
};
// The processes of the script on all nodes together.
int64_t process_count(const RunSpec& spec);

enum class RunEndKind {
  kNone,
  kExitCode,
  kSignal,
  kOutOfMemory,
  kTimeout,
  kCanceled,
  kLost,
  kEnvironment,
  kLaunch,
  kGivenUp,
  kClient,
  kOutput
};
std::string_view to_string(RunEndKind kind);  // "exit_code" …
std::optional<RunEndKind> parse_run_end_kind(std::string_view text);

// Why a run ended the way it did; set with Failed and Canceled.
struct RunEnd {
  RunEndKind kind = RunEndKind::kNone;
  int exit_code = 0;                  // kExitCode
  int signal = 0;                     // kSignal
  std::string who;                    // kCanceled: the user
  std::string code;                   // v1's error code: "UserError", "ServiceError", or the client's own
  std::string message;                // one sentence
  std::string hint;                   // what to do next
  std::vector<std::string> log_tail;  // the last lines of the driver log
  json::object details;               // a client's own error document (run.fail)
};

struct GitFacts {
  std::string repository_url, branch, commit;
  bool dirty = false;
};

struct Run {
  RunKey key;
  int64_t experiment_id = 0;
  std::string experiment;  // its name
  int64_t number = 0;      // 1, 2, 3 … within the experiment; given by the store
  std::string parent_id;   // empty: none
  std::string root_id;     // itself where there is no parent
  std::string display_name;
  std::string description;
  std::string run_type;  // "azureml.scriptrun", …; free text
  RunControl control = RunControl::kManaged;
  RunStatus status = RunStatus::kNotStarted;
  LifecycleStage stage = LifecycleStage::kActive;
  std::string target;
  std::string script;  // for lists; the whole is in the spec
  std::string created_by;
  UtcMs created_ms = 0, queued_ms = 0, started_ms = 0, ended_ms = 0, deleted_ms = 0;  // 0: not yet
  int64_t priority = 0;
  int64_t attempt = 0;  // the current one; 0 before the first launch
  bool cancel_requested = false;
  std::string cancel_who;
  RunEnd end;
  TextMap tags, properties, params;
  std::vector<std::string> warnings;
  int64_t revision = 0;  // grows with every change of the row: the ETag
};

// One try at executing a run on a target. The lease is the fencing token: what a runner sends carries it, and only the current
// one counts.
struct Attempt {
  RunKey run;
  int64_t number = 1;
  std::string lease;  // random
  std::string target;
  json::object handle;  // what the target needs to find the runner again (ComputeTarget::start's answer)
  UtcMs started_ms = 0, ended_ms = 0;
  UtcMs last_seen_ms = 0;
  std::map<int64_t, RunEnd> rank_ends;  // of several ranks: those that are done, and how
};

// A file of a run. Bytes are in the content store (hash set) or, while it grows, in the log store (hash empty).
struct Artifact {
  RunKey run;
  std::string path;  // "outputs/model.pkl"
  std::string hash;  // hex; empty: a live log, see content/log_store.hh
  uint64_t size_bytes = 0;
  int64_t attempt = 0, rank = 0;
  UtcMs modified_ms = 0;
};

// Every change that a view may want to know, in one order per installation.
struct RunEvent {
  int64_t cursor = 0;  // given by the store; grows
  std::string workspace;
  std::string run_id;  // empty: not about a run
  std::string experiment;
  std::string type;  // "run.created", "run.status", "run.tags", "run.artifact", "run.deleted", "experiment.created" …
  UtcMs at_ms = 0;
  json::object data;
};

json::object to_json(const Distribution& distribution);
Result<Distribution> distribution_from_json(const json::value& value, const std::string& path = "distribution");
// The spelling of a communicator that is written in any case; config_invalid for what is none.
Result<std::string> canonical_communicator(std::string_view text, std::string_view where);
json::object to_json(const RunSpec& spec);
Result<RunSpec> run_spec_from_json(const json::value& value, const std::string& path = "spec");
json::object to_json(const RunEnd& end);
Result<RunEnd> run_end_from_json(const json::value& value);
// The public document of a run (docs/reference/http-api.md); without its spec.
json::object to_json(const Run& run);
json::object to_json(const Experiment& experiment);
json::object to_json(const Workspace& workspace);
json::object to_json(const Artifact& artifact);
json::object to_json(const RunEvent& event);
json::object text_map_to_json(const TextMap& map);

}  // namespace werkbank
