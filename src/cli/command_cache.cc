// cache show | limit | clear: the files of datastores that this machine keeps.
#include <fmt/format.h>

#include "cli/command.hh"
#include "client/session.hh"
#include "data/cache/file_cache.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

Result<fs::path> cache_folder(Context& context) {
  TRY(const fs::path home, client::find_home(context.environment()));
  return home / "cache" / "data";
}

Result<int> show_cache(Context& context, const NoOptions&) {
  TRY(const fs::path folder, cache_folder(context));
  TRY(const data::CacheUse use, data::cache_use(folder));
  const json::object document{
      {"folder", folder.string()}, {"files", use.files}, {"sizeBytes", use.size_bytes}, {"limitBytes", use.size_bytes_max}};
  CHECK_OK(context.print(document, {}));
  return kExitDone;
}

struct LimitOptions {
  std::string size;
};

void declare_limit(CLI::App& verb, LimitOptions& options) {
  verb.add_option("SIZE", options.size, "How much it may hold: 20GB, 512MiB")->required();
}

Result<int> limit_cache(Context& context, const LimitOptions& options) {
  TRY(const uint64_t size_bytes, data::parse_size(options.size));
  TRY(const fs::path folder, cache_folder(context));
  CHECK_OK(data::set_cache_limit(folder, size_bytes));
  data::FileCache({.folder = folder}).trim();
  context.terminal().say(fmt::format("The cache holds {} at most", human_bytes(size_bytes)));
  return kExitDone;
}

Result<int> empty_cache(Context& context, const NoOptions&) {
  TRY(const fs::path folder, cache_folder(context));
  TRY(const uint64_t removed, data::clear_cache(folder));
  context.terminal().say(fmt::format("Removed {}; files that are in use stay", human_bytes(removed)));
  return kExitDone;
}

}  // namespace

void add_cache_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "cache", "Files of datastores that this machine keeps for the next time");
  constexpr VerbOptions kHere{.workspace = false, .output = false};
  add_verb<NoOptions>(noun, context, {"show", "How much there is, and the limit", "  werkbank cache show"}, nullptr, show_cache,
                      {.workspace = false});
  add_verb<LimitOptions>(
      noun, context, {"limit", "Choose how much it may hold; what was used least recently goes", "  werkbank cache limit 20GB"},
      declare_limit, limit_cache, kHere);
  add_verb<NoOptions>(noun, context, {"clear", "Empty it", "  werkbank cache clear"}, nullptr, empty_cache, kHere);
}

}  // namespace werkbank::cli
