"""Compute targets as objects, which come later: the names are here so that scripts which do not use them run."""

from azureml._werkbank.later import declare_later

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

declare_later(
    globals(),
    "AdlaCompute AksCompute AmlCompute BatchCompute ComputeInstance ComputeTarget DataFactoryCompute DatabricksCompute "
    "DsvmCompute HDInsightCompute KubernetesCompute KustoCompute RemoteCompute SynapseCompute",
)
