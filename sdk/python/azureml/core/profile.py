"""Model profiles, which come later: the name is here so that scripts which do not use it run."""

from azureml._werkbank.later import declare_later

__all__ = ["ModelProfile"]

declare_later(globals(), "ModelProfile _ModelEvaluationResultBase")
