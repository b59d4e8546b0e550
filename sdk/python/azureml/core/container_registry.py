"""ContainerRegistry: where a Docker image comes from."""

from azureml._base_sdk_common.abstract_run_config_element import _AbstractRunConfigElement

__all__ = ["ContainerRegistry", "RegistryIdentity"]


class RegistryIdentity(_AbstractRunConfigElement):
    """A managed identity for a registry."""

    _fields = (("resource_id", "resourceId", str), ("client_id", "clientId", str))

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.resource_id = None
        self.client_id = None
        self._seal()


class ContainerRegistry(_AbstractRunConfigElement):
    """A registry's address and login."""

    _fields = (
        ("address", "address", str),
        ("username", "username", str),
        ("password", "password", str),
        ("registry_identity", "registryIdentity", object),
    )

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.address = None
        self.username = None
        self.password = None
        self.registry_identity = None
        self._seal()
