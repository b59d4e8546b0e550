#include "api/event_hub.hh"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

namespace werkbank::api {
namespace {

// Names hold no NUL.
std::string key_of(char kind, const std::string& workspace, const std::string& name = {}) {
  std::string key(1, kind);
  key += workspace;
  key += '\0';
  key += name;
  return key;
}

}  // namespace

Topic Topic::everything() { return {"*"}; }
Topic Topic::events_of_workspace(const std::string& workspace) { return {key_of('w', workspace)}; }
Topic Topic::events_of_experiment(const std::string& workspace, const std::string& experiment) {
  return {key_of('x', workspace, experiment)};
}
Topic Topic::events_of_run(const RunKey& run) { return {key_of('e', run.workspace, run.run_id)}; }
Topic Topic::logs_of_run(const RunKey& run) { return {key_of('l', run.workspace, run.run_id)}; }
Topic Topic::points_of_run(const RunKey& run) { return {key_of('p', run.workspace, run.run_id)}; }

// Everything in it is guarded by the hub's lock, but `resume`, which the waiter sets up before and the waker takes after.
class EventHub::Listener {
 public:
  explicit Listener(EventHub& hub) : hub_(hub) {}
  ~Listener() { hub_.forget(*this); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  friend class EventHub;
  EventHub& hub_;
  std::vector<std::string> topics_;
  uint64_t position_ = 0;
  std::optional<Deadlines::iterator> waits_;
  OneShot<bool>* resume_ = nullptr;  // in the frame of the coroutine that waits
  bool goes_on_ = true;
};

EventHub::EventHub(BlockingPool& pool) : pool_(pool), thread_([this] { run(); }) {}

EventHub::~EventHub() { stop(); }

EventHub::ListenerPointer EventHub::listen(const std::vector<Topic>& topics) {
  auto listener = std::make_shared<Listener>(*this);
  const std::lock_guard lock(mutex_);
  for (const Topic& topic : topics) {
    by_topic_[topic.key].push_back(listener.get());
    listener->topics_.push_back(topic.key);
  }
  return listener;
}

void EventHub::forget(Listener& listener) {
  const std::lock_guard lock(mutex_);
  for (const std::string& key : listener.topics_) {
    const auto found = by_topic_.find(key);
    std::erase(found->second, &listener);
    if (found->second.empty()) by_topic_.erase(found);
  }
}

uint64_t EventHub::position(const ListenerPointer& listener) const {
  const std::lock_guard lock(mutex_);
  return listener->position_;
}

int64_t EventHub::last_event() const {
  const std::lock_guard lock(mutex_);
  return last_event_;
}

// With the lock held, as the next two. A listener in by_topic_ that waits is owned by deadlines_; one that does not is only
// counted.
void EventHub::raise(Listener& listener, std::vector<ListenerPointer>& woken) {
  ++listener.position_;
  if (!listener.waits_) return;
  woken.push_back(std::move((*listener.waits_)->second));
  deadlines_.erase(*listener.waits_);
  listener.waits_.reset();
}

void EventHub::notify_topic(const std::string& key, std::vector<ListenerPointer>& woken) {
  const auto found = by_topic_.find(key);
  if (found == by_topic_.end()) return;
  for (Listener* const listener : found->second) raise(*listener, woken);
}

void EventHub::notify_events(const std::vector<RunEvent>& events) {
  std::vector<ListenerPointer> woken;
  {
    const std::lock_guard lock(mutex_);
    std::set<std::string> keys{Topic::everything().key};
    for (const RunEvent& event : events) {
      keys.insert(Topic::events_of_workspace(event.workspace).key);
      if (!event.run_id.empty()) keys.insert(Topic::events_of_run({event.workspace, event.run_id}).key);
      if (!event.experiment.empty()) keys.insert(Topic::events_of_experiment(event.workspace, event.experiment).key);
    }
    for (const std::string& key : keys) notify_topic(key, woken);
    for (const RunEvent& event : events) last_event_ = std::max(last_event_, event.cursor);
  }
  wake(woken);
}

void EventHub::notify_log(const RunKey& run) {
  std::vector<ListenerPointer> woken;
  {
    const std::lock_guard lock(mutex_);
    notify_topic(Topic::everything().key, woken);
    notify_topic(Topic::logs_of_run(run).key, woken);
  }
  wake(woken);
}

void EventHub::notify_points(const RunKey& run) {
  std::vector<ListenerPointer> woken;
  {
    const std::lock_guard lock(mutex_);
    notify_topic(Topic::everything().key, woken);
    notify_topic(Topic::points_of_run(run).key, woken);
  }
  wake(woken);
}

void EventHub::notify(const ListenerPointer& listener) {
  std::vector<ListenerPointer> woken;
  {
    const std::lock_guard lock(mutex_);
    raise(*listener, woken);
  }
  wake(woken);
}

void EventHub::wake(const std::vector<ListenerPointer>& woken) {
  for (const ListenerPointer& listener : woken) {
    OneShot<bool>* const resume = std::exchange(listener->resume_, nullptr);
    pool_.post([resume, goes_on = listener->goes_on_] { resume->set(goes_on); });
  }
}

Task<bool> EventHub::wait(ListenerPointer listener, uint64_t seen, std::chrono::milliseconds timeout) {
  OneShot<bool> resume;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) co_return false;
    if (listener->position_ != seen) co_return true;
    listener->resume_ = &resume;
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const bool is_first = deadlines_.empty() || deadline < deadlines_.begin()->first;
    listener->waits_ = deadlines_.emplace(deadline, listener);
    if (is_first) condition_.notify_one();
  }
  co_return co_await resume;
}

void EventHub::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  condition_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void EventHub::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    std::vector<ListenerPointer> due;
    while (!deadlines_.empty() && (stopping_ || deadlines_.begin()->first <= now)) {
      ListenerPointer listener = std::move(deadlines_.begin()->second);
      listener->waits_.reset();
      listener->goes_on_ = !stopping_;
      deadlines_.erase(deadlines_.begin());
      due.push_back(std::move(listener));
    }
    if (!due.empty()) {
      lock.unlock();
      wake(due);
      due.clear();  // without the lock: a listener that ends here takes it
      lock.lock();
      continue;
    }
    if (stopping_) return;
    if (deadlines_.empty())
      condition_.wait(lock);
    else
      condition_.wait_until(lock, deadlines_.begin()->first);
  }
}

}  // namespace werkbank::api
