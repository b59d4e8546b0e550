#include "runner/metric_follower.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/failpoint.hh"
#include "base/json.hh"
#include "base/log.hh"
#include "domain/metric.hh"

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

std::optional<int64_t> metric_sequence(std::string_view line) {
  constexpr std::string_view kStart = "{\"s\":";
  int64_t sequence = 0;
  if (line.starts_with(kStart)) {
    const char* const end = line.data() + line.size();
    const auto read = std::from_chars(line.data() + kStart.size(), end, sequence);
    if (read.ec == std::errc() && read.ptr != end && *read.ptr == ',' && sequence >= 1) return sequence;
  }
  const Result<MetricLine> parsed = parse_metric_line(line);
  return parsed ? std::optional<int64_t>(parsed->sequence) : std::nullopt;
}

FilledLines fill_metric_holes(std::string_view lines, int64_t expected) {
  FilledLines filled;
  int64_t holes = 0;
  MetricLine skipped;
  for (size_t from = 0; from < lines.size();) {
    const size_t end = std::min(lines.find('\n', from), lines.size() - 1);
    const std::string_view line = lines.substr(from, end - from);
    const int64_t sequence = metric_sequence(line).value_or(0);
    if (sequence > expected && sequence - expected > kMetricHolesMax - holes) {
      filled.is_whole = false;
      break;
    }
    for (; expected < sequence; ++expected, ++holes) {
      skipped.sequence = expected;
      filled.lines += format_metric_line(skipped);
    }
    if (sequence == expected) ++expected;
    filled.lines += lines.substr(from, end + 1 - from);
    from = end + 1;
  }
  return filled;
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

Result<net::ClientResponse> MetricFollower::post(const Spool& spool, std::string_view lines) {
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.target = fmt::format("{}&writer={}", link_.runner_route("metrics"), net::encode_segment(spool.writer));
  request.headers = {{"Content-Type", "application/x-ndjson"}};
  request.body = std::string(lines);
  return link_.ask(request);
}

MetricFollower::Sent MetricFollower::send_lines(const Spool& spool, std::string_view lines) {
  failpoint_kill("runner.metrics.before_send");
  const Result<net::ClientResponse> answer = post(spool, lines);
  failpoint_kill("runner.metrics.after_send");
  if (!answer) return Sent::kLost;  // nobody asks any more
  if (is_success(*answer)) return Sent::kDone;
  const Error why = net::error_from_response(*answer);
  if (why.code == &errors::sequence_gap) return Sent::kMissing;
  return send_split(spool, lines, why);
}

// One bad line must not hold up the others: halves are tried until it stands alone, is named, and its sequence skipped.
MetricFollower::Sent MetricFollower::send_split(const Spool& spool, std::string_view lines, const Error& why) {
  const size_t middle = lines.find('\n', lines.size() / 2);
  const size_t cut = middle == lines.npos || middle + 1 == lines.size() ? lines.rfind('\n', lines.size() / 2) : middle;
  if (cut == lines.npos || cut + 1 == lines.size()) {
    context_.warnings.add(
        fmt::format("A metric line of process {} was refused ({}): {:?}", spool.writer, why.message, lines.substr(0, 120)));
    return send_skipped(spool, metric_sequence(lines.substr(0, lines.find('\n'))));
  }
  const Sent first = send_lines(spool, lines.substr(0, cut + 1));
  return first == Sent::kDone ? send_lines(spool, lines.substr(cut + 1)) : first;
}

// A line whose sequence cannot be read is found missing with the next one.
MetricFollower::Sent MetricFollower::send_skipped(const Spool& spool, std::optional<int64_t> sequence) {
  if (!sequence) return Sent::kDone;
  MetricLine line;
  line.sequence = *sequence;
  const Result<net::ClientResponse> answer = post(spool, format_metric_line(line));
  if (!answer) return Sent::kLost;
  if (is_success(*answer)) return Sent::kDone;
  const Error why = net::error_from_response(*answer);
  if (why.code == &errors::sequence_gap) return Sent::kMissing;
  context_.warnings.add(
      fmt::format("Metric line {} of process {} could not be skipped ({}).", *sequence, spool.writer, why.message));
  return Sent::kDone;
}

// The server lacks lines before these. They are still in the file where the server has lost them; otherwise they are skipped.
// True where there may be more at once.
bool MetricFollower::find_missing(Spool& spool, std::string_view lines) {
  if (!spool.is_read_again) {
    log_info("metric lines are missing, reading again from the begin writer={}", spool.writer);
    spool.is_read_again = true;
    spool.offset = 0;
    return true;
  }
  const Result<net::ClientResponse> answer = post(spool, "");
  if (!answer) return false;
  const Result<json::value> body = parse_json(answer->body);
  if (is_success(*answer) && body) {
    JsonReader reader(*body, "answer");
    const int64_t accepted = reader.int_or("accepted", -1, 0, INT64_MAX - 1);
    const FilledLines filled = accepted < 0 ? FilledLines{"", false} : fill_metric_holes(lines, accepted + 1);
    const Sent sent = filled.lines.empty() ? Sent::kDone : send_lines(spool, filled.lines);
    if (sent == Sent::kLost) return false;
    if (sent == Sent::kDone && filled.is_whole) {
      context_.warnings.add(
          fmt::format("Metric lines of process {} are missing or do not read, and are left out.", spool.writer));
      return true;
    }
  }
  context_.warnings.add(fmt::format("Metric lines of process {} do not count on: some after byte {} of its file are left out.",
                                    spool.writer, spool.offset));
  spool.is_given_up = true;
  return false;
}

// False where the piece is no part of a line that is too long. Otherwise nothing of it is left to send.
bool MetricFollower::pass_long_line(Spool& spool, MetricPiece& piece, std::string_view bytes) {
  if (!spool.skipping && !piece.line_too_long) return false;
  if (!spool.skipping) {
    context_.warnings.add(fmt::format("A metric line of process {} is longer than 16 MiB and left out.", spool.writer));
    spool.skipping = true;
    spool.skipped_sequence = metric_sequence(bytes);
  } else if (!piece.lines.empty()) {
    // The rest of the line; what follows it comes with the next piece.
    piece.consumed = piece.lines.find('\n') + 1;
    spool.skipping = false;
  } else {
    piece.consumed = bytes.size();
  }
  piece.lines = {};
  return true;
}

// True where there may be more at once.
bool MetricFollower::send_piece(Spool& spool) {
  if (spool.is_given_up) return false;
  Result<std::string> bytes = read_file_range(spool.file, spool.offset, kPieceBytes);
  if (!bytes || bytes->empty()) return false;
  MetricPiece piece = cut_metric_lines(*bytes, spool.offset);
  if (piece.consumed == 0 && bytes->size() == kPieceBytes) {
    bytes = read_file_range(spool.file, spool.offset, kMetricLineBytesMax + 1);
    if (!bytes) return false;
    piece = cut_metric_lines(*bytes, spool.offset);
  }
  Sent sent = Sent::kDone;
  if (pass_long_line(spool, piece, *bytes)) {
    if (!spool.skipping) sent = send_skipped(spool, spool.skipped_sequence);
  } else if (!piece.lines.empty()) {
    sent = send_lines(spool, piece.lines);
  }
  if (sent == Sent::kLost || is_lost() || piece.consumed == 0) return false;
  if (sent == Sent::kMissing) {
    const bool was_read_again = spool.is_read_again;
    if (!find_missing(spool, piece.lines)) return false;
    if (!was_read_again) return true;
  }
  spool.offset += piece.consumed;
  if (!spool.skipping) context_.state.set_metrics_offset(spool.writer, spool.offset);
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
