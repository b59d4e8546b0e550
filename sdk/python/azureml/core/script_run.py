"""ScriptRun: a submitted script."""

from azureml._common.exceptions import AzureMLException  # noqa: F401 (importable from here, as in v1)
from azureml._werkbank.lazy import make_lazy
from azureml.core.run import Run
from azureml.exceptions import UserErrorException  # noqa: F401

__all__ = ["ScriptRun"]


class ScriptRun(Run):
    """A run that Experiment.submit has made of a ScriptRunConfig."""

    RUN_TYPE = "azureml.scriptrun"

    def __init__(self, experiment, run_id, directory=None, _run_config=None, **kwargs):
        Run.__init__(self, experiment, run_id, **kwargs)
        self._directory = directory
        self._run_config_object = _run_config

    def cancel(self):
        """End the script, with all its processes."""
        Run.cancel(self)

    @property
    def _run_config(self):
        return self._run_config_object


make_lazy(__name__, {"RunConfiguration": "azureml.core.runconfig"})  # importable from here, as in v1
