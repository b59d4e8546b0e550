"""ComputeTarget: where runs execute, as the server lists it."""

from azureml._werkbank.later import HINT, declare_later, later_text
from azureml.exceptions import ComputeTargetException, UserErrorException  # noqa: F401 (importable from here, as in v1)

__all__ = ["ComputeTarget"]

# Names that v1 keeps for itself.
_RESERVED = ("amlcompute", "local", "containerinstance")


class ComputeTarget(object):
    """A compute target of the server; ComputeTargetException where there is none of that name."""

    def __init__(self, workspace, name):
        documents = _documents(workspace)
        document = next((each for each in documents if each["name"] == name), None)
        if document is None:
            raise ComputeTargetException(
                "There is no compute target named {!r} in the workspace {!r}; there is {}.".format(
                    name, workspace.name, ", ".join(each["name"] for each in documents)
                ),
                werkbank_code="target_unknown",
            )
        self._set(workspace, document)

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

    @staticmethod
    def list(workspace):
        """The compute targets."""
        return [ComputeTarget._known(workspace, document) for document in _documents(workspace)]

    @classmethod
    def _known(cls, workspace, document):
        target = ComputeTarget.__new__(ComputeTarget)
        target._set(workspace, document)
        return target

    @staticmethod
    def create(workspace, name, provisioning_configuration):
        """Make a target: none of the kinds that can be made is there yet."""
        if name in _RESERVED:
            raise ComputeTargetException("{!r} cannot be the name of a new compute target.".format(name))
        _refuse("Making the compute target {!r}".format(name))

    @staticmethod
    def attach(workspace, name, attach_configuration):
        """Attach a machine or cluster: none of the kinds that can be attached is there yet."""
        _refuse("Attaching the compute target {!r}".format(name))

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
                "description": self.description,
                "provisioningState": self.provisioning_state,
                "provisioningErrors": self.provisioning_errors,
                "isAttachedCompute": self.is_attached,
                "properties": self._capabilities,
            },
        }

    def refresh_state(self):
        """Ask the server again."""
        self.__init__(self.workspace, self.name)

    def get_status(self):
        """The provisioning state now."""
        self.refresh_state()
        return self.provisioning_state

    def wait_for_completion(self, show_output=False, is_delete_operation=False):
        """Wait until the target is ready; what the server lists is."""
        self.refresh_state()
        if show_output:
            print('{}\nProvisioning operation finished, operation "{}"'.format(self.provisioning_state, self.provisioning_state))

    def delete(self):
        """Refused: this machine is always there."""
        self._always_there("deleted")

    def detach(self):
        """Refused: this machine is always there."""
        self._always_there("detached")

    def _always_there(self, what):
        raise ComputeTargetException(
            "The compute target {!r} is part of the installation; it cannot be {}.".format(self.name, what),
            werkbank_code="not_applicable",
        )

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


def _documents(workspace):
    return workspace._server.request("GET", "/api/v1/compute").json()["items"]


def _refuse(what):
    raise ComputeTargetException(later_text(what), werkbank_code="not_available_yet", hint=HINT)


declare_later(
    globals(),
    "ComputeTargetAttachConfiguration ComputeTargetProvisioningConfiguration ComputeTargetUpdateConfiguration",
)
