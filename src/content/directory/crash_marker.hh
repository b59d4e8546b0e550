// Tells whether the last owner of a folder ended in order. Where it did not, what it wrote without a sync may be visible (page
// cache) and yet not durable; opening the marker then syncs the file system once, so that everything visible can be relied upon.
#pragma once

#include <filesystem>

#include "base/files.hh"

namespace werkbank::content {

class CrashMarker {
 public:
  static Result<CrashMarker> open(const std::filesystem::path& folder);
  bool was_unclean() const { return was_unclean_; }
  void close();  // call when all is synced; without it the next open takes the folder for crashed

 private:
  CrashMarker(std::filesystem::path file, bool was_unclean) : file_(std::move(file)), was_unclean_(was_unclean) {}
  std::filesystem::path file_;
  bool was_unclean_ = false;
};

// Creates the folder and makes its name durable.
Status create_durable_folder(const std::filesystem::path& folder);

// syncfs of the file system that holds the folder.
Status sync_file_system(const std::filesystem::path& folder);

}  // namespace werkbank::content
