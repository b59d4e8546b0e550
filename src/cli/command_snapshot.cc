// snapshot create | show | download | diff
#include <fmt/format.h>

#include <map>

#include "base/files.hh"
#include "cli/command.hh"
#include "cli/progress.hh"
#include "cli/run_download.hh"
#include "cli/snapshot_taking.hh"
#include "domain/snapshot.hh"

namespace werkbank::cli {
namespace {

struct CreateOptions {
  std::string folder = ".";
};

void declare_create(CLI::App& verb, CreateOptions& options) {
  verb.add_option("FOLDER", options.folder, "The folder (default: the current one)");
}

Result<int> create_snapshot(Context& context, const CreateOptions& options) {
  TRY(const std::string workspace, context.workspace(options.folder));
  context.project_folder = options.folder;
  CHECK_OK(context.ensure_workspace(workspace));
  TRY(const client::SnapshotResult taken, push_snapshot(context, workspace, options.folder));
  json::array notes(taken.notes.begin(), taken.notes.end());
  const json::object document{{"snapshotId", taken.snapshot_id},
                              {"files", taken.files},
                              {"bytes", taken.bytes},
                              {"uploadedFiles", taken.uploaded_files},
                              {"uploadedBytes", taken.uploaded_bytes},
                              {"notes", std::move(notes)}};
  CHECK_OK(context.print(document, {}));
  return kExitDone;
}

struct IdOptions {
  std::string id;
};

void declare_id(CLI::App& verb, IdOptions& options) {
  verb.add_option("SNAPSHOT", options.id, "The snapshot's id, or a run's")->required();
}

// What stands for a snapshot may be a run's id: its snapshot is meant.
Result<std::string> snapshot_id_of(Context& context, const std::string& text) {
  if (Hash::parse(text)) return text;
  TRY(const std::string target, run_route(context, text));
  TRY(client::Session* const server, context.session());
  TRY(const json::value run, server->get(target));
  const json::value* const id = run.is_object() ? run.as_object().if_contains("snapshotId") : nullptr;
  if (id == nullptr || !id->is_string())
    return fail(errors::snapshot_not_found, fmt::format("run {:?} has no snapshot", text),
                "Runs tracked by a client have none unless they took one.");
  return std::string(id->as_string());
}

Result<SnapshotManifest> fetch_manifest(Context& context, const std::string& text) {
  TRY(const std::string id, snapshot_id_of(context, text));
  TRY(const std::string target, context.route("/snapshots/" + net::encode_segment(id)));
  TRY(client::Session* const server, context.session());
  TRY(const net::ClientResponse answer, server->call({.method = net::Method::kGet, .target = target}, client::Repeat::kSafe));
  TRY(const Hash expected, Hash::parse(id));
  CHECK_OK(check_content(expected, Hash::of(answer.body), "the list of the snapshot's files"));
  return SnapshotManifest::parse(answer.body);
}

json::object entry_document(const SnapshotEntry& entry) {
  return {{"path", entry.path}, {"sizeBytes", entry.size_bytes}, {"hash", entry.hash.hex()}, {"executable", entry.executable}};
}

Result<int> show_snapshot(Context& context, const IdOptions& options) {
  TRY(const SnapshotManifest manifest, fetch_manifest(context, options.id));
  json::array files;
  for (const SnapshotEntry& entry : manifest.entries) files.push_back(entry_document(entry));
  CHECK_OK(context.print(json::value(std::move(files)),
                         {text_column("Path", "path"), number_column("Bytes", "sizeBytes"), text_column("Hash", "hash")}));
  return kExitDone;
}

struct DiffOptions {
  std::string before, after;
};

void declare_diff(CLI::App& verb, DiffOptions& options) {
  verb.add_option("BEFORE", options.before, "A snapshot's or a run's id")->required();
  verb.add_option("AFTER", options.after, "Another one")->required();
}

Result<int> diff_snapshots(Context& context, const DiffOptions& options) {
  TRY(const SnapshotManifest before, fetch_manifest(context, options.before));
  TRY(const SnapshotManifest after, fetch_manifest(context, options.after));
  std::map<std::string, std::pair<const SnapshotEntry*, const SnapshotEntry*>> paths;
  for (const SnapshotEntry& entry : before.entries) paths[entry.path].first = &entry;
  for (const SnapshotEntry& entry : after.entries) paths[entry.path].second = &entry;
  json::array changes;
  for (const auto& [path, sides] : paths) {
    const auto& [old_entry, new_entry] = sides;
    const bool same = old_entry != nullptr && new_entry != nullptr && old_entry->hash == new_entry->hash &&
                      old_entry->executable == new_entry->executable;
    if (same) continue;
    const std::string_view change = old_entry == nullptr ? "added" : new_entry == nullptr ? "removed" : "changed";
    changes.push_back(
        json::object{{"change", change},
                     {"path", path},
                     {"sizeBytesBefore", old_entry == nullptr ? json::value(nullptr) : json::value(old_entry->size_bytes)},
                     {"sizeBytesAfter", new_entry == nullptr ? json::value(nullptr) : json::value(new_entry->size_bytes)}});
  }
  CHECK_OK(context.print(json::value(std::move(changes)),
                         {text_column("Change", "change"), text_column("Path", "path"),
                          number_column("Before", "sizeBytesBefore"), number_column("After", "sizeBytesAfter")}));
  return kExitDone;
}

struct DownloadOptions {
  std::string id, folder;
  bool overwrite = false;
};

void declare_download(CLI::App& verb, DownloadOptions& options) {
  verb.add_option("SNAPSHOT", options.id, "The snapshot's id, or a run's")->required();
  verb.add_option("-d,--output-dir", options.folder, "Where to")->required();
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there");
}

Result<int> download_snapshot(Context& context, const DownloadOptions& options) {
  TRY(const std::vector<std::string> written, write_snapshot(context, options.id, options.folder, options.overwrite));
  context.terminal().say(fmt::format("{} files in {}", written.size(), options.folder));
  json::array list(written.begin(), written.end());
  CHECK_OK(context.print(json::value(std::move(list)), {}));
  return kExitDone;
}

}  // namespace

Result<std::vector<std::string>> write_snapshot(Context& context, const std::string& run, const std::filesystem::path& folder,
                                                bool overwrite) {
  TRY(const std::string id, snapshot_id_of(context, run));
  TRY(const SnapshotManifest manifest, fetch_manifest(context, id));
  std::vector<std::filesystem::path> places;
  for (const SnapshotEntry& entry : manifest.entries) {
    // The server's word decides no place on this disk. Whatever a folder may hold comes back: line breaks, bytes of no text.
    CHECK_OK(check_snapshot_path(entry.path));
    places.push_back(folder / entry.path);
    std::error_code ignored;
    if (!overwrite && std::filesystem::exists(places.back(), ignored)) {
      return fail(errors::already_exists, fmt::format("{} is there already", places.back().string()),
                  "Use --overwrite, or another folder with -d.");
    }
  }
  TRY(const std::string target, context.route("/blobs/"));
  TRY(client::Session* const server, context.session());
  std::vector<std::string> written;
  Progress progress(context.terminal());
  for (size_t i = 0; i < places.size(); ++i) {
    const SnapshotEntry& entry = manifest.entries[i];
    progress.show(fmt::format("{} of {} files  {}", i + 1, places.size(), visible(entry.path)));
    const net::ClientRequest request{.method = net::Method::kGet, .target = target + entry.hash.hex()};
    TRY(const net::ClientResponse answer, server->call(request, client::Repeat::kSafe));
    CHECK_OK(check_content(entry.hash, Hash::of(answer.body), entry.path));
    CHECK_OK(make_directories(places[i].parent_path(), 0777));
    CHECK_OK(write_file_atomically(places[i], answer.body, entry.executable ? 0755 : 0644, false));
    written.push_back(entry.path);
  }
  context.terminal().clear_progress();
  return written;
}

void add_snapshot_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "snapshot", "Copies of project folders, as runs use them");
  add_verb<CreateOptions>(
      noun, context,
      {"create", "Take a snapshot of a folder; only what the server lacks travels", "  werkbank snapshot create . -o json"},
      declare_create, create_snapshot);
  add_verb<IdOptions>(noun, context, {"show", "List a snapshot's files", "  werkbank snapshot show RUN"}, declare_id,
                      show_snapshot);
  add_verb<DownloadOptions>(
      noun, context, {"download", "Write a snapshot's files into a folder", "  werkbank snapshot download RUN -d as-it-was"},
      declare_download, download_snapshot);
  add_verb<DiffOptions>(noun, context,
                        {"diff", "What changed between two snapshots or runs", "  werkbank snapshot diff RUN1 RUN2"},
                        declare_diff, diff_snapshots);
}

}  // namespace werkbank::cli
