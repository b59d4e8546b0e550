"""DatasetProfileRun of v1, which is not part of Werkbank: the name is here so that scripts which do not use it run."""

from azureml._werkbank.later import declare_later

__all__ = ["DatasetProfileRun"]

declare_later(globals(), "DatasetProfileRun")
