"""ComputeTarget: where runs execute, and making and deleting such targets."""

from azureml._werkbank.later import HINT, later_text
from azureml.exceptions import (  # noqa: F401 (importable from here, as in v1)
    AuthenticationException,
    AzureMLException,
    ComputeTargetException,
    UserErrorException,
)

__all__ = [
    "ComputeTarget",
    "ComputeTargetAttachConfiguration",
    "ComputeTargetProvisioningConfiguration",
    "ComputeTargetUpdateConfiguration",
]

# Names that v1 keeps for itself.
_RESERVED = ("amlcompute", "local", "containerinstance")
_KINDS = {}  # the server's kind → the class; filled by the modules of the kinds


class ComputeTarget(object):
    """A compute target of the workspace: an object of the class of its kind; ComputeTargetException where there is none."""

    _kind = None  # of a subclass: the server's word

    def __new__(cls, workspace=None, name=None, *args, **kwargs):
        if workspace is None or name is None:
            return object.__new__(cls)
        document = _find(workspace, name)
        if cls._kind is not None and document["kind"] != cls._kind:
            raise ComputeTargetException(
                "The compute target {!r} is of the type {}, not {}.".format(name, document["kind"], cls._kind),
                werkbank_code="target_unknown",
            )
        target = object.__new__(_KINDS.get(document["kind"], cls))
        target._document = document
        return target

    def __init__(self, workspace, name):
        self._set(workspace, self.__dict__.pop("_document", None) or _find(workspace, name))

    def _set(self, workspace, document):
        self.workspace = workspace
        self.name = document["name"]
        self.type = document["kind"]
        self.id = "{}/computes/{}".format(workspace._arm_id(), self.name)
        self.cluster_resource_id = self.id
        self.cluster_location = self.location = workspace.location
        self.description = document.get("description") or ""
        self.tags = dict(document.get("tags") or {})
        self.created_on = document.get("createdUtc")
        self.modified_on = document.get("modifiedUtc") or self.created_on
        self.is_attached = False
        self.provisioning_state = document.get("state") or "Unknown"
        self.provisioning_errors = document.get("errors") or None
        self._capabilities = dict(document.get("capabilities") or {})
        self._can_go = document.get("isOfInstallation") is False

    @staticmethod
    def list(workspace):
        """The compute targets."""
        return [_known(workspace, document) for document in workspace._client.items("compute")]

    @staticmethod
    def create(workspace, name, provisioning_configuration):
        """Make a target as the configuration says."""
        if not isinstance(name, str) or name in _RESERVED:
            raise ComputeTargetException(
                "{!r} cannot be the name of a new compute target: it is {}.".format(
                    name, "kept for others" if name in _RESERVED else "no text"
                ),
                werkbank_code="name_refused",
                hint="2 to 64 letters, digits, '_' or '-', the first one a letter.",
            )
        if not hasattr(provisioning_configuration, "_request"):
            raise ComputeTargetException(
                "ComputeTarget.create takes a provisioning configuration, and got {!r}.".format(provisioning_configuration),
                werkbank_code="target_invalid",
                hint="AmlCompute.provisioning_configuration(vm_size=…, max_nodes=…) makes one.",
            )
        provisioning_configuration.validate_configuration()
        body = dict(provisioning_configuration._request(), name=name)
        with _told_as_v1():
            document = workspace._client.post(("compute",), body, repeatable=True)
        return _known(workspace, document)

    @staticmethod
    def attach(workspace, name, attach_configuration):
        """Attach a machine or cluster: none of the kinds that can be attached is there yet."""
        raise ComputeTargetException(
            later_text("Attaching the compute target {!r}".format(name)), werkbank_code="not_available_yet", hint=HINT
        )

    @staticmethod
    def deserialize(workspace, object_dict):
        """The target out of what serialize() has answered."""
        return ComputeTarget(workspace, object_dict["name"])

    def serialize(self):
        """The target as plain data."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "location": self.location,
            "tags": self.tags,
            "properties": {
                "computeType": self.type,
                "computeLocation": self.location,
                "description": self.description,
                "createdOn": self.created_on,
                "modifiedOn": self.modified_on,
                "provisioningState": self.provisioning_state,
                "provisioningErrors": self.provisioning_errors,
                "isAttachedCompute": self.is_attached,
                "resourceId": self.cluster_resource_id,
                "properties": self._details(),
            },
        }

    def _details(self):
        return self._capabilities

    def refresh_state(self):
        """Ask the server again."""
        self._set(self.workspace, _find(self.workspace, self.name))

    def get_status(self):
        """The provisioning state now."""
        self.refresh_state()
        return self.provisioning_state

    def wait_for_completion(self, show_output=False, is_delete_operation=False):
        """Wait until the target is ready, or gone; what the server lists is ready."""
        self._wait_provisioned(show_output, is_delete_operation)

    def _wait_provisioned(self, show_output, is_delete_operation):
        if is_delete_operation:
            state = "Succeeded"  # delete() has waited for it
        else:
            self.refresh_state()
            state = self.provisioning_state
        if show_output:
            print('{}\nProvisioning operation finished, operation "{}"'.format(state, state))

    def delete(self):
        """Delete the target; ComputeTargetException naming the runs that use it."""
        self._remove("deleted")

    def detach(self):
        """Refused for what was not attached."""
        raise ComputeTargetException(
            "The compute target {!r} was not attached; it can only be deleted.".format(self.name), werkbank_code="not_applicable"
        )

    def _remove(self, what):
        if not self._can_go:
            raise ComputeTargetException(
                "The compute target {!r} is part of the installation; it cannot be {}.".format(self.name, what),
                werkbank_code="not_applicable",
            )
        with _told_as_v1():
            self.workspace._client.delete("compute", self.name)

    def __repr__(self):
        return "{}(workspace={!r}, name={!r}, id={!r}, type={!r}, provisioning_state={!r}, location={!r}, tags={!r})".format(
            type(self).__name__,
            self.workspace,
            self.name,
            self.id,
            self.type,
            self.provisioning_state,
            self.location,
            self.tags,
        )


class ComputeTargetProvisioningConfiguration(object):
    """How a new target is to be; base of the kinds' own."""

    def __init__(self, type, location):
        self._type = type
        self._location = location

    @property
    def location(self):
        """The region: here always the workspace's."""
        return self._location

    def validate_configuration(self):
        """Check what can be checked without the server."""


class ComputeTargetAttachConfiguration(object):
    """How a machine or cluster is to be attached; base of the kinds' own."""

    def __init__(self, type):
        self._type = type

    def validate_configuration(self):
        """Check what can be checked without the server."""


class ComputeTargetUpdateConfiguration(object):
    """How a target is to be changed; base of the kinds' own."""

    def __init__(self, type):
        self._type = type

    def validate_configuration(self):
        """Check what can be checked without the server."""


# The server's words for what v1 calls otherwise.
_NAMES = (
    ("settings.vmSize", "vm_size"),
    ("settings.vmPriority", "vm_priority"),
    ("settings.minNodes", "min_nodes"),
    ("settings.maxNodes", "max_nodes"),
    ("more than maxNodes", "more than max_nodes"),
    ("settings.idleSecondsBeforeScaledown", "idle_seconds_before_scaledown"),
    ("settings.vnetResourcegroupName", "vnet_resourcegroup_name"),
    ("settings.vnetName", "vnet_name"),
    ("settings.subnetName", "subnet_name"),
)


class _told_as_v1(object):
    """What the server refuses about a target is a ComputeTargetException, as in v1."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if not isinstance(error, AzureMLException) or isinstance(error, (AuthenticationException, ComputeTargetException)):
            return False
        message = error.message
        for wire, name in _NAMES:
            message = message.replace(wire, name)
        raise ComputeTargetException(message, inner_exception=error, werkbank_code=error.werkbank_code, hint=error.hint)


def _known(workspace, document):
    target = object.__new__(_KINDS.get(document["kind"], ComputeTarget))
    target._set(workspace, document)
    return target


def _find(workspace, name):
    documents = list(workspace._client.items("compute"))
    document = next((each for each in documents if each["name"] == name), None)
    if document is None:
        raise ComputeTargetException(
            "There is no compute target named {!r} in the workspace {!r}; there is {}.".format(
                name, workspace.name, ", ".join(each["name"] for each in documents)
            ),
            werkbank_code="target_unknown",
        )
    return document
