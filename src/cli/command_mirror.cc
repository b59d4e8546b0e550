// mirror add | list | remove: where this machine finds public data, in place of the internet
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hh"
#include "client/mirrors.hh"

namespace werkbank::cli {
namespace {

constexpr VerbOptions kPlain{.workspace = false, .output = false};

struct MirrorOptions {
  std::string name, target;
};

void declare_add(CLI::App& verb, MirrorOptions& options) {
  verb.add_option("NAME", options.name, "An open dataset (mnist, diabetes …), or a host (data.example.com)")->required();
  verb.add_option("TARGET", options.target, "A folder or an http(s) address: of a dataset's files, or of what lies on the host")
      ->required();
}

Result<int> add(Context& context, const MirrorOptions& options) {
  TRY(client::Mirror mirror, client::checked_mirror(options.name, options.target));
  TRY(const std::filesystem::path home, client::find_home(context.environment()));
  TRY(std::vector<client::Mirror> mirrors, client::read_mirrors(home));
  std::erase_if(mirrors, [&](const client::Mirror& each) { return each.name == mirror.name; });
  const std::string said = fmt::format("{} comes from {}", mirror.name, mirror.target);
  mirrors.push_back(std::move(mirror));
  CHECK_OK(client::write_mirrors(home, std::move(mirrors)));
  context.terminal().say(said);
  return kExitDone;
}

Result<int> list(Context& context, const NoOptions&) {
  TRY(const std::filesystem::path home, client::find_home(context.environment()));
  TRY(const std::vector<client::Mirror> mirrors, client::read_mirrors(home));
  json::array listed;
  for (const client::Mirror& mirror : mirrors) listed.push_back(json::object{{"name", mirror.name}, {"target", mirror.target}});
  CHECK_OK(context.print(json::value(std::move(listed)), {text_column("Name", "name"), text_column("Target", "target")}));
  return kExitDone;
}

void declare_remove(CLI::App& verb, MirrorOptions& options) {
  verb.add_option("NAME", options.name, "As `werkbank mirror list` shows it")->required();
}

Result<int> remove(Context& context, const MirrorOptions& options) {
  TRY(const std::filesystem::path home, client::find_home(context.environment()));
  TRY(std::vector<client::Mirror> mirrors, client::read_mirrors(home));
  if (std::erase_if(mirrors, [&](const client::Mirror& each) { return each.name == options.name; }) == 0)
    return fail(errors::not_found, fmt::format("there is no mirror {:?}", options.name), "`werkbank mirror list` shows them.");
  CHECK_OK(client::write_mirrors(home, std::move(mirrors)));
  context.terminal().say(fmt::format("Removed the mirror of {}; its files stay", options.name));
  return kExitDone;
}

}  // namespace

void add_mirror_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "mirror", "Where this machine finds public data, in place of the internet");
  add_verb<MirrorOptions>(noun, context,
                          {"add", "Name the place of an open dataset's files, or of what lies on a host",
                           "  werkbank mirror add mnist /data/mnist\n"
                           "  werkbank mirror add data.example.com https://mirror.intern/data"},
                          declare_add, add, kPlain);
  add_verb<NoOptions>(noun, context, {"list", "List the mirrors of this home", "  werkbank mirror list"}, nullptr, list,
                      {.workspace = false});
  add_verb<MirrorOptions>(noun, context, {"remove", "Forget a mirror; its files stay", "  werkbank mirror remove mnist"},
                          declare_remove, remove, kPlain);
}

}  // namespace werkbank::cli
