#include <algorithm>

#include "compute/pool/pool_target.hh"

namespace werkbank::compute {
namespace {

bool is_hex(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f'); });
}

class AmlCompute final : public TargetKind {
 public:
  explicit AmlCompute(AmlComputeConfig config) : config_(std::move(config)) {}
  std::string name() const override { return "AmlCompute"; }

  Result<json::object> check(const json::object& settings, const json::object* previous) const override {
    PoolSettings before;
    if (previous != nullptr) {
      TRY(before, pool_settings_from_json(*previous));
    }
    TRY(PoolSettings checked, pool_settings_from_json(settings, previous == nullptr ? nullptr : &before));
    TRY(const VmSize size, config_.provider->find_size(checked.vm_size));
    if (const int64_t most = config_.provider->nodes_max(size); checked.min_nodes > most) {
      return fail(errors::never_fits, "minNodes is " + std::to_string(checked.min_nodes) + ", and " + config_.provider->name() +
                                          " has room for " + std::to_string(most) + " nodes of " + size.name);
    }
    checked.vm_size = size.name;
    return to_json(checked);
  }

  bool is_same_make(const json::object& a, const json::object& b) const override {
    return a.at("vmSize") == b.at("vmSize") && a.at("vmPriority") == b.at("vmPriority");
  }

  Result<std::unique_ptr<ManagedTarget>> open(const ComputeTargetRecord& record) const override {
    if (!is_hex(record.id))
      return fail(errors::invalid_request, "the id of a compute target is hex digits");  // it names a folder
    TRY(const PoolSettings settings, pool_settings_from_json(record.settings));
    PoolConfig pool;
    pool.name = record.name;
    pool.folder = config_.folder / record.id;
    pool.provider = config_.provider;
    pool.runners = config_.make_runners(pool.folder / "work");
    return open_pool(std::move(pool), settings);
  }

  json::array sizes() const override {
    json::array list;
    for (const VmSize& size : config_.provider->sizes()) {
      list.push_back(json::object{{"name", size.name},
                                  {"vCPUs", size.cores},
                                  {"gpus", size.gpus},
                                  {"memoryGB", static_cast<double>(size.memory_mib) / 1024},
                                  {"nodesMax", config_.provider->nodes_max(size)}});
    }
    return list;
  }

 private:
  const AmlComputeConfig config_;
};

}  // namespace

std::unique_ptr<TargetKind> make_aml_compute(AmlComputeConfig config) { return std::make_unique<AmlCompute>(std::move(config)); }

}  // namespace werkbank::compute
