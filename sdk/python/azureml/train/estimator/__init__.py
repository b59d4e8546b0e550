"""Estimators: older forms of ScriptRunConfig, which they become when they are submitted."""

from azureml._werkbank.version import VERSION
from azureml.train._distributed_training import Gloo, Mpi, Nccl, ParameterServer
from azureml.train.estimator._estimator import Estimator
from azureml.train.estimator._framework_base_estimator import _FrameworkBaseEstimator
from azureml.train.estimator._mml_base_estimator import MMLBaseEstimator, MMLBaseEstimatorRunConfig

__version__ = VERSION

__all__ = [
    "Estimator",
    "Gloo",
    "MMLBaseEstimator",
    "MMLBaseEstimatorRunConfig",
    "Mpi",
    "Nccl",
    "ParameterServer",
    "_FrameworkBaseEstimator",
]
