"""diagnostic_log: everything the azureml loggers say, into a file, for a while."""

import logging


class diagnostic_log(object):  # noqa: N801 (v1's name)
    """`with diagnostic_log('file.log'):` keeps debug output of azureml; or start_capture() and stop_capture()."""

    def __init__(self, log_path=None, namespaces=None, context_name=None):
        self._path = log_path or "azureml_diagnostic.log"
        self._namespaces = list(namespaces) if namespaces else ["azureml"]
        self._handler = None
        self._levels = []

    def start_capture(self):
        """Begin."""
        if self._handler is not None:
            return
        self._handler = logging.FileHandler(self._path)
        self._handler.setFormatter(logging.Formatter("%(asctime)s|%(name)s|%(levelname)s|%(message)s"))
        for name in self._namespaces:
            logger = logging.getLogger(name)
            self._levels.append((logger, logger.level))
            logger.setLevel(logging.DEBUG)
            logger.addHandler(self._handler)

    def stop_capture(self):
        """End."""
        if self._handler is None:
            return
        for logger, level in self._levels:
            logger.removeHandler(self._handler)
            logger.setLevel(level)
        self._levels = []
        self._handler.close()
        self._handler = None

    def __enter__(self):
        self.start_capture()
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self.stop_capture()
