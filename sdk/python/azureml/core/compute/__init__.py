"""Compute targets. ComputeTarget answers what the server has; the kinds of v1 that can be made or attached come later: their
names are here so that scripts which do not use them run."""

from azureml._werkbank.later import declare_later_modules
from azureml._werkbank.version import VERSION
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
        "amlcompute": "AmlCompute AmlComputeNodeStateCounts AmlComputeProvisioningConfiguration AmlComputeStatus ScaleSettings",
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
