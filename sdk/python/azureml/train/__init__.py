"""azureml.train: estimators. Each part is imported by its own name."""

from azureml._werkbank.version import VERSION

__version__ = VERSION
