// How the ranks of a run end, and what an attempt keeps of them (lifecycle/gang.hh).
#include <fmt/format.h>

#include <algorithm>

#include "domain/work_folder.hh"
#include "lifecycle/gang.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/services.hh"

namespace werkbank::lifecycle {
namespace {

constexpr const char* kGang = "gang";             // in an attempt's handle
constexpr const char* kStoppedBy = "stoppedBy";   // in the details of a rank's end
constexpr const char* kByRank = "rank";           // … another one had failed
constexpr const char* kByCancel = "cancel";       // … the run was canceled
constexpr const char* kByWorkers = "allWorkers";  // … it served them, and they have ended

const json::object* gang_of(const Attempt& attempt) {
  const json::value* const gang = attempt.handle.if_contains(kGang);
  return gang == nullptr ? nullptr : gang->if_object();
}

bool ended_well(const RunEnd& end) { return final_status(end) == RunStatus::kCompleted; }

std::string_view stopped_by(const RunEnd& end) {
  const json::value* const by = end.details.if_contains(kStoppedBy);
  return by != nullptr && by->is_string() ? std::string_view(by->get_string()) : std::string_view();
}

// The rank whose failure is the run's.
const std::pair<const int64_t, RunEnd>* culprit(const std::map<int64_t, RunEnd>& ends) {
  const auto found =
      std::ranges::find_if(ends, [](const auto& each) { return !ended_well(each.second) && stopped_by(each.second).empty(); });
  return found == ends.end() ? nullptr : &*found;
}

bool all_workers_ended(const RunSpec& spec, const std::map<int64_t, RunEnd>& ends) {
  const std::vector<RankPlace> places = places_of(spec);
  return std::ranges::all_of(places, [&](const RankPlace& place) { return place.role == "ps" || ends.contains(place.rank); });
}

RunEnd stopped(RunEnd end, const char* by, std::string message) {
  end.details[kStoppedBy] = by;
  end.message = std::move(message);
  end.hint.clear();
  return end;
}

}  // namespace

json::object handle_with_ports(const std::vector<int64_t>& ports) {
  return {{kGang, json::object{{"ports", json::array(ports.begin(), ports.end())}}}};
}

json::object handle_of_gang(const std::vector<int64_t>& ports, const std::vector<json::object>& handles) {
  json::object handle = handle_with_ports(ports);
  handle[kGang].as_object()["ranks"] = json::array(handles.begin(), handles.end());
  return handle;
}

std::optional<std::vector<int64_t>> ports_of(const Attempt& attempt) {
  const json::object* const gang = gang_of(attempt);
  const json::value* const kept = gang == nullptr ? nullptr : gang->if_contains("ports");
  if (kept == nullptr || !kept->is_array()) return std::nullopt;
  std::vector<int64_t> ports;
  for (const json::value& port : kept->get_array()) {
    if (port.is_int64()) ports.push_back(port.get_int64());
  }
  return ports;
}

bool is_started(const Attempt& attempt) {
  const json::object* const gang = gang_of(attempt);
  return gang == nullptr ? !attempt.handle.empty() : gang->contains("ranks");
}

std::vector<RankHandle> rank_handles(const Attempt& attempt) {
  if (!is_started(attempt)) return {};
  const json::object* const gang = gang_of(attempt);
  if (gang == nullptr) return {{0, attempt.handle}};
  std::vector<RankHandle> found;
  const json::value& ranks = gang->at("ranks");
  if (!ranks.is_array()) return found;
  for (const json::value& handle : ranks.get_array()) {
    if (handle.is_object()) found.push_back({static_cast<int64_t>(found.size()), handle.get_object()});
  }
  return found;
}

RunEnd noted_end(const RunSpec& spec, const Run& run, const std::map<int64_t, RunEnd>& ends, int64_t rank, RunEnd end) {
  if (ended_well(end)) return end;
  if (const auto* const first = culprit(ends))
    return stopped(std::move(end), kByRank, fmt::format("It was ended because rank {} had failed.", first->first));
  if (run.cancel_requested) return stopped(std::move(end), kByCancel, "It was ended because the run was canceled.");
  const std::vector<RankPlace> places = places_of(spec);
  const bool served = rank >= 0 && rank < std::ssize(places) && places[static_cast<size_t>(rank)].role == "ps";
  if (served && all_workers_ended(spec, ends))
    return stopped(std::move(end), kByWorkers, "It was ended because all workers had ended.");
  describe_end(end);
  return end;
}

bool others_are_to_end(const RunSpec& spec, const std::map<int64_t, RunEnd>& ends) {
  if (ends.empty()) return false;
  return culprit(ends) != nullptr || all_workers_ended(spec, ends);
}

std::optional<RunEnd> end_of_gang(const RunSpec& spec, const Run& run, const std::map<int64_t, RunEnd>& ends) {
  if (std::ssize(ends) < process_count(spec)) return std::nullopt;
  if (const auto* const first = culprit(ends)) {
    RunEnd end = first->second;
    describe_end(end);
    end.message = fmt::format("Rank {} of {}: {}", first->first, ends.size(), end.message);
    if (const size_t at = end.hint.find(kDriverLog); at != end.hint.npos)
      end.hint.replace(at, kDriverLog.size(), path_of_rank(kDriverLog, first->first));
    end.details["rank"] = first->first;
    return end;
  }
  RunEnd end;
  const bool canceled = std::ranges::any_of(ends, [](const auto& each) { return stopped_by(each.second) == kByCancel; });
  if (!canceled) return end;
  end.kind = RunEndKind::kCanceled;
  end.who = run.cancel_who;
  return end;
}

std::vector<std::string> sentences_of(const std::map<int64_t, RunEnd>& ends) {
  std::vector<std::string> told;
  const auto* const first = culprit(ends);
  if (first != nullptr) told.push_back(fmt::format("Rank {}: {}", first->first, first->second.message));
  for (const auto& [rank, end] : ends) {
    if (stopped_by(end) == kByRank) told.push_back(fmt::format("Rank {}: {}", rank, end.message));
  }
  return told;
}

}  // namespace werkbank::lifecycle
