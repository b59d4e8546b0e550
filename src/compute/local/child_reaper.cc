#include "compute/local/child_reaper.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "base/process_tree.hh"

namespace werkbank::compute {

ChildReaper::ChildReaper() : bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  WB_INVARIANT(bell_.get() >= 0);
  thread_ = std::thread([this] { work(); });
}

ChildReaper::~ChildReaper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(bell_.get(), &one, sizeof one);
  thread_.join();
}

void ChildReaper::add(pid_t child) {
  const std::lock_guard lock(mutex_);
  arrived_.push_back({child, process_handle(child)});
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(bell_.get(), &one, sizeof one);
}

void ChildReaper::work() {
  std::vector<Child> children;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      std::ranges::move(arrived_, std::back_inserter(children));
      arrived_.clear();
    }
    std::vector<pollfd> polled{{bell_.get(), POLLIN, 0}};
    bool all_have_handles = true;
    for (const Child& child : children) {
      if (child.handle)
        polled.push_back({child.handle.get(), POLLIN, 0});
      else
        all_have_handles = false;
    }
    constexpr int kLookEveryMs = 1000;  // for those that the kernel gave no handle for (out of descriptors)
    poll(polled.data(), polled.size(), all_have_handles ? -1 : kLookEveryMs);
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(bell_.get(), &count, sizeof count);
    std::erase_if(children, [](const Child& child) { return waitpid(child.pid, nullptr, WNOHANG) != 0; });
  }
}

}  // namespace werkbank::compute
