#include "store/memory/memory_store.hh"

#include <exception>
#include <mutex>
#include <shared_mutex>

#include "store/memory/memory_transaction.hh"

namespace werkbank::store {
namespace {

class MemoryStore final : public Store {
 public:
  Status read(const std::function<Status(Reader&)>& action) override {
    const std::shared_lock lock(mutex_);
    if (closed_) return fail(errors::unavailable, "the store is closed");
    memory::Undo unused;
    memory::MemoryTransaction reader(tables_, unused);
    return guarded([&] { return action(reader); });
  }

  Task<Status> write(std::function<Status(Transaction&)> action) override {
    std::vector<RunEvent> events;
    Status outcome = apply(action, events);
    if (outcome && !events.empty() && listener_) listener_(events);
    co_return outcome;
  }

  void on_events(std::function<void(const std::vector<RunEvent>&)> listener) override { listener_ = std::move(listener); }

  Status copy_to(const std::string&) override {
    return fail(errors::not_supported, "a store in memory has no file to copy", "Use the sqlite store.");
  }

  Status scrub() override { return {}; }

  void close() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  static Status guarded(const std::function<Status()>& call) {
    try {
      return call();
    } catch (const std::exception& thrown) {
      return fail(errors::internal, std::string("a store action threw: ") + thrown.what());
    }
  }

  Status apply(const std::function<Status(Transaction&)>& action, std::vector<RunEvent>& events) {
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(errors::unavailable, "the store is closed");
    memory::Undo undo;
    memory::MemoryTransaction transaction(tables_, undo);
    Status outcome = guarded([&] { return action(transaction); });
    if (!outcome) {
      for (auto step = undo.rbegin(); step != undo.rend(); ++step) (*step)();
    }
    events = transaction.events();
    return outcome;
  }

  std::shared_mutex mutex_;
  memory::Tables tables_;
  std::function<void(const std::vector<RunEvent>&)> listener_;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace werkbank::store
