#include "cli/project_files.hh"

#include <utility>

#include "base/files.hh"
#include "base/json.hh"

namespace werkbank::cli {
namespace {

constexpr std::string_view kLocalRunConfig =
    "# How scripts run on this machine: with the Python that is active where they are submitted.\n"
    "# Set userManagedDependencies to false to have the environment of conda_dependencies.yml built.\n"
    "target: local\n"
    "framework: Python\n"
    "environment:\n"
    "  python:\n"
    "    userManagedDependencies: true\n"
    "    interpreterPath: python\n"
    "    condaDependenciesFile: .azureml/conda_dependencies.yml\n";

constexpr std::string_view kCondaDependencies =
    "name: project_environment\n"
    "dependencies:\n"
    "  - python=3.10\n"
    "  - pip:\n"
    "      - azureml-defaults\n";

constexpr std::string_view kIgnore =
    "# What a snapshot leaves out; the patterns are those of .gitignore.\n"
    "*.pyc\n"
    ".ipynb_checkpoints/\n"
    "outputs/\n"
    "logs/\n";

}  // namespace

Result<std::vector<std::string>> write_project_files(const ProjectFiles& files) {
  const std::filesystem::path settings = files.folder / ".azureml";
  const json::object config{
      {"subscription_id", files.subscription_id}, {"resource_group", files.resource_group}, {"workspace_name", files.workspace}};
  std::string config_text = pretty_json(config);
  if (!config_text.ends_with('\n')) config_text += '\n';
  const std::pair<std::filesystem::path, std::string_view> wanted[] = {{settings / "config.json", config_text},
                                                                       {settings / "local.runconfig", kLocalRunConfig},
                                                                       {settings / "conda_dependencies.yml", kCondaDependencies},
                                                                       {files.folder / ".amlignore", kIgnore}};
  CHECK_OK(make_directories(settings, 0777));
  std::vector<std::string> written;
  for (const auto& [place, text] : wanted) {
    std::error_code ignored;
    if (std::filesystem::exists(place, ignored)) continue;
    CHECK_OK(write_file_atomically(place, text, 0644, false));
    written.push_back(place.lexically_normal().string());
  }
  return written;
}

}  // namespace werkbank::cli
