"""azureml.core: workspaces, experiments, runs, environments. Each name is imported when it is first used."""

from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.version import VERSION

__version__ = VERSION

RUN_TYPE_PROVIDERS_ENTRYPOINT_KEY = "azureml_run_type_providers"

__all__ = [
    "ComputeTarget", "ContainerRegistry", "Dataset", "Datastore", "Environment", "Experiment", "Image", "Keyvault", "LinkedService", "Model",
    "PrivateEndPoint", "PrivateEndPointConfig", "Run", "RunConfiguration", "ScriptRun", "ScriptRunConfig",
    "SynapseWorkspaceLinkedServiceConfiguration", "Webservice", "Workspace", "attach_legacy_compute_target", "diagnostic_log", "get_run",
    "is_compute_target_prepared", "prepare_compute_target", "remove_legacy_compute_target",
]

make_lazy(__name__, {
    "ComputeTarget": "azureml.core.compute",
    "ContainerRegistry": "azureml.core.container_registry",
    "Dataset": "azureml.core.dataset",
    "Datastore": "azureml.core.datastore",
    "Environment": "azureml.core.environment",
    "Experiment": "azureml.core.experiment",
    "Image": "azureml.core.image",
    "Keyvault": "azureml.core.keyvault",
    "LinkedService": "azureml.core.linked_service",
    "Model": "azureml.core.model",
    "PrivateEndPoint": "azureml.core.private_endpoint",
    "PrivateEndPointConfig": "azureml.core.private_endpoint",
    "Run": "azureml.core.run",
    "RunConfiguration": "azureml.core.runconfig",
    "ScriptRun": "azureml.core.script_run",
    "ScriptRunConfig": "azureml.core.script_run_config",
    "SynapseWorkspaceLinkedServiceConfiguration": "azureml.core.linked_service",
    "Webservice": "azureml.core.webservice",
    "Workspace": "azureml.core.workspace",
    "attach_legacy_compute_target": "azureml.core.compute_target",
    "diagnostic_log": "azureml._werkbank.diagnostics",
    "get_run": "azureml.core.run",
    "is_compute_target_prepared": "azureml.core.compute_target",
    "prepare_compute_target": "azureml.core.compute_target",
    "remove_legacy_compute_target": "azureml.core.compute_target",
    "authentication": "",
    "compute": "",
    "compute_target": "",
    "conda_dependencies": "",
    "container_registry": "",
    "databricks": "",
    "dataset": "",
    "datastore": "",
    "environment": "",
    "experiment": "",
    "image": "",
    "keyvault": "",
    "linked_service": "",
    "model": "",
    "private_endpoint": "",
    "resource_configuration": "",
    "run": "",
    "runconfig": "",
    "script_run": "",
    "script_run_config": "",
    "util": "",
    "webservice": "",
    "workspace": "",
})
