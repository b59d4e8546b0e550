"""Linked services, which come later: the names are here so that scripts which do not use them run."""

from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.later import declare_later

__all__ = ["LinkedService", "LinkedServiceConfiguration", "SynapseWorkspaceLinkedServiceConfiguration"]

declare_later(globals(), "LinkedService LinkedServiceConfiguration SynapseWorkspaceLinkedServiceConfiguration")


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "UserErrorException": "azureml.exceptions",
    },
)
