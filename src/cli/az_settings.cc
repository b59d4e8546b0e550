// az configure, az version: what scripts begin with
#include <fmt/format.h>

#include "cli/az.hh"

namespace werkbank::cli {
namespace {

struct ConfigureOptions {
  std::vector<std::string> defaults;
  std::string scope;
  bool list = false;
};

void declare_configure(CLI::App& verb, ConfigureOptions& options) {
  verb.add_option("-d,--defaults", options.defaults, "NAME=VALUE …: taken, and not kept");
  verb.add_flag("-l,--list-defaults", options.list, "List them: there are none");
  verb.add_option("--scope", options.scope)->group("");
}

// A default that is kept for the user would send runs of every folder elsewhere; here a folder says where it belongs.
Result<int> configure(Context& context, const ConfigureOptions& options) {
  std::string workspace = "NAME";
  for (const std::string& word : options.defaults) {
    TRY(const auto pair, split_assignment(word, "--defaults"));
    if (pair.first == "workspace" && !pair.second.empty()) workspace = pair.second;
  }
  if (options.list) {
    CHECK_OK(context.print(json::array(), {}));
    return kExitDone;
  }
  context.terminal().say(
      fmt::format("Nothing was kept: a folder says itself which workspace it belongs to. `az ml folder attach -w {}` writes that "
                  "into this one; "
                  "group and location are free text.",
                  visible(workspace)));
  return kExitDone;
}

Result<int> show_version(Context& context, const NoOptions&) {
  CHECK_OK(context.print(json::object{{"werkbank", context.programs().version},
                                      {"extensions", json::object{{"azure-cli-ml", context.programs().version}}}},
                         {}));
  return kExitDone;
}

}  // namespace

void add_az_settings(CLI::App& az, Context& context) {
  add_verb<ConfigureOptions>(
      az, context,
      {"configure", "Taken: a folder's workspace is kept in the folder", "  az configure --defaults group=team workspace=vision"},
      declare_configure, configure, kAzVerb);
  add_verb<NoOptions>(az, context, {"version", "Which Werkbank answers as az", "  az version"}, nullptr, show_version, kAzVerb);
}

}  // namespace werkbank::cli
