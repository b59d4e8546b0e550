#include "lifecycle/run_pool.hh"

#include <fmt/format.h>

#include "base/hash.hh"
#include "base/log.hh"
#include "lifecycle/target_changes.hh"
#include "store/targets.hh"

namespace werkbank::lifecycle {
namespace {

constexpr const char* kDeleteWithRuns = "deleteWithRuns";
constexpr size_t kNameBytes = 4;

Result<NewTarget> wanted_target(const Submission& submission) {
  const json::value document(submission.pool);
  JsonReader reader(document, "request.pool");
  NewTarget wanted;
  wanted.workspace = submission.workspace;
  wanted.user = submission.user;
  wanted.kind = "AmlCompute";
  wanted.name = reader.string_or("name");
  const bool is_named = !wanted.name.empty();
  if (!is_named) wanted.name = fmt::format("{}-{}", kRunPoolTarget, random_hex(kNameBytes));
  wanted.description = fmt::format("Made for {}", submission.run_id.empty() ? "a run" : "run " + submission.run_id);
  const bool is_retained = reader.bool_or("retain", false);
  for (const char* const key : {"vmSize", "vmPriority", "maxNodes"}) {
    if (const json::value* const value = reader.value(key)) wanted.settings[key] = *value;
  }
  CHECK_OK(reader.finish());
  if (!wanted.settings.contains("maxNodes")) wanted.settings["maxNodes"] = submission.spec.node_count;
  wanted.settings[kDeleteWithRuns] = !is_retained;
  return wanted;
}

}  // namespace

Task<Result<RunPool>> make_run_pool(Services& services, Submission submission) {
  CO_TRY(NewTarget wanted, wanted_target(submission));
  RunPool pool{wanted.name, false};
  CO_TRY(const MadeTarget made, co_await make_target(services, std::move(wanted)));
  pool.is_new = made.is_new;
  co_return pool;
}

Task<void> delete_after_runs(Services& services, std::string workspace, std::string name) {
  using Found = std::optional<ComputeTargetRecord>;
  const std::function<Result<Found>(store::Reader&)> find = [&](store::Reader& reader) {
    return reader.targets().target(workspace, name);
  };
  const Result<Found> record = store::read<Found>(services.store, find);
  if (!record || !*record) co_return;
  const json::value* const wish = (*record)->settings.if_contains(kDeleteWithRuns);
  if (wish == nullptr || !wish->is_bool() || !wish->get_bool()) co_return;
  const Status deleted = co_await delete_target(services, workspace, name);
  const bool is_done =
      deleted || deleted.error().code == &errors::target_in_use || deleted.error().code == &errors::target_unknown;
  if (!is_done) log_warning("pool {:?} of a run is not deleted: {}", name, deleted.error().to_string());
}

}  // namespace werkbank::lifecycle
