"""ResourceConfiguration: processors and memory that something needs."""

from azureml.exceptions import WebserviceException

__all__ = ["ResourceConfiguration"]


class ResourceConfiguration(object):
    """Processors, memory and GPUs."""

    def __init__(self, cpu=None, memory_in_gb=None, gpu=None):
        self.cpu = cpu
        self.memory_in_gb = memory_in_gb
        self.gpu = gpu

    def serialize(self):
        """As plain data."""
        return {"cpu": self.cpu, "memoryInGB": self.memory_in_gb, "gpu": self.gpu}

    @staticmethod
    def deserialize(payload_obj):
        """From plain data."""
        if payload_obj is None:
            return None
        missing = [key for key in ("cpu", "memoryInGB", "gpu") if key not in payload_obj]
        if missing:
            raise WebserviceException(
                "A resource configuration lacks {}.".format(", ".join(missing)), werkbank_code="resource_configuration_invalid"
            )
        return ResourceConfiguration(payload_obj["cpu"], payload_obj["memoryInGB"], payload_obj["gpu"])
