// werkbank-runner: what runs beside a user's script, on any machine. Fully static, no configuration of its own.
#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/limits.hh"
#include "client/datastore.hh"
#include "data/kinds/data_kinds.hh"
#include "mount/mount_process.hh"
#include "runner/build_environment.hh"
#include "runner/runner.hh"
#include "runner/shim.hh"

namespace {

constexpr std::string_view kUsage =
    "usage: werkbank-runner run WORKDIR     carry one rank of a run through\n"
    "       werkbank-runner shim WORKDIR    start the script of WORKDIR and write down how it ended\n"
    "       werkbank-runner build CACHEDIR  make the environment of the recipe on stdin ready\n"
    "       werkbank-runner mount REQUEST   serve the mount that the file asks for, until it is unmounted\n";

werkbank::Result<std::unique_ptr<werkbank::data::DataStore>> open_source(const werkbank::json::value& description) {
  return werkbank::client::open_described(description, werkbank::open_data_store);
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string_view> arguments(words + 1, words + count);
  if (arguments.size() != 2 || arguments[1].empty()) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  const std::filesystem::path folder = std::filesystem::absolute(arguments[1]);
  if (arguments[0] == "mount") return werkbank::mount::run_mount_process(folder, open_source);
  if (arguments[0] == "run") return werkbank::runner::run_runner({folder}, werkbank::open_data_store);
  // These two start programs that are not ours.
  werkbank::restore_open_files_limit();
  if (arguments[0] == "build") return werkbank::runner::build_environment(folder);
  if (arguments[0] == "shim") return werkbank::runner::run_shim({folder});
  fmt::print(stderr, "werkbank-runner: unknown command {:?}\n{}", arguments[0], kUsage);
  return 2;
}
