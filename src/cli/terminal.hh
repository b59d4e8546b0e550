// Where the command line speaks: data on stdout, everything else on stderr, colours and moving lines only for a person who
// watches.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hh"

namespace werkbank::cli {

enum class Colour { kNone, kRed, kGreen, kYellow, kCyan, kBold, kFaint };

struct TerminalConfig {
  std::function<void(std::string_view)> out;
  std::function<void(std::string_view)> err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool colours = false;  // on streams that are terminals
  size_t width = 80;     // of the terminal, in columns
};
// The process's own streams; NO_COLOR and TERM=dumb switch colours off.
TerminalConfig terminal_of_process(const std::map<std::string, std::string>& environment);

// Every method may be called from any thread; texts never interleave.
class Terminal {
 public:
  explicit Terminal(TerminalConfig config) : config_(std::move(config)) {}

  void out(std::string_view data);      // stdout, as it is
  void say(std::string_view line);      // stderr, with a newline
  void say_raw(std::string_view text);  // stderr, as it is (a build's output)
  // A line that the next one replaces. Nothing where stderr is no terminal.
  void progress(std::string_view line);
  void clear_progress();
  // "werkbank: <message>" and the hint below it.
  void error(const Error& error, std::string_view program = "werkbank");
  void warn(std::string_view line);

  std::string paint_out(Colour colour, std::string_view text) const;
  std::string paint_err(Colour colour, std::string_view text) const;
  bool err_is_terminal() const { return config_.err_is_terminal; }
  bool out_is_terminal() const { return config_.out_is_terminal; }
  size_t width() const { return config_.width; }
  // Keeps every text whole while the caller ends the process.
  std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }

 private:
  void write_err(std::string_view text);
  TerminalConfig config_;
  std::mutex mutex_;
  bool progress_shown_ = false;
  bool out_line_open_ = false;  // stdout stands in the middle of a line
};

// Control characters (a script's or a name's escape sequences) made visible, for tables and messages.
std::string visible(std::string_view text);
std::string human_bytes(uint64_t count);           // "812 B", "1.4 MB"
std::string human_duration(int64_t milliseconds);  // "0.8 s", "3 m 02 s", "2 h 05 m"

}  // namespace werkbank::cli
