"""Workspace: the container of experiments, runs, environments and secrets."""

from azureml._werkbank import workspace_config
from azureml._werkbank.default_pools import PoolConfiguration, create_default_pools
from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.later import raise_later
from azureml._werkbank.problems import is_problem
from azureml._werkbank.version import VERSION  # noqa: F401 (importable from here, as in v1)
from azureml.exceptions import ProjectSystemException, UserErrorException, WorkspaceException  # noqa: F401

__all__ = ["Workspace"]

WORKSPACE_DEFAULT_BLOB_STORE_NAME = "workspaceblobstore"


def _outside(what):
    """For what belongs to Azure's infrastructure, not to the workbench."""
    raise UserErrorException(
        "{} is part of Azure's infrastructure; a self-hosted Werkbank has no such thing.".format(what),
        werkbank_code="not_applicable",
    )


class Workspace(object):
    """A workspace of the server. Subscription, resource group and location are free text, kept with it."""

    DEFAULT_CPU_CLUSTER_NAME = "cpu-cluster"
    DEFAULT_GPU_CLUSTER_NAME = "gpu-cluster"
    DEFAULT_CPU_CLUSTER_CONFIGURATION = PoolConfiguration("STANDARD_DS2_V2")
    DEFAULT_GPU_CLUSTER_CONFIGURATION = PoolConfiguration("STANDARD_NC6")

    def __init__(
        self,
        subscription_id,
        resource_group,
        workspace_name,
        auth=None,
        _location=None,
        _disable_service_check=False,
        _workspace_id=None,
        sku='basic',
        tags=None,
        _cloud='AzureCloud',
    ):
        self._attach(_server_for(auth), workspace_name, subscription_id, resource_group)
        self._auth = auth
        if not _disable_service_check:
            self._record()

    def _attach(self, server, name, subscription_id="", resource_group="", document=None):
        from azureml._werkbank.client import WorkspaceClient

        self._server = server
        self._name = name
        self._subscription_id = subscription_id
        self._resource_group = resource_group
        self._auth = None
        self._document = document
        self._client = WorkspaceClient(server, name)

    @classmethod
    def _known(cls, server, name, subscription_id="", resource_group="", document=None):
        """A workspace without asking the server."""
        workspace = cls.__new__(cls)
        workspace._attach(server, name, subscription_id, resource_group, document)
        return workspace

    def _record(self, refresh=False):
        if refresh or self._document is None:
            try:
                self._document = self._client.get()
            except Exception as error:
                if is_problem(error, 404):
                    raise WorkspaceException(
                        "There is no workspace named {!r} on {}.".format(self._name, self._server.url),
                        inner_exception=error,
                        werkbank_code="workspace_not_found",
                        hint="Workspace.create makes one, Workspace.list shows those there are.",
                    )
                raise
        return self._document

    @staticmethod
    def from_config(path=None, auth=None, _logger=None, _file_name=None):
        """The workspace that the nearest config.json names; on this machine's own server it is made on first use."""
        found = workspace_config.find(path, _file_name)
        config = workspace_config.read(found)
        workspace = Workspace._known(
            _server_for(auth, config.get("server")), config["workspace_name"], config["subscription_id"], config["resource_group"]
        )
        workspace._auth = auth
        try:
            workspace._record()
        except WorkspaceException as error:
            if not workspace._server.is_unix or workspace._server.in_job:
                raise WorkspaceException(
                    "{} {} names it.".format(error.message, found),
                    inner_exception=error,
                    werkbank_code=error.werkbank_code,
                    hint=error.hint,
                )
            workspace._create({"existOk": True})
        return workspace

    @staticmethod
    def get(name, auth=None, subscription_id=None, resource_group=None, location=None, cloud='AzureCloud', id=None):
        """A workspace by its name."""
        workspace_config.check_name(name)
        workspace = Workspace(subscription_id or "", resource_group or "", name, auth=auth)
        for what, given, key in (
            ("subscription", subscription_id, "subscriptionId"),
            ("resource group", resource_group, "resourceGroup"),
        ):
            true = workspace._record().get(key) or ""
            if given and true not in ("", "local", given):  # local: it was made without one
                raise WorkspaceException(
                    "The workspace {!r} is not in the {} {} but in {}.".format(name, what, given, true),
                    werkbank_code="workspace_not_found",
                )
        return workspace

    @staticmethod
    def create(
        name,
        auth=None,
        subscription_id=None,
        resource_group=None,
        location=None,
        create_resource_group=True,
        sku='basic',
        tags=None,
        friendly_name=None,
        storage_account=None,
        key_vault=None,
        app_insights=None,
        container_registry=None,
        adb_workspace=None,
        primary_user_assigned_identity=None,
        cmk_keyvault=None,
        resource_cmk_uri=None,
        hbi_workspace=False,
        default_cpu_compute_target=None,
        default_gpu_compute_target=None,
        private_endpoint_config=None,
        private_endpoint_auto_approval=True,
        exist_ok=False,
        show_output=True,
        user_assigned_identity_for_cmk_encryption=None,
        system_datastores_auth_mode='accessKey',
        v1_legacy_mode=None,
    ):
        """Make a workspace; what concerns Azure's infrastructure is not needed and not read."""
        workspace_config.check_name(name)
        workspace = Workspace._known(_server_for(auth), name, subscription_id or "", resource_group or "")
        workspace._auth = auth
        body = {
            "existOk": bool(exist_ok),
            "location": location or "",
            "description": friendly_name or "",
            "tags": dict(tags or {}),
        }
        try:
            workspace._create(body)
        except Exception as error:
            if is_problem(error, 409):
                raise WorkspaceException(
                    "There already is a workspace named {!r}.".format(name),
                    inner_exception=error,
                    werkbank_code="already_exists",
                    hint="Use exist_ok=True, or Workspace.get.",
                )
            raise
        create_default_pools(workspace, default_cpu_compute_target, default_gpu_compute_target)
        if show_output:
            print("Workspace {} is ready.".format(name))
        return workspace

    def _create(self, body):
        full = {"name": self._name, "subscriptionId": self._subscription_id, "resourceGroup": self._resource_group}
        full.update(body)
        self._document = self._server.request(
            "POST", "/api/v1/workspaces", body=full, repeatable=bool(body.get("existOk"))
        ).json()

    @staticmethod
    def list(subscription_id, auth=None, resource_group=None):
        """The workspaces by name, each in a list."""
        server = _server_for(auth)
        found, query = {}, {"limit": 200}
        while True:
            page = server.request("GET", "/api/v1/workspaces", query=query).json()
            for document in page["items"]:
                if resource_group is None or document.get("resourceGroup") == resource_group:
                    workspace = Workspace._known(
                        server,
                        document["name"],
                        document.get("subscriptionId") or subscription_id,
                        document.get("resourceGroup") or "",
                        document,
                    )
                    found.setdefault(document["name"], []).append(workspace)
            if not page.get("next"):
                return found
            query["cursor"] = page["next"]

    @staticmethod
    def setup():
        """The workspace of the nearest configuration file; without one the workspace `default`, and a file that names it."""
        try:
            path = workspace_config.find()
        except UserErrorException:
            workspace = Workspace.get("default")
            workspace.write_config()
            return workspace
        return Workspace.from_config(path)

    def write_config(self, path=None, file_name=None):
        """Write the file that from_config reads."""
        workspace_config.write(self._arm_id(), path, file_name)

    def _arm_id(self):
        return "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}".format(
            self.subscription_id, self.resource_group, self._name
        )

    def get_details(self):
        """The workspace's record."""
        record = self._record(refresh=True)
        return {
            "id": self._arm_id(),
            "name": self._name,
            "location": record.get("location") or "",
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": dict(record.get("tags") or {}),
            "sku": self.sku,
            "workspaceid": record.get("id") or self._name,
            "description": record.get("description") or "",
            "friendlyName": record.get("description") or self._name,
            "creationTime": record.get("createdUtc"),
            "discoveryUrl": self.discovery_url,
        }

    @property
    def name(self):
        """The name."""
        return self._name

    @property
    def subscription_id(self):
        """The subscription, as it was given."""
        return self._subscription_id or (self._document or {}).get("subscriptionId") or ""

    @property
    def resource_group(self):
        """The resource group, as it was given."""
        return self._resource_group or (self._document or {}).get("resourceGroup") or ""

    @property
    def location(self):
        """The location, as it was given."""
        return self._record().get("location") or ""

    @property
    def sku(self):
        """v1's edition: there is one."""
        return "Basic"

    @property
    def tags(self):
        """The tags."""
        return dict(self._record().get("tags") or {})

    @property
    def discovery_url(self):
        """The server's address."""
        return self._server.url

    @property
    def service_context(self):
        """v1's internal wire layer."""
        _outside("Workspace.service_context")

    @property
    def experiments(self):
        """The experiments by name."""
        from azureml.core.experiment import Experiment

        return dict((experiment.name, experiment) for experiment in Experiment.list(self))

    @property
    def environments(self):
        """The registered environments by name, newest versions."""
        from azureml.core.environment import Environment

        return Environment.list(self)

    @property
    def compute_targets(self):
        """The compute targets by name."""
        from azureml.core.compute import ComputeTarget

        return dict((target.name, target) for target in ComputeTarget.list(self))

    @property
    def datasets(self):
        """The registered datasets by name, newest versions."""
        from azureml.data.abstract_dataset import AbstractDataset

        return AbstractDataset.get_all(self)

    @property
    def datastores(self):
        """The datastores by name."""
        from azureml.data.werkbank_datastore import datastore_of

        return dict((item["name"], datastore_of(self, item)) for item in self._client.items("datastores"))

    @property
    def images(self):
        """The images by name: none, as in a new workspace; they come later."""
        return {}

    @property
    def models(self):
        """The registered models by name, newest versions."""
        from azureml.core.model import Model

        return dict((model.name, model) for model in Model.list(self, latest=True))

    @property
    def webservices(self):
        """The services by name: none, as in a new workspace; they come later."""
        return {}

    @property
    def linked_services(self):
        """Linked Synapse workspaces: there are none."""
        return {}

    @property
    def private_endpoints(self):
        """Private endpoints: there are none."""
        return {}

    def get_run(self, run_id):
        """A run of this workspace by its id."""
        from azureml.core.run import Run

        return Run.get(self, run_id)

    def get_default_keyvault(self):
        """The workspace's secrets."""
        from azureml.core.keyvault import Keyvault

        return Keyvault(self)

    def get_default_datastore(self):
        """The default datastore."""
        from azureml.core.datastore import Datastore

        return Datastore.get_default(self)

    def set_default_datastore(self, name):
        """Choose the default datastore."""
        self._client.server.request("PUT", self._client.path(("default-datastore",)), body={"name": name})

    def get_default_compute_target(self, type):
        """The default compute target of a kind ("CPU" or "GPU"), the one of its name; None where there is none."""
        names = {"CPU": self.DEFAULT_CPU_CLUSTER_NAME, "GPU": self.DEFAULT_GPU_CLUSTER_NAME}
        name = names.get("{}".format(type).upper())
        if name is None:
            raise UserErrorException(
                "A default compute target is of the type CPU or GPU, not {!r}.".format(type), werkbank_code="target_invalid"
            )
        return self.compute_targets.get(name)

    def get_mlflow_tracking_uri(self, _with_auth=False):
        """The address for MLflow."""
        raise_later("Workspace.get_mlflow_tracking_uri")

    def update(
        self,
        friendly_name=None,
        description=None,
        tags=None,
        image_build_compute=None,
        service_managed_resources_settings=None,
        primary_user_assigned_identity=None,
        allow_public_access_when_behind_vnet=None,
        v1_legacy_mode=None,
    ):
        """Change the description and tags; the record."""
        changes = {}
        if description is not None or friendly_name is not None:
            changes["description"] = description if description is not None else friendly_name
        if tags is not None:
            changes["tags"] = tags
        if changes:
            self._document = self._client.server.request("PATCH", self._client.path(()), body=changes).json()
        return self.get_details()

    def delete(self, delete_dependent_resources=False, no_wait=False):
        """Delete the workspace."""
        self._client.delete()

    def sync_keys(self, no_wait=False):
        """Nothing to do: there are no keys of other services."""

    def list_keys(self):
        """Keys of Azure services."""
        _outside("Workspace.list_keys")

    def update_dependencies(self, container_registry=None, force=False):
        """Attached Azure services."""
        _outside("Workspace.update_dependencies")

    def diagnose_workspace(self, diagnose_parameters):
        """Azure's diagnosis; `werkbank doctor` is ours."""
        _outside("Workspace.diagnose_workspace")

    def add_private_endpoint(
        self, private_endpoint_config, private_endpoint_auto_approval=True, location=None, show_output=True, tags=None
    ):
        """Private endpoints."""
        _outside("Workspace.add_private_endpoint")

    def delete_private_endpoint_connection(self, private_endpoint_connection_name):
        """Private endpoints."""
        _outside("Workspace.delete_private_endpoint_connection")

    def set_connection(self, name, category, target, authType, value):
        """Connections to other services."""
        raise_later("Workspace.set_connection")

    def get_connection(self, name):
        """Connections to other services."""
        raise_later("Workspace.get_connection")

    def list_connections(self, category=None, target=None):
        """Connections to other services."""
        raise_later("Workspace.list_connections")

    def delete_connection(self, name):
        """Connections to other services."""
        raise_later("Workspace.delete_connection")

    def __repr__(self):
        return "Workspace.create(name={!r}, subscription_id={!r}, resource_group={!r})".format(
            self._name, self.subscription_id, self.resource_group
        )


def _server_for(auth, url=None):
    """The server, with the login that an authentication object carries. WERKBANK_URL wins over a configuration file."""
    import os
    from azureml._werkbank.connection import Server, default_url

    url = os.environ.get("WERKBANK_URL") or url or default_url()
    token = auth._werkbank_token() if hasattr(auth, "_werkbank_token") else None
    if url.startswith("unix://") and getattr(auth, "_only_over_tcp", False):
        token = None
    in_job = bool(os.environ.get("WERKBANK_SPOOL") and os.environ.get("AZUREML_RUN_ID"))
    may_ask = auth is None or getattr(auth, "_may_ask", False)
    return Server(url=url, token=token or None, in_job=in_job, may_ask=may_ask)


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "AmlCompute": "azureml.core.compute",
        "ComputeTarget": "azureml.core.compute",
        "Dataset": "azureml.core.dataset",
        "Image": "azureml.core.image",
        "InteractiveLoginAuthentication": "azureml.core.authentication",
        "Keyvault": "azureml.core.keyvault",
        "LinkedService": "azureml.core.linked_service",
        "Model": "azureml.core.model",
        "Webservice": "azureml.core.webservice",
    },
)
