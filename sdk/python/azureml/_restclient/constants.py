"""The words for a run's status."""


class RunStatus(object):
    """Every status, and which of them are on the way."""

    UNAPPROVED = "Unapproved"
    NOT_STARTED = "NotStarted"
    STARTING = "Starting"
    PROVISIONING = "Provisioning"
    PREPARING = "Preparing"
    QUEUED = "Queued"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    PAUSING = "Pausing"
    PAUSED = "Paused"
    CANCELED = "Canceled"
    NOTRESPONDING = "NotResponding"

    @classmethod
    def list(cls):
        """All of them."""
        return [value for name, value in vars(cls).items() if name.isupper()]

    @classmethod
    def get_running_statuses(cls):
        """What comes before the end of the script."""
        return [cls.NOT_STARTED, cls.QUEUED, cls.PREPARING, cls.PROVISIONING, cls.STARTING, cls.RUNNING]

    @classmethod
    def get_post_processing_statuses(cls):
        """What comes between the end of the script and the end of the run."""
        return [cls.CANCEL_REQUESTED, cls.FINALIZING]
