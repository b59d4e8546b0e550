// One growing file that is sent as a log of the run, under its own path.
//
// The stream on the server only grows. A file that shrank or was replaced (log rotation, a program that writes its log anew) goes
// on in the stream behind what was sent of its older self; what was cut off before it was sent is lost with the file.
#pragma once

#include <filesystem>
#include <string>

#include "runner/server_link.hh"
#include "runner/state_file.hh"

namespace werkbank::runner {

class LogStream {
 public:
  // `path`: the name on the server, valid UTF-8. `is_after_reboot`: a file that is shorter than its stream was not cut by its
  // writer, but lost its unwritten end with the machine's power: nothing of it is sent again.
  LogStream(std::string path, std::filesystem::path file, StateFile& state, bool is_after_reboot = false);

  // Sends one piece of what the server does not have yet. True where there may be more at once.
  Result<bool> send_piece(ServerLink& link);
  // False once the server has refused the stream for good: then it is left alone.
  bool is_open() const { return !refused_; }
  // Whether the stream holds more than the file as it is now.
  bool was_rewritten() const { return position_.base > 0; }
  const std::string& path() const { return path_; }

 private:
  Status notice_new_incarnation(uint64_t inode, uint64_t size);
  Result<bool> go_to(uint64_t server_size, uint64_t file_size);

  std::string path_;
  std::filesystem::path file_;
  StateFile& state_;
  LogPosition position_;
  const bool is_after_reboot_;
  bool refused_ = false;
};

}  // namespace werkbank::runner
