// Carries the files below outputs/ (and below logs/, where that is not followed as a log) into the run: blobs first, then their
// names. During the run a file goes up once it has been still for a second; at the end all that changed since go up.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/hash.hh"
#include "runner/follower.hh"
#include "runner/server_link.hh"
#include "runner/tree_watch.hh"

namespace werkbank::runner {

class OutputCollector final : public Follower {
 public:
  OutputCollector(const AttemptContext& context, std::vector<std::string> roots);
  // Before drain(): a file that is to be collected at the end although no root holds it.
  void add_at_end(std::vector<std::string> files) { at_end_ = std::move(files); }

 private:
  struct Collected {
    std::string path;
    FileIdentity identity;
    Hash hash;
  };
  void work() override;
  bool collect(bool at_end);
  void consider(const FoundFile& file, bool at_end, bool& is_waiting);
  Result<bool> upload(const FoundFile& file, const FileIdentity& identity);
  bool name_uploaded();
  bool post_names(const std::vector<Collected>& items);
  void settle(const Collected& item);

  std::vector<std::string> roots_;
  std::vector<std::string> at_end_;
  ServerLink link_;
  TreeWatch watch_;
  std::vector<Collected> uploaded_;     // blobs that are up and wait for their names
  std::map<std::string, int> refused_;  // by path: how often the server did not know the blob when it was named
};

// What is collected under this plan: outputs, and logs where it is not watched.
std::vector<std::string> collected_roots(const LaunchPlan& plan, const std::vector<std::string>& watched);

}  // namespace werkbank::runner
