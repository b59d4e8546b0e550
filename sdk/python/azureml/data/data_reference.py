"""References to data in a datastore, as inputs of runs."""

import re

from azureml.exceptions import UserErrorException

__all__ = ["DataReference"]

_MODES = ("mount", "download", "upload")


class DataReference(object):
    """A path in a datastore and the way in which a run gets at it."""

    def __init__(
        self,
        datastore,
        data_reference_name=None,
        path_on_datastore=None,
        mode='mount',
        path_on_compute=None,
        overwrite=False,
    ):
        if mode not in _MODES:
            raise UserErrorException(
                "The mode of a data reference is one of {}; it is {!r}.".format(", ".join(_MODES), mode),
                werkbank_code="data_mode_invalid",
            )
        if not hasattr(datastore, "name"):
            raise UserErrorException(
                "DataReference takes a datastore, and got {!r}.".format(datastore),
                werkbank_code="data_path_invalid",
                hint="Datastore.get(workspace, NAME) is the one of a name.",
            )
        self.datastore = datastore
        self.path_on_datastore = path_on_datastore
        self.data_reference_name = _checked_name(data_reference_name or _name_for(datastore.name, path_on_datastore))
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    def path(self, path=None, data_reference_name=None):
        """A reference to something below this one."""
        below = "/".join(part.strip("/") for part in (self.path_on_datastore, path) if part and part.strip("/"))
        return DataReference(self.datastore, data_reference_name, below or None, self.mode, self.path_on_compute, self.overwrite)

    def as_mount(self):
        """The same, as a folder of the file system."""
        return self._with("mount", None, self.overwrite)

    def as_download(self, path_on_compute=None, overwrite=False):
        """The same, copied before the script starts."""
        return self._with("download", path_on_compute, overwrite)

    def as_upload(self, path_on_compute=None, overwrite=False):
        """The same, as a place to which a folder is copied when the script has ended."""
        return self._with("upload", path_on_compute, overwrite)

    def to_config(self):
        """As an entry of a run configuration."""
        from azureml.core.runconfig import DataReferenceConfiguration

        return DataReferenceConfiguration(
            self.datastore.name, self.mode, self.path_on_datastore, self.path_on_compute, self.overwrite
        )

    @staticmethod
    def create(data_reference_name=None, datapath=None, datapath_compute_binding=None):
        """A reference made of a path and the way in which a run gets at it."""
        from azureml.data.datapath import DataPathComputeBinding

        if datapath is None or datapath._datastore is None:
            raise UserErrorException("A data reference needs a DataPath with a datastore.", werkbank_code="data_path_invalid")
        binding = datapath_compute_binding or DataPathComputeBinding()
        return DataReference(
            datapath._datastore,
            data_reference_name,
            datapath.path_on_datastore,
            binding.mode,
            binding.path_on_compute,
            binding.overwrite,
        )

    def _with(self, mode, path_on_compute, overwrite):
        return DataReference(self.datastore, self.data_reference_name, self.path_on_datastore, mode, path_on_compute, overwrite)

    def __str__(self):
        return "$AZUREML_DATAREFERENCE_{}".format(self.data_reference_name)

    __repr__ = __str__


def _name_for(datastore_name, path):
    """Of the path, so that two references to two paths have two names."""
    if not path or not path.strip("/"):
        return re.sub(r"\W", "_", datastore_name)
    import hashlib

    return hashlib.md5("{}/{}".format(datastore_name, path).encode("utf-8")).hexdigest()


def _checked_name(name):
    if not re.match(r"^\w+$", name):
        raise UserErrorException(
            "The name of a data reference has letters, digits and _ only; it is {!r}.".format(name),
            werkbank_code="data_reference_name_invalid",
        )
    return name
