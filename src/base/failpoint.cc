#include "base/failpoint.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace werkbank {
namespace {

enum class Action { kKill, kError, kSleep };

struct Failpoint {
  Action action = Action::kKill;
  std::chrono::milliseconds pause{0};
  uint64_t only_passage = 0;  // 0: each
  uint64_t passages = 0;
};

struct Table {
  std::mutex mutex;
  std::map<std::string, Failpoint, std::less<>> points;
};

enum class Armed : int { kUnread, kNothing, kSomething };
std::atomic<Armed> armed{Armed::kUnread};

Table& table() {
  static Table only;
  return only;
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<Failpoint> parse_failpoint(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(errors::config_invalid, fmt::format("WERKBANK_FAILPOINTS: {:?} {}", text, why),
                "Write name=kill@3,other=error,third=sleep:200.");
  };
  Failpoint point;
  std::string_view action = text;
  if (const size_t at = text.find('@'); at != text.npos) {
    const auto passage = parse_number(text.substr(at + 1));
    if (!passage || *passage == 0) return refuse("has no number from 1 after @");
    point.only_passage = *passage;
    action = text.substr(0, at);
  }
  if (action == "kill") {
    point.action = Action::kKill;
    if (point.only_passage == 0) point.only_passage = 1;
  } else if (action == "error") {
    point.action = Action::kError;
  } else if (action.starts_with("sleep:")) {
    const auto pause = parse_number(action.substr(6));
    if (!pause || *pause > 3'600'000) return refuse("has no pause in milliseconds");
    point.action = Action::kSleep;
    point.pause = std::chrono::milliseconds(*pause);
  } else {
    return refuse("is none of kill, error, sleep:MS");
  }
  return point;
}

void read_variable() {
  const char* const text = std::getenv("WERKBANK_FAILPOINTS");
  if (const Status status = arm_failpoints(text == nullptr ? "" : text); !status) {
    std::fprintf(stderr, "werkbank: %s\n", status.error().to_string().c_str());
    std::abort();
  }
}

// What is to be done at this passage; nothing where nothing is armed.
std::optional<Failpoint> pass(std::string_view name) {
  if (armed.load(std::memory_order_acquire) == Armed::kNothing) return std::nullopt;
  if (armed.load(std::memory_order_acquire) == Armed::kUnread) {
    static std::once_flag once;
    std::call_once(once, [] {
      if (armed.load(std::memory_order_acquire) == Armed::kUnread) read_variable();
    });
  }
  const std::lock_guard lock(table().mutex);
  const auto found = table().points.find(name);
  if (found == table().points.end()) return std::nullopt;
  Failpoint& point = found->second;
  ++point.passages;
  if (point.only_passage != 0 && point.only_passage != point.passages) return std::nullopt;
  return point;
}

// With WERKBANK_FAILPOINTS_ONCE=FOLDER a place kills once among all processes, and leaves an empty file of its name there: a
// process that is started again gets further, and a test sees that the place was reached.
bool is_first_kill(std::string_view name) {
  const char* const folder = std::getenv("WERKBANK_FAILPOINTS_ONCE");
  if (folder == nullptr) return true;
  const int file = open(fmt::format("{}/{}", folder, name).c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) return false;
  close(file);
  return true;
}

// Kills or sleeps; true where the place is to fail.
bool act(std::string_view name) {
  const std::optional<Failpoint> point = pass(name);
  if (!point) return false;
  if (point->action == Action::kKill) {
    if (!is_first_kill(name)) return false;
    kill(getpid(), SIGKILL);
    for (;;) pause();  // the signal may take its time; nothing after this place may happen
  }
  if (point->action == Action::kSleep) std::this_thread::sleep_for(point->pause);
  return point->action == Action::kError;
}

}  // namespace

Status failpoint(std::string_view name) {
  if (armed.load(std::memory_order_relaxed) == Armed::kNothing) return {};
  if (act(name)) return fail(errors::io_failed, fmt::format("failpoint {} is armed with error", name));
  return {};
}

void failpoint_kill(std::string_view name) {
  if (armed.load(std::memory_order_relaxed) == Armed::kNothing) return;
  act(name);
}

Status arm_failpoints(std::string_view text) {
  std::map<std::string, Failpoint, std::less<>> points;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
    if (entry.empty()) continue;
    const size_t equals = entry.find('=');
    if (equals == entry.npos || equals == 0) {
      return fail(errors::config_invalid, fmt::format("WERKBANK_FAILPOINTS: {:?} is not name=action", entry));
    }
    TRY(const Failpoint point, parse_failpoint(entry.substr(equals + 1)));
    points.insert_or_assign(std::string(entry.substr(0, equals)), point);
  }
  const std::lock_guard lock(table().mutex);
  table().points = std::move(points);
  armed.store(table().points.empty() ? Armed::kNothing : Armed::kSomething, std::memory_order_release);
  return {};
}

}  // namespace werkbank
