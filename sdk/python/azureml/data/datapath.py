"""A path in a datastore, apart from how it is used."""

from azureml._werkbank.lazy import make_lazy
from azureml.exceptions import UserErrorException

__all__ = ["DataPath", "DataPathComputeBinding"]


class DataPath(object):
    """A folder or file in a datastore."""

    def __init__(self, datastore=None, path_on_datastore=None, name=None):
        if datastore is not None and not hasattr(datastore, "name"):
            raise UserErrorException(
                "DataPath takes a datastore, and got {!r}.".format(datastore),
                werkbank_code="data_path_invalid",
                hint="Datastore.get(workspace, NAME) is the one of a name.",
            )
        self._datastore = datastore
        self._path_on_datastore = path_on_datastore
        self._name = name

    @property
    def datastore_name(self):
        """The datastore's name."""
        return self._datastore.name if self._datastore is not None else None

    @property
    def path_on_datastore(self):
        """The path in it."""
        return self._path_on_datastore

    @staticmethod
    def create_from_data_reference(data_reference):
        """The path that a reference refers to."""
        return DataPath(data_reference.datastore, data_reference.path_on_datastore, data_reference.data_reference_name)

    def create_data_reference(self, data_reference_name=None, datapath_compute_binding=None):
        """A reference to this path."""
        from azureml.data.data_reference import DataReference

        return DataReference.create(data_reference_name or self._name, self, datapath_compute_binding)


class DataPathComputeBinding(object):
    """How a path is brought to where a script runs."""

    def __init__(self, mode='mount', path_on_compute=None, overwrite=False):
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    @staticmethod
    def create_from_data_reference(data_reference):
        """The binding that a reference has."""
        return DataPathComputeBinding(data_reference.mode, data_reference.path_on_compute, data_reference.overwrite)

    def create_data_reference(self, data_reference_name=None, datapath=None):
        """A reference to a path, bound like this."""
        from azureml.data.data_reference import DataReference

        return DataReference.create(data_reference_name, datapath, self)


make_lazy(__name__, {"DataReference": "azureml.data.data_reference"})  # importable from here, as in v1
