"""The azureml namespace. Other distributions may add parts of their own beside ours, so the search path is extended over all of them."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
