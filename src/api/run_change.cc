#include "api/run_change.hh"

#include "api/reading.hh"
#include "lifecycle/moves.hh"

namespace werkbank::api {
namespace {

Status apply_change(Run& run, const RunChange& change) {
  for (const auto& [key, value] : change.properties) {
    const auto [known, is_new] = run.properties.try_emplace(key, value);
    if (!is_new && known->second != value) {
      return fail(errors::property_exists, fmt::format("the property {:?} is set to {:?} already", key, known->second));
    }
  }
  if (change.display_name) run.display_name = *change.display_name;
  if (change.description) run.description = *change.description;
  for (const auto& [key, value] : change.tags) {
    if (value.is_null())
      run.tags.erase(std::string(key));
    else
      run.tags[std::string(key)] = std::string(value.get_string());
  }
  for (const auto& [key, value] : change.params) run.params[key] = value;
  return {};
}

}  // namespace

std::string etag_of(const Run& run) { return fmt::format("\"{}\"", run.revision); }

Status check_family(Api& api, const access::Identity& identity, const std::string& workspace, const std::string& parent_id) {
  if (identity.kind != access::LoginKind::kRunToken) return {};
  TRY(const bool belongs,
      read<bool>(api, [&](store::Reader& reader) { return descends_from(reader, {workspace, parent_id}, identity.run.run_id); }));
  if (belongs) return {};
  return fail(errors::denied, fmt::format("a job creates child runs of its own run only; parentRunId is {:?}", parent_id),
              "Use run.child_run(), or a token with a role.");
}

Task<Result<Run>> change_run(Api& api, RunKey key, RunChange change, std::string if_match) {
  const Clock& clock = api.services.clock;
  std::function<Result<Run>(store::Transaction&)> apply = [key, change, if_match,
                                                           &clock](store::Transaction& transaction) -> Result<Run> {
    TRY(Run run, find_run(transaction, key));
    if (!if_match.empty() && if_match != "*" && if_match != etag_of(run)) {
      return fail(errors::run_state_conflict,
                  fmt::format("run {:?} has changed meanwhile (revision {})", key.run_id, run.revision),
                  "Read it again and repeat the change.");
    }
    CHECK_OK(apply_change(run, change));
    CHECK_OK(transaction.update_run(run));
    CHECK_OK(lifecycle::note_run_event(transaction, clock, run, "run.changed",
                                       {{"displayName", run.display_name}, {"tags", text_map_to_json(run.tags)}}));
    return run;
  };
  co_return co_await store::write<Run>(api.services.store, std::move(apply));
}

}  // namespace werkbank::api
