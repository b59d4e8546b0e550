#include "lifecycle/target_changes.hh"

#include <fmt/format.h>

#include <array>

#include "base/hash.hh"
#include "base/log.hh"
#include "domain/names.hh"
#include "lifecycle/workspace_removal.hh"
#include "store/targets.hh"

namespace werkbank::lifecycle {
namespace {

constexpr size_t kRunsNamedMax = 5;
constexpr size_t kIdBytes = 16;
// v1's own words for targets that need no making.
constexpr std::array<std::string_view, 3> kReservedNames{"amlcompute", "local", "containerinstance"};

Status check_new_name(const TargetRegistry& targets, const std::string& name) {
  CHECK_OK(check_target_name(name));
  if (std::ranges::find(kReservedNames, name) == kReservedNames.end() && !targets.is_of_installation(name)) return {};
  return fail(errors::name_refused,
              fmt::format("{:?} cannot be the name of a new compute target: it has a meaning of its own", name),
              "Choose another name.");
}

Error unknown_target(const std::string& name) {
  Error error;
  error.code = &errors::target_unknown;
  error.message = fmt::format("there is no compute target {:?}", name);
  return error;
}

Status refuse_own(const TargetRegistry& targets, const std::string& name, std::string_view verb) {
  if (!targets.is_of_installation(name)) return {};
  return fail(errors::not_supported,
              fmt::format("the compute target {:?} is part of the installation; it cannot be {}", name, verb),
              "It is always there, in every workspace.");
}

Status refuse_in_use(store::Reader& reader, const std::string& workspace, const std::string& name) {
  TRY(const std::vector<Run> unfinished, reader.unfinished_managed_runs());
  std::string runs;
  size_t count = 0;
  for (const Run& run : unfinished) {
    if (run.key.workspace != workspace || run.target != name) continue;
    if (++count <= kRunsNamedMax)
      runs += fmt::format("{}{} ({})", runs.empty() ? "" : ", ", run.key.run_id, to_string(run.status));
  }
  if (count == 0) return {};
  if (count > kRunsNamedMax) runs += fmt::format(" and {} more", count - kRunsNamedMax);
  return fail(errors::target_in_use, fmt::format("{} run(s) on compute target {:?} have not ended: {}", count, name, runs));
}

// A make is what cannot be changed: the kind, and whatever of the settings the kind does not let change.
Result<MadeTarget> record_target(store::Transaction& transaction, const compute::TargetKind& kind, ComputeTargetRecord wanted) {
  TRY(const auto workspace, transaction.workspace(wanted.workspace));
  if (!workspace) return fail(errors::workspace_not_found, fmt::format("there is no workspace {:?}", wanted.workspace));
  CHECK_OK(refuse_being_removed(transaction, wanted.workspace));
  TRY(const auto known, transaction.targets().target(wanted.workspace, wanted.name));
  if (known) {
    if (known->kind != wanted.kind || !kind.is_same_make(known->settings, wanted.settings)) {
      return fail(errors::already_exists, fmt::format("there is another compute target {:?} already", wanted.name),
                  "Take it as it is, delete it first, or choose another name.");
    }
    wanted.id = known->id;
    wanted.created_by = known->created_by;
    wanted.created_ms = known->created_ms;
  }
  CHECK_OK(transaction.edit_targets().put_target(wanted));
  return MadeTarget{std::move(wanted), !known};
}

Task<Status> open_target(Services& services, ComputeTargetRecord record) {
  const auto open = [&services, &record] { return services.targets.open(record); };
  co_return co_await services.pool.run(open);
}

Task<void> close_target(Services& services, compute::ManagedTarget* target, std::string name) {
  const auto close = [target] { return target->close(); };
  const Status closed = co_await services.builders.run(close);
  if (!closed) log_warning("compute target {:?} left something behind: {}", name, closed.error().to_string());
}

}  // namespace

Task<Result<MadeTarget>> make_target(Services& services, NewTarget wanted) {
  CO_CHECK_OK(check_new_name(services.targets, wanted.name));
  CO_TRY(const compute::TargetKind* const kind, services.targets.kind(wanted.kind));
  ComputeTargetRecord record;
  record.workspace = wanted.workspace;
  record.name = wanted.name;
  record.kind = kind->name();
  record.id = random_hex(kIdBytes);
  record.description = wanted.description;
  record.tags = wanted.tags;
  record.created_by = wanted.user;
  record.created_ms = record.modified_ms = services.clock.utc_now_ms();
  CO_TRY(record.settings, kind->check(wanted.settings, nullptr));
  std::function<Result<MadeTarget>(store::Transaction&)> apply = [kind, record](store::Transaction& transaction) {
    return record_target(transaction, *kind, record);
  };
  CO_TRY(MadeTarget made, co_await store::write<MadeTarget>(services.store, std::move(apply)));
  ComputeTargetRecord opened = made.record;
  Status status = co_await open_target(services, std::move(opened));
  if (!status) {
    const std::string workspace = wanted.workspace;
    const std::string name = wanted.name;
    std::function<Status(store::Transaction&)> undo = [workspace, name](store::Transaction& transaction) {
      return transaction.edit_targets().delete_target(workspace, name);
    };
    if (made.is_new) {
      const Status undone = co_await services.store.write(std::move(undo));
      if (!undone) log_error("record of compute target {:?} not taken back: {}", name, undone.error().to_string());
    }
    co_return fail(std::move(status).error());
  }
  log_info("compute target {} workspace={:?} name={:?} kind={} user={}", made.is_new ? "made" : "changed", wanted.workspace,
           wanted.name, made.record.kind, wanted.user);
  co_return made;
}

Task<Result<ComputeTargetRecord>> change_target(Services& services, std::string workspace, std::string name,
                                                TargetChange change) {
  CO_CHECK_OK(refuse_own(services.targets, name, "changed"));
  std::function<Result<ComputeTargetRecord>(store::Transaction&)> apply =
      [&services, workspace, name, change](store::Transaction& transaction) -> Result<ComputeTargetRecord> {
    TRY(auto record, transaction.targets().target(workspace, name));
    if (!record) return fail(unknown_target(name));
    TRY(const compute::TargetKind* const kind, services.targets.kind(record->kind));
    TRY(record->settings, kind->check(change.settings, &record->settings));
    if (change.description) record->description = *change.description;
    if (change.tags) record->tags = *change.tags;
    record->modified_ms = services.clock.utc_now_ms();
    CHECK_OK(transaction.edit_targets().put_target(*record));
    return std::move(*record);
  };
  CO_TRY(ComputeTargetRecord record, co_await store::write<ComputeTargetRecord>(services.store, std::move(apply)));
  ComputeTargetRecord opened = record;
  CO_CHECK_OK(co_await open_target(services, std::move(opened)));
  co_return record;
}

Task<Status> delete_target(Services& services, std::string workspace, std::string name) {
  CO_CHECK_OK(refuse_own(services.targets, name, "deleted"));
  std::function<Status(store::Transaction&)> apply = [workspace, name](store::Transaction& transaction) -> Status {
    TRY(const auto record, transaction.targets().target(workspace, name));
    if (!record) return fail(unknown_target(name));
    CHECK_OK(refuse_in_use(transaction, workspace, name));
    return transaction.edit_targets().delete_target(workspace, name);
  };
  CO_CHECK_OK(co_await services.store.write(std::move(apply)));
  compute::ManagedTarget* const target = services.targets.retire(workspace, name);
  log_info("compute target deleted workspace={:?} name={:?}", workspace, name);
  if (target != nullptr) co_await close_target(services, target, std::move(name));
  co_return Status{};
}

Task<Status> close_targets_of(Services& services, std::string workspace) {
  for (const TargetRegistry::Entry& entry : services.targets.list(workspace)) {
    if (entry.managed == nullptr) continue;
    compute::ManagedTarget* const target = services.targets.retire(entry.workspace, entry.name);
    std::string name = entry.name;
    if (target != nullptr) co_await close_target(services, target, std::move(name));
  }
  co_return Status{};
}

Status check_target_of(store::Reader& reader, const TargetRegistry& targets, const std::string& workspace,
                       const std::string& name) {
  if (targets.is_of_installation(name)) return {};
  TRY(const auto record, reader.targets().target(workspace, name));
  if (record) return {};
  return fail(unknown_target(name));
}

}  // namespace werkbank::lifecycle
