#include "runner/follower.hh"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>

#include "base/files.hh"

namespace werkbank::runner {

void Follower::start() {
  thread_ = std::thread([this] { work(); });
}

void Follower::drain() {
  draining_.store(true, std::memory_order_release);
  bell_.ring();
}

void Follower::join() {
  if (thread_.joinable()) thread_.join();
}

void Follower::wait(std::initializer_list<int> fds, std::chrono::milliseconds at_most) const {
  std::array<pollfd, 6> polled{};
  size_t count = 0;
  polled[count++] = {context_.lifeline.fd(), POLLIN, 0};
  polled[count++] = {bell_.fd(), POLLIN, 0};
  for (const int fd : fds) {
    WB_INVARIANT(count < polled.size());
    if (fd >= 0) polled[count++] = {fd, POLLIN, 0};
  }
  poll(polled.data(), count, static_cast<int>(at_most.count()));
}

std::vector<std::string> usable_directories(const LaunchPlan& plan, Warnings& warnings) {
  std::vector<std::string> usable;
  for (std::string directory : plan.watched_directories) {
    while (directory.starts_with("./")) directory.erase(0, 2);
    while (directory.ends_with('/')) directory.pop_back();
    const Result<RelativePath> path = RelativePath::parse(directory);
    if (!path) {
      warnings.add(fmt::format("The watched directory {:?} is left out: {}", directory, path.error().message));
      continue;
    }
    const bool is_collected = directory == "outputs" || directory.starts_with("outputs/");
    if (!is_collected && std::ranges::find(usable, directory) == usable.end()) usable.push_back(directory);
  }
  return usable;
}

}  // namespace werkbank::runner
