"""How a run takes a dataset."""

import re

from azureml.data.constants import DIRECT_MODE, DOWNLOAD_MODE, HDFS_MODE, MOUNT_MODE
from azureml.exceptions import UserErrorException

__all__ = ["DatasetConsumptionConfig"]

_MODES = (DIRECT_MODE, DOWNLOAD_MODE, MOUNT_MODE)


def checked_port_name(name, what):
    """The name of an input or output is the name of a variable, too."""
    if not isinstance(name, str) or not re.match(r"^[A-Za-z_][A-Za-z0-9_]*$", name):
        raise UserErrorException(
            "The name of an {} has letters, digits and _ only, and begins with no digit; it is {!r}.".format(what, name),
            werkbank_code="input_name_invalid",
        )
    return name


class DatasetConsumptionConfig(object):
    """A dataset as an input of a run. In a list of arguments it becomes the path that the script is given (mode direct: the
    dataset's id)."""

    def __init__(self, name, dataset, mode=DIRECT_MODE, path_on_compute=None):
        if mode == HDFS_MODE:
            _no_hdfs()
        if mode not in _MODES:
            raise UserErrorException(
                "The mode of an input is one of {}; it is {!r}.".format(", ".join(_MODES), mode),
                werkbank_code="data_mode_invalid",
            )
        self._name = checked_port_name(name, "input")
        self.dataset = dataset
        self.mode = mode
        self.path_on_compute = path_on_compute
        if mode != DIRECT_MODE:
            _refuse_table(dataset)

    @property
    def name(self):
        """The name of the input."""
        return self._name

    @name.setter
    def name(self, name):
        self._name = checked_port_name(name, "input")

    @property
    def arg_val(self):
        """What stands for it in arguments."""
        return "DatasetConsumptionConfig:{}".format(self._name)

    def as_mount(self, path_on_compute=None):
        """The same, as a folder whose files are read on demand."""
        return DatasetConsumptionConfig(self._name, self.dataset, MOUNT_MODE, path_on_compute)

    def as_download(self, path_on_compute=None):
        """The same, copied before the script starts."""
        return DatasetConsumptionConfig(self._name, self.dataset, DOWNLOAD_MODE, path_on_compute)

    def as_hdfs(self):
        """Not there: a Hadoop file system of v1's clusters."""
        _no_hdfs()

    def __str__(self):
        return self.arg_val

    def __repr__(self):
        return "DatasetConsumptionConfig(name={!r}, mode={!r})".format(self._name, self.mode)


def _refuse_table(dataset):
    from azureml.data.tabular_dataset import TabularDataset

    if isinstance(dataset, TabularDataset):
        raise UserErrorException(
            "A tabular dataset is no folder: as an input it is passed on as it is (as_named_input).",
            werkbank_code="data_mode_invalid",
            hint="In the script: Run.get_context().input_datasets['name'].to_pandas_dataframe().",
        )


def _no_hdfs():
    raise UserErrorException(
        "Inputs on a Hadoop file system are not part of Werkbank.",
        werkbank_code="not_supported",
        hint="as_mount() and as_download() give a script the files.",
    )
