#include "cli/follow.hh"

#include <fmt/format.h>

#include "cli/detach.hh"
#include "client/stream_follow.hh"

namespace werkbank::cli {
namespace {

std::string text_at(const json::object& object, std::string_view path) {
  const json::value* const value = find_field(object, path);
  return value == nullptr ? std::string() : plain_text(*value);
}

Colour colour_of(std::string_view status) {
  if (status == "Completed") return Colour::kGreen;
  if (status == "Failed") return Colour::kRed;
  return status == "Canceled" || status == "NotResponding" ? Colour::kYellow : Colour::kCyan;
}

std::string describe_failure(const json::object& run, bool log_shown, const Terminal& terminal) {
  std::string text;
  const std::string message = text_at(run, "error.message");
  const std::string reason = text_at(run, "error.reason");
  if (message.empty() && reason.empty()) return text;
  text += fmt::format("Reason: {}{}\n", visible(message), reason.empty() ? "" : fmt::format(" [{}]", reason));
  if (const std::string hint = text_at(run, "error.hint"); !hint.empty()) text += fmt::format("Hint: {}\n", hint);
  const json::value* const tail = find_field(run, "error.logTail");
  if (log_shown || tail == nullptr || !tail->is_array() || tail->as_array().empty()) return text;
  text += terminal.paint_err(Colour::kFaint, "The last lines of its log:") + "\n";
  for (const json::value& line : tail->as_array()) text += fmt::format("  {}\n", visible(plain_text(line)));
  return text;
}

class Screen {
 public:
  Screen(Context& context, const FollowView& view) : context_(context), view_(view) {}

  void show_log(const client::LogPiece& piece) {
    if (piece.path == kBuildLog && view_.log != kBuildLog) {
      if (view_.build_log) context_.terminal().say_raw(piece.text);
      return;
    }
    if (attempt_ != 0 && piece.attempt != attempt_) {
      context_.terminal().say(fmt::format("Attempt {} begins; its output starts anew", piece.attempt));
    }
    attempt_ = piece.attempt;
    log_shown_ = log_shown_ || view_.log == kDriverLog;
    if (view_.output_as_talk) return context_.terminal().say_raw(piece.text);
    context_.terminal().out(piece.text);
  }

  void show_status(const std::string& status) {
    if (!view_.statuses) return;
    Terminal& terminal = context_.terminal();
    terminal.say(fmt::format("Status: {}", terminal.paint_err(colour_of(status), status)));
  }

  bool log_shown() const { return log_shown_; }

 private:
  Context& context_;
  const FollowView& view_;
  int64_t attempt_ = 0;
  bool log_shown_ = false;
};

Result<int> summarise(Context& context, const FollowView& view, const std::string& status, bool log_shown) {
  const int code = status == "Completed" ? kExitDone : kExitFailed;
  if (!view.summary) return code;
  TRY(client::Session* const server, context.session());
  const std::string target =
      fmt::format("/api/v1/workspaces/{}/runs/{}", net::encode_segment(view.workspace), net::encode_segment(view.run));
  TRY(const json::value run, server->get(target));
  TRY(const json::value metrics, server->get(target + "/metrics?values=false"));
  if (run.is_object()) context.terminal().say_raw(describe_end(run.as_object(), metrics, log_shown, context.terminal()));
  return code;
}

}  // namespace

std::string metric_text(const json::value& value) {
  if (value.is_object()) {
    if (const json::value* const special = value.as_object().if_contains("special")) return plain_text(*special);
    if (const json::value* const inner = value.as_object().if_contains("value")) return metric_text(*inner);
  }
  return value.is_null() ? "null" : visible(plain_text(value));
}

std::vector<std::pair<std::string, std::string>> metric_lines(const json::value& metrics) {
  std::vector<std::pair<std::string, std::string>> lines;
  const json::value* const list = metrics.is_object() ? metrics.as_object().if_contains("metrics") : nullptr;
  if (list == nullptr || !list->is_array()) return lines;
  for (const json::value& metric : list->as_array()) {
    const json::value* const columns = metric.is_object() ? metric.as_object().if_contains("columns") : nullptr;
    if (columns == nullptr || !columns->is_array()) continue;
    const std::string name = text_at(metric.as_object(), "name");
    for (const json::value& column : columns->as_array()) {
      if (!column.is_object()) continue;
      const std::string column_name = text_at(column.as_object(), "name");
      const json::value* const last = column.as_object().if_contains("last");
      std::string text = last == nullptr ? std::string() : metric_text(*last);
      const std::string count = text_at(column.as_object(), "count");
      if (!count.empty() && count != "1" && count != "0") text += fmt::format("  (last of {})", count);
      lines.emplace_back(visible(column_name.empty() ? name : fmt::format("{}.{}", name, column_name)), std::move(text));
    }
  }
  return lines;
}

std::string describe_end(const json::object& run, const json::value& metrics, bool log_shown, const Terminal& terminal) {
  const std::string status = text_at(run, "status");
  std::string text = "\nExecution Summary\n=================\n";
  text += fmt::format("RunId: {}\n", visible(text_at(run, "runId")));
  text += fmt::format("Status: {}", terminal.paint_err(colour_of(status), status));
  if (const auto duration = run_duration_ms(run)) text += fmt::format(" after {}", human_duration(*duration));
  text += '\n';
  if (status != "Completed") text += describe_failure(run, log_shown, terminal);
  if (const json::value* const warnings = run.if_contains("warnings"); warnings != nullptr && warnings->is_array()) {
    for (const json::value& warning : warnings->as_array()) text += fmt::format("Warning: {}\n", visible(plain_text(warning)));
  }
  const auto lines = metric_lines(metrics);
  if (!lines.empty()) text += "Metrics:\n";
  size_t width = 0;
  for (const auto& line : lines) width = std::max(width, line.first.size());
  for (const auto& [name, value] : lines) text += fmt::format("  {:<{}}  {}\n", name, width, value);
  return text;
}

Result<int> follow_to_end(Context& context, const FollowView& view) {
  TRY(client::Session* const server, context.session());
  Terminal& terminal = context.terminal();
  Screen screen(context, view);
  client::FollowOptions options{.workspace = view.workspace, .run = view.run, .logs = {view.log}};
  if (view.build_log && view.log != kBuildLog) options.logs.emplace_back(kBuildLog);
  client::FollowListener listener;
  listener.on_log = [&](const client::LogPiece& piece) { screen.show_log(piece); };
  listener.on_status = [&](const std::string& status, const json::object&) { screen.show_status(status); };
  listener.on_notice = [&](const std::string& text) { terminal.warn(text); };
  std::string status;
  {
    const DetachOnInterrupt detach(terminal, fmt::format("Left run {}; it goes on.\n  Come back:  werkbank run logs {} --follow\n"
                                                         "  Stop it:    werkbank run cancel {}",
                                                         view.run, view.run, view.run));
    TRY(status, client::follow_run(*server, options, listener));
  }
  return summarise(context, view, status, screen.log_shown());
}

}  // namespace werkbank::cli
