#include "cli/project_files.hh"

#include <fmt/format.h>

#include <utility>

#include "base/files.hh"
#include "base/json.hh"
#include "cli/project_source.hh"
#include "domain/names.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLocal2018 =
    "# How scripts run on this machine: with the Python that is active where they are submitted.\n"
    "# Set userManagedDependencies to false to have the environment of conda_dependencies.yml built.\n"
    "target: local\n"
    "framework: Python\n"
    "environment:\n"
    "  python:\n"
    "    userManagedDependencies: true\n"
    "    interpreterPath: python\n"
    "    condaDependenciesFile: .azureml/conda_dependencies.yml\n";

constexpr std::string_view kDocker2018 =
    "# How scripts run in a container on this machine.\n"
    "target: local\n"
    "framework: Python\n"
    "environment:\n"
    "  python:\n"
    "    userManagedDependencies: false\n"
    "    condaDependenciesFile: .azureml/conda_dependencies.yml\n"
    "  docker:\n"
    "    enabled: true\n";

constexpr std::string_view kIgnore =
    "# What a snapshot leaves out; the patterns are those of .gitignore.\n"
    "*.pyc\n"
    ".ipynb_checkpoints/\n"
    "outputs/\n"
    "logs/\n";

std::vector<std::pair<std::string, std::string>> wanted_files(ProjectLayout layout) {
  std::vector<std::pair<std::string, std::string>> wanted;
  if (layout == ProjectLayout::kWorkbench) {
    for (const char* const name : {"local.compute", "local.runconfig", "docker.compute", "docker.runconfig",
                                   "conda_dependencies.yml", "spark_dependencies.yml"}) {
      const std::string path = fmt::format("aml_config/{}", name);
      wanted.emplace_back(path, project_default(path));
    }
  } else {
    wanted.emplace_back(".azureml/local.runconfig", kLocal2018);
    wanted.emplace_back(".azureml/docker.runconfig", kDocker2018);
    wanted.emplace_back(".azureml/conda_dependencies.yml", project_default("aml_config/conda_dependencies.yml"));
  }
  wanted.emplace_back(".amlignore", kIgnore);
  return wanted;
}

Status write_one(const fs::path& place, std::string_view text, std::vector<std::string>& written) {
  CHECK_OK(make_directories(place.parent_path(), 0777));
  CHECK_OK(write_file_atomically(place, text, 0644, false));
  written.push_back(place.lexically_normal().string());
  return {};
}

// The folder's own binding, not one further up.
Result<bool> needs_binding(const ProjectFiles& files, const fs::path& place) {
  std::error_code ignored;
  if (!fs::exists(place, ignored)) return true;
  TRY(const std::optional<ProjectWorkspace> bound, find_project_workspace(files.folder));
  const bool same = bound && bound->name == files.workspace && bound->subscription_id == files.subscription_id &&
                    bound->resource_group == files.resource_group;
  if (same) return false;
  if (files.rebind) return true;
  if (!bound || bound->name == files.workspace) return false;
  return fail(errors::already_exists, fmt::format("{} names the workspace {:?} already", place.string(), bound->name),
              fmt::format("az ml folder attach -w {} binds the folder anew.", files.workspace));
}

}  // namespace

Status keep_binding(ProjectFiles& files) {
  if (!files.workspace.empty()) return {};
  files.workspace = "default";
  std::error_code ignored;
  if (!std::filesystem::exists(files.folder / ".azureml" / "config.json", ignored)) return {};
  TRY(const auto bound, find_project_workspace(files.folder));
  if (!bound) return {};
  files.workspace = bound->name;
  files.subscription_id = bound->subscription_id;
  files.resource_group = bound->resource_group;
  return {};
}

void say_workspace_is_new(Context& context, const std::string& workspace, bool local_server) {
  context.terminal().say(fmt::format("Workspace {:?} is not there yet; {}", visible(workspace),
                                     local_server
                                         ? std::string("the first submit makes it")
                                         : fmt::format("make it with: az ml workspace create -w {}", visible(workspace))));
}

void tell_new_workspace(Context& context, const std::string& workspace) {
  if (workspace == "default") return;
  const auto server = context.session();
  if (!server) return;
  const auto known = (*server)->get("/api/v1/workspaces/" + net::encode_segment(workspace));
  if (!known && known.error().code == &errors::workspace_not_found)
    say_workspace_is_new(context, workspace, (*server)->address().local);
}

Result<std::vector<std::string>> write_project_files(const ProjectFiles& files) {
  const fs::path binding = files.folder / ".azureml" / "config.json";
  TRY(const bool bind, needs_binding(files, binding));
  if (bind) CHECK_OK(check_workspace_name(files.workspace));
  std::vector<std::string> written;
  if (bind) {
    std::string config = pretty_json(json::object{{"subscription_id", files.subscription_id},
                                                  {"resource_group", files.resource_group},
                                                  {"workspace_name", files.workspace}});
    if (!config.ends_with('\n')) config += '\n';
    CHECK_OK(write_one(binding, config, written));
  }
  for (const auto& [path, text] : wanted_files(files.layout)) {
    std::error_code ignored;
    const fs::path place = files.folder / path;
    if (!fs::exists(place, ignored)) CHECK_OK(write_one(place, text, written));
  }
  return written;
}

}  // namespace werkbank::cli
