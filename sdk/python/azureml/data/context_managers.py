"""Folders that are there as long as a `with` lasts."""

import os

from azureml._werkbank.binary import find_binary, problem_text, run_binary
from azureml.exceptions import AzureMLException, UserErrorException  # noqa: F401 (importable from here, as in v1)

__all__ = ["DatasetContextManager", "DatastoreContextManager"]


class _CommonContextManager(object):
    """start() … stop(), or a `with`; in between `mount_point` is a folder with the files."""

    def __init__(self, config):
        self._config = config
        self._mounted = self._own_folder = False
        self.mount_point = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc_details):
        self.stop()

    def start(self):
        """Make the folder."""
        import tempfile

        wanted = self._config[1]
        self._own_folder = wanted is None
        folder = os.path.abspath("{}".format(wanted)) if wanted else tempfile.mkdtemp(prefix="azureml-")
        os.makedirs(folder, exist_ok=True)
        if os.listdir(folder):
            raise UserErrorException(
                "The mount point {} is not empty.".format(folder),
                werkbank_code="mount_point_not_empty",
                hint="Name a new folder, or none.",
            )
        self.mount_point = folder
        self._mounted = self._mount(folder)

    def stop(self):
        """Remove it again."""
        if self.mount_point is None:
            return
        if self._mounted:
            code, _, err = run_binary(["unmount", self.mount_point], "unmount a folder")
            if code != 0:
                raise UserErrorException(
                    "{} cannot be unmounted: {}".format(self.mount_point, problem_text(code, err)),
                    werkbank_code="unmount_failed",
                )
            self._mounted = False
        if self._own_folder:
            import shutil

            shutil.rmtree(self.mount_point, ignore_errors=True)
        self.mount_point = None

    def _mount(self, folder):
        workspace, reference = self._place()
        reason = "the program `werkbank` was not found" if find_binary() is None else None
        if workspace is None:
            reason = "the dataset belongs to no workspace"
        if reason is None:
            words = ["mount", reference(), folder, "--background", "--workspace", workspace.name]
            code, _, err = run_binary(words, "mount a folder", variables=workspace._server.variables())
            if code == 0:
                return True
            reason = problem_text(code, err)
        import logging

        logging.getLogger("azureml").warning("Nothing can be mounted here, so the files are copied to %s: %s", folder, reason)
        self._copy(folder)
        return False


class DatasetContextManager(_CommonContextManager):
    """The files of a dataset."""

    def __init__(self, config, ignore_already_mounted_error=False, force_mount_with_allow_other=False):
        _CommonContextManager.__init__(self, config)

    def __enter__(self):
        return _CommonContextManager.__enter__(self)

    def __exit__(self, *exc_details):
        _CommonContextManager.__exit__(self, *exc_details)

    def _place(self):
        state = self._config[0]._state
        return state.workspace, lambda: state.saved(state.workspace)["id"]

    def _copy(self, folder):
        self._config[0]._state.download(folder, True)


class DatastoreContextManager(_CommonContextManager):
    """What lies in a datastore."""

    def __init__(self, config):
        _CommonContextManager.__init__(self, config)

    def __enter__(self):
        return _CommonContextManager.__enter__(self)

    def __exit__(self, *exc_details):
        _CommonContextManager.__exit__(self, *exc_details)

    def _place(self):
        datastore = self._config[0]
        return datastore.workspace, lambda: datastore.name

    def _copy(self, folder):
        self._config[0].download(folder, overwrite=True, show_progress=False)
