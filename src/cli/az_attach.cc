// az ml computetarget attach | detach | delete: the pair of files that a project of 2017 keeps of a target.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/files.hh"
#include "base/text.hh"
#include "cli/az.hh"
#include "cli/command_compute.hh"
#include "cli/project_source.hh"
#include "domain/names.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "aml_config";

struct AttachOptions {
  std::string kind, type, name, address, user, password, key_file, passphrase;
  int64_t ssh_port = 22;
  bool own_key = false;
};

void declare_attach(CLI::App& verb, AttachOptions& options) {
  verb.add_option("KIND", options.kind, "local or docker: this machine (remote, remotedocker, cluster … come later)");
  verb.add_option("--type", options.type, "The same, as it was written first");
  verb.add_option("-n,--name", options.name, "Its name")->required();
  for (const auto& [flags, value] :
       {std::pair("-a,--address", &options.address), std::pair("-u,--username", &options.user),
        std::pair("-p,--password", &options.password), std::pair("--private-key-file", &options.key_file),
        std::pair("--private-key-passphrase", &options.passphrase)}) {
    verb.add_option(flags, *value)->group("");
  }
  verb.add_option("-w,--workspace-name", options.password)->group("");  // 2017: the password
  verb.add_option("--ssh-port", options.ssh_port)->group("");
  verb.add_flag("-k,--use-azureml-ssh-key", options.own_key)->group("");
}

// The files of a target of that kind, in the words of the default one.
std::string renamed(std::string text, std::string_view kind, std::string_view name) {
  const std::string line = fmt::format("Target: {}\n", kind);
  if (const size_t at = text.find(line); at != std::string::npos)
    text.replace(at, line.size(), fmt::format("Target: {}\n", name));
  return text;
}

Status write_pair(Context& context, const std::string& kind, const std::string& name) {
  const fs::path folder = fs::path(context.project_folder) / kFolder;
  const std::array<std::pair<fs::path, std::string>, 2> files{{
      {folder / (name + ".compute"), project_default(fmt::format("{}/{}.compute", kFolder, kind))},
      {folder / (name + ".runconfig"), renamed(project_default(fmt::format("{}/{}.runconfig", kFolder, kind)), kind, name)},
  }};
  std::error_code ignored;
  for (const auto& [file, text] : files) {
    if (fs::exists(file, ignored))
      return fail(errors::already_exists, fmt::format("{} is there already", file.lexically_normal().string()),
                  "Change it with an editor, or remove it first: az ml computetarget detach -n " + name);
  }
  CHECK_OK(make_directories(folder, 0777));
  for (const auto& [file, text] : files) {
    CHECK_OK(write_file_atomically(file, text, 0644, false));
    context.terminal().say("Wrote " + file.lexically_normal().string());
  }
  return {};
}

Result<int> attach(Context& context, const AttachOptions& options) {
  std::string kind = lower(options.kind.empty() ? options.type : options.kind);
  if (kind == "localdocker") kind = "docker";
  if (kind.empty()) return fail(errors::usage, "no kind of target is named", "Name it: az ml computetarget attach local -n NAME");
  CHECK_OK(check_target_name(options.name));
  if (kind != "local" && kind != "docker") {
    return fail(
        errors::not_supported,
        fmt::format(
            "a target of the kind {:?} cannot be attached in this version: targets on other machines come with a later one",
            kind),
        "Runs are executed on this machine: `local` is always there. Nothing was written, and no password was kept.");
  }
  CHECK_OK(write_pair(context, kind, options.name));
  if (kind == "docker")
    context.terminal().say("Docker targets come with a later version; until then add `-t local` to run without a container");
  else
    context.terminal().say(fmt::format("It is this machine: az ml experiment submit -c {} SCRIPT", options.name));
  CHECK_OK(context.print(json::object{{"name", options.name}, {"computeType", kind}, {"provisioningState", "Succeeded"}}, {}));
  return kExitDone;
}

struct DetachOptions {
  std::string name;
  bool yes = false;
};

void declare_detach(CLI::App& verb, DetachOptions& options) {
  verb.add_option("-n,--name", options.name, "Its name")->required();
  verb.add_flag("-y,--yes", options.yes)->group("");
}

// A target that is the project's own is its pair of files; any other is the server's.
Result<int> detach(Context& context, const DetachOptions& options) {
  CHECK_OK(check_target_name(options.name));
  const fs::path folder = fs::path(context.project_folder) / kFolder;
  std::error_code failure;
  bool removed = false;
  for (const char* const suffix : {".compute", ".runconfig"}) {
    const fs::path file = folder / (options.name + suffix);
    if (!fs::remove(file, failure)) continue;
    removed = true;
    context.terminal().say("Deleted " + file.lexically_normal().string());
  }
  if (!removed) CHECK_OK(delete_target(context, options.name));
  return kExitDone;
}

}  // namespace

void add_az_attach(CLI::App& noun, Context& context) {
  const auto with_path = [&](CLI::App* verb) {
    verb->add_option("--path", context.project_folder, "The project folder (default: the current one)");
  };
  with_path(add_verb<AttachOptions>(noun, context,
                                    {"attach", "Write NAME.compute and NAME.runconfig of a target into aml_config",
                                     "  az ml computetarget attach local -n quick\n"
                                     "  az ml computetarget attach --name box --type docker"},
                                    declare_attach, attach, kAzVerb));
  for (const char* const name : {"detach", "delete"}) {
    add_az_place(*add_verb<DetachOptions>(noun, context,
                                          {name, "Remove a target: its files in aml_config, or the server's that no run uses",
                                           "  az ml computetarget detach -n quick\n  az ml computetarget delete -n cpucluster"},
                                          declare_detach, detach, kAzVerb),
                 context);
  }
}

}  // namespace werkbank::cli
