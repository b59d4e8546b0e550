#include "lifecycle/quotas.hh"

#include <fmt/format.h>

namespace werkbank::lifecycle {
namespace {

constexpr const char* kSetting = "quotas/";
constexpr int64_t kRunsAtOnce = 1000;

bool limits_disk(const Quotas& quotas, const std::string& user) {
  return quotas.workspace.disk_mib.has_value() || quotas.of_user(user).disk_mib.has_value();
}

}  // namespace

Result<Quotas> quotas_of(store::Reader& reader, const std::string& workspace) {
  TRY(const std::optional<std::string> kept, reader.setting(kSetting + workspace));
  if (!kept || kept->empty()) return Quotas{};
  TRY(const json::value document, parse_json(*kept));
  return quotas_from_json(document);
}

Status put_quotas(store::Transaction& transaction, const std::string& workspace, const Quotas& quotas) {
  const std::string kept = json::serialize(to_json(quotas));
  const bool says_nothing = kept == json::serialize(to_json(Quotas{}));
  return transaction.put_setting(kSetting + workspace, says_nothing ? std::string() : kept);  // empty: none is kept
}

QuotaAmounts needs_of(const Services& services, const std::string& workspace, const RunSpec& spec) {
  QuotaAmounts needs;
  needs.runs = 1;
  const compute::ManagedTarget* const target = services.targets.find_managed(workspace, spec.target);
  if (target == nullptr) return needs;
  const compute::NodeSize node = target->node_size();
  needs.cores = node.cores * spec.node_count;
  needs.gpus = node.gpus * spec.node_count;
  needs.memory_mib = node.memory_mib * spec.node_count;
  return needs;
}

Result<std::map<std::string, int64_t>> disk_use(store::Reader& reader, const std::string& workspace) {
  std::map<std::string, uint64_t> bytes;
  for (const LifecycleStage stage : {LifecycleStage::kActive, LifecycleStage::kArchived, LifecycleStage::kDeleted}) {
    store::RunQuery query;
    query.workspace = workspace;
    query.stage = stage;
    query.limit = kRunsAtOnce;
    do {
      TRY(const auto page, reader.runs(query));
      for (const Run& run : page.items) {
        TRY(const std::vector<Artifact> files, reader.artifacts(run.key, ""));
        for (const Artifact& file : files) bytes[run.created_by] += file.size_bytes;
      }
      query.cursor = page.next;
    } while (!query.cursor.empty());
  }
  std::map<std::string, int64_t> mib;
  for (const auto& [user, size] : bytes) mib[user] = static_cast<int64_t>((size + (1 << 20) - 1) >> 20);
  return mib;
}

Status check_quota(Services& services, const std::string& workspace, const std::string& user, const RunSpec& spec) {
  const QuotaAmounts needs = needs_of(services, workspace, spec);
  return services.store.read([&](store::Reader& reader) -> Status {
    QuotaBook book;
    TRY(book.quotas, quotas_of(reader, workspace));
    if (limits_disk(book.quotas, user)) {
      TRY(const auto disk, disk_use(reader, workspace));
      for (const auto& [who, mib] : disk) book.take(who, {.disk_mib = mib});
    }
    const std::optional<std::string> refusal = book.refusal_for_ever(user, needs);
    if (!refusal) return {};
    return fail(errors::quota_exceeded, *refusal, book.hint(workspace, user, needs));
  });
}

}  // namespace werkbank::lifecycle
