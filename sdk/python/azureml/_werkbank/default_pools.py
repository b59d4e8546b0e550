"""The pools that a workspace may be made with: v1's cpu-cluster and gpu-cluster."""


class PoolConfiguration(object):
    """A configuration of a pool as a class attribute, made when it is asked for."""

    def __init__(self, vm_size):
        self._vm_size = vm_size

    def __get__(self, workspace, kind):
        from azureml.core.compute import AmlCompute

        return AmlCompute.provisioning_configuration(vm_size=self._vm_size, min_nodes=0, max_nodes=2)


def create_default_pools(workspace, cpu, gpu):
    """Those for which a configuration is given, and which are not there yet."""
    from azureml.core.compute import ComputeTarget

    for name, configuration in ((workspace.DEFAULT_CPU_CLUSTER_NAME, cpu), (workspace.DEFAULT_GPU_CLUSTER_NAME, gpu)):
        if configuration is not None and name not in workspace.compute_targets:
            ComputeTarget.create(workspace, name, configuration)
