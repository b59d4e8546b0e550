// Structured log lines of the server and the runner: one line per state change, key=value, to stderr or a rotating file.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string_view>

namespace werkbank {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogSink {
  std::filesystem::path file;  // empty: stderr
  size_t size_bytes_max = 10 * 1024 * 1024;
  size_t files_max = 5;
  LogLevel level = LogLevel::kInfo;
};
void open_log(const LogSink& sink);  // once, from main()
void write_log(LogLevel level, std::string_view line);

// log_info("run started run={} target={}", id, target). Values with blanks are the caller's to quote ({:?}).
template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace werkbank
