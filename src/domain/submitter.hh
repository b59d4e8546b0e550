// Which of the submitter's environment variables travel with a local run. An allow-list: a shell's secrets stay there.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace werkbank {

// PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_*, TZ, TMPDIR, LD_LIBRARY_PATH, CUDA_*, NVIDIA_*, OMP_*, MKL_*, OPENBLAS_*, proxies
// in both cases, CA bundle variables, VIRTUAL_ENV, CONDA_PREFIX, PYENV_VERSION, JAVA_HOME, SPARK_HOME, HADOOP_*, XDG_RUNTIME_DIR,
// DISPLAY.
bool travels_with_run(std::string_view variable);
std::map<std::string, std::string> submitter_environment(const std::map<std::string, std::string>& environment);

}  // namespace werkbank
