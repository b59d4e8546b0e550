// Metric lines come from scripts and clients: they are parsed or refused, and what is parsed survives a round trip.
#include <string_view>

#include "domain/metric.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const werkbank::Result<werkbank::MetricLine> line = werkbank::parse_metric_line({reinterpret_cast<const char*>(data), size});
  if (!line) return 0;
  const std::string text = werkbank::format_metric_line(*line);
  const werkbank::Result<werkbank::MetricLine> again =
      werkbank::parse_metric_line(std::string_view(text).substr(0, text.size() - 1));
  WB_INVARIANT(again && werkbank::format_metric_line(*again) == text);
  return 0;
}
