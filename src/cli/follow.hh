// Shows a run to its end: the script's output as it is on stdout, what Werkbank has to say on stderr, then a summary.
#pragma once

#include <string>

#include "cli/context.hh"

namespace werkbank::cli {

inline constexpr std::string_view kDriverLog = "azureml-logs/70_driver_log.txt";
inline constexpr std::string_view kBuildLog = "azureml-logs/20_image_build_log.txt";

struct FollowView {
  std::string workspace;
  std::string run;
  bool build_log = true;  // on stderr
  bool summary = true;
  bool statuses = true;
  bool output_as_talk = false;  // the script's output on stderr
  std::string log{kDriverLog};  // which log goes to stdout
};

// 0 for Completed, 1 for Failed and Canceled. Ctrl-C leaves (DetachOnInterrupt).
Result<int> follow_to_end(Context& context, const FollowView& view);
// The lines at a run's end: status, duration, metrics, and for a failure reason, hint and, where `log_shown` is false, its last
// lines.
std::string describe_end(const json::object& run, const json::value& metrics, bool log_shown, const Terminal& terminal);
// "accuracy  0.97" per metric of the metrics document; a series shows its last value and length.
std::vector<std::pair<std::string, std::string>> metric_lines(const json::value& metrics);
std::string metric_text(const json::value& value);  // {"special": "nan"} is nan

}  // namespace werkbank::cli
