// The stores that the contract suites run against, and short words for what the cases do with them.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.hh"
#include "base/hash.hh"
#include "store/memory/memory_store.hh"
#include "store/sqlite/sqlite_store.hh"
#include "store/store.hh"

namespace werkbank::store::testing {

struct MemoryWorld {
  std::unique_ptr<Store> store = make_memory_store();
  static constexpr bool kDurable = false;
  void reopen() {}
};

struct SqliteWorld {
  SqliteWorld() { open(); }
  ~SqliteWorld() {
    store.reset();
    (void)remove_tree(folder);
  }
  void open() {
    Result<std::unique_ptr<Store>> opened = open_sqlite_store(folder / "werkbank.db");
    REQUIRE_MESSAGE(opened, opened.error().to_string());
    store = std::move(*opened);
  }
  void reopen() {
    store.reset();
    open();
  }
  static std::filesystem::path new_folder() {
    const std::filesystem::path made = std::filesystem::temp_directory_path() / ("wb-store-" + random_hex(8));
    REQUIRE(make_directories(made));
    return made;
  }
  std::filesystem::path folder = new_folder();
  std::unique_ptr<Store> store;
  static constexpr bool kDurable = true;
};

#define ALL_STORES MemoryWorld, SqliteWorld

using Action = std::function<Status(Transaction&)>;

inline Status do_write(Store& store, Action action) { return sync_wait(store.write(std::move(action))); }

template <typename T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result, result.error().to_string());
  return std::move(*result);
}
inline void must(Status status) { REQUIRE_MESSAGE(status, status.error().to_string()); }

template <typename T>
T get(Store& store, std::function<Result<T>(Reader&)> action) {
  return must(werkbank::store::read<T>(store, action));
}

template <typename T>
T put(Store& store, std::function<Result<T>(Transaction&)> action) {
  return must(sync_wait(werkbank::store::write<T>(store, std::move(action))));
}

inline Experiment make_experiment(Store& store, const std::string& name = "digits", const std::string& workspace = "default") {
  must(do_write(store, [&](Transaction& t) -> Status {
    TRY(const std::optional<Workspace> existing, t.workspace(workspace));
    return existing ? Status() : t.put_workspace(Workspace{.name = workspace, .tags = {{"a", "b"}}, .created_ms = 7});
  }));
  return put<Experiment>(
      store, [&](Transaction& t) { return t.create_experiment({.workspace = workspace, .name = name, .created_ms = 5}); });
}

inline Run new_run(const Experiment& experiment, const std::string& id, UtcMs created_ms = 1000) {
  Run run;
  run.key = {experiment.workspace, id};
  run.experiment_id = experiment.id;
  run.experiment = experiment.name;
  run.root_id = id;
  run.run_type = "azureml.scriptrun";
  run.target = "local";
  run.script = "train.py";
  run.created_by = "ada";
  run.created_ms = created_ms;
  return run;
}

inline Run create(Store& store, const Run& run) {
  return put<Run>(store, [run](Transaction& t) { return t.create_run(run, nullptr, nullptr); });
}

inline std::vector<std::string> ids(const std::vector<Run>& runs) {
  std::vector<std::string> found;
  for (const Run& run : runs) found.push_back(run.key.run_id);
  return found;
}

inline std::vector<std::string> list(Store& store, const RunQuery& query) {
  return ids(get<Page<Run>>(store, [&](Reader& r) { return r.runs(query); }).items);
}

inline std::string code(const Status& status) { return status ? "ok" : std::string(status.error().code->id); }

inline std::optional<Run> find(Store& store, const std::string& id) {
  return get<std::optional<Run>>(store, [&](Reader& r) { return r.run({"default", id}); });
}

}  // namespace werkbank::store::testing
