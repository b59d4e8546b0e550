// Carries the metric lines of the script's processes to the server: spool/metrics/<writer>.ndjson, complete lines only.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "runner/follower.hh"
#include "runner/server_link.hh"
#include "runner/tree_watch.hh"

namespace werkbank::runner {

// A piece of a spool file, cut behind its last complete line.
struct MetricPiece {
  std::string_view lines;      // to send; without the header line
  uint64_t consumed = 0;       // bytes of the file that are done with once `lines` are acknowledged
  bool line_too_long = false;  // the piece begins with a line longer than the limit: `consumed` skips what is here of it
};
inline constexpr size_t kMetricLineBytesMax = 16 * 1024 * 1024;
// `bytes` begin at `offset` of the file. Nothing consumed: the line goes on behind the bytes.
MetricPiece cut_metric_lines(std::string_view bytes, uint64_t offset);

class MetricFollower final : public Follower {
 public:
  explicit MetricFollower(const AttemptContext& context);

 private:
  struct Spool {
    std::string writer;
    std::filesystem::path file;
    uint64_t offset = 0;
    bool skipping = false;  // inside a line that is too long
  };
  void work() override;
  void find_spools();
  bool send_piece(Spool& spool);
  bool send_lines(const Spool& spool, std::string_view lines);
  void send_split(const Spool& spool, std::string_view lines, const Error& why);

  ServerLink link_;
  TreeWatch watch_;
  std::map<std::string, Spool> spools_;  // by file name
};

}  // namespace werkbank::runner
