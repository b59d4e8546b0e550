#include "client/project/compute_file.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/files.hh"
#include "base/text.hh"
#include "client/project/default_files.hh"
#include "client/project/run_config_parts.hh"
#include "client/project/schema.hh"

namespace werkbank::client {
namespace {

constexpr Key kComputeKeys[] = {
    {"type", ValueKind::kText},
    {"address", ValueKind::kText},
    {"username", ValueKind::kText},
    {"password", ValueKind::kText},
    {"baseDockerImage", ValueKind::kText},
    {"sharedVolumes", ValueKind::kTruth},
    {"nvidiaDocker", ValueKind::kTruth},
    {"nativeSharedDirectory", ValueKind::kText},
    {"userManagedEnvironment", ValueKind::kTruth},
    {"pythonLocation", ValueKind::kText},
};

}  // namespace

Result<ComputeFile> parse_compute_file(std::string_view text, const std::string& name) {
  TRY(const YamlNode root, parse_yaml(repaired_2017(text), name));
  CHECK_OK(check_schema(root, name, kComputeKeys, {}));
  ComputeFile compute;
  compute.type = lower(text_at(root, "type"));
  if (compute.type == "localdocker") compute.type = "docker";
  constexpr std::array kTypes{"local", "remote", "docker", "remotedocker", "cluster"};
  if (std::ranges::find(kTypes, compute.type) == kTypes.end()) {
    const YamlNode* type = node_at(root, "type");
    return yaml_error(name, type ? *type : root,
                      type ? fmt::format("'{}' is not a type of compute target", type->text) : "'type' is missing",
                      "The types are local, remote, docker, remotedocker, cluster.");
  }
  compute.address = text_at(root, "address");
  compute.username = text_at(root, "username");
  compute.password = Secret(text_at(root, "password"));
  compute.base_docker_image = text_at(root, "baseDockerImage");
  compute.shared_volumes = truth_at(root, "sharedVolumes", false);
  compute.nvidia_docker = truth_at(root, "nvidiaDocker", false);
  compute.native_shared_directory = text_at(root, "nativeSharedDirectory");
  compute.user_managed_environment = truth_at(root, "userManagedEnvironment", false);
  compute.python_location = text_at(root, "pythonLocation");
  const bool over_network = compute.type == "remote" || compute.type == "remotedocker" || compute.type == "cluster";
  if (over_network && compute.address.empty())
    return yaml_error(name, root, fmt::format("'address' is missing: type {} needs it", compute.type));
  return compute;
}

Result<std::optional<ComputeFile>> find_compute_file(const std::filesystem::path& folder, const std::string& target) {
  if (target.empty() || target.starts_with('.') || target.find_first_of("/\\") != std::string::npos) return std::nullopt;
  const std::string relative = "aml_config/" + target + ".compute";
  TRY(const auto file, find_in_project(folder, relative));
  if (!file) {
    const auto usual = default_project_file(relative);
    if (!usual) return std::nullopt;
    TRY(ComputeFile compute, parse_compute_file(*usual, relative));
    return std::optional(std::move(compute));
  }
  const auto text = read_file(*file, 1 << 20);
  if (!text) return fail(errors::config_invalid, relative + ": " + text.error().message);
  TRY(ComputeFile compute, parse_compute_file(*text, relative));
  return std::optional(std::move(compute));
}

}  // namespace werkbank::client
