#include "runner/data_step.hh"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.hh"
#include "base/log.hh"
#include "data/transfer.hh"
#include "mount/mount_process.hh"
#include "runner/data_ways.hh"

namespace werkbank::runner {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 6;  // per file, while the storage is unavailable
constexpr int kAdoptTries = 20;
constexpr std::chrono::milliseconds kAdoptPause{250};

bool is_there(const fs::path& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0;
}

Status download_input(const InputFiles& input, const fs::path& folder) {
  if (is_there(folder)) return {};  // it gets its name only when it is whole
  const fs::path partial = folder.native() + ".partial";
  CHECK_OK(make_directories(partial, 0755));
  for (size_t i = 0; i < input.sources.size(); ++i) {
    std::vector<data::TransferItem> items;
    for (const DatasetFile& file : input.files) {
      if (file.source != static_cast<int64_t>(i)) continue;
      TRY(const RelativePath name, RelativePath::parse(file.name));
      items.push_back({file.path, name.below(partial), file.size_bytes, file.etag});
    }
    data::TransferOptions options;
    options.open = input.sources[i].open;
    options.attempts = kAttempts;
    TRY([[maybe_unused]] const data::TransferCount count, data::download(items, options));
  }
  failpoint_kill("runner.data.before_rename");
  if (rename(partial.c_str(), folder.c_str()) != 0) return fail(errno_error(errno, "name " + folder.native()));
  return {};
}

fs::path mount_state(const WorkFolder& folder, const std::string& name) { return folder.data() / ("mount." + name); }

bool is_mounted(const WorkFolder& folder, const std::string& name) {
  const Result<std::unique_ptr<mount::Mount>> known = mount::adopt_mount(mount_state(folder, name));
  if (!known) return false;
  if ((*known)->is_alive()) return true;
  if (const Status ended = (*known)->end(); !ended) log_warning("mount {}: {}", name, ended.error().to_string());
  return false;
}

Status mount_input(const AttemptContext& context, const InputFiles& input, const std::string& name) {
  mount::MountRequest request;
  request.folder = input_folder(context.folder, name);
  request.state_file = mount_state(context.folder, name);
  request.log_file = context.folder.std_log();
  request.cache_folder = context.plan.data_cache.empty() ? context.folder.root / "cache" : fs::path(context.plan.data_cache);
  for (const client::OpenDatastore& source : input.sources)
    request.sources.push_back({source.identity, source.local_folder, source.description});
  for (const DatasetFile& file : input.files)
    request.files.push_back({file.name, file.path, file.size_bytes, file.etag, static_cast<size_t>(file.source), 0});
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return fail(errors::io_failed, "the runner does not find its own program: " + error.message());
  TRY([[maybe_unused]] const std::unique_ptr<mount::Mount> mounted, mount::mount_files(request, {program.native(), "mount"}));
  return {};
}

// Where a folder cannot be mounted its files are copied, and the run says so.
Status bring_files(const AttemptContext& context, const InputFiles& found, const RunInput& input) {
  const fs::path folder = input_folder(context.folder, input.name);
  if (input.mode == DataMode::kMount) {
    if (is_mounted(context.folder, input.name)) return {};
    std::error_code unknown;
    const bool was_downloaded = is_there(folder) && !fs::is_empty(folder, unknown) && !unknown;
    Status mounted = was_downloaded ? Status() : mount_input(context, found, input.name);
    // A runner that died a moment ago may have begun it.
    for (int tries = 0; !mounted && mounted.error().code == &errors::already_exists && tries < kAdoptTries; ++tries) {
      context.lifeline.pause(kAdoptPause);
      if (is_mounted(context.folder, input.name)) mounted = {};
    }
    if (mounted || mounted.error().code != &errors::mount_unavailable) return mounted;
    context.warnings.add(
        fmt::format("Input {:?} was downloaded in place of being mounted: {}", input.name, mounted.error().to_string()));
    std::error_code ignored;
    fs::remove(folder, ignored);
  }
  return download_input(found, folder);
}

// The path that the user chose for a port: absolute, or below the script's folder; empty where none was chosen.
Result<fs::path> chosen_path(const AttemptContext& context, const std::string& path_on_compute) {
  if (path_on_compute.empty()) return fs::path();
  if (path_on_compute.starts_with('/')) return fs::path(path_on_compute).lexically_normal();
  TRY(const RelativePath relative, RelativePath::parse(fs::path(path_on_compute).lexically_normal().generic_string()));
  return relative.below(context.folder.code());
}

bool is_link_of_ours(const AttemptContext& context, const fs::path& path) {
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  return !error && target.native().starts_with(context.folder.data().native() + "/");
}

// The chosen path leads to the port's own folder, which is removed with the work folder. What is at the path already stays, but
// for a link that leads nowhere, an empty folder of the snapshot and, with `overwrite`, anything of it.
Status link_path(const AttemptContext& context, const fs::path& path, const fs::path& folder, bool overwrite) {
  if (is_link_of_ours(context, path)) return {};
  CHECK_OK(make_directories(path.parent_path(), 0755));
  std::error_code error;
  const bool leads_nowhere = fs::is_symlink(path, error) && !fs::exists(path, error);
  const bool is_of_snapshot = path.native().starts_with(context.folder.code().native() + "/");
  const bool is_empty_folder = fs::is_directory(fs::symlink_status(path, error)) && fs::is_empty(path, error);
  if (leads_nowhere || (is_of_snapshot && is_empty_folder)) {
    fs::remove(path, error);
  } else if (overwrite && is_of_snapshot) {
    CHECK_OK(remove_tree(path));
  }
  if (symlink(folder.c_str(), path.c_str()) == 0) return {};
  if (errno != EEXIST) return fail(errno_error(errno, "make " + path.native()));
  return fail(errors::already_exists, fmt::format("there is something at {:?} already", path.native()),
              "Choose another path_on_compute, or leave it out: the script is told where its data is.");
}

// Where the script finds the port whose files are in `folder`.
Result<fs::path> place_port(const AttemptContext& context, const std::string& path_on_compute, const fs::path& folder,
                            bool overwrite) {
  TRY(const fs::path chosen, chosen_path(context, path_on_compute));
  if (chosen.empty()) return folder;
  CHECK_OK(link_path(context, chosen, folder, overwrite));
  return chosen;
}

Result<std::string> bring_input(const AttemptContext& context, ServerLink& link, const DataWays& ways, const RunInput& input) {
  if (input.mode == DataMode::kDirect) return input.dataset_id;
  TRY(const InputFiles found, find_input_files(context, link, ways, input));
  const fs::path folder = input_folder(context.folder, input.name);
  CHECK_OK(bring_files(context, found, input));
  TRY(const fs::path place, place_port(context, input.path_on_compute, folder, input.overwrite));
  return (found.is_one_file ? place / found.files.front().name : place).native();
}

Result<std::string> make_output(const AttemptContext& context, const RunOutput& output) {
  const fs::path folder = output_folder(context.folder, output.name);
  CHECK_OK(make_directories(folder, 0755));
  TRY(const fs::path place, place_port(context, output.path_on_compute, folder, output.overwrite));
  return place.native();
}

}  // namespace

fs::path input_folder(const WorkFolder& folder, const std::string& name) { return folder.data() / "in" / name; }
fs::path output_folder(const WorkFolder& folder, const std::string& name) { return folder.data() / "out" / name; }

Status bring_data(const AttemptContext& context) {
  const LaunchPlan& plan = context.plan;
  if (plan.inputs.empty() && plan.outputs.empty()) return {};
  for (const char* kind : {"in", "out"}) CHECK_OK(make_directories(context.folder.data() / kind, 0755));
  ServerLink link(plan, context.lifeline);
  TRY(const DataWays ways, ask_data_ways(context, link));
  TextMap places;
  for (const RunInput& input : plan.inputs) {
    Result<std::string> place = bring_input(context, link, ways, input);
    if (!place) return fail_in(fmt::format("input {:?}", input.name), std::move(place).error());
    places[input.name] = std::move(*place);
  }
  for (const RunOutput& output : plan.outputs) {
    if (output.mode == DataMode::kLink) continue;
    Result<std::string> place = make_output(context, output);
    if (!place) return fail_in(fmt::format("output {:?}", output.name), std::move(place).error());
    places[output.name] = std::move(*place);
  }
  failpoint_kill("runner.data.before_places");
  return write_data_places(context.folder, places);
}

void release_data(const AttemptContext& context) {
  for (const RunInput& input : context.plan.inputs) {
    const Result<std::unique_ptr<mount::Mount>> known = mount::adopt_mount(mount_state(context.folder, input.name));
    if (!known) continue;
    if (const Status ended = (*known)->end(); !ended) log_warning("mount {}: {}", input.name, ended.error().to_string());
  }
  std::vector<std::string> chosen;
  for (const RunInput& input : context.plan.inputs) chosen.push_back(input.path_on_compute);
  for (const RunOutput& output : context.plan.outputs) chosen.push_back(output.path_on_compute);
  for (const std::string& path_on_compute : chosen) {
    const Result<fs::path> path = chosen_path(context, path_on_compute);
    if (!path || path->empty() || !is_link_of_ours(context, *path)) continue;
    if (unlink(path->c_str()) != 0) log_warning("{} stays: {}", path->native(), errno_error(errno, "unlink").message);
  }
}

}  // namespace werkbank::runner
