// Carries the metric lines of the script's processes to the server: spool/metrics/<writer>.ndjson, complete lines only.
#pragma once

#include <map>
#include <optional>
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
// The line's "s", also of a line that is malformed or cut behind it as the SDK writes them; none where it cannot be read.
std::optional<int64_t> metric_sequence(std::string_view line);
// The lines with a skipped line for each sequence that is missing, from `expected` on. Not whole: they end where more than
// kMetricHolesMax would be missing.
struct FilledLines {
  std::string lines;
  bool is_whole = true;
};
inline constexpr int64_t kMetricHolesMax = 10'000;
FilledLines fill_metric_holes(std::string_view lines, int64_t expected);

class MetricFollower final : public Follower {
 public:
  explicit MetricFollower(const AttemptContext& context);

 private:
  struct Spool {
    std::string writer;
    std::filesystem::path file;
    uint64_t offset = 0;
    bool skipping = false;  // inside a line that is too long; state.json keeps its begin until it is dealt with
    std::optional<int64_t> skipped_sequence{};
    bool is_read_again = false;  // from the begin, for lines that the server is missing
    bool is_given_up = false;
  };
  // kDone: taken, or left out with a warning. kMissing: the server lacks lines before these.
  enum class Sent { kDone, kMissing, kLost };
  void work() override;
  void find_spools();
  bool send_piece(Spool& spool);
  bool pass_long_line(Spool& spool, MetricPiece& piece, std::string_view bytes);
  Result<net::ClientResponse> post(const Spool& spool, std::string_view lines);
  Sent send_lines(const Spool& spool, std::string_view lines);
  Sent send_split(const Spool& spool, std::string_view lines, const Error& why);
  Sent send_skipped(const Spool& spool, std::optional<int64_t> sequence);
  bool find_missing(Spool& spool, std::string_view lines);

  ServerLink link_;
  TreeWatch watch_;
  std::map<std::string, Spool> spools_;  // by file name
};

}  // namespace werkbank::runner
