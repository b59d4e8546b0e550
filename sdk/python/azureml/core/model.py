"""Models, which come later: the names are here so that scripts which do not use them run."""

from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.later import declare_later

__all__ = ["InferenceConfig", "Model", "ModelPackage"]

declare_later(globals(), "InferenceConfig Model ModelPackage")


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "AksCompute": "azureml.core.compute",
        "ContainerRegistry": "azureml.core.container_registry",
        "Dataset": "azureml.core.dataset",
        "Environment": "azureml.core.environment",
        "Experiment": "azureml.core.experiment",
        "ModelNotFoundException": "azureml.exceptions",
        "ModelProfile": "azureml.core.profile",
        "ResourceConfiguration": "azureml.core.resource_configuration",
        "RunEnvironmentException": "azureml.exceptions",
        "UserErrorException": "azureml.exceptions",
        "WebserviceException": "azureml.exceptions",
    },
)
