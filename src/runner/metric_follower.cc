#include "runner/metric_follower.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.hh"
#include "base/log.hh"

namespace werkbank::runner {
namespace {

constexpr size_t kPieceBytes = 1024 * 1024;
constexpr std::string_view kSuffix = ".ndjson";
constexpr std::string_view kHeader = "{\"werkbank-spool\"";

// The writer's name in a file name that the SDK makes: <pid>-<random>.ndjson. The folder is the script's to write, so others may
// be there.
std::optional<std::string> writer_of(std::string_view file_name) {
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view writer = file_name.substr(0, file_name.size() - kSuffix.size());
  const bool is_plain = std::ranges::all_of(writer, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
  if (writer.empty() || writer.size() > 128 || !is_plain) return std::nullopt;
  return std::string(writer);
}

}  // namespace

MetricPiece cut_metric_lines(std::string_view bytes, uint64_t offset) {
  MetricPiece piece;
  const size_t last = bytes.rfind('\n');
  if (last == bytes.npos) {
    piece.line_too_long = bytes.size() > kMetricLineBytesMax;
    piece.consumed = piece.line_too_long ? bytes.size() : 0;
    return piece;
  }
  piece.lines = bytes.substr(0, last + 1);
  piece.consumed = piece.lines.size();
  if (offset == 0 && piece.lines.starts_with(kHeader)) piece.lines.remove_prefix(piece.lines.find('\n') + 1);
  return piece;
}

MetricFollower::MetricFollower(const AttemptContext& context)
    : Follower(context), link_(context.plan, context.lifeline), watch_(context.folder.metrics(), {""}) {}

void MetricFollower::find_spools() {
  for (const FoundFile& file : list_files(context_.folder.metrics(), "")) {
    if (spools_.contains(file.relative)) continue;
    const std::optional<std::string> writer = writer_of(file.relative);
    if (!writer) continue;
    spools_.emplace(file.relative,
                    Spool{*writer, context_.folder.metrics() / file.relative, context_.state.metrics_offset(*writer)});
  }
}

// False where the server refused the lines, which are dealt with all the same.
bool MetricFollower::send_lines(const Spool& spool, std::string_view lines) {
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.target = fmt::format("{}&writer={}", link_.runner_route("metrics"), net::encode_segment(spool.writer));
  request.headers = {{"Content-Type", "application/x-ndjson"}};
  request.body = std::string(lines);
  failpoint_kill("runner.metrics.before_send");
  const Result<net::ClientResponse> answer = link_.ask(request);
  failpoint_kill("runner.metrics.after_send");
  if (!answer) return false;  // the attempt is lost: nobody asks any more
  if (is_success(*answer)) return true;
  send_split(spool, lines, net::error_from_response(*answer));
  return false;
}

// One bad line must not hold up the others: halves are tried until it stands alone, and is named.
void MetricFollower::send_split(const Spool& spool, std::string_view lines, const Error& why) {
  const size_t middle = lines.find('\n', lines.size() / 2);
  const size_t cut = middle == lines.npos || middle + 1 == lines.size() ? lines.rfind('\n', lines.size() / 2) : middle;
  if (cut == lines.npos || cut + 1 == lines.size()) {
    context_.warnings.add(
        fmt::format("A metric line of process {} was refused ({}): {:?}", spool.writer, why.message, lines.substr(0, 120)));
    return;
  }
  send_lines(spool, lines.substr(0, cut + 1));
  if (!is_lost()) send_lines(spool, lines.substr(cut + 1));
}

// True where there may be more at once.
bool MetricFollower::send_piece(Spool& spool) {
  Result<std::string> bytes = read_file_range(spool.file, spool.offset, kPieceBytes);
  if (!bytes || bytes->empty()) return false;
  MetricPiece piece = cut_metric_lines(*bytes, spool.offset);
  if (piece.consumed == 0 && bytes->size() == kPieceBytes) {
    bytes = read_file_range(spool.file, spool.offset, kMetricLineBytesMax + 1);
    if (!bytes) return false;
    piece = cut_metric_lines(*bytes, spool.offset);
  }
  if (spool.skipping && !piece.lines.empty()) {
    // The rest of the line that was too long; what follows it comes with the next piece.
    piece.consumed = piece.lines.find('\n') + 1;
    piece.lines = {};
    spool.skipping = false;
  } else if (piece.line_too_long) {
    if (!spool.skipping)
      context_.warnings.add(fmt::format("A metric line of process {} is longer than 16 MiB and left out.", spool.writer));
    spool.skipping = true;
  } else if (spool.skipping) {
    piece.consumed = bytes->size();
  }
  if (piece.consumed == 0) return false;
  if (!piece.lines.empty()) send_lines(spool, piece.lines);
  if (is_lost()) return false;
  spool.offset += piece.consumed;
  context_.state.set_metrics_offset(spool.writer, spool.offset);
  return true;
}

void MetricFollower::work() {
  while (!is_lost()) {
    const bool last_round = is_draining();  // asked before looking: what was written before drain() is seen
    find_spools();
    bool more = false;
    do {
      more = false;
      for (auto& [name, spool] : spools_) more = send_piece(spool) || more;
    } while (last_round && more && !is_lost());
    if (last_round) return;
    if (!more) wait({watch_.fd()}, watch_.is_blind() ? kLookWhenBlind : kLookAnyway);
    static_cast<void>(watch_.take());
  }
}

}  // namespace werkbank::runner
