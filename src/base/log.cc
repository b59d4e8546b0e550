#include "base/log.hh"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/logins.hh"

namespace werkbank {
namespace {

constexpr char kLoggerName[] = "werkbank";

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink, LogLevel level) {
  auto logger = std::make_shared<spdlog::logger>(kLoggerName, std::move(sink));
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc));
  logger->set_level(level_of(level));
  logger->flush_on(spdlog::level::trace);
  return logger;
}

std::shared_ptr<spdlog::logger> stderr_logger(LogLevel level) {
  return make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), level);
}

// The process has one log, as it has one stderr. shared_ptr: a writer may be at work while open_log replaces the logger.
struct Output {
  std::mutex mutex;
  std::shared_ptr<spdlog::logger> logger = stderr_logger(LogLevel::kInfo);
};

Output& output() {
  static Output only;
  return only;
}

// Also of the file that a rotation begins: what a log tells is its owner's alone.
spdlog::file_event_handlers private_files() {
  spdlog::file_event_handlers handlers;
  handlers.after_open = [](const spdlog::filename_t&, std::FILE* file) { ::fchmod(fileno(file), 0600); };
  return handlers;
}

// One event is one line, whatever a message carries.
std::string in_one_line(std::string_view line) {
  std::string text;
  text.reserve(line.size() + 8);
  for (const char c : line) {
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      text += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

void open_log(const LogSink& sink) {
  std::shared_ptr<spdlog::logger> logger;
  std::string problem;
  if (sink.file.empty()) {
    logger = stderr_logger(sink.level);
  } else {
    try {
      const size_t older_files = sink.files_max > 1 ? sink.files_max - 1 : 0;
      logger = make_logger(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(sink.file.string(), sink.size_bytes_max,
                                                                                  older_files, false, private_files()),
                           sink.level);
    } catch (const std::exception& error) {
      problem = error.what();
      logger = stderr_logger(sink.level);
    }
  }
  {
    const std::lock_guard lock(output().mutex);
    output().logger = std::move(logger);
  }
  if (!problem.empty()) log_warning("log file unusable, writing to stderr file={:?} reason={:?}", sink.file.string(), problem);
}

void write_log(LogLevel level, std::string_view line) {
  std::shared_ptr<spdlog::logger> logger;
  {
    const std::lock_guard lock(output().mutex);
    logger = output().logger;
  }
  if (!logger->should_log(level_of(level))) return;
  logger->log(level_of(level), spdlog::string_view_t(in_one_line(without_logins(line))));
}

}  // namespace werkbank
