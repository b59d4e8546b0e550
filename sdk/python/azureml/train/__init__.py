"""azureml.train: estimators. Each part is imported by its own name; other distributions may bring further ones."""

from pkgutil import extend_path

from azureml._werkbank.version import VERSION

__path__ = extend_path(__path__, __name__)
__version__ = VERSION
