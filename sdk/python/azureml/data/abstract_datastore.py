"""What all datastores have in common."""

__all__ = ["AbstractDatastore"]


class AbstractDatastore(object):
    """A named place for data."""

    def __init__(self, workspace, name, datastore_type):
        self._workspace = workspace
        self._name = name
        self._datastore_type = datastore_type

    def __deepcopy__(self, memo):
        """The same: a run configuration is copied, and not what it refers to."""
        return self

    @property
    def workspace(self):
        """The workspace that it belongs to."""
        return self._workspace

    @workspace.setter
    def workspace(self, workspace):
        self._workspace = workspace

    @property
    def name(self):
        """Its name."""
        return self._name

    @name.setter
    def name(self, name):
        self._name = name

    @property
    def datastore_type(self):
        """The kind of storage behind it."""
        return self._datastore_type

    @datastore_type.setter
    def datastore_type(self, datastore_type):
        self._datastore_type = datastore_type

    def set_as_default(self):
        """Make it the workspace's default datastore."""
        self._workspace.set_default_datastore(self._name)

    def unregister(self):
        """Forget the datastore; the data stays where it is."""
        self._workspace._client.delete("datastores", self._name)
