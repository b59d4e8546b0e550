#include "domain/submitter.hh"

#include <algorithm>
#include <array>

namespace werkbank {
namespace {

constexpr std::array kNames{
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_TRUSTED_HOST",
    "PIP_NO_INDEX",
    "PIP_PROXY",
    "NETRC",
    "UV_INDEX_URL",
    "UV_CACHE_DIR",
    "WERKBANK_UV",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONPATH",
    "JAVA_HOME",
    "SPARK_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_CACHE_HOME",
    "DISPLAY",
    "NUMBER_OF_PROCESSORS",
};
constexpr std::array kPrefixes{"LC_",     "CUDA_", "NVIDIA_",  "OMP_",  "MKL_", "OPENBLAS_",
                               "HADOOP_", "KMP_",  "NUMEXPR_", "ROCR_", "HIP_"};

}  // namespace

bool travels_with_run(std::string_view variable) {
  if (std::ranges::any_of(kNames, [&](std::string_view name) { return name == variable; })) return true;
  return std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return variable.starts_with(prefix); });
}

std::map<std::string, std::string> submitter_environment(const std::map<std::string, std::string>& environment) {
  std::map<std::string, std::string> allowed;
  for (const auto& [name, value] : environment) {
    if (travels_with_run(name)) allowed.emplace(name, value);
  }
  return allowed;
}

}  // namespace werkbank
