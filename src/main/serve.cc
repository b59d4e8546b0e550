#include "main/serve.hh"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <future>

#include "api/login.hh"
#include "api/router.hh"
#include "base/limits.hh"
#include "base/log.hh"
#include "base/memory_group.hh"
#include "compute/pool/this_machine.hh"
#include "content/directory/blob_check.hh"
#include "content/directory/directory_blob_store.hh"
#include "content/directory/directory_log_store.hh"
#include "data/kinds/data_kinds.hh"
#include "main/embedded.hh"
#include "main/home.hh"
#include "main/packages.hh"
#include "main/targets.hh"
#include "net/http_server.hh"
#include "store/sqlite/sqlite_series_store.hh"
#include "store/sqlite/sqlite_store.hh"

namespace werkbank {
namespace {

constexpr size_t kPoolThreads = 8;
constexpr size_t kBuilderThreads = 64;  // most of them wait for one build, or find theirs ready at once
constexpr std::chrono::milliseconds kSignalPoll{250};

bool is_loopback(const std::string& host_port) {
  return host_port.starts_with("127.") || host_port.starts_with("localhost:") || host_port.starts_with("[::1]:");
}

Status check_options(const cli::ServeOptions& options) {
  for (const std::string& address : options.listen) {
    if (is_loopback(address)) continue;
    if (options.no_auth) {
      return fail(errors::usage, fmt::format("--no-auth is refused with --listen {}: it is not a loopback address", address),
                  "Leave --no-auth out and make tokens with `werkbank token create`, or listen on 127.0.0.1.");
    }
    if (!options.tls_certificate.empty()) continue;
    log_warning(
        "listening off loopback without TLS address={}: put a TLS proxy before it or give --tls-cert and --tls-key, "
        "tokens travel in clear text",
        address);
  }
  if (!options.tls_certificate.empty() && options.listen.empty()) {
    return fail(errors::usage, "--tls-cert is for TCP, and there is no --listen", "Add --listen HOST:PORT.");
  }
  if (options.tls_certificate.empty() && !options.tls_key.empty()) {
    return fail(errors::usage, "--tls-key is given without --tls-cert", "Give both; a certificate's file may hold its key, too.");
  }
  return {};
}

LogLevel log_level_from(const std::string& text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

// Everything the server consists of, in the order it is built; taken down in the reverse order.
struct Parts {
  explicit Parts(Home opened_home) : home(std::move(opened_home)) {}

  Home home;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::SeriesStore> series;
  std::unique_ptr<content::BlobStore> blobs;
  std::unique_ptr<content::LogStore> logs;
  std::optional<access::Vault> vault;
  std::optional<access::RunTokenSigner> run_tokens;
  std::optional<environment::EnvironmentPlanner> planner;
  std::unique_ptr<compute::NodeProvider> this_machine;
  lifecycle::TargetRegistry targets;
  std::unique_ptr<BlockingPool> pool;
  std::unique_ptr<BlockingPool> builders;
  std::unique_ptr<lifecycle::EnvironmentBuilds> environment_builds;
  std::unique_ptr<lifecycle::Engine> engine;
  std::unique_ptr<lifecycle::Holdings> holdings;
  std::unique_ptr<lifecycle::Housekeeping> housekeeping;
  std::unique_ptr<api::EventHub> hub;
  api::ServerFacts facts;
  api::Counters counters;
};

Status open_stores(Parts& parts) {
  TRY(parts.store, store::open_sqlite_store(parts.home.records()));
  TRY(parts.series, store::open_sqlite_series_store(parts.home.series()));
  TRY(parts.blobs, content::open_directory_blob_store(parts.home.blobs()));
  TRY(parts.logs, content::open_directory_log_store(parts.home.logs()));
  TRY(parts.vault, access::Vault::open(parts.home.vault_key()));
  parts.run_tokens.emplace(parts.vault->derive_key("run-tokens"));
  api::EventHub& hub = *parts.hub;
  parts.store->on_events([&hub](const std::vector<RunEvent>& events) { hub.notify_events(events); });
  parts.series->on_points([&hub](const RunKey& run) { hub.notify_points(run); });
  parts.logs->on_append([&hub](const content::LogKey& key, uint64_t) { hub.notify_log(key.run); });
  parts.holdings = std::make_unique<lifecycle::Holdings>(*parts.store);
  return {};
}

// The workspace `default` and this installation's id are there from the first start.
Status found_installation(Parts& parts) {
  TRY(const std::string marked, parts.home.installation_id());
  std::string instance_id;
  const Status written = sync_wait(parts.store->write([&](store::Transaction& transaction) -> Status {
    TRY(auto known, transaction.setting("instance_id"));
    if (!known) {
      if (!marked.empty())
        return fail(errors::home_incomplete, parts.home.records().string() + " holds no installation's records",
                    "Bring a backup in: werkbank restore --replace BACKUP.");
      known = random_uuid();
      CHECK_OK(transaction.put_setting("instance_id", *known));
    }
    instance_id = *known;
    TRY(const auto members, transaction.members("default"));
    if (members.empty()) CHECK_OK(transaction.put_member({"default", api::user_name(getuid()), Role::kOwner}));
    TRY(const auto workspace, transaction.workspace("default"));
    if (workspace) return {};
    Workspace made;
    made.name = "default";
    made.subscription_id = "local";
    made.resource_group = "local";
    made.location = "local";
    made.created_ms = system_clock().utc_now_ms();
    return transaction.put_workspace(made);
  }));
  CHECK_OK(written);
  CHECK_OK(parts.home.put_installation_id(instance_id));
  parts.facts.instance_id = instance_id;
  return {};
}

std::string own_program() {
  std::error_code unknown;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  return unknown ? std::string() : program.string();
}

Result<std::unique_ptr<Parts>> build_parts(const cli::ServeOptions& options, uint64_t open_files) {
  TRY(Home home, Home::open(options.home));
  CHECK_OK(home.refuse_losses());
  auto parts = std::make_unique<Parts>(std::move(home));
  // Beside the databases: on a new home both take their time.
  auto runner =
      std::async(std::launch::async, [&parts] { return parts->home.unpack_program("werkbank-runner", embedded_runner()); });
  auto sdk = std::async(std::launch::async, [&parts] { return parts->home.unpack_sdk(embedded_wheel()); });
  parts->pool = std::make_unique<BlockingPool>(kPoolThreads);
  parts->builders = std::make_unique<BlockingPool>(kBuilderThreads);
  parts->environment_builds = std::make_unique<lifecycle::EnvironmentBuilds>(*parts->builders);
  parts->hub = std::make_unique<api::EventHub>(*parts->pool);
  CHECK_OK(open_stores(*parts));
  parts->facts.version = WERKBANK_VERSION;
  parts->facts.no_auth = options.no_auth;
  parts->facts.allowed_hosts = options.allowed_hosts;
  parts->facts.own_uid = getuid();
  parts->facts.wheel = embedded_wheel();
  parts->facts.wheel_name = "werkbank_azureml-" WERKBANK_VERSION "-py3-none-any.whl";
  CHECK_OK(found_installation(*parts));
  TRY(const std::filesystem::path runner_program, runner.get());
  TRY(const std::filesystem::path sdk_folder, sdk.get());
  parts->this_machine = compute::make_this_machine(compute::read_machine_facts());
  CHECK_OK(add_targets(parts->targets, *parts->this_machine, parts->home, runner_program, sdk_folder, open_files));
  parts->planner.emplace(make_environment_planner());
  lifecycle::RunnerSettings settings{.server_url = "unix://" + parts->home.socket().string(),
                                     .sdk_folder = sdk_folder.string(),
                                     .blob_folder = parts->blobs->local_folder().value_or("").string(),
                                     .data_cache = parts->home.data_cache().string(),
                                     .program = own_program()};
  lifecycle::Services services{system_clock(),
                               *parts->store,
                               *parts->series,
                               *parts->blobs,
                               *parts->logs,
                               *parts->planner,
                               parts->targets,
                               *parts->run_tokens,
                               *parts->vault,
                               *parts->pool,
                               *parts->builders,
                               std::move(settings),
                               *parts->environment_builds};
  services.datastore_folder = parts->home.datastores();
  CHECK_OK(remove_tree(services.datastore_folder / lifecycle::kIncomingData));
  parts->engine = std::make_unique<lifecycle::Engine>(std::move(services), lifecycle::EngineConfig{});
  lifecycle::HousekeepingConfig housekeeping;
  housekeeping.backup_folder = parts->home.backups();
  housekeeping.backups_kept = options.backups_kept;
  housekeeping.events_kept_days = options.events_kept_days;
  parts->housekeeping =
      std::make_unique<lifecycle::Housekeeping>(parts->engine->services(), *parts->holdings, std::move(housekeeping));
  return parts;
}

// SIGHUP is ours only where there is a certificate to read again; else a server in a terminal ends with it.
sigset_t signals_of(const cli::ServeOptions& options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (!options.tls_certificate.empty()) sigaddset(&signals, SIGHUP);
  return signals;
}

Status load_certificate(net::HttpServer& server, const cli::ServeOptions& options) {
  if (options.tls_certificate.empty()) return {};
  const std::filesystem::path& key = options.tls_key.empty() ? options.tls_certificate : options.tls_key;
  return server.use_tls({options.tls_certificate, key});
}

void reload_certificate(net::HttpServer& server, const cli::ServeOptions& options) {
  const Status loaded = load_certificate(server, options);
  if (loaded)
    log_info("certificate read again file={:?}", options.tls_certificate.string());
  else
    log_error("certificate not read again, the old one stays error={:?}", loaded.error().to_string());
}

// Blocks until it is time to stop; says why.
std::string_view wait_for_end(Parts& parts, net::HttpServer& server, const cli::ServeOptions& options) {
  const sigset_t signals = signals_of(options);
  const timespec poll{0, std::chrono::nanoseconds(kSignalPoll).count()};
  while (true) {
    const int signal = sigtimedwait(&signals, nullptr, &poll);
    if (signal == SIGHUP) reload_certificate(server, options);
    if (signal > 0 && signal != SIGHUP) return "signal";
    if (options.idle_exit.count() == 0) continue;
    const std::chrono::milliseconds last(parts.counters.last_request_ms.load(std::memory_order_relaxed));
    const bool quiet = system_clock().monotonic_now() - last > options.idle_exit;
    if (quiet && parts.engine->active_runs() == 0 && parts.counters.streams.load() == 0 && parts.counters.in_flight.load() == 0)
      return "idle";
  }
}

// What was brought and acknowledged need not be brought again because nobody has named it yet.
void settle_holdings(lifecycle::Holdings& holdings) {
  std::string all;
  const Status settled = sync_wait(holdings.settle(std::move(all)));
  if (!settled) log_error("blobs not put down, their senders will bring them again error={:?}", settled.error().to_string());
}

void take_down(Parts& parts, net::HttpServer& server, net::HttpServer& door) {
  parts.hub->stop();  // ends live streams and waits
  server.stop();
  door.stop();
  parts.engine->stop();
  parts.housekeeping->stop();
  settle_holdings(*parts.holdings);
  parts.builders->stop();
  parts.pool->stop();
  parts.logs->close();
  parts.series->close();
  parts.blobs->close();
  parts.store->close();
}

// pip of whoever asked for packages gets this program's SDK, not the one of the program before.
void keep_packages(const Parts& parts) {
  const Status kept = refresh_packages(parts.home.folder());
  if (!kept) log_warning("the packages for pip are not this version's error={:?}", kept.error().to_string());
}

// Jobs hold the address in their variables: it stays the same from one server of this home to the next, where it is still free.
// In clear text also where the others speak TLS: it is on this machine alone.
void open_door_of_jobs(Parts& parts, net::HttpServer& door) {
  constexpr const char* kSetting = "jobs_port";
  const std::function<Result<std::optional<std::string>>(store::Reader&)> find = [](store::Reader& reader) {
    return reader.setting(kSetting);
  };
  const auto known = store::read<std::optional<std::string>>(*parts.store, find);
  const std::string before = known ? known->value_or("") : "";
  Result<uint16_t> port = door.listen_tcp("127.0.0.1:" + (before.empty() ? "0" : before));
  if (!port && !before.empty()) port = door.listen_tcp("127.0.0.1:0");
  if (!port) {
    log_warning("no door for jobs that hold Microsoft's azureml-core error={:?}", port.error().to_string());
    return;
  }
  parts.engine->services().runner.job_url = fmt::format("http://127.0.0.1:{}", *port);
  const std::string now = std::to_string(*port);
  if (now == before) return;
  const Status written =
      sync_wait(parts.store->write([now](store::Transaction& transaction) { return transaction.put_setting(kSetting, now); }));
  if (!written) log_warning("the port of jobs is not kept error={:?}", written.error().to_string());
}

Status run_server(const cli::ServeOptions& options, uint64_t open_files) {
  CHECK_OK(check_options(options));
  TRY(const std::unique_ptr<Parts> parts, build_parts(options, open_files));
  parts->counters.last_request_ms = system_clock().monotonic_now().count();
  api::Api api{*parts->engine, parts->engine->services(), *parts->vault,
               *parts->hub,    *parts->holdings,          *parts->housekeeping,
               parts->facts,   parts->counters,           [] { kill(getpid(), SIGTERM); },
               open_data_store};
  api::Router router(api);
  net::ServerConfig config;
  config.threads = options.threads;
  net::HttpServer server(config, [&router](net::Request& request) { return router.answer(request); });
  CHECK_OK(load_certificate(server, options));
  CHECK_OK(server.listen_unix(parts->home.socket()));
  const char* const scheme = options.tls_certificate.empty() ? "http" : "https";
  for (const std::string& address : options.listen) {
    TRY(const uint16_t port, server.listen_tcp(address));
    const std::string host = address.substr(0, address.rfind(':'));
    if (parts->facts.web_address.empty()) parts->facts.web_address = fmt::format("{}://{}:{}", scheme, host, port);
    // Scripts and people read the port that was bound from here.
    std::printf("listening on %s://%s:%u\n", scheme, host.c_str(), port);
    std::fflush(stdout);
  }
  api::Router job_router(api, api::Door::kJobs);
  config.threads = 1;
  net::HttpServer door(config, [&job_router](net::Request& request) { return job_router.answer(request); });
  open_door_of_jobs(*parts, door);
  keep_packages(*parts);
  CHECK_OK(parts->engine->start());
  parts->housekeeping->start();
  CHECK_OK(server.start());
  CHECK_OK(door.start());
  log_info("server started version={} home={} pid={}", WERKBANK_VERSION, options.home.string(), getpid());
  const std::string_view reason = wait_for_end(*parts, server, options);
  log_info("server stops reason={} active_runs={}", reason, parts->engine->active_runs());
  take_down(*parts, server, door);
  log_info("server stopped");
  return {};
}

}  // namespace

int serve(const cli::ServeOptions& options) {
  // Before any thread starts, so that all of them leave these signals to wait_for_end.
  const sigset_t signals = signals_of(options);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file over its limit is an error to answer, like a full disk
  const uint64_t open_files = raise_open_files_limit();
  LogSink sink;
  sink.level = log_level_from(options.log_level);
  if (!isatty(STDERR_FILENO)) {
    if (make_directories(options.home / "logs")) sink.file = options.home / "logs" / "server.log";
  }
  open_log(sink);
  const Status outcome = run_server(options, open_files);
  if (outcome) return 0;
  const Error& error = outcome.error();
  log_error("server not started code={} error={:?}", error.code->id, error.to_string());
  std::fprintf(stderr, "werkbank serve: %s\n  %s\n  (werkbank explain %s)\n", error.to_string().c_str(),
               std::string(error.remedy()).c_str(), std::string(error.code->id).c_str());
  return 2;
}

cli::DoctorCheck examine_database(const std::string& name, const std::filesystem::path& file, bool is_used_home) {
  std::error_code unknown;
  if (!std::filesystem::exists(file, unknown)) {
    if (!is_used_home) return {name, cli::CheckState::kOk, "none yet", ""};
    return {name, cli::CheckState::kFailed, file.string() + " is gone, and this home was in use",
            "Put it back from a copy, or bring a backup in: werkbank restore --replace BACKUP"};
  }
  const Status whole = store::check_sqlite_file(file);
  if (whole) return {name, cli::CheckState::kOk, file.string(), ""};
  return {name, cli::CheckState::kFailed, whole.error().to_string(), std::string(whole.error().remedy())};
}

// Where scripts run that name no interpreter.
cli::DoctorCheck examine_default_runtime(const std::filesystem::path& home) {
  const auto recipe = make_environment_planner().plan(EnvironmentDefinition{}, {});
  if (!recipe) return {"default runtime", cli::CheckState::kFailed, recipe.error().to_string(), ""};
  const std::filesystem::path folder = home / "environments" / recipe->hash;
  std::error_code error;
  const bool ready = std::filesystem::exists(folder / "ready.json", error);
  if (ready) return {"default runtime", cli::CheckState::kOk, (folder / "bin/python").string(), ""};
  return {"default runtime", cli::CheckState::kOk,
          "not built yet; a script that names no interpreter has it built (werkbank environment build default-runtime)", ""};
}

// How far the nodes of pools can be kept to their memory; cores are always kept by affinity.
cli::DoctorCheck examine_node_limits() {
  switch (memory_enforcement()) {
    case MemoryEnforcement::kGroupV2:
      return {"limits of nodes", cli::CheckState::kOk, "memory by control groups (version 2), cores by affinity", ""};
    case MemoryEnforcement::kGroupV1:
      return {"limits of nodes", cli::CheckState::kOk, "memory by control groups (version 1), cores by affinity", ""};
    case MemoryEnforcement::kEachProcess:
      break;
  }
  return {"limits of nodes", cli::CheckState::kWarning,
          "memory of each process by itself (RLIMIT_DATA), cores by affinity: this user may make no control group",
          "Start the server as a service of the user (systemd-run --user --scope -p Delegate=yes werkbank serve) to have whole "
          "runs limited."};
}

std::vector<cli::DoctorCheck> examine_program(const std::filesystem::path& home) {
  std::error_code unknown;
  const bool is_used = std::filesystem::exists(home / "installation", unknown);
  std::vector<cli::DoctorCheck> checks{examine_database("records", home / "db/werkbank.db", is_used),
                                       examine_database("metrics", home / "series/series.db", is_used),
                                       examine_default_runtime(home), examine_node_limits()};
  const std::string_view runner = embedded_runner();
  const bool is_program = runner.starts_with(
      "\x7f"
      "ELF");
  checks.push_back({"runner", is_program ? cli::CheckState::kOk : cli::CheckState::kFailed,
                    fmt::format("{} bytes are carried inside", runner.size()),
                    is_program ? "" : "Build Werkbank again: ./quickstart"});
  checks.push_back({"sdk", embedded_wheel().empty() ? cli::CheckState::kFailed : cli::CheckState::kOk,
                    fmt::format("the wheel of {} bytes is carried inside", embedded_wheel().size()), ""});
  return checks;
}

cli::DoctorCheck verify_content(const std::filesystem::path& home, const std::function<void(uint64_t)>& progress) {
  constexpr size_t kNamed = 20;
  const auto tell = [&progress](const content::BlobCheck& check) { progress(check.size_bytes); };
  const auto check = content::check_blobs(home / "content" / "blobs", tell);
  if (!check) return {"content", cli::CheckState::kFailed, check.error().to_string(), std::string(check.error().remedy())};
  std::string finding =
      fmt::format("{} files of {} bytes are what was stored", check->blobs - check->damaged.size(), check->size_bytes);
  if (check->damaged.empty()) return {"content", cli::CheckState::kOk, finding, ""};
  finding = fmt::format("{} of {} files are damaged:", check->damaged.size(), check->blobs);
  for (size_t i = 0; i < std::min(kNamed, check->damaged.size()); ++i)
    finding += fmt::format(" {} ({});", check->damaged[i].path.string(), check->damaged[i].reason);
  if (check->damaged.size() > kNamed) finding += fmt::format(" and {} more", check->damaged.size() - kNamed);
  return {"content", cli::CheckState::kFailed, finding,
          "Stop the server, then put these files back from a backup, or remove them: what is missing is sent anew with the next "
          "submit or upload."};
}

}  // namespace werkbank
