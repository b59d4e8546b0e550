"""The logger that scripts of 2017 begin with: `run_logger = get_azureml_logger(); run_logger.log('name', value)`."""

__all__ = ["get_azureml_logger"]


class _RunLogger(object):
    """Writes to the current run, as Run.log does."""

    def __init__(self, run):
        self._run = run

    def log(self, name, value):
        """Add a value to a metric of the run: a number, a text, or a list of them."""
        if isinstance(value, (list, tuple)):
            self._run.log_list(name, list(value))
        else:
            self._run.log(name, value)


def get_azureml_logger():
    """The logger of the run that executes this script; outside of one it prints what it would record."""
    from azureml.core.run import Run

    return _RunLogger(Run.get_context())
