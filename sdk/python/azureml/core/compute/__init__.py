"""Compute targets. ComputeTarget answers what the server has, AmlCompute is a pool that is made by it; the other kinds of v1 come
later: their names are here so that scripts which do not use them run."""

from azureml._werkbank.later import declare_later_modules
from azureml._werkbank.version import VERSION
from azureml.core.compute.amlcompute import AmlCompute
from azureml.core.compute.compute import ComputeTarget

__version__ = VERSION

__all__ = [
    "AdlaCompute",
    "AksCompute",
    "AmlCompute",
    "BatchCompute",
    "ComputeInstance",
    "ComputeTarget",
    "DataFactoryCompute",
    "DatabricksCompute",
    "DsvmCompute",
    "HDInsightCompute",
    "KubernetesCompute",
    "KustoCompute",
    "RemoteCompute",
    "SynapseCompute",
]

declare_later_modules(
    globals(),
    {
        "adla": "AdlaCompute DataLakeAnalyticsAttachConfiguration",
        "aks": "AksAttachConfiguration AksCompute AksProvisioningConfiguration AksUpdateConfiguration SslConfiguration "
        "SystemService",
        "batch": "BatchAttachConfiguration BatchCompute",
        "computeinstance": "ComputeInstance ComputeInstanceProvisioningConfiguration ComputeInstanceStatus",
        "databricks": "DatabricksAttachConfiguration DatabricksCompute",
        "datafactory": "DataFactoryAttachConfiguration DataFactoryCompute DataFactoryProvisioningConfiguration",
        "dsvm": "DsvmCompute DsvmProvisioningConfiguration",
        "hdinsight": "HDInsightAttachConfiguration HDInsightCompute",
        "kubernetescompute": "KubernetesCompute KubernetesComputeAttachConfiguration KubernetesComputeStatus",
        "kusto": "KustoAttachConfiguration KustoCompute",
        "remote": "RemoteCompute RemoteComputeAttachConfiguration",
        "synapse": "SynapseAttachConfiguration SynapseCompute",
    },
)
