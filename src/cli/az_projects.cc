// az ml project create | restore | update | sample (2017)
#include <fmt/format.h>

#include "base/files.hh"
#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/project_files.hh"
#include "domain/names.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

struct CreateOptions {
  AzCommon common;
  std::string name, workspace = "default", account, parent = ".", template_folder, template_url, repository, vsts_token;
  bool force = false;
};

void declare_create(CLI::App& verb, CreateOptions& options) {
  verb.add_option("-n,--name", options.name, "The project's name: its folder")->required();
  verb.add_option("-w,--workspace", options.workspace, "Workspace")->capture_default_str();
  verb.add_option("-a,--account", options.account)->group("");
  verb.add_option("-g,--resource-group", options.common.resource_group, "Free text");
  verb.add_option("--path", options.parent, "Where the project's folder is made")->capture_default_str();
  verb.add_option("--template", options.template_folder, "A folder whose files the project begins with");
  verb.add_option("--template-url", options.template_url)->group("");
  verb.add_option("-r,--repo", options.repository)->group("");
  verb.add_option("--vststoken", options.vsts_token)->group("");
  verb.add_flag("--force", options.force, "Take a folder that is there and not empty");
}

Result<fs::path> project_folder(const CreateOptions& options) {
  TRY(const RelativePath name, RelativePath::parse(options.name));
  if (options.name.find('/') != std::string::npos || options.name.front() == '.') {
    return fail(errors::name_refused, fmt::format("{:?} is no name for a project", options.name),
                "Name it without a folder; --path says where it is made.");
  }
  fs::path folder = name.below(options.parent);
  std::error_code ignored;
  if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored))
    return fail(errors::already_exists, fmt::format("{} is there, and no folder", folder.string()));
  if (fs::is_directory(folder, ignored) && !fs::is_empty(folder, ignored) && !options.force)
    return fail(errors::already_exists, fmt::format("the folder {} is there and not empty", folder.string()),
                "Use --force to make it a project; what is there stays.");
  return folder;
}

Status copy_template(const fs::path& from, const fs::path& folder) {
  std::error_code failure;
  fs::copy(from, folder, fs::copy_options::recursive | fs::copy_options::skip_existing, failure);
  if (failure)
    return fail(errors::io_failed, fmt::format("copy {} to {}: {}", from.string(), folder.string(), failure.message()));
  return {};
}

Result<int> create_project(Context& context, const CreateOptions& options) {
  if (!options.template_url.empty() || !options.repository.empty() || !options.vsts_token.empty()) {
    return fail(errors::not_supported, "`az ml project create` does not fetch from other places: --template-url, --repo",
                "Clone the repository with git, then run `werkbank init` in it; runs keep its commit.");
  }
  TRY(const fs::path folder, project_folder(options));
  std::error_code ignored;
  if (!options.template_folder.empty() && !fs::is_directory(options.template_folder, ignored)) {
    return fail(errors::usage, fmt::format("the template {} is no folder", options.template_folder));
  }
  CHECK_OK(check_workspace_name(options.workspace));
  CHECK_OK(make_directories(folder, 0777));
  if (!options.template_folder.empty()) CHECK_OK(copy_template(options.template_folder, folder));
  ProjectFiles files{.folder = folder, .workspace = options.workspace, .rebind = options.force};
  if (!options.common.resource_group.empty()) files.resource_group = options.common.resource_group;
  TRY(const std::vector<std::string> written, write_project_files(files));
  tell_new_workspace(context, files.workspace);
  json::array list(written.begin(), written.end());
  CHECK_OK(context.print(json::object{{"name", options.name},
                                      {"path", fs::absolute(folder).lexically_normal().string()},
                                      {"workspace", files.workspace},
                                      {"written", std::move(list)}},
                         {}));
  return kExitDone;
}

struct RestoreOptions {
  std::string run;
};

void declare_restore(CLI::App& verb, RestoreOptions& options) {
  verb.add_option("-r,--run-id,--run", options.run, "The run whose files are wanted")->required();
}

// The documented verb overwrites the folder: files of the run replace those of the same name, others stay.
Result<int> restore_project(Context& context, const RestoreOptions& options) {
  TRY(const std::vector<std::string> written, write_snapshot(context, options.run, context.project_folder, true));
  context.terminal().say(fmt::format("{} files as run {} had them; other files were left alone", written.size(), options.run));
  json::array list(written.begin(), written.end());
  CHECK_OK(context.print(json::value(std::move(list)), {}));
  return kExitDone;
}

}  // namespace

void add_az_projects(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "project", "Project folders");
  add_verb<CreateOptions>(noun, context,
                          {"create", "Make a folder with a project's configuration files",
                           "  az ml project create -n digits -w vision\n"
                           "  az ml project create -n digits --path ~/projects --template ./skeleton"},
                          declare_create, create_project, kAzVerb);
  add_verb<RestoreOptions>(noun, context,
                           {"restore", "Bring the folder's files back to those of a run", "  az ml project restore --run-id RUN"},
                           declare_restore, restore_project, kAzVerb)
      ->add_option("--path", context.project_folder, "The project folder (default: the current one)");
  add_az_later(noun, context, {"update", "a studio that keeps a project's repository comes", "Use `git remote set-url`."});
  add_az_later(noun, context, {"sample", "a gallery of samples comes", "examples/digits of Werkbank's own sources is one."});
}

}  // namespace werkbank::cli
