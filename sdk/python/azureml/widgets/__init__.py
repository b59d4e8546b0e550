"""azureml.widgets: a run in a notebook, live."""

from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.version import VERSION

__version__ = VERSION

__all__ = ["ParallelRunStepDetails", "RunDetails"]

make_lazy(
    __name__,
    {
        "ParallelRunStepDetails": "azureml.widgets.parallel_run_step_details",
        "RunDetails": "azureml.widgets.run_details",
        "parallel_run_step_details": "",
        "run_details": "",
    },
)
