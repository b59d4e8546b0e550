#include "compute/pool/pool_target.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/files.hh"
#include "base/hash.hh"
#include "base/log.hh"
#include "compute/pool/node_books.hh"

namespace werkbank::compute {
namespace {

// Two pools may have been promised the same room: who comes second waits a moment, then the run is queued again.
constexpr std::chrono::seconds kWaitForNode{3};
constexpr size_t kGroupDigits = 32;

// Somebody else wants so much.
struct Wanted {
  VmSize size;
  bool also_busy = false;
};

struct Preempted {
  RunKey run;
  int64_t attempt = 0;
};

// Lock order: mutex_, the provider's, bell_mutex_.
class PoolTarget final : public ManagedTarget, private NodeHolder {
 public:
  PoolTarget(PoolConfig config, const PoolSettings& settings, VmSize size, NodeBooks books)
      : name_(std::move(config.name)),
        folder_(std::move(config.folder)),
        provider_(*config.provider),
        clock_(*config.clock),
        runners_(std::move(config.runners)),
        size_(std::move(size)),
        low_priority_(settings.low_priority),
        settings_(settings),
        books_(std::move(books)),
        changed_ms_(clock_.utc_now_ms()) {
    take_up();
    thread_ = std::thread([this] { work(); });
    ring();
  }
  ~PoolTarget() override {
    stop();
    provider_.forget(*this);
  }

  std::string kind() const override { return "amlcompute"; }
  Capabilities capabilities() const override;
  Result<Capacity> capacity(int64_t running) override;
  Result<ReadyEnvironment> prepare(const EnvironmentRecipe& recipe, const OutputSink& output,
                                   const std::function<bool()>& canceled) override {
    return runners_->prepare(recipe, output, canceled);
  }
  Result<std::vector<BuiltEnvironment>> environments(bool with_sizes) override { return runners_->environments(with_sizes); }
  Result<std::string> environment_lock(const std::string& hash) override { return runners_->environment_lock(hash); }
  Status remove_environment(const std::string& hash) override { return runners_->remove_environment(hash); }
  Result<json::object> start(const LaunchPlan& plan) override;
  Result<std::vector<json::object>> start_all(const std::vector<LaunchPlan>& plans) override;
  Result<RunnerStatus> recover(const json::object& handle) override { return runners_->recover(handle); }
  Status cancel(const json::object& handle) override { return runners_->cancel(handle); }
  Status kill(const json::object& handle) override { return runners_->kill(handle); }
  Result<bool> has_processes(const json::object& handle) override { return runners_->has_processes(handle); }
  Status remove(const json::object& handle) override;
  Result<std::vector<KeptAttempt>> kept() override { return runners_->kept(); }

  json::object status() override;
  json::array nodes() override;
  Status update(const ComputeTargetRecord& record) override;
  void watch(TargetEvents events) override {
    const std::lock_guard lock(mutex_);
    events_ = std::move(events);
  }
  Status close() override;
  void stop() override;
  Status check_nodes(int64_t node_count) override;
  NodeSize node_size() const override { return {size_.cores, size_.memory_mib, size_.gpus}; }

 private:
  bool is_low_priority() const override { return low_priority_; }
  void give_way(const VmSize& wanted, bool also_busy) override {
    const std::lock_guard bell(bell_mutex_);
    wanted_.push_back({wanted, also_busy});
    rung_ = true;
    bell_.notify_all();
  }
  void room_changed() override { ring(); }
  void ring() {
    const std::lock_guard bell(bell_mutex_);
    rung_ = true;
    bell_.notify_all();
  }

  void take_up();
  void work();
  std::optional<UtcMs> tend(const std::vector<Wanted>& wanted);
  void make_way(const Wanted& wanted, std::vector<Preempted>& preempted);
  bool add_nodes(int64_t count);
  void drop_node(int64_t id);
  bool hold_nodes(const std::vector<LaunchPlan>& plans);
  Result<std::map<int64_t, PoolNode>> occupy(const std::vector<LaunchPlan>& plans);
  Result<json::object> start_on(const PoolNode& node, const LaunchPlan& plan, bool is_shared);
  void take_back(const std::vector<LaunchPlan>& plans);
  void vacate(const std::function<bool(const PoolNode&, const Occupant&)>& leaves);
  void save();
  int64_t reachable();
  TargetEvents events();

  const std::string name_;
  const std::filesystem::path folder_;
  NodeProvider& provider_;
  const Clock& clock_;
  const std::unique_ptr<ComputeTarget> runners_;
  const VmSize size_;
  const bool low_priority_;

  mutable std::mutex mutex_;
  std::condition_variable freed_;
  PoolSettings settings_;
  NodeBooks books_;
  UtcMs changed_ms_;  // when the number of nodes last changed
  TargetEvents events_;
  bool closed_ = false;
  int64_t waiting_ = 0;  // starts that wait for a node

  std::mutex bell_mutex_;
  std::condition_variable bell_;
  bool rung_ = false;
  bool stopping_ = false;
  std::vector<Wanted> wanted_;
  std::thread thread_;
};

// What is in the books and not on the machine any more was never started, or was removed.
void PoolTarget::take_up() {
  const Result<std::vector<KeptAttempt>> kept = runners_->kept();
  if (!kept) log_warning("pool {}: {}", name_, kept.error().to_string());
  std::erase_if(books_.nodes, [&](PoolNode& node) {
    std::erase_if(node.occupants, [&](Occupant& occupant) {
      if (!kept) return false;
      const auto found = std::ranges::find_if(*kept, [&](const KeptAttempt& each) {
        const bool same = occupant.handle.empty() || each.handle == occupant.handle;
        return each.run == node.run && each.attempt == node.attempt && same;
      });
      if (found != kept->end() && occupant.handle.empty()) occupant.handle = found->handle;
      return found == kept->end();
    });
    const bool is_held = provider_.take_again(*this, node.slice);
    if (!node.occupants.empty()) {
      if (node.state != NodeState::kPreempted) node.state = NodeState::kRunning;
      return false;
    }
    if (node.state != NodeState::kIdle) node.since_ms = clock_.utc_now_ms();
    node.state = NodeState::kIdle;
    node.run = {};
    return !is_held;
  });
  save();
}

Capabilities PoolTarget::capabilities() const {
  Capabilities capabilities = runners_->capabilities();
  const std::lock_guard lock(mutex_);
  capabilities.several_nodes = true;
  capabilities.may_overbook = false;  // a node is one run's
  capabilities.runs_at_once = std::max<int64_t>(1, std::min(settings_.max_nodes, provider_.nodes_max(size_)));
  return capabilities;
}

// With mutex_ held: nodes that there are or could be.
int64_t PoolTarget::reachable() {
  const auto count = static_cast<int64_t>(books_.nodes.size());
  const int64_t more = std::min(settings_.max_nodes - count, provider_.room(*this, size_));
  return std::min(settings_.max_nodes, count - books_.count(NodeState::kPreempted) + std::max<int64_t>(0, more));
}

Result<Capacity> PoolTarget::capacity(int64_t running) {
  const std::lock_guard lock(mutex_);
  if (closed_) return Capacity{0, fmt::format("the compute target {:?} is being deleted", name_)};
  const int64_t nodes = reachable();
  if (running < nodes) return Capacity{nodes - running, ""};
  if (running >= settings_.max_nodes) {
    return Capacity{0, fmt::format("{} of at most {} nodes of {:?} are in use (max_nodes)", running, settings_.max_nodes, name_)};
  }
  return Capacity{
      0, fmt::format("{} of {:?}'s nodes are in use, and {} has no room for another of {} now: {} cores, {} MiB, {} GPUs",
                     running, name_, provider_.name(), size_.name, size_.cores, size_.memory_mib, size_.gpus)};
}

Status PoolTarget::check_nodes(int64_t node_count) {
  const std::lock_guard lock(mutex_);
  if (node_count > settings_.max_nodes) {
    return fail(errors::never_fits, fmt::format("{} nodes were asked for, and {:?} has at most {} (max_nodes)", node_count, name_,
                                                settings_.max_nodes));
  }
  if (const int64_t most = provider_.nodes_max(size_); node_count > most) {
    return fail(
        errors::never_fits,
        fmt::format("{} nodes of {} were asked for, and {} has room for {}: each takes {} cores, {} MiB of memory and {} GPUs",
                    node_count, size_.name, provider_.name(), most, size_.cores, size_.memory_mib, size_.gpus));
  }
  return {};
}

// The functions from here to save() are called with mutex_ held.
bool PoolTarget::add_nodes(int64_t count) {
  std::optional<std::vector<MachineSlice>> slices = provider_.take(*this, size_, count);
  if (!slices) return false;
  for (MachineSlice& slice : *slices) {
    PoolNode node;
    node.id = ++books_.last_id;
    node.slice = std::move(slice);
    node.since_ms = changed_ms_ = clock_.utc_now_ms();
    books_.nodes.push_back(std::move(node));
  }
  return true;
}

void PoolTarget::drop_node(int64_t id) {
  PoolNode* const node = books_.find(id);
  if (node == nullptr) return;
  provider_.give_back(*this, node->slice);
  std::erase_if(books_.nodes, [id](const PoolNode& each) { return each.id == id; });
  changed_ms_ = clock_.utc_now_ms();
}

void PoolTarget::save() {
  if (closed_) return;
  const int64_t idle = std::ranges::count_if(books_.nodes, &PoolNode::is_free);
  provider_.note_spare(*this, std::max<int64_t>(0, std::min(idle, std::ssize(books_.nodes) - settings_.min_nodes)));
  if (const Status written = write_books(folder_ / "nodes.json", books_); !written)
    log_error("pool {}: its books are not written: {}", name_, written.error().to_string());
}

void PoolTarget::vacate(const std::function<bool(const PoolNode&, const Occupant&)>& leaves) {
  for (const int64_t id : books_.vacate(leaves, clock_.utc_now_ms())) drop_node(id);
  save();
}

void PoolTarget::make_way(const Wanted& wanted, std::vector<Preempted>& preempted) {
  const NodeBooks::GivenUp given_up = books_.to_give_up(wanted.size, wanted.also_busy, settings_.min_nodes);
  for (const int64_t id : given_up.idle) drop_node(id);
  for (const int64_t id : given_up.busy) {
    PoolNode& node = *books_.find(id);
    node.state = NodeState::kPreempted;
    node.since_ms = clock_.utc_now_ms();
    preempted.push_back({node.run, node.attempt});
  }
}

TargetEvents PoolTarget::events() {
  const std::lock_guard lock(mutex_);
  return events_;
}

// What the pool does by itself: gives way, keeps its least nodes, lets idle ones go. Answers when to look again.
std::optional<UtcMs> PoolTarget::tend(const std::vector<Wanted>& wanted) {
  std::vector<Preempted> preempted;
  std::optional<UtcMs> next;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return std::nullopt;
    const int64_t changes_before = books_.last_id + std::ssize(books_.nodes);
    for (const Wanted& each : wanted) make_way(each, preempted);
    const int64_t idle_ms = settings_.idle_seconds_before_scaledown * 1000;
    for (const int64_t id : books_.to_scale_down(settings_.min_nodes, settings_.max_nodes, idle_ms, clock_.utc_now_ms()))
      drop_node(id);
    while (wanted.empty() && std::ssize(books_.nodes) < settings_.min_nodes && add_nodes(1)) {}
    if (waiting_ == 0 && std::ssize(books_.nodes) >= settings_.min_nodes) provider_.want_no_more(*this);
    next = books_.next_scale_down(settings_.min_nodes, idle_ms);
    if (!preempted.empty() || changes_before != books_.last_id + std::ssize(books_.nodes)) save();
  }
  const TargetEvents told = events();
  for (const Preempted& each : preempted) {
    log_info("run preempted run={:?} attempt={} target={:?}", each.run.run_id, each.attempt, name_);
    told.preempted(each.run, each.attempt);
  }
  freed_.notify_all();
  told.room_changed();
  return next;
}

void PoolTarget::work() {
  std::unique_lock bell(bell_mutex_);
  std::optional<UtcMs> next;
  while (!stopping_) {
    const auto is_rung = [this] { return rung_ || stopping_; };
    if (!next) {
      bell_.wait(bell, is_rung);
    } else {
      const int64_t left_ms = std::max<int64_t>(0, *next - clock_.utc_now_ms());
      bell_.wait_for(bell, std::chrono::milliseconds(left_ms), is_rung);
    }
    if (stopping_) return;
    rung_ = false;
    const std::vector<Wanted> wanted = std::exchange(wanted_, {});
    bell.unlock();
    next = tend(wanted);
    bell.lock();
  }
}

void PoolTarget::stop() {
  {
    const std::lock_guard bell(bell_mutex_);
    stopping_ = true;
    bell_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

// With mutex_ held: every plan has its node, or nothing has changed. Plans of one run and attempt.
bool PoolTarget::hold_nodes(const std::vector<LaunchPlan>& plans) {
  const int64_t lacking = books_.lacking(plans);
  if (lacking > 0 && std::ssize(books_.nodes) + lacking > settings_.max_nodes) return false;
  if (lacking > 0 && !add_nodes(lacking)) return false;
  for (const LaunchPlan& plan : plans) books_.occupy(plan, clock_.utc_now_ms());
  save();
  return true;
}

Result<std::map<int64_t, PoolNode>> PoolTarget::occupy(const std::vector<LaunchPlan>& plans) {
  std::unique_lock lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + kWaitForNode;
  while (true) {
    if (closed_) return fail(errors::target_unknown, fmt::format("the compute target {:?} was deleted", name_));
    if (hold_nodes(plans)) {
      std::map<int64_t, PoolNode> nodes;
      for (const LaunchPlan& plan : plans) nodes[plan.node] = *books_.find_node_of(plan);
      return nodes;
    }
    ++waiting_;
    const std::cv_status waited = freed_.wait_until(lock, deadline);
    --waiting_;
    if (waited == std::cv_status::timeout) {
      if (waiting_ == 0) provider_.want_no_more(*this);
      return fail(errors::target_full, fmt::format("no node of {:?} became free", name_));
    }
  }
}

Result<json::object> PoolTarget::start_on(const PoolNode& node, const LaunchPlan& plan, bool is_shared) {
  LaunchPlan here = plan;
  here.slice = node.slice;
  if (is_shared)
    here.slice.group = Hash::of(fmt::format("{}/{}/{}", plan.lease, plan.attempt, plan.node)).hex().substr(0, kGroupDigits);
  here.variables["CUDA_VISIBLE_DEVICES"] = fmt::format("{}", fmt::join(node.slice.gpus, ","));
  TRY(json::object handle, runners_->start(here));
  const std::lock_guard lock(mutex_);
  PoolNode* const mine = books_.find(node.id);
  if (mine == nullptr) return handle;
  if (mine->state == NodeState::kPreparing) mine->state = NodeState::kRunning;
  for (Occupant& each : mine->occupants) {
    if (each.rank == plan.rank) each.handle = handle;
  }
  save();
  return handle;
}

Result<json::object> PoolTarget::start(const LaunchPlan& plan) {
  TRY(const std::vector<json::object> handles, start_all({plan}));
  return handles.front();
}

Result<std::vector<json::object>> PoolTarget::start_all(const std::vector<LaunchPlan>& plans) {
  using Nodes = std::map<int64_t, PoolNode>;
  TRY(const Nodes nodes, occupy(plans));
  std::vector<json::object> handles;
  for (const LaunchPlan& plan : plans) {
    const bool is_shared = std::ranges::count(plans, plan.node, &LaunchPlan::node) > 1;
    Result<json::object> handle = start_on(nodes.at(plan.node), plan, is_shared);
    if (!handle) take_back(plans);
    TRY(json::object started, std::move(handle));
    handles.push_back(std::move(started));
  }
  return handles;
}

// One rank could not be started: the others go, too. A node keeps a rank that cannot be ended.
void PoolTarget::take_back(const std::vector<LaunchPlan>& plans) {
  std::vector<Occupant> begun;
  {
    const std::lock_guard lock(mutex_);
    begun = books_.occupants_of(plans);
  }
  std::set<int64_t> stay;
  for (const Occupant& each : begun) {
    if (each.handle.empty()) continue;
    Status gone = runners_->kill(each.handle);
    if (gone) gone = runners_->remove(each.handle);
    if (gone) continue;
    log_error("pool {}: a rank of a run that was not started stays: {}", name_, gone.error().to_string());
    stay.insert(each.rank);
  }
  {
    const std::lock_guard lock(mutex_);
    vacate([&](const PoolNode& node, const Occupant& each) {
      return node.run == plans.front().run && node.attempt == plans.front().attempt && !stay.contains(each.rank);
    });
  }
  ring();
}

Status PoolTarget::remove(const json::object& handle) {
  const Status removed = runners_->remove(handle);
  if (!removed) {
    const Result<bool> busy = runners_->has_processes(handle);
    if (!busy || *busy) return removed;  // it still uses its node
  }
  {
    const std::lock_guard lock(mutex_);
    vacate([&](const PoolNode&, const Occupant& each) { return each.handle == handle; });
  }
  ring();
  return removed;
}

json::object PoolTarget::status() {
  const std::lock_guard lock(mutex_);
  const auto current = std::ssize(books_.nodes);
  const int64_t target = std::max<int64_t>(current - books_.count(NodeState::kPreempted), settings_.min_nodes);
  json::array problems;
  if (current < settings_.min_nodes) {
    problems.push_back(json::object{{"code", "target_full"},
                                    {"message", fmt::format("{} has room for {} of the {} nodes that min_nodes asks for",
                                                            provider_.name(), current, settings_.min_nodes)}});
  }
  return {{"currentNodeCount", current},
          {"targetNodeCount", target},
          {"nodeStateCounts", state_counts(books_)},
          {"allocationState", current == target ? "Steady" : "Resizing"},
          {"allocationStateTransitionTime", format_utc(changed_ms_)},
          {"errors", std::move(problems)},
          {"nodesMax", std::min(settings_.max_nodes, provider_.nodes_max(size_))},
          {"provider", provider_.name()}};
}

json::array PoolTarget::nodes() {
  const std::lock_guard lock(mutex_);
  return listed(books_, name_);
}

Status PoolTarget::update(const ComputeTargetRecord& record) {
  TRY(PoolSettings settings, pool_settings_from_json(record.settings));
  {
    const std::lock_guard lock(mutex_);
    settings_ = std::move(settings);
    save();
  }
  ring();
  return {};
}

Status PoolTarget::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    events_ = {};
  }
  freed_.notify_all();
  stop();
  TRY(const std::vector<KeptAttempt> kept, runners_->kept());
  for (const KeptAttempt& each : kept) CHECK_OK(runners_->remove(each.handle));
  provider_.forget(*this);
  return remove_tree(folder_);
}

}  // namespace

Result<std::unique_ptr<ManagedTarget>> open_pool(PoolConfig config, const PoolSettings& settings) {
  Result<VmSize> size = config.provider->find_size(settings.vm_size);
  // The machine has become smaller: no new node fits, and the runs under way are looked after all the same.
  if (!size && size.error().code == &errors::never_fits) size = find_vm_size(settings.vm_size, {});
  if (!size) return fail(std::move(size).error());
  CHECK_OK(make_directories(config.folder));
  TRY(NodeBooks books, read_books(config.folder / "nodes.json"));
  return std::make_unique<PoolTarget>(std::move(config), settings, std::move(*size), std::move(books));
}

}  // namespace werkbank::compute
