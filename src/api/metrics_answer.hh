// The answer of GET …/metrics, piece by piece: a run may have millions of values, and they never lie in memory whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/api.hh"

namespace werkbank::api {

struct MetricsRequest {
  std::optional<std::string> name;  // one metric only
  bool with_values = true;
  int64_t limit = 0;   // values in this answer; 0: all
  std::string cursor;  // where the answer before ended
};

class MetricsAnswer {
 public:
  // run_not_found, invalid_request for a cursor that is not one. Blocks.
  static Result<MetricsAnswer> open(Api& api, const RunKey& key, const MetricsRequest& request);

  int64_t values() const { return values_; }  // in this answer
  // The next piece of the JSON document; empty at the end. Blocks.
  Result<std::string> next_piece();

 private:
  struct Column {
    MetricSummary summary;
    int64_t from = 0, to = 0;  // sequences of the values in this answer
  };
  MetricsAnswer(Api& api, RunKey key, bool with_values) : api_(&api), key_(std::move(key)), with_values_(with_values) {}
  Status choose(std::vector<MetricSummary> summaries, const MetricsRequest& request);
  void begin_column(std::string& text);
  Status add_values(std::string& text);

  Api* api_;
  RunKey key_;
  bool with_values_;
  std::vector<Column> columns_;
  std::string next_;  // the cursor that the document ends with
  int64_t values_ = 0;
  size_t at_ = 0;              // the column that is being written
  int64_t sequence_ = 0;       // its next value
  bool is_in_column_ = false;  // its head is written
  bool is_ended_ = false;
};

}  // namespace werkbank::api
