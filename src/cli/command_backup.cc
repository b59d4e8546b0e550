// gc, backup, restore: the whole installation
#include <fmt/format.h>

#include "cli/command.hh"
#include "client/server_process.hh"

namespace werkbank::cli {
namespace {

constexpr VerbOptions kPlain{.workspace = false, .output = false};

struct GarbageOptions {
  bool dry_run = false, empty_trash = false;
};

void declare_gc(CLI::App& verb, GarbageOptions& options) {
  verb.add_flag("--dry-run", options.dry_run, "Only tell how much would be freed");
  verb.add_flag("--empty-trash", options.empty_trash, "Deleted runs, too, with their logs, metrics and files: for good");
}

std::vector<Column> garbage_columns() {
  return {number_column("Runs", "runs"), number_column("Snapshots", "snapshots"), number_column("Files", "blobs"),
          number_column("Bytes", "totalBytes"), number_column("Events", "events")};
}

Result<int> collect_garbage(Context& context, const GarbageOptions& options) {
  TRY(client::Session* const server, context.session());
  const json::object body{{"dryRun", options.dry_run}, {"emptyTrash", options.empty_trash}};
  TRY(const json::value freed, server->send_json(net::Method::kPost, "/api/v1/server/gc", body));
  CHECK_OK(context.print(freed, garbage_columns()));
  const auto bytes = freed.at("totalBytes").to_number<uint64_t>();
  context.terminal().say(fmt::format("{} {}", options.dry_run ? "Would free" : "Freed", human_bytes(bytes)));
  return kExitDone;
}

struct FolderOptions {
  std::filesystem::path path;
  bool replace = false;
};

void declare_backup(CLI::App& verb, FolderOptions& options) {
  verb.add_option("FOLDER", options.path, "A new or empty folder")->required();
}

Result<int> back_up(Context& context, const FolderOptions& options) {
  if (!context.programs().backup) return fail(errors::not_supported, "this program was built without the server");
  TRY(const std::filesystem::path home, client::find_home(context.environment()));
  TRY(const uint64_t bytes, context.programs().backup(home, options.path));
  context.terminal().say(fmt::format("Backed up {}: {} in {}. It holds the vault's key: keep it as safe as the home.",
                                     home.string(), human_bytes(bytes), options.path.string()));
  return kExitDone;
}

void declare_restore(CLI::App& verb, FolderOptions& options) {
  verb.add_option("BACKUP", options.path,
                  "A folder that `werkbank backup` made, or a copy of the records (backups/werkbank-….db)")
      ->required();
  verb.add_flag("--replace", options.replace, "What is in the home now is moved aside");
}

Result<int> restore(Context& context, const FolderOptions& options) {
  if (!context.programs().restore) return fail(errors::not_supported, "this program was built without the server");
  TRY(const std::filesystem::path home, client::find_home(context.environment()));
  TRY(const std::filesystem::path aside, context.programs().restore(home, options.path, options.replace));
  context.terminal().say(fmt::format("Restored {} from {}", home.string(), options.path.string()));
  if (!aside.empty()) context.terminal().say(fmt::format("What was there is in {}", aside.string()));
  return kExitDone;
}

}  // namespace

void add_backup_commands(CLI::App& app, Context& context) {
  add_verb<GarbageOptions>(app, context,
                           {"gc", "Free what no run needs any more; the server does so by itself once a day",
                            "  werkbank gc --dry-run\n  werkbank gc --empty-trash"},
                           declare_gc, collect_garbage, {.workspace = false});
  add_verb<FolderOptions>(app, context,
                          {"backup", "Copy the whole home, also while the server works", "  werkbank backup /mnt/backup/monday"},
                          declare_backup, back_up, kPlain);
  add_verb<FolderOptions>(app, context,
                          {"restore", "Bring a backup back into the home", "  werkbank restore /mnt/backup/monday --replace"},
                          declare_restore, restore, kPlain);
}

}  // namespace werkbank::cli
