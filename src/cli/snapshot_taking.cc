#include "cli/snapshot_taking.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hh"
#include "cli/progress.hh"

namespace werkbank::cli {
namespace {

std::string upload_line(const client::SnapshotProgress& progress) {
  return fmt::format("Uploading {} of {} files, {} of {}, {}/s", progress.files_done, progress.files_total,
                     human_bytes(progress.bytes_done), human_bytes(progress.bytes_total),
                     human_bytes(static_cast<uint64_t>(progress.bytes_per_second)));
}

using Take = std::function<Result<client::SnapshotResult>(net::HttpClient&, const client::SnapshotOptions&)>;

Result<client::SnapshotResult> push(Context& context, std::string_view what, const Take& take) {
  TRY(client::Session* const server, context.session());
  Terminal& terminal = context.terminal();
  Progress shown(terminal);
  client::SnapshotOptions options;
  options.progress = [&](const client::SnapshotProgress& progress) { shown.show(upload_line(progress)); };
  options.cache_folder = client::default_cache_folder(context.environment());
  const auto begin = system_clock().monotonic_now();
  auto taken = take(server->http(), options);
  if (!taken && taken.error().code == &errors::server_unreachable && server->address().local) {
    CHECK_OK(server->ensure_running());
    taken = take(server->http(), options);
  }
  terminal.clear_progress();
  if (!taken) return taken;
  for (const std::string& note : taken->notes) terminal.warn(visible(note));
  const auto taken_ms = (system_clock().monotonic_now() - begin).count();
  const auto files = [](auto count) { return fmt::format("{} file{}", count, count == 1 ? "" : "s"); };
  std::string line = fmt::format("{}: {}, {}", what, files(taken->files), human_bytes(taken->bytes));
  if (taken->uploaded_files > 0) {
    const uint64_t rate = taken->uploaded_bytes * 1000 / static_cast<uint64_t>(std::max<int64_t>(taken_ms, 1));
    line += fmt::format("; uploaded {}, {} in {} ({}/s)", files(taken->uploaded_files), human_bytes(taken->uploaded_bytes),
                        human_duration(taken_ms), human_bytes(rate));
  }
  terminal.say(terminal.paint_err(Colour::kFaint, line));
  return taken;
}

}  // namespace

Result<client::SnapshotResult> push_snapshot(Context& context, const std::string& workspace,
                                             const std::filesystem::path& folder) {
  return push(context, "Snapshot", [&](net::HttpClient& http, const client::SnapshotOptions& options) {
    return client::take_snapshot(http, workspace, folder, options);
  });
}

Result<client::SnapshotResult> push_path(Context& context, const std::string& workspace, const std::filesystem::path& path) {
  return push(context, "Files", [&](net::HttpClient& http, const client::SnapshotOptions& options) {
    return client::take_path(http, workspace, path, options);
  });
}

}  // namespace werkbank::cli
