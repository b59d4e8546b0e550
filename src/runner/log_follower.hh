// Carries the script's output and the files below the watched directories to the server while they grow.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "domain/work_folder.hh"
#include "runner/follower.hh"
#include "runner/log_stream.hh"
#include "runner/tree_watch.hh"

namespace werkbank::runner {

inline constexpr std::string_view kDriverLogName = "azureml-logs/70_driver_log.txt";

class LogFollower final : public Follower {
 public:
  LogFollower(const AttemptContext& context, std::vector<std::string> watched_directories);
  // After drain(): the files that the stream does not show as they are now, relative to code/.
  std::vector<std::string> rewritten() const;

 private:
  void work() override;
  void look_everywhere();
  void consider(const std::string& relative);
  bool send_what_is_there(bool everything);

  std::vector<std::string> directories_;
  ServerLink link_;
  TreeWatch spool_watch_;
  TreeWatch code_watch_;
  LogStream driver_log_;
  std::map<std::string, std::unique_ptr<LogStream>> streams_;  // by the path relative to code/; unique_ptr: their addresses stay
  std::map<std::string, LogStream*> busy_;                     // those that may have something to send
};

}  // namespace werkbank::runner
