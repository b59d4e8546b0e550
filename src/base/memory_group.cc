#include "base/memory_group.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "base/files.hh"
#include "base/hash.hh"

namespace werkbank {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = "/sys/fs/cgroup";
constexpr int kVersion1 = 1;
constexpr int kVersion2 = 2;

struct Place {
  fs::path folder;  // where a group may be made
  int version = kVersion2;
};

// Below the own group; for version 2 also beside it, because a group with processes cannot hand controllers to groups below it;
// and at the mount's root, which is the own group where a container shows nothing else.
std::vector<Place> places() {
  std::vector<Place> found;
  const Result<std::string> text = read_file("/proc/self/cgroup", 1 << 20);
  if (!text) return found;
  std::string_view rest(*text);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const fs::path own = fs::path(line.substr(second + 1)).relative_path();
    if (controllers.empty()) {
      found.push_back({kRoot / own, kVersion2});
      if (!own.empty()) found.push_back({(kRoot / own).parent_path(), kVersion2});
    } else if (controllers == "memory" || controllers.starts_with("memory,") || controllers.find(",memory") != controllers.npos) {
      found.push_back({kRoot / "memory" / own, kVersion1});
      if (!own.empty()) found.push_back({kRoot / "memory", kVersion1});
    }
  }
  return found;
}

Status write_value(const fs::path& path, const std::string& value) {
  TRY(const Fd file, open_file(path, O_WRONLY));
  return write_all(file.get(), value);
}

const char* limit_file(int version) { return version == kVersion1 ? "memory.limit_in_bytes" : "memory.max"; }

std::optional<std::pair<MemoryGroup, int>> try_make(const std::string& name, uint64_t limit_bytes) {
  for (const Place& place : places()) {
    const fs::path folder = place.folder / name;
    if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) continue;
    if (access((folder / "cgroup.procs").c_str(), W_OK) == 0 &&
        write_value(folder / limit_file(place.version), std::to_string(limit_bytes))) {
      // Swap would make the limit soft; where the machine has none, neither file is there.
      (void)write_value(folder / (place.version == kVersion1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max"),
                        place.version == kVersion1 ? std::to_string(limit_bytes) : "0");
      return std::pair(MemoryGroup(folder), place.version);
    }
    rmdir(folder.c_str());
  }
  return std::nullopt;
}

}  // namespace

MemoryEnforcement memory_enforcement() {
  constexpr uint64_t kTrialBytes = uint64_t{64} << 20;
  auto made = try_make("werkbank-trial-" + random_hex(8), kTrialBytes);
  if (!made) return MemoryEnforcement::kEachProcess;
  const Status removed = made->first.leave_and_remove();
  if (!removed) return MemoryEnforcement::kEachProcess;
  return made->second == kVersion1 ? MemoryEnforcement::kGroupV1 : MemoryEnforcement::kGroupV2;
}

Result<MemoryGroup> MemoryGroup::make(const std::string& name, uint64_t limit_bytes) {
  if (auto made = try_make(name, limit_bytes)) return std::move(made->first);
  return fail(errors::not_supported, "this user may make no control group for memory on this machine");
}

Status MemoryGroup::enter() { return write_value(folder_ / "cgroup.procs", std::to_string(getpid())); }

Status MemoryGroup::leave_and_remove() {
  struct stat status{};
  if (stat(folder_.c_str(), &status) != 0) return {};
  const Result<std::string> members = read_file(folder_ / "cgroup.procs", 1 << 20);
  const std::string own = std::to_string(getpid()) + "\n";
  if (members && (members->starts_with(own) || members->find("\n" + own) != members->npos)) {
    CHECK_OK(write_value(folder_.parent_path() / "cgroup.procs", std::to_string(getpid())));
  }
  if (rmdir(folder_.c_str()) == 0 || errno == ENOENT) return {};
  return fail(errors::unavailable, fmt::format("{} is still in use", folder_.native()));
}

Status limit_data_of_each_process(uint64_t bytes) {
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return fail(errno_error(errno, "read the limit of data"));
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < bytes) bytes = limit.rlim_max;
  limit.rlim_cur = limit.rlim_max = bytes;
  if (setrlimit(RLIMIT_DATA, &limit) != 0) return fail(errno_error(errno, "limit the data of processes"));
  return {};
}

}  // namespace werkbank
