"""What goes wrong with a dataset's data."""

from azureml.exceptions import AzureMLException, UserErrorException  # noqa: F401 (importable from here, as in v1)

__all__ = ["DatasetExecutionError", "DatasetValidationError"]


class DatasetExecutionError(UserErrorException):
    """Reading the data failed."""

    def __init__(self, message, exception):
        self.error_code = self.validation_error_code = getattr(exception, "error_code", None)
        self.compliant_message = message
        UserErrorException.__init__(self, message, inner_exception=exception, werkbank_code="dataset_unreadable")


class DatasetValidationError(UserErrorException):
    """The data is not what the dataset says of it."""

    def __init__(self, message, exception=None):
        self.error_code = self.validation_error_code = getattr(exception, "error_code", None)
        self.compliant_message = message
        UserErrorException.__init__(self, message, inner_exception=exception, werkbank_code="dataset_invalid")
