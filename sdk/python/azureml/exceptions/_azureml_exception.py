"""The exception classes of v1. Which one is raised where: docs/guide/sdk.md."""

from azureml._common.exceptions import AzureMLException


class TrainingException(AzureMLException):
    """Submitting or following a training failed."""

    def __init__(self, exception_message, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)


class ExperimentExecutionException(AzureMLException):
    """A run could not be submitted, or waiting for it was interrupted."""

    def __init__(self, exception_message, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)


class ProjectSystemException(AzureMLException):
    """A project folder or a workspace is not as it should be."""

    def __init__(self, exception_message, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)


class SnapshotException(AzureMLException):
    """A snapshot could not be taken or fetched."""

    def __init__(self, exception_message, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)


class RunEnvironmentException(AzureMLException):
    """Code that needs a submitted run is not executed in one."""

    def __init__(self, **kwargs):
        message = kwargs.pop("exception_message", None) or (
            "No run is active in this process: the AZUREML_* variables of a submitted run are not set. "
            "Submit the script, or call Run.get_context() with allow_offline=True to work offline."
        )
        AzureMLException.__init__(self, message, **kwargs)


class WorkspaceException(AzureMLException):
    """A workspace could not be found or used."""

    def __init__(self, exception_message, found_multiple=False, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)
        self.found_multiple = found_multiple


class WorkspacePrivateEndpointException(AzureMLException):
    """A private endpoint of a workspace could not be found or used."""

    def __init__(self, exception_message, found_multiple=False, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)
        self.found_multiple = found_multiple


class ComputeTargetException(AzureMLException):
    """A compute target is unknown or not usable."""

    def __init__(self, exception_message, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)


class UserErrorException(AzureMLException):
    """The call itself is wrong; calling again changes nothing."""

    _error_code = "UserError"

    def __init__(self, exception_message, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)


class AuthenticationException(UserErrorException):
    """Nobody is logged in, or the login does not allow this."""

    def __init__(self, exception_message, **kwargs):
        UserErrorException.__init__(self, exception_message, **kwargs)


class RunConfigurationException(AzureMLException):
    """A run configuration is malformed."""

    _error_code = "UserError"

    def __init__(self, exception_message, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)


class WebserviceException(AzureMLException):
    """A model or a service is unknown or not usable."""

    def __init__(self, exception_message, status_code=None, logger=None, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)
        self.status_code = status_code


class ModelNotFoundException(AzureMLException):
    """No such model."""

    def __init__(self, exception_message, logger=None, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)


class ModelPathNotFoundException(AzureMLException):
    """The run has no file at the path a model should be made of."""

    def __init__(self, exception_message, logger=None, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)


class DiscoveryUrlNotFoundException(AzureMLException):
    """A service address is not known."""

    def __init__(self, discovery_key, **kwargs):
        AzureMLException.__init__(self, "No address is known for the service {}.".format(discovery_key), **kwargs)


class ActivityFailedException(AzureMLException):
    """What was waited for has failed; `error_details` says how."""

    def __init__(self, error_details, **kwargs):
        AzureMLException.__init__(self, "Activity Failed:\n{}".format(error_details), **kwargs)
        self.error_details = error_details


class ActivityCanceledException(AzureMLException):
    """What was waited for has been canceled."""

    def __init__(self, error_details=None, **kwargs):
        AzureMLException.__init__(self, "Activity Canceled:\n{}".format(error_details), **kwargs)


class DatasetTimestampMissingError(AzureMLException):
    """A time-series operation on a dataset without a timestamp column."""

    def __init__(self, error_details, **kwargs):
        AzureMLException.__init__(self, "The dataset has no timestamp column: {}".format(error_details), **kwargs)


class ParallelRunException(AzureMLException):
    """A parallel run step asks for another try, or gives up."""

    def __init__(self, exception_message, code=None, delay_seconds=0, **kwargs):
        AzureMLException.__init__(self, exception_message, **kwargs)
        self.code = code
        self.delay_seconds = delay_seconds
