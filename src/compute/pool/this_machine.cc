#include "compute/pool/this_machine.hh"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/files.hh"

namespace werkbank::compute {
namespace {

// The kernel keeps a part of what is built in for itself: a machine sold with 8 GiB has a node of 8 GiB.
constexpr int64_t kKernelPercent = 10;

int64_t installed_memory_mib() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  int64_t bytes = pages * sysconf(_SC_PAGESIZE);
  for (const char* const path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const Result<std::string> text = read_file(path, 64);
    const int64_t limit = text ? std::atoll(text->c_str()) : 0;  // "max" reads as nothing
    if (limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes >> 20;
}

std::vector<int> own_cores() {
  constexpr int kCoresMax = 8192;
  cpu_set_t* const set = CPU_ALLOC(kCoresMax);
  const size_t size = CPU_ALLOC_SIZE(kCoresMax);
  std::vector<int> cores;
  if (sched_getaffinity(0, size, set) == 0) {
    for (int core = 0; core < kCoresMax; ++core) {
      if (CPU_ISSET_S(core, size, set)) cores.push_back(core);
    }
  }
  CPU_FREE(set);
  if (cores.empty()) cores.push_back(0);
  return cores;
}

std::vector<int> own_gpus() {
  std::vector<int> gpus;
  std::error_code error;
  for (std::filesystem::directory_iterator it("/dev", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().native();
    if (name.starts_with("nvidia") && name.size() > 6 &&
        std::all_of(name.begin() + 6, name.end(), [](unsigned char c) { return std::isdigit(c) != 0; }))
      gpus.push_back(std::atoi(name.c_str() + 6));
  }
  std::ranges::sort(gpus);
  return gpus;
}

struct Amount {
  int64_t cores = 0, memory_mib = 0, gpus = 0;
};

int64_t times(const Amount& room, const VmSize& size) {
  int64_t count = room.cores / std::max<int64_t>(1, size.cores);
  if (size.memory_mib > 0) count = std::min(count, room.memory_mib / size.memory_mib);
  if (size.gpus > 0) count = std::min(count, room.gpus / size.gpus);
  return std::max<int64_t>(0, count);
}

class ThisMachine final : public NodeProvider {
 public:
  explicit ThisMachine(MachineFacts facts)
      : facts_(std::move(facts)),
        free_cores_(facts_.cores.begin(), facts_.cores.end()),
        free_memory_mib_(facts_.memory_mib),
        free_gpus_(facts_.gpus.begin(), facts_.gpus.end()) {
    const auto cores = static_cast<int64_t>(facts_.cores.size());
    const auto gpus = static_cast<int64_t>(facts_.gpus.size());
    own_ = {{"WHOLE_MACHINE", cores, facts_.memory_mib, gpus}};
    if (cores >= 2) own_.push_back({"HALF_MACHINE", cores / 2, facts_.memory_mib / 2, gpus / 2});
    if (cores >= 4) own_.push_back({"QUARTER_MACHINE", cores / 4, facts_.memory_mib / 4, gpus / 4});
  }

  std::string name() const override { return "this machine"; }

  std::vector<VmSize> sizes() const override {
    std::vector<VmSize> fitting = own_;
    for (const VmSize& size : familiar_vm_sizes()) {
      if (nodes_max(clipped(size)) > 0) fitting.push_back(size);
    }
    return fitting;
  }

  Result<VmSize> find_size(std::string_view name) const override {
    TRY(const VmSize size, find_vm_size(name, own_));
    const VmSize wanted = clipped(size);
    const auto refuse = [&](const char* what, int64_t needs, int64_t has) {
      return fail(
          errors::never_fits,
          fmt::format("a node of vm_size {} needs {} {}, and this machine has {}", size.name, needs, what, has),
          "Choose a smaller one: AmlCompute.supported_vmsizes(workspace) or `werkbank compute sizes` lists those that fit.");
    };
    if (wanted.cores > std::ssize(facts_.cores)) return refuse("cores", wanted.cores, std::ssize(facts_.cores));
    if (wanted.memory_mib > facts_.memory_mib) return refuse("MiB of memory", wanted.memory_mib, facts_.memory_mib);
    if (wanted.gpus > std::ssize(facts_.gpus)) return refuse("GPUs", wanted.gpus, std::ssize(facts_.gpus));
    return wanted;
  }

  int64_t nodes_max(const VmSize& size) const override {
    return times({std::ssize(facts_.cores), facts_.memory_mib, std::ssize(facts_.gpus)}, size);
  }

  int64_t room(const NodeHolder& holder, const VmSize& size) override {
    const std::lock_guard lock(mutex_);
    Amount amount = free_amount(holder);
    for (const auto& [other, held] : held_) {
      if (other == &holder) continue;
      const bool gives_all = other->is_low_priority() && !holder.is_low_priority();
      add(amount, held, gives_all ? std::ssize(held.slices) : held.spare);
    }
    return times(amount, size);
  }

  std::optional<std::vector<MachineSlice>> take(NodeHolder& holder, const VmSize& one, int64_t count) override {
    const std::lock_guard lock(mutex_);
    const VmSize size{one.name, one.cores * count, one.memory_mib * count, one.gpus * count};
    Held& own = held_[&holder];  // from now on it is told of room
    own.wants.reset();
    if (times(free_amount(holder), size) > 0) {
      std::vector<MachineSlice> slices;
      for (int64_t i = 0; i < count; ++i) slices.push_back(cut(holder, one));
      return slices;
    }
    if (!holder.is_low_priority()) own.wants = size;
    Amount amount = free_amount(holder);
    for (const auto& [other, held] : held_) {
      if (other == &holder || held.spare == 0) continue;
      other->give_way(size, false);
      add(amount, held, held.spare);
      if (times(amount, size) > 0) return std::nullopt;  // that is enough
    }
    if (holder.is_low_priority()) return std::nullopt;
    for (const auto& [other, held] : held_) {
      if (other == &holder || !other->is_low_priority() || held.slices.empty()) continue;
      other->give_way(size, true);
      add(amount, held, std::ssize(held.slices) - held.spare);
      if (times(amount, size) > 0) break;
    }
    return std::nullopt;
  }

  bool take_again(NodeHolder& holder, const MachineSlice& slice) override {
    const std::lock_guard lock(mutex_);
    const auto mib = static_cast<int64_t>(slice.memory_bytes >> 20);
    if (mib > free_memory_mib_) return false;
    for (const int core : slice.cores) {
      if (!free_cores_.contains(core)) return false;
    }
    for (const int gpu : slice.gpus) {
      if (!free_gpus_.contains(gpu)) return false;
    }
    for (const int core : slice.cores) free_cores_.erase(core);
    for (const int gpu : slice.gpus) free_gpus_.erase(gpu);
    free_memory_mib_ -= mib;
    held_[&holder].slices.push_back(slice);
    return true;
  }

  void give_back(NodeHolder& holder, const MachineSlice& slice) override {
    const std::lock_guard lock(mutex_);
    auto& slices = held_[&holder].slices;
    const auto found = std::ranges::find(slices, slice);
    if (found == slices.end()) return;
    slices.erase(found);
    put_free(slice);
    tell_others(holder);
  }

  void want_no_more(NodeHolder& holder) override {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(&holder);
    if (found == held_.end() || !found->second.wants) return;
    found->second.wants.reset();
    tell_others(holder);
  }

  void note_spare(NodeHolder& holder, int64_t nodes) override {
    const std::lock_guard lock(mutex_);
    const int64_t before = std::exchange(held_[&holder].spare, nodes);
    if (nodes > before) tell_others(holder);
  }

  void forget(NodeHolder& holder) override {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(&holder);
    if (found == held_.end()) return;
    for (const MachineSlice& slice : found->second.slices) put_free(slice);
    held_.erase(found);
    tell_others(holder);
  }

 private:
  // What a size asks for beyond what the kernel leaves of the memory that is built in is not asked for.
  VmSize clipped(VmSize size) const {
    if (size.memory_mib > facts_.memory_mib && size.memory_mib <= facts_.memory_mib * (100 + kKernelPercent) / 100)
      size.memory_mib = facts_.memory_mib;
    return size;
  }
  // What a dedicated holder waits for is not free for a low-priority one.
  Amount free_amount(const NodeHolder& holder) const {
    Amount amount{std::ssize(free_cores_), free_memory_mib_, std::ssize(free_gpus_)};
    if (!holder.is_low_priority()) return amount;
    for (const auto& [other, held] : held_) {
      if (other == &holder || !held.wants) continue;
      amount.cores -= held.wants->cores;
      amount.memory_mib -= held.wants->memory_mib;
      amount.gpus -= held.wants->gpus;
    }
    return amount;
  }
  void tell_others(NodeHolder& holder) {
    for (const auto& [other, held] : held_) {
      if (other != &holder) other->room_changed();
    }
  }
  struct Held {
    std::vector<MachineSlice> slices;
    int64_t spare = 0;
    std::optional<VmSize> wants;
  };
  // So many of the holder's nodes: they are of one size.
  static void add(Amount& amount, const Held& held, int64_t nodes) {
    if (held.slices.empty()) return;
    const MachineSlice& one = held.slices.front();
    amount.cores += nodes * std::ssize(one.cores);
    amount.memory_mib += nodes * static_cast<int64_t>(one.memory_bytes >> 20);
    amount.gpus += nodes * std::ssize(one.gpus);
  }
  void put_free(const MachineSlice& slice) {
    free_cores_.insert(slice.cores.begin(), slice.cores.end());
    free_gpus_.insert(slice.gpus.begin(), slice.gpus.end());
    free_memory_mib_ += static_cast<int64_t>(slice.memory_bytes >> 20);
  }
  MachineSlice cut(NodeHolder& holder, const VmSize& size) {
    MachineSlice slice;
    for (int64_t i = 0; i < size.cores; ++i) slice.cores.push_back(free_cores_.extract(free_cores_.begin()).value());
    for (int64_t i = 0; i < size.gpus; ++i) slice.gpus.push_back(free_gpus_.extract(free_gpus_.begin()).value());
    slice.memory_bytes = static_cast<uint64_t>(size.memory_mib) << 20;
    free_memory_mib_ -= size.memory_mib;
    held_[&holder].slices.push_back(slice);
    return slice;
  }

  const MachineFacts facts_;
  std::vector<VmSize> own_;
  std::mutex mutex_;
  std::set<int> free_cores_;
  int64_t free_memory_mib_;
  std::set<int> free_gpus_;
  std::map<NodeHolder*, Held> held_;
};

}  // namespace

MachineFacts read_machine_facts() { return {own_cores(), installed_memory_mib(), own_gpus()}; }

std::unique_ptr<NodeProvider> make_this_machine(MachineFacts facts) { return std::make_unique<ThisMachine>(std::move(facts)); }

}  // namespace werkbank::compute
