// aml_config/<target>.compute: what the Workbench of 2017 kept of a compute target.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hh"
#include "base/secret.hh"

namespace werkbank::client {

struct ComputeFile {
  std::string type;  // local, remote, docker, remotedocker, cluster
  std::string address;
  std::string username;
  Secret password;
  std::string base_docker_image;
  bool shared_volumes = false;
  bool nvidia_docker = false;
  std::string native_shared_directory;
  bool user_managed_environment = false;
  std::string python_location;
};

// config_invalid with `name`, line and what is expected there.
Result<ComputeFile> parse_compute_file(std::string_view text, const std::string& name);
// A project's file of the target, whatever its case; the default of `local` and `docker`; nothing where the project does not
// describe the target. A name that is none leads to nothing.
Result<std::optional<ComputeFile>> find_compute_file(const std::filesystem::path& folder, const std::string& target);

}  // namespace werkbank::client
