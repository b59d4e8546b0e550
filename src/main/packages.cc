#include "main/packages.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>

#include <algorithm>
#include <array>
#include <vector>

#include "api/standin_wheel.hh"
#include "base/files.hh"
#include "base/hash.hh"
#include "cli/cli.hh"
#include "main/embedded.hh"

namespace werkbank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarkFile = "made-by";
// Of the names that pins are written for there is every version, of the others the one that an install without a pin gets: older
// pips read the names of all files for each package that they look for.
constexpr std::array<std::string_view, 5> kPinned{"azureml-core", "azureml-dataset-runtime", "azureml-defaults", "azureml-sdk",
                                                  "azureml-widgets"};

std::vector<api::StandinFile> standins() {
  std::vector<api::StandinFile> files;
  for (const std::string& name : api::standin_names()) {
    std::vector<std::string> versions = api::standin_versions(name);
    if (std::ranges::find(kPinned, name) == kPinned.end()) versions.erase(versions.begin(), versions.end() - 1);
    for (std::string& version : versions) files.push_back({name, std::move(version)});
  }
  return files;
}

// Another wheel, or other stand-ins, make other packages.
std::string mark_of_program() {
  std::string facts(embedded_wheel());
  for (const api::StandinFile& file : standins()) facts += api::standin_file_name(file);
  facts += api::standin_wheel(standins().front());
  return fmt::format("{} {}", WERKBANK_VERSION, Hash::of(facts).hex());
}

bool is_own(const fs::path& folder) {
  const Result<std::string> mark = read_file(folder / kMarkFile, 4096);
  return mark && *mark == mark_of_program();
}

// Many small files that are made again at any time: nothing is synced.
Status put(const fs::path& file, std::string_view bytes) { return write_file_atomically(file, bytes, 0600, false); }

Status write_all(const fs::path& folder) {
  CHECK_OK(put(folder / "werkbank_azureml-" WERKBANK_VERSION "-py3-none-any.whl", embedded_wheel()));
  for (const api::StandinFile& file : standins()) CHECK_OK(put(folder / api::standin_file_name(file), api::standin_wheel(file)));
  return put(folder / kMarkFile, mark_of_program());
}

}  // namespace

// A whole folder takes the place of the one before: pip never meets half of it.
Result<fs::path> write_packages(const fs::path& home) {
  const fs::path folder = cli::package_folder(home);
  if (is_own(folder)) return folder;
  const fs::path fresh = home / fmt::format("packages.new-{}", random_hex(8));
  CHECK_OK(make_directories(fresh));
  Status written = write_all(fresh);
  std::error_code failed;
  if (written && renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0) {
    static_cast<void>(remove_tree(fresh));  // which is the one before by now
    return folder;
  }
  if (written) fs::rename(fresh, folder, failed);  // the first one
  if (written && !failed) return folder;
  static_cast<void>(remove_tree(fresh));
  if (is_own(folder)) return folder;  // another process was quicker
  if (!written) return fail(written.error());
  return fail(errors::io_failed, fmt::format("{} cannot be put in place: {}", folder.string(), failed.message()));
}

Status refresh_packages(const fs::path& home) {
  const fs::path folder = cli::package_folder(home);
  std::error_code unknown;
  if (!fs::exists(folder, unknown)) return {};
  TRY([[maybe_unused]] const fs::path there, write_packages(home));
  return {};
}

}  // namespace werkbank
