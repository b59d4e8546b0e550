#include "lifecycle/workspace_removal.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "base/files.hh"
#include "base/log.hh"
#include "lifecycle/garbage.hh"
#include "lifecycle/quotas.hh"
#include "lifecycle/target_changes.hh"
#include "store/environments.hh"
#include "store/models.hh"

namespace werkbank::lifecycle {
namespace {

constexpr size_t kRunsNamedMax = 5;
constexpr const char* kRemovingSetting = "workspaces.removing";  // their names, a line each

Result<std::set<std::string>> being_removed(store::Reader& reader) {
  TRY(const auto text, reader.setting(kRemovingSetting));
  std::set<std::string> names;
  std::istringstream lines(text.value_or(""));
  for (std::string line; std::getline(lines, line);) names.insert(line);
  return names;
}

Status note_being_removed(store::Transaction& transaction, const std::set<std::string>& names) {
  return transaction.put_setting(kRemovingSetting, fmt::format("{}", fmt::join(names, "\n")));
}

Status check_there(store::Reader& reader, const std::string& name) {
  TRY(const auto workspace, reader.workspace(name));
  if (!workspace) return fail(errors::workspace_not_found, fmt::format("there is no workspace {:?}", name));
  return {};
}

// Runs that are under way would be torn from below their runners; the user ends them first.
Status refuse_active_runs(store::Reader& reader, const std::string& name) {
  TRY(const auto unfinished, reader.unfinished_managed_runs());
  std::string names;
  size_t count = 0;
  for (const Run& run : unfinished) {
    if (run.key.workspace != name) continue;
    if (++count <= kRunsNamedMax)
      names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", run.key.run_id, to_string(run.status));
  }
  if (count == 0) return {};
  if (count > kRunsNamedMax) names += fmt::format(" and {} more", count - kRunsNamedMax);
  return fail(errors::run_state_conflict, fmt::format("{} run(s) of workspace {:?} are under way: {}", count, name, names),
              "Wait for them, or cancel them first: werkbank run cancel RUN.");
}

// From now on nothing comes into it: what is looked at after this is all there is.
Task<Status> close_workspace(Services& services, std::string name) {
  std::function<Status(store::Transaction&)> apply = [name](store::Transaction& transaction) -> Status {
    CHECK_OK(check_there(transaction, name));
    CHECK_OK(refuse_active_runs(transaction, name));
    TRY(std::set<std::string> names, being_removed(transaction));
    names.insert(name);
    return note_being_removed(transaction, names);
  };
  co_return co_await services.store.write(std::move(apply));
}

Result<std::vector<RunKey>> keys_of(Services& services, const std::string& name) {
  const std::function<Result<std::vector<RunKey>>(store::Reader&)> find =
      [&name](store::Reader& reader) -> Result<std::vector<RunKey>> {
    TRY(const std::vector<Run> runs, all_runs(reader, name));
    std::vector<RunKey> keys;
    for (const Run& run : runs) keys.push_back(run.key);
    return keys;
  };
  return store::read<std::vector<RunKey>>(services.store, find);
}

// No other workspace brought them, and none names them.
Result<std::vector<Hash>> own_blobs(Services& services, const std::string& name) {
  const std::function<Result<std::vector<Hash>>(store::Reader&)> find = [&name](store::Reader& reader) {
    return reader.blobs_held_only_by(name);
  };
  TRY(std::vector<Hash> own, store::read<std::vector<Hash>>(services.store, find));
  TRY(const std::vector<Hash> named, reachable_blobs(services, 0, name));
  std::erase_if(own, [&](const Hash& hash) { return std::ranges::binary_search(named, hash); });
  return own;
}

// What others have brought since it was last put down is theirs as well. It is read first: what leaves this list is put down.
Result<std::vector<Hash>> free_blobs(Services& services, Holdings& holdings, const std::string& name) {
  const std::function<Result<std::vector<Workspace>>(store::Reader&)> find = [](store::Reader& reader) {
    return reader.workspaces();
  };
  TRY(const std::vector<Workspace> workspaces, store::read<std::vector<Workspace>>(services.store, find));
  std::set<Hash> theirs;
  for (const Workspace& other : workspaces) {
    if (other.name == name) continue;
    const std::vector<Hash> brought = holdings.unsettled(other.name);
    theirs.insert(brought.begin(), brought.end());
  }
  TRY(std::vector<Hash> own, own_blobs(services, name));
  std::erase_if(own, [&](const Hash& hash) { return theirs.contains(hash); });
  return own;
}

// Data goes before the record: a crash in between leaves a workspace whose removal can be asked for again, and never data that a
// later workspace of this name would find.
Status remove_data(Services& services, Holdings& holdings, const std::string& name, const std::vector<RunKey>& runs) {
  for (const RunKey& key : runs) CHECK_OK(remove_run_data(services, key));
  TRY(const RelativePath data, RelativePath::parse(name));
  CHECK_OK(werkbank::remove_tree(data.below(services.datastore_folder)));
  TRY([[maybe_unused]] const content::FreedBlobs freed,
      services.blobs.remove([&] { return free_blobs(services, holdings, name); }));
  return {};
}

Status count_data(const Services& services, const std::string& name, WorkspaceContents& contents) {
  TRY(const RelativePath data, RelativePath::parse(name));
  std::error_code failure;
  std::filesystem::recursive_directory_iterator it(data.below(services.datastore_folder), failure);
  for (const std::filesystem::recursive_directory_iterator end; !failure && it != end; it.increment(failure)) {
    std::error_code gone;
    if (it->is_symlink(gone) || !it->is_regular_file(gone)) continue;
    const uint64_t size = it->file_size(gone);
    if (gone) continue;
    ++contents.data_files;
    contents.data_bytes += size;
  }
  if (!failure || failure == std::errc::no_such_file_or_directory) return {};
  return fail(errors::io_failed, fmt::format("cannot list the data of workspace {:?}: {}", name, failure.message()));
}

Status scrub(Services& services) {
  CHECK_OK(services.logs.scrub());
  CHECK_OK(services.series.scrub());
  return services.store.scrub();
}

}  // namespace

Status refuse_being_removed(store::Reader& reader, const std::string& name) {
  TRY(const std::set<std::string> names, being_removed(reader));
  if (!names.contains(name)) return {};
  return fail(errors::workspace_not_found, fmt::format("the workspace {:?} is being deleted", name),
              "Nothing can be done with it any more. If its deletion was broken off, delete it again.");
}

Result<WorkspaceContents> workspace_contents(Services& services, const std::string& name) {
  WorkspaceContents contents;
  std::vector<Run> runs;
  CHECK_OK(services.store.read([&](store::Reader& reader) -> Status {
    CHECK_OK(check_there(reader, name));
    for (const LifecycleStage stage : {LifecycleStage::kActive, LifecycleStage::kArchived, LifecycleStage::kDeleted}) {
      std::string cursor;
      do {
        TRY(const auto page, reader.experiments(name, stage, 1000, cursor));
        contents.experiments += static_cast<int64_t>(page.items.size());
        cursor = page.next;
      } while (!cursor.empty());
    }
    TRY(const auto environments, reader.environments().newest(name));
    TRY(const auto secrets, reader.secrets(name));
    TRY(contents.models, reader.models().count(name));
    contents.environments = static_cast<int64_t>(environments.size());
    contents.secrets = static_cast<int64_t>(secrets.size());
    TRY(runs, all_runs(reader, name));
    return {};
  }));
  CHECK_OK(count_data(services, name, contents));
  contents.runs = static_cast<int64_t>(runs.size());
  for (const Run& run : runs) {
    if (run.control == RunControl::kManaged && !is_terminal(run.status)) ++contents.active_runs;
    TRY(const uint64_t log_bytes, log_bytes_of(services, run.key));
    contents.log_bytes += log_bytes;
    TRY(const auto summaries, services.series.summaries(run.key));
    for (const MetricSummary& summary : summaries) contents.metric_points += summary.count;
  }
  TRY(const std::vector<Hash> blobs, own_blobs(services, name));
  for (const Hash& hash : blobs) {
    const Result<uint64_t> size = services.blobs.size(hash);
    if (!size) continue;  // collected meanwhile
    ++contents.blobs;
    contents.blob_bytes += *size;
  }
  return contents;
}

Task<Status> remove_workspace(Services& services, Holdings& holdings, std::string name) {
  CO_CHECK_OK(co_await close_workspace(services, name));
  CO_TRY(const std::vector<RunKey> runs, keys_of(services, name));
  std::string all;
  CO_CHECK_OK(co_await holdings.settle(std::move(all)));  // who else has the blobs has to be known
  const auto remove = [&] { return remove_data(services, holdings, name, runs); };
  CO_CHECK_OK(co_await services.builders.run(remove));
  std::function<Status(store::Transaction&)> apply = [name](store::Transaction& transaction) -> Status {
    CHECK_OK(transaction.delete_workspace(name));
    CHECK_OK(put_quotas(transaction, name, Quotas{}));  // one that is made later under the name begins without
    TRY(std::set<std::string> names, being_removed(transaction));
    names.erase(name);
    return note_being_removed(transaction, names);
  };
  CO_CHECK_OK(co_await services.store.write(std::move(apply)));
  holdings.forget_workspace(name);
  // Again: a client may have written to a run meanwhile. From now on nobody can.
  const auto remove_rest = [&]() -> Status {
    for (const RunKey& key : runs) CHECK_OK(remove_run_data(services, key));
    return scrub(services);
  };
  CO_CHECK_OK(co_await services.builders.run(remove_rest));
  std::string gone = name;
  CO_CHECK_OK(co_await close_targets_of(services, std::move(gone)));
  log_info("workspace removed workspace={:?} runs={}", name, runs.size());
  co_return Status{};
}

}  // namespace werkbank::lifecycle
