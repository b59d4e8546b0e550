"""AmlCompute: a pool of nodes that grows and shrinks with its runs."""

import time

from azureml._werkbank import quotas
from azureml._werkbank.numbers import whole
from azureml.core.compute.compute import (
    _KINDS,
    ComputeTarget,
    ComputeTargetException,
    ComputeTargetProvisioningConfiguration,
    _told_as_v1,
)
from azureml.core.compute._pool_status import AmlComputeNodeStateCounts, AmlComputeStatus, ScaleSettings, status_of

__all__ = [
    "AmlCompute",
    "AmlComputeNodeStateCounts",
    "AmlComputeProvisioningConfiguration",
    "AmlComputeStatus",
    "ScaleSettings",
]

_LOOK_EVERY_S = 0.25


class AmlCompute(ComputeTarget):
    """A pool. `status` is as get_status() found it last."""

    _compute_type = _kind = "AmlCompute"

    def _set(self, workspace, document):
        ComputeTarget._set(self, workspace, document)
        settings = document.get("settings") or {}
        self.vm_size = settings.get("vmSize")
        self.vm_priority = settings.get("vmPriority")
        self.scale_settings = ScaleSettings(
            settings.get("minNodes"), settings.get("maxNodes"), settings.get("idleSecondsBeforeScaledown")
        )
        self.admin_username = settings.get("adminUsername") or None
        self.admin_user_password = self.admin_user_ssh_key = None  # nobody logs in to a node: they are not kept
        self.vnet_resourcegroup_name = settings.get("vnetResourcegroupName") or None
        self.vnet_name = settings.get("vnetName") or None
        self.subnet_name = settings.get("subnetName") or None
        self.remote_login_port_public_access = settings.get("remoteLoginPortPublicAccess") or "NotSpecified"
        self.identity_type = settings.get("identityType") or None
        self.identity_id = list(settings.get("identityIds") or ()) or None
        self.status = status_of(document)

    @staticmethod
    def provisioning_configuration(
        vm_size='',
        vm_priority="dedicated",
        min_nodes=0,
        max_nodes=None,
        idle_seconds_before_scaledown=120,
        admin_username=None,
        admin_user_password=None,
        admin_user_ssh_key=None,
        vnet_resourcegroup_name=None,
        vnet_name=None,
        subnet_name=None,
        tags=None,
        description=None,
        remote_login_port_public_access="NotSpecified",
        identity_type=None,
        identity_id=None,
        location=None,
        enable_node_public_ip=True,
    ):
        """How a new pool is to be, for ComputeTarget.create."""
        return AmlComputeProvisioningConfiguration(
            vm_size,
            vm_priority,
            min_nodes,
            max_nodes,
            idle_seconds_before_scaledown,
            admin_username,
            admin_user_password,
            admin_user_ssh_key,
            vnet_resourcegroup_name,
            vnet_name,
            subnet_name,
            tags,
            description,
            remote_login_port_public_access,
            identity_type,
            identity_id,
            location,
            enable_node_public_ip,
        )

    @staticmethod
    def supported_vmsizes(workspace=None, location=None):
        """The sizes that the server's machine has room for, as v1 listed them."""
        from azureml.core.workspace import _server_for

        server = workspace._server if workspace is not None else _server_for(None)
        items = server.request("GET", "/api/v1/compute-sizes").json()["items"]
        return [
            {
                "name": each["name"],
                "vCPUs": each["vCPUs"],
                "gpus": each["gpus"],
                "memoryGB": each["memoryGB"],
                "maxResourceVolumeMB": None,
            }
            for each in items
        ]

    @staticmethod
    def list_usages(workspace, show_all=False, location=None):
        """What the workspace's runs have now, and how much they may have; show_all: also what nobody limits."""
        return quotas.list_usages(workspace, show_all)

    @staticmethod
    def list_quotas(workspace, location=None):
        """The limits of the workspace; None: there is none."""
        return quotas.list_quotas(workspace)

    @staticmethod
    def update_quotas(workspace, vm_family, limit=None, location=None):
        """Sets limits of the workspace by their names in list_quotas(), one or a list; None lifts one. Answers list_quotas()."""
        names = list(vm_family) if isinstance(vm_family, (list, tuple)) else [vm_family]
        limits = list(limit) if isinstance(limit, (list, tuple)) else [limit] * len(names)
        quotas.set_quotas(workspace, names, [None if each is None else _whole("limit", each) for each in limits])
        return quotas.list_quotas(workspace)

    @staticmethod
    def deserialize(workspace, object_dict):
        """The pool out of what serialize() has answered."""
        return AmlCompute(workspace, object_dict["name"])

    def _details(self):
        return {
            "vmSize": self.vm_size,
            "vmPriority": self.vm_priority,
            "scaleSettings": self.scale_settings.serialize(),
            "userAccountCredentials": {"adminUserName": self.admin_username},
            "subnet": self._subnet(),
            "remoteLoginPortPublicAccess": self.remote_login_port_public_access,
            "currentNodeCount": self.status.current_node_count if self.status else None,
            "targetNodeCount": self.status.target_node_count if self.status else None,
            "nodeStateCounts": self.status.node_state_counts.serialize() if self.status else None,
            "allocationState": self.status.allocation_state if self.status else None,
        }

    def _subnet(self):
        """v1's id of the network; None where the pool is in none."""
        if not self.vnet_name:
            return None
        return {
            "id": "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/virtualNetworks/{}/subnets/{}".format(
                self.workspace.subscription_id,
                self.vnet_resourcegroup_name or self.workspace.resource_group,
                self.vnet_name,
                self.subnet_name or "default",
            )
        }

    def get(self):
        """The pool as plain data, asked anew."""
        self.refresh_state()
        return self.serialize()

    def get_status(self):
        """The state now: an AmlComputeStatus."""
        self.refresh_state()
        return self.status

    def wait_for_completion(self, show_output=False, min_node_count=None, timeout_in_minutes=25, is_delete_operation=False):
        """Wait until the pool has that many nodes (its own least number where None is given), or the time is over."""
        wanted = None if min_node_count is None else _whole("min_node_count", min_node_count)
        deadline = time.time() + 60.0 * _minutes(timeout_in_minutes)
        self._wait_provisioned(show_output, is_delete_operation)
        if is_delete_operation:
            return
        shown = None
        while True:
            self.refresh_state()
            least = wanted if wanted is not None else int(self.scale_settings.minimum_node_count or 0)
            count = self.status.current_node_count if self.status else 0
            if count >= least or time.time() >= deadline:
                break
            if show_output and self.status and self.status.allocation_state != shown:
                shown = self.status.allocation_state
                print("{} ({} of {} nodes)".format(shown, count, least))
            time.sleep(_LOOK_EVERY_S)
        if not show_output:
            return
        print("AmlCompute wait for completion finished\n")
        if count >= least:
            print("Minimum number of nodes requested have been provisioned")
        else:
            print(
                'Wait timeout has been reached\nCurrent provisioning state of AmlCompute is "{}" and current node count is '
                '"{}"'.format(self.provisioning_state, count)
            )

    def delete(self):
        """Delete the pool; ComputeTargetException naming the runs that use it."""
        self._remove("deleted")
        self.provisioning_state = "Deleting"

    def update(self, min_nodes=None, max_nodes=None, idle_seconds_before_scaledown=None):
        """Change how many nodes there may be, and how long they stay idle."""
        given = (
            ("minNodes", "min_nodes", min_nodes, 0),
            ("maxNodes", "max_nodes", max_nodes, 1),
            ("idleSecondsBeforeScaledown", "idle_seconds_before_scaledown", idle_seconds_before_scaledown, 0),
        )
        self._change({wire: _whole(name, value, least) for wire, name, value, least in given if value is not None})

    def _change(self, settings):
        with _told_as_v1():
            document = self.workspace._client.patch(("compute", self.name), {"settings": settings})
        self._set(self.workspace, document)

    def list_nodes(self):
        """The nodes, each as a dictionary."""
        return [
            {
                "nodeId": each["nodeId"],
                "nodeState": each["nodeState"],
                "runId": each.get("runId"),
                "port": None,
                "publicIpAddress": None,
                "privateIpAddress": "127.0.0.1",
            }
            for each in self.workspace._client.items("compute", self.name, "nodes")
        ]

    def get_active_runs(self, type=None, tags=None, properties=None, status=None):
        """The runs on this pool that have not ended, or those of that status."""
        from azureml.core.run import Run

        for run in Run.list_by_compute(self, type, tags, properties, status):
            if status is not None or run.get_status() not in ("Completed", "Failed", "Canceled"):
                yield run

    def add_identity(self, identity_type, identity_id=None):
        """Note an identity. It is kept and shown; runs act as the server's user."""
        ids = [identity_id] if isinstance(identity_id, str) else list(identity_id or ())
        self._change({"identityType": identity_type, "identityIds": (self.identity_id or []) + ids})

    def remove_identity(self, identity_id=None):
        """Forget identities, or all of them."""
        gone = [identity_id] if isinstance(identity_id, str) else list(identity_id or self.identity_id or ())
        left = [each for each in self.identity_id or () if each not in gone]
        self._change({"identityType": self.identity_type if left else "", "identityIds": left})


class AmlComputeProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """How a new pool is to be. Numbers may be texts."""

    def __init__(
        self,
        vm_size='',
        vm_priority="dedicated",
        min_nodes=0,
        max_nodes=None,
        idle_seconds_before_scaledown=120,
        admin_username=None,
        admin_user_password=None,
        admin_user_ssh_key=None,
        vnet_resourcegroup_name=None,
        vnet_name=None,
        subnet_name=None,
        tags=None,
        description=None,
        remote_login_port_public_access="NotSpecified",
        identity_type=None,
        identity_id=None,
        compute_location=None,
        enable_node_public_ip=True,
    ):
        ComputeTargetProvisioningConfiguration.__init__(self, AmlCompute, compute_location)
        self.vm_size = vm_size
        self.vm_priority = vm_priority
        self.scale_settings = ScaleSettings(min_nodes, max_nodes, idle_seconds_before_scaledown)
        self.admin_username = admin_username
        self.admin_user_password = admin_user_password
        self.admin_user_ssh_key = admin_user_ssh_key
        self.vnet_resourcegroup_name = vnet_resourcegroup_name
        self.vnet_name = vnet_name
        self.subnet_name = subnet_name
        self.tags = tags
        self.description = description
        self.remote_login_port_public_access = remote_login_port_public_access
        self.identity_type = identity_type
        self.identity_id = identity_id
        self.compute_location = compute_location
        self.enable_node_public_ip = enable_node_public_ip
        self.validate_configuration()

    def validate_configuration(self):
        """ComputeTargetException for what cannot be."""
        if not self.vm_size:
            raise ComputeTargetException(
                "A pool needs a vm_size for its nodes.",
                werkbank_code="vm_size_missing",
                hint="AmlCompute.supported_vmsizes(workspace) lists them.",
            )
        least = _whole("min_nodes", self.scale_settings.minimum_node_count)
        if self.scale_settings.maximum_node_count is not None:
            most = _whole("max_nodes", self.scale_settings.maximum_node_count, 1)
            if least > most:
                raise ComputeTargetException(
                    "min_nodes is {}, more than max_nodes, which is {}.".format(least, most), werkbank_code="invalid_request"
                )
        _whole("idle_seconds_before_scaledown", self.scale_settings.idle_seconds_before_scaledown)

    def _request(self):
        settings = {
            "vmSize": self.vm_size,
            "vmPriority": self.vm_priority or "dedicated",
            "minNodes": self.scale_settings.minimum_node_count,
            "maxNodes": self.scale_settings.maximum_node_count,
            "idleSecondsBeforeScaledown": self.scale_settings.idle_seconds_before_scaledown,
            "adminUsername": self.admin_username,
            "vnetResourcegroupName": self.vnet_resourcegroup_name,
            "vnetName": self.vnet_name,
            "subnetName": self.subnet_name,
            "remoteLoginPortPublicAccess": self.remote_login_port_public_access,
            "identityType": self.identity_type,
            "identityIds": [self.identity_id] if isinstance(self.identity_id, str) else self.identity_id,
        }
        return {
            "kind": AmlCompute._kind,
            "description": self.description or "",
            "tags": dict(("{}".format(key), "{}".format(value)) for key, value in (self.tags or {}).items()),
            "settings": {name: value for name, value in settings.items() if value is not None},
        }


def _minutes(value):
    try:
        minutes = float(value)
    except (TypeError, ValueError):
        minutes = -1.0
    if not minutes >= 0:
        raise ComputeTargetException(
            "timeout_in_minutes takes a number that is not negative, and got {!r}.".format(value), werkbank_code="invalid_request"
        )
    return minutes


def _whole(name, value, least=0):
    """The number behind 300 or '300'."""
    return whole(name, value, least, ComputeTargetException)


_KINDS[AmlCompute._kind] = AmlCompute
