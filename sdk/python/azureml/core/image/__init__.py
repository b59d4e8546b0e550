"""Images, which come later: the names are here so that scripts which do not use them run."""

from azureml._werkbank.later import declare_later_modules
from azureml._werkbank.version import VERSION

__version__ = VERSION

__all__ = ["ContainerImage", "Image", "UnknownImage"]

declare_later_modules(
    globals(),
    {
        "image": "Asset Image ImageConfig TargetRuntime",
        "container": "ContainerImage ContainerImageConfig",
        "unknown_image": "UnknownImage",
    },
)
