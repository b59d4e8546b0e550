// A whole server without sockets: the real engine and the real handlers on stores in memory. For suites that need everything
// wired.
#pragma once

#include <doctest/doctest.h>

#include "access/vault.hh"
#include "api/router.hh"
#include "content/memory/memory_blob_store.hh"
#include "content/memory/memory_log_store.hh"
#include "data/folder/folder_data_store.hh"
#include "environment/system_kind.hh"
#include "environment/uv_kind.hh"
#include "store/memory/memory_series_store.hh"
#include "store/memory/memory_store.hh"

namespace werkbank::test {

// A request body that is there whole.
class TextBody final : public net::BodyReader {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  Task<Result<std::string>> next() override { co_return std::exchange(text_, {}); }
  Task<Result<std::string>> all(size_t size_max) override {
    if (text_.size() > size_max) co_return fail(errors::too_large, "the body is too large");
    co_return std::exchange(text_, {});
  }

 private:
  std::string text_;
};

inline environment::EnvironmentPlanner make_planner() {
  std::vector<std::unique_ptr<environment::EnvironmentKind>> kinds;
  kinds.push_back(environment::make_system_kind());
  kinds.push_back(environment::make_uv_kind());
  return environment::EnvironmentPlanner(std::move(kinds));
}

// Folders, and no other kind of storage.
inline Result<std::unique_ptr<data::DataStore>> open_folder(const data::DataAccess& access) {
  if (access.datastore.kind != DatastoreKind::kFolder) return fail(errors::not_supported, "folders only");
  return data::make_folder_data_store(access.datastore.settings.at("path"));
}

struct TestWorld {
  explicit TestWorld(std::map<std::string, std::unique_ptr<compute::ComputeTarget>> with_targets = {},
                     lifecycle::EngineConfig config = {}, std::unique_ptr<store::Store> with_store = store::make_memory_store())
      : store(std::move(with_store)) {
    for (auto& [name, target] : with_targets) targets.add(name, std::move(target));
    store->on_events([this](const std::vector<RunEvent>& events) { hub.notify_events(events); });
    series->on_points([this](const RunKey& run) { hub.notify_points(run); });
    logs->on_append([this](const content::LogKey& key, uint64_t) { hub.notify_log(key.run); });
    facts.version = "test";
    facts.own_uid = 1000;
    lifecycle::Services services{system_clock(),    *store, *series, *blobs, *logs,    planner,
                                 targets,           signer, *vault,  pool,   builders, {"unix:///none", "", ""},
                                 environment_builds};
    services.datastore_folder = folder / "datastores";
    engine = std::make_unique<lifecycle::Engine>(std::move(services), config);
    housekeeping = std::make_unique<lifecycle::Housekeeping>(engine->services(), holdings, lifecycle::HousekeepingConfig{});
    api = std::make_unique<api::Api>(
        api::Api{*engine, engine->services(), *vault, hub, holdings, *housekeeping, facts, counters, [] {}, open_folder});
    Workspace workspace;
    workspace.name = "default";
    put(workspace);
    workspace.name = "other";
    put(workspace);
  }
  ~TestWorld() {
    hub.stop();
    engine->stop();
    builders.stop();
    pool.stop();
  }

  void put(const Workspace& workspace) {
    const Status written =
        sync_wait(store->write([workspace](store::Transaction& transaction) { return transaction.put_workspace(workspace); }));
    WB_INVARIANT(written.has_value());
  }

  // A request as the server would hand it over; by default from the owner's Unix socket.
  net::Response ask(net::Method method, const std::string& target, const std::string& body = {}, const std::string& token = {},
                    std::optional<net::Peer> peer = {}, api::Door door = api::Door::kUsual) {
    net::Request request;
    request.method = method;
    request.target = target;
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    size_t start = 1;
    while (start <= request.path.size()) {
      const size_t slash = std::min(request.path.find('/', start), request.path.size());
      request.segments.push_back(request.path.substr(start, slash - start));
      start = slash + 1;
    }
    if (question != std::string::npos) {
      std::string_view rest = std::string_view(target).substr(question + 1);
      while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        const size_t equals = pair.find('=');
        request.query.emplace_back(pair.substr(0, equals), equals == std::string_view::npos ? "" : pair.substr(equals + 1));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      }
    }
    request.peer = peer.value_or(net::Peer{true, 1000, ""});
    request.headers["host"] = "localhost";
    if (!token.empty()) request.headers["authorization"] = "Bearer " + token;
    TextBody text(body);
    request.body = &text;
    api::Router router(*api, door);
    return sync_wait(router.answer(request));
  }

  Run run(const std::string& id) {
    const std::function<Result<std::optional<Run>>(store::Reader&)> find = [&id](store::Reader& reader) {
      return reader.run({"default", id});
    };
    const auto found = store::read<std::optional<Run>>(*store, find);
    REQUIRE((found && *found));
    return **found;
  }

  // Waits for events, not for time: the hub wakes after every durable write. 20 s is the patience for a hung engine.
  template <typename Condition>
  bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const api::EventHub::ListenerPointer listener = hub.listen({api::Topic::everything()});
    while (std::chrono::steady_clock::now() < deadline) {
      const uint64_t seen = hub.position(listener);
      if (condition()) return true;
      sync_wait(hub.wait(listener, seen, std::chrono::milliseconds(50)));
    }
    return condition();
  }
  bool becomes(const std::string& id, RunStatus status) {
    return eventually([&] { return run(id).status == status; });
  }

  std::filesystem::path folder = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "werkbank-world-XXXXXX").string();
    WB_INVARIANT(mkdtemp(pattern.data()) != nullptr);
    return std::filesystem::path(pattern);
  }();
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::SeriesStore> series = store::make_memory_series_store();
  std::unique_ptr<content::BlobStore> blobs = content::make_memory_blob_store();
  std::unique_ptr<content::LogStore> logs = content::make_memory_log_store();
  Result<access::Vault> vault = access::Vault::open(folder / "vault.key");
  access::RunTokenSigner signer{vault->derive_key("run-tokens")};
  environment::EnvironmentPlanner planner = make_planner();
  lifecycle::TargetRegistry targets;
  BlockingPool pool{4};
  BlockingPool builders{2};
  lifecycle::EnvironmentBuilds environment_builds{builders};
  api::EventHub hub{pool};
  lifecycle::Holdings holdings{*store};
  api::ServerFacts facts;
  api::Counters counters;
  std::unique_ptr<lifecycle::Engine> engine;
  std::unique_ptr<lifecycle::Housekeeping> housekeeping;
  std::unique_ptr<api::Api> api;
};

}  // namespace werkbank::test
