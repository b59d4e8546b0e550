#include "runner/log_follower.hh"

#include <fmt/format.h>

#include "base/log.hh"

namespace werkbank::runner {

LogFollower::LogFollower(const AttemptContext& context, std::vector<std::string> watched_directories)
    : Follower(context),
      directories_(std::move(watched_directories)),
      link_(context.plan, context.lifeline),
      spool_watch_(context.folder.spool(), {""}),
      code_watch_(context.folder.code(), directories_),
      driver_log_(path_of_rank(kDriverLogName, context.plan.rank), context.folder.std_log(), context.state,
                  context.is_after_reboot) {}

void LogFollower::consider(const std::string& relative) {
  if (streams_.contains(relative)) {
    busy_[relative] = streams_.at(relative).get();
    return;
  }
  const Result<RelativePath> path = RelativePath::parse(relative);
  if (!path) {
    context_.warnings.add(fmt::format("The log {:?} is not sent: {}", relative, path.error().message));
    return;
  }
  auto stream = std::make_unique<LogStream>(path_of_rank(relative, context_.plan.rank), path->below(context_.folder.code()),
                                            context_.state, context_.is_after_reboot);
  busy_[relative] = stream.get();
  streams_.emplace(relative, std::move(stream));
}

void LogFollower::look_everywhere() {
  for (const std::string& directory : directories_) {
    for (const FoundFile& file : list_files(context_.folder.code(), directory)) consider(file.relative);
  }
}

// One piece of each, in turns, the script's own output first. False where there is no more for now.
bool LogFollower::send_what_is_there(bool everything) {
  bool more = false;
  do {
    const Result<bool> driver_more = driver_log_.send_piece(link_);
    more = driver_more && *driver_more;
    for (auto it = busy_.begin(); it != busy_.end() && !is_lost();) {
      const Result<bool> stream_more = it->second->send_piece(link_);
      if (!stream_more) log_error("log not sent path={:?} error={:?}", it->first, stream_more.error().to_string());
      it = stream_more && *stream_more ? std::next(it) : busy_.erase(it);
    }
    more = more || !busy_.empty();
  } while (everything && more && !is_lost());
  return more;
}

void LogFollower::work() {
  look_everywhere();
  while (!is_lost()) {
    const bool last_round = is_draining();  // asked before looking: what was written before drain() is seen
    if (last_round) look_everywhere();
    const bool more = send_what_is_there(last_round);
    if (last_round) return;
    const bool blind = spool_watch_.is_blind() || code_watch_.is_blind();
    const auto pause = blind ? kLookWhenBlind : kLookAnyway;
    if (!more) wait({spool_watch_.fd(), code_watch_.fd()}, pause);
    static_cast<void>(spool_watch_.take());
    const TreeWatch::Changes changes = code_watch_.take();
    for (const std::string& file : changes.files) consider(file);
    if (changes.look_everywhere || blind) look_everywhere();
  }
}

std::vector<std::string> LogFollower::rewritten() const {
  std::vector<std::string> paths;
  if (context_.plan.rank > 0) return paths;  // as files they would take the names of the first rank's
  for (const auto& [path, stream] : streams_) {
    if (stream->was_rewritten()) paths.push_back(path);
  }
  return paths;
}

}  // namespace werkbank::runner
