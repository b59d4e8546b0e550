#include "environment/azureml_package.hh"

#include <algorithm>

namespace werkbank::environment {

bool is_azureml_package(const Requirement& requirement) {
  const std::string key = requirement.key();
  return key.starts_with("azureml-") || key == "azureml" || key == "azure-ml-api-sdk";
}

std::vector<std::string> companions_of(const Requirement& requirement) {
  const std::string key = requirement.key();
  const bool pandas = std::ranges::find(requirement.extras, "pandas") != requirement.extras.end();
  if (key == "azureml-mlflow") return {"mlflow-skinny"};
  if (key == "azureml-tensorboard") return {"tensorboard"};
  if (key == "azureml-opendatasets") return {"pandas", "pyarrow"};
  if (key == "azureml-dataset-runtime" || key == "azureml-dataprep") {
    return pandas ? std::vector<std::string>{"pandas", "pyarrow"} : std::vector<std::string>{"pyarrow"};
  }
  return {};
}

}  // namespace werkbank::environment
