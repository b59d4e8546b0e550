"""Compute targets as run configurations name them."""

from azureml._werkbank.later import raise_later
from azureml.exceptions import ComputeTargetException, UserErrorException  # noqa: F401 (importable from here, as in v1)


class AbstractComputeTarget(object):
    """A target's kind and name."""

    def __init__(self, compute_target_type, name):
        self._type = compute_target_type
        self._name = name

    @property
    def name(self):
        """The name."""
        return self._name

    @property
    def type(self):
        """The kind."""
        return self._type

    @staticmethod
    def deserialize_from_dict(compute_target_name, compute_target_dict):
        """A target out of its `.compute` document."""
        if (compute_target_dict or {}).get("type") == "local":
            return LocalTarget()
        raise_later("The compute target {!r}".format(compute_target_name))


class LocalTarget(AbstractComputeTarget):
    """This machine."""

    def __init__(self):
        AbstractComputeTarget.__init__(self, "local", "local")


def attach_legacy_compute_target(experiment, source_directory, compute_target):
    """Keep a target's document in a project folder."""
    raise_later("attach_legacy_compute_target")


def remove_legacy_compute_target(experiment, source_directory, compute_target_name):
    """Remove a target's document from a project folder."""
    raise_later("remove_legacy_compute_target")


def prepare_compute_target(experiment, source_directory, run_config):
    """Build a run's environment ahead of it."""
    raise_later("prepare_compute_target")


def is_compute_target_prepared(experiment, source_directory, run_config):
    """Whether a run's environment is built."""
    raise_later("is_compute_target_prepared")
