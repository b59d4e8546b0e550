"""Private endpoints, which come later: the names are here so that scripts which do not use them run."""

from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.later import declare_later

__all__ = ["PrivateEndPoint", "PrivateEndPointConfig"]

declare_later(globals(), "PrivateEndPoint PrivateEndPointConfig")


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "InteractiveLoginAuthentication": "azureml.core.authentication",
    },
)
