// mount | unmount
#include <fmt/format.h>

#include "base/hash.hh"
#include "base/process.hh"
#include "cli/command.hh"
#include "client/dataset.hh"
#include "mount/mount_process.hh"
#include "mount/mount_table.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

struct MountOptions {
  std::string source;
  fs::path folder;
  bool background = false;
  bool allow_other = false;
};

void declare_mount(CLI::App& verb, MountOptions& options) {
  verb.add_option("SOURCE", options.source, "A datastore, a path in it, or a dataset: NAME, NAME/PATH, NAME:VERSION")->required();
  verb.add_option("FOLDER", options.folder, "An empty folder, or one that is not there yet")->required();
  verb.add_flag("--background", options.background, "Come back at once; it stays until `werkbank unmount FOLDER`");
  verb.add_flag("--allow-other", options.allow_other, "Other users of this machine may read, too");
}

// Where a mount that stays in the background says who serves it.
Result<fs::path> state_file_of(Context& context, const fs::path& place) {
  TRY(const fs::path home, client::find_home(context.environment()));
  return home / "mounts" / (Hash::of(place.string()).hex().substr(0, 32) + ".json");
}

Result<std::vector<mount::MountedFile>> list_files(data::DataStore& store, const std::string& path) {
  std::vector<mount::MountedFile> files;
  const std::string below = path.empty() ? "" : path + "/";
  const auto add = [&](const data::DataEntry& entry) -> Status {
    const bool is_file = entry.path == path;
    if (!is_file && !entry.path.starts_with(below)) return {};
    const std::string name = is_file ? path.substr(path.rfind('/') + 1) : entry.path.substr(below.size());
    files.push_back({name, entry.path, entry.size_bytes, entry.etag, 0, entry.modified_ms});
    return {};
  };
  CHECK_OK(data::each_entry(store, path, add));
  return files;
}

mount::MountSource source_of(const client::OpenDatastore& place) {
  return {place.identity, place.local_folder, place.description};
}

Status add_datastore(Context& context, const std::string& name, const std::string& path, mount::MountRequest& request) {
  TRY(const std::string route, context.route(""));
  TRY(client::Session* const server, context.session());
  TRY(const client::OpenDatastore place, client::open_datastore(*server, route, name, context.programs().open_data));
  TRY(const std::unique_ptr<data::DataStore> store, place.open());
  TRY(request.files, list_files(*store, path));
  if (request.files.empty()) {
    return fail(errors::not_found, fmt::format("nothing in datastore {:?} matches the path {:?}", name, path),
                "A path names a file, or a folder with all that is in it; without one everything is meant.");
  }
  request.sources.push_back(source_of(place));
  return {};
}

Status add_dataset(Context& context, const std::string& reference, mount::MountRequest& request) {
  TRY(const std::string route, context.route(""));
  TRY(client::Session* const server, context.session());
  TRY(const DatasetContent content, client::fetch_dataset(*server, route, reference));
  TRY(const std::vector<client::OpenDatastore> places,
      client::open_sources(*server, route, content.sources, context.programs().open_data));
  for (const client::OpenDatastore& place : places) request.sources.push_back(source_of(place));
  for (const DatasetFile& file : content.files)
    request.files.push_back({file.name, file.path, file.size_bytes, file.etag, static_cast<size_t>(file.source), 0});
  return {};
}

// NAME:VERSION is a dataset, NAME/PATH is in a datastore; a bare name is a datastore, if there is one, and else a dataset.
Status add_source(Context& context, const std::string& source, mount::MountRequest& request) {
  const size_t slash = source.find('/');
  const std::string name = source.substr(0, slash);
  std::string path = slash == std::string::npos ? "" : source.substr(slash + 1);
  while (path.ends_with('/')) path.pop_back();
  if (name.empty())
    return fail(errors::usage, fmt::format("{:?} names no datastore", source),
                "Write DATASTORE, DATASTORE/PATH or DATASET:VERSION.");
  if (!path.empty()) {
    TRY([[maybe_unused]] const RelativePath checked, RelativePath::parse(path));
  }
  if (!context.programs().open_data) return fail(errors::not_supported, "this program opens no datastores");
  if (slash == std::string::npos && name.find(':') != std::string::npos) return add_dataset(context, name, request);
  Status added = add_datastore(context, name, path, request);
  if (added || slash != std::string::npos || added.error().code != &errors::datastore_not_found) return added;
  added = add_dataset(context, name, request);
  if (added || added.error().code != &errors::dataset_not_found) return added;
  return fail(errors::not_found, fmt::format("there is neither a datastore nor a dataset {:?}", name),
              "List them with `werkbank datastore list` and `werkbank dataset list`.");
}

Result<mount::MountRequest> request_of(Context& context, const MountOptions& options) {
  mount::MountRequest request{.allow_other = options.allow_other};
  TRY(request.folder, mount::mount_place(options.folder));
  CHECK_OK(add_source(context, options.source, request));
  TRY(const fs::path home, client::find_home(context.environment()));
  request.cache_folder = home / "cache" / "data";
  return request;
}

Result<int> mount_source(Context& context, const MountOptions& options) {
  // Before the server is asked for anything.
  CHECK_OK(mount::check_mounts_possible());
  TRY(mount::MountRequest request, request_of(context, options));
  const std::string what =
      fmt::format("{} files of {} at {}", request.files.size(), visible(options.source), visible(request.folder.string()));
  if (options.background) {
    TRY(const fs::path home, client::find_home(context.environment()));
    TRY(request.state_file, state_file_of(context, request.folder));
    request.log_file = home / "logs" / "mount.log";
    CHECK_OK(make_directories(request.state_file.parent_path()));
    CHECK_OK(make_directories(request.log_file.parent_path()));
    TRY([[maybe_unused]] const auto mounted, mount::mount_files(request, {own_executable().string(), "internal", "mount"}));
    context.terminal().say(fmt::format("Mounted {}; troubles are told in {}", what, request.log_file.string()));
    return kExitDone;
  }
  const auto open = [&context](const json::value& description) {
    return client::open_described(description, context.programs().open_data);
  };
  const auto log = [&context](const std::string& line) { context.terminal().warn(visible(line)); };
  const auto on_mounted = [&context, &what]() -> Status {
    context.terminal().say(fmt::format("Mounted {}; Ctrl-C unmounts", what));
    return {};
  };
  CHECK_OK(mount::serve_mount(request, open, log, on_mounted));
  return kExitDone;
}

struct UnmountOptions {
  fs::path folder;
};

void declare_unmount(CLI::App& verb, UnmountOptions& options) {
  verb.add_option("FOLDER", options.folder, "The folder it is mounted at")->required();
}

Result<int> unmount_folder(Context& context, const UnmountOptions& options) {
  TRY(const fs::path place, mount::mount_place(options.folder));
  TRY(const fs::path state_file, state_file_of(context, place));
  if (const auto mounted = mount::adopt_mount(state_file)) {
    CHECK_OK((*mounted)->end());
  } else {
    CHECK_OK(mount::unmount(place));
  }
  context.terminal().say(fmt::format("Unmounted {}", visible(place.string())));
  return kExitDone;
}

}  // namespace

void add_mount_commands(CLI::App& app, Context& context) {
  add_verb<MountOptions>(app, context,
                         {"mount", "Read the files of a datastore or dataset as a folder, without downloading them first",
                          "  werkbank mount workspaceblobstore ./data\n"
                          "  werkbank mount images/train ./train --background\n"
                          "  werkbank mount digits:2 ./digits"},
                         declare_mount, mount_source, {.output = false});
  add_verb<UnmountOptions>(app, context, {"unmount", "Take such a folder away again", "  werkbank unmount ./train"},
                           declare_unmount, unmount_folder, {.workspace = false, .output = false});
}

}  // namespace werkbank::cli
