#include "cli/terminal.hh"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>

#include "base/files.hh"
#include "base/logins.hh"

namespace werkbank::cli {
namespace {

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kCyan:
      return "\x1b[36m";
    case Colour::kBold:
      return "\x1b[1m";
    case Colour::kFaint:
      return "\x1b[2m";
    case Colour::kNone:
      break;
  }
  return {};
}

std::string paint(bool wanted, Colour colour, std::string_view text) {
  if (!wanted || colour == Colour::kNone) return std::string(text);
  return fmt::format("{}{}\x1b[0m", code_of(colour), text);
}

bool is_set(const std::map<std::string, std::string>& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found != environment.end() && !found->second.empty();
}

size_t columns_of(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

TerminalConfig terminal_of_process(const std::map<std::string, std::string>& environment) {
  TerminalConfig config;
  // A closed stdout (| head) ends the process by SIGPIPE; other failures of these streams can be told to nobody.
  config.out = [](std::string_view text) { (void)write_all(STDOUT_FILENO, text); };
  config.err = [](std::string_view text) { (void)write_all(STDERR_FILENO, text); };
  config.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  config.err_is_terminal = isatty(STDERR_FILENO) == 1;
  const auto term = environment.find("TERM");
  config.colours = !is_set(environment, "NO_COLOR") && (term == environment.end() || term->second != "dumb");
  if (config.err_is_terminal) config.width = columns_of(STDERR_FILENO);
  return config;
}

void Terminal::write_err(std::string_view text) {
  std::string whole;
  if (progress_shown_) whole = "\r\x1b[K";
  progress_shown_ = false;
  // A person sees both streams on one screen: our line does not begin in the middle of the script's.
  if (out_line_open_ && config_.out_is_terminal && config_.err_is_terminal) whole += '\n';
  out_line_open_ = false;
  whole += text;
  config_.err(whole);
}

void Terminal::out(std::string_view data) {
  if (data.empty()) return;
  const std::lock_guard lock(mutex_);
  if (progress_shown_) {
    config_.err("\r\x1b[K");
    progress_shown_ = false;
  }
  config_.out(data);
  out_line_open_ = data.back() != '\n';
}

void Terminal::say(std::string_view line) {
  const std::lock_guard lock(mutex_);
  write_err(fmt::format("{}\n", line));
}

void Terminal::say_raw(std::string_view text) {
  const std::lock_guard lock(mutex_);
  write_err(text);
}

void Terminal::progress(std::string_view line) {
  if (!config_.err_is_terminal) return;
  const std::lock_guard lock(mutex_);
  config_.err(fmt::format("\r\x1b[K{}", line.substr(0, config_.width > 1 ? config_.width - 1 : 1)));
  progress_shown_ = true;
}

void Terminal::clear_progress() {
  const std::lock_guard lock(mutex_);
  if (progress_shown_) config_.err("\r\x1b[K");
  progress_shown_ = false;
}

void Terminal::error(const Error& error, std::string_view program) {
  std::string text =
      fmt::format("{} {}", paint_err(Colour::kRed, fmt::format("{}:", program)), without_logins(error.to_string()));
  text += paint_err(Colour::kFaint, fmt::format(" [{}]", error.code->id));
  if (!error.remedy().empty()) text += fmt::format("\n  {}", error.remedy());
  say(text);
}

void Terminal::warn(std::string_view line) { say(fmt::format("{} {}", paint_err(Colour::kYellow, "Note:"), line)); }

std::string Terminal::paint_out(Colour colour, std::string_view text) const {
  return paint(config_.colours && config_.out_is_terminal, colour, text);
}

std::string Terminal::paint_err(Colour colour, std::string_view text) const {
  return paint(config_.colours && config_.err_is_terminal, colour, text);
}

std::string visible(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (const char character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (code == '\n') {
      shown += "\\n";
    } else if (code == '\t') {
      shown += "\\t";
    } else if (code < 0x20 || code == 0x7f) {
      shown += fmt::format("\\x{:02x}", code);
    } else {
      shown += character;
    }
  }
  return shown;
}

std::string human_bytes(uint64_t count) {
  if (count < 1000) return fmt::format("{} B", count);
  static constexpr std::array kUnits{"kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(count) / 1000;
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_duration(int64_t milliseconds) {
  if (milliseconds < 0) milliseconds = 0;
  const int64_t seconds = milliseconds / 1000;
  if (seconds < 60) return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
  if (seconds < 3600) return fmt::format("{} m {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} m", seconds / 3600, seconds % 3600 / 60);
}

}  // namespace werkbank::cli
