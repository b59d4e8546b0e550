#include "client/server_process.hh"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/clock.hh"
#include "base/files.hh"
#include "base/process.hh"

namespace werkbank::client {
namespace {

using std::chrono::milliseconds;

constexpr uintmax_t kLogSizeMax = 10 * 1024 * 1024;
constexpr milliseconds kFirstPause{1};
constexpr milliseconds kLongestPause{20};

constexpr std::array kServerVariables{
    "PATH",           "HOME",          "USER",        "LOGNAME",      "SHELL",
    "LANG",           "LANGUAGE",      "TZ",          "TMPDIR",       "XDG_RUNTIME_DIR",
    "XDG_CACHE_HOME", "XDG_DATA_HOME", "HTTP_PROXY",  "HTTPS_PROXY",  "NO_PROXY",
    "ALL_PROXY",      "http_proxy",    "https_proxy", "no_proxy",     "all_proxy",
    "SSL_CERT_FILE",  "SSL_CERT_DIR",  "PYENV_ROOT",  "ASAN_OPTIONS", "TSAN_OPTIONS",
    "UBSAN_OPTIONS",
};

bool reaches_server(std::string_view name) {
  if (name.starts_with("LC_")) return true;
  if (name.starts_with("WERKBANK_")) return name != "WERKBANK_URL" && name != "WERKBANK_TOKEN";
  return std::ranges::any_of(kServerVariables, [&](std::string_view known) { return known == name; });
}

// A server that dies before its log is open must not push an endless file ahead of it.
void rotate_log(const std::filesystem::path& log) {
  std::error_code ignored;
  const uintmax_t size_bytes = std::filesystem::file_size(log, ignored);
  if (ignored || size_bytes <= kLogSizeMax) return;
  std::filesystem::path previous = log;
  previous += ".1";
  std::filesystem::rename(log, previous, ignored);
}

uint64_t size_of(const std::filesystem::path& file) {
  std::error_code ignored;
  const uintmax_t size_bytes = std::filesystem::file_size(file, ignored);
  return ignored ? 0 : size_bytes;
}

std::string last_lines(const std::string& text, size_t count) {
  size_t begin = text.size();
  while (begin > 0 && text[begin - 1] == '\n') --begin;
  const size_t end = begin;
  for (size_t lines = 0; begin > 0; --begin) {
    if (text[begin - 1] == '\n' && ++lines == count) break;
  }
  return text.substr(begin, end - begin);
}

struct Started {
  pid_t pid = 0;
  uint64_t log_begin = 0;  // what the log holds from before
};

Result<Started> spawn_server(const ServerProgram& program, const std::filesystem::path& log) {
  rotate_log(log);
  SpawnPlan plan;
  plan.argv = {program.executable.string(), "serve", fmt::format("--idle-exit={}", program.idle_exit.count())};
  plan.argv.insert(plan.argv.end(), program.arguments.begin(), program.arguments.end());
  plan.environment = server_environment(program);
  plan.working_directory = program.home;
  plan.stdout_path = log;
  plan.stderr_path = log;
  plan.new_session = true;
  Started started{.log_begin = size_of(log)};
  TRY(started.pid, spawn_process(plan));
  return started;
}

// Its socket goes first; only with its lock is the server's last write done, and the next one welcome.
bool is_home_free(const std::filesystem::path& home) {
  const auto lock = FileLock::try_lock(home / "server.lock");
  return lock.has_value() && lock->has_value();
}

enum class Outcome { kAnswers, kEnded, kSilent };

Outcome wait_for_answer(const ServerProgram& program, pid_t pid, milliseconds deadline) {
  milliseconds pause = kFirstPause;
  while (system_clock().monotonic_now() < deadline) {
    if (is_server_answering(program.home)) return Outcome::kAnswers;
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == pid) return Outcome::kEnded;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  return Outcome::kSilent;
}

}  // namespace

EnvironmentMap server_environment(const ServerProgram& program) {
  EnvironmentMap allowed;
  for (const auto& [name, value] : program.environment) {
    if (reaches_server(name)) allowed.emplace(name, value);
  }
  allowed["WERKBANK_HOME"] = program.home.string();
  return allowed;
}

bool is_server_answering(const std::filesystem::path& home) {
  std::error_code ignored;
  if (!std::filesystem::exists(home / "server.sock", ignored)) return false;
  net::HttpClient http(net::ClientConfig{
      .server_url = socket_url(home), .connect_timeout = milliseconds(1000), .read_timeout = milliseconds(5000)});
  const auto answer = http.send(net::ClientRequest{.method = net::Method::kGet, .target = "/healthz"});
  return answer.has_value() && answer->status == 200;
}

Result<bool> start_server(const ServerProgram& program) {
  if (auto made = make_directories(program.home / "logs"); !made) {
    return fail(errors::home_refused, made.error().to_string(),
                "Set WERKBANK_HOME to a folder on a local disk that you may write.");
  }
  TRY(const FileLock single_flight, FileLock::lock(program.home / "start.lock"));
  if (is_server_answering(program.home)) return false;
  const std::filesystem::path log = program.home / "logs" / "server.log";
  const milliseconds deadline = system_clock().monotonic_now() + program.patience;
  while (true) {
    TRY(const Started started, spawn_server(program, log));
    const Outcome outcome = wait_for_answer(program, started.pid, deadline);
    if (outcome == Outcome::kAnswers) return true;
    const std::string said = read_file_range(log, started.log_begin, 1 << 20).value_or("");
    // A predecessor that is still stopping holds the store for a moment: its successor comes again.
    const bool predecessor = outcome == Outcome::kEnded && said.find("store_busy") != std::string::npos;
    if (predecessor && system_clock().monotonic_now() < deadline) {
      std::this_thread::sleep_for(kLongestPause * 5);
      continue;
    }
    const std::string_view what = outcome == Outcome::kEnded ? "ended at its start" : "did not answer in time";
    return fail(errors::server_unreachable,
                fmt::format("the server for {} {}:\n{}", program.home.string(), what, last_lines(said, 12)),
                fmt::format("Its whole log is {}; `werkbank doctor` checks the home.", log.string()));
  }
}

Result<bool> stop_server(const std::filesystem::path& home, milliseconds patience) {
  if (!is_server_answering(home)) return false;
  net::HttpClient http(net::ClientConfig{.server_url = socket_url(home)});
  const auto answer = http.send(net::ClientRequest{.method = net::Method::kPost, .target = "/api/v1/server/stop"});
  // It may close the connection before the answer is out; that its socket goes away is what counts.
  if (answer && answer->status >= 400) return fail(net::error_from_response(*answer));
  const milliseconds deadline = system_clock().monotonic_now() + patience;
  while (system_clock().monotonic_now() < deadline) {
    if (!is_server_answering(home) && is_home_free(home)) return true;
    std::this_thread::sleep_for(kLongestPause);
  }
  return fail(errors::unavailable,
              fmt::format("the server for {} has not ended within {} s", home.string(), patience.count() / 1000),
              "Look at logs/server.log in the home; streams that are still open are closed after a few seconds.");
}

}  // namespace werkbank::client
