"""The exception of an answer that is not a success, under the name v1 scripts import it by."""

from azureml._common.exceptions import ServiceException

__all__ = ["ServiceException"]
