"""Images, which come later: the names are here so that scripts which do not use them run."""

from azureml._werkbank.later import declare_later

__all__ = ["ContainerImage", "Image", "UnknownImage"]

declare_later(globals(), "ContainerImage Image UnknownImage")
