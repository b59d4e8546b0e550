"""Services, which come later: the names are here so that scripts which do not use them run."""

from azureml._werkbank.later import declare_later_modules
from azureml._werkbank.version import VERSION

__version__ = VERSION

__all__ = ["AciWebservice", "AksEndpoint", "AksWebservice", "LocalWebservice", "UnknownWebservice", "Webservice"]

declare_later_modules(
    globals(),
    {
        "webservice": "AutoScaler ContainerResourceRequirements DataCollection LivenessProbeRequirements WebServiceAccessToken "
        "Webservice WebserviceDeploymentConfiguration",
        "aci": "AciServiceDeploymentConfiguration AciWebservice ContainerResourceRequirements EncryptionProperties "
        "VnetConfiguration",
        "aks": "AksEndpoint AksEndpointDeploymentConfiguration AksServiceAccessToken AksServiceDeploymentConfiguration "
        "AksWebservice AutoScaler ContainerResourceRequirements DataCollection LivenessProbeRequirements",
        "container_resource_requirements": "ContainerResourceRequirements",
        "local": "LocalWebservice LocalWebserviceDeploymentConfiguration",
        "unknown_webservice": "UnknownWebservice",
    },
)
