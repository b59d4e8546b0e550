"""Experiment: a named group of runs."""

import re

from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.run_record import as_text
from azureml.core._portal import HasExperimentPortal
from azureml.exceptions import AuthenticationException, UserErrorException

__all__ = ["Experiment", "ViewType"]

_NAME = re.compile(r"^[a-zA-Z0-9][\w\-]{0,254}$")


class ViewType(object):
    """Which experiments a list shows."""

    ActiveOnly = "ActiveOnly"
    All = "All"
    ArchivedOnly = "ArchivedOnly"


class Experiment(HasExperimentPortal):
    """A named group of runs in a workspace; made on the server when it is not there yet."""

    def __init__(
        self,
        workspace,
        name,
        _skip_name_validation=False,
        _id=None,
        _archived_time=None,
        _create_in_cloud=True,
        _experiment_dto=None,
        **kwargs,
    ):
        if not _skip_name_validation and (not isinstance(name, str) or not _NAME.match(name)):
            raise UserErrorException(
                "{!r} cannot be the name of an experiment: 1 to 255 letters, digits, '_' and '-', "
                "starting with a letter or digit.".format(name),
                werkbank_code="experiment_name_invalid",
            )
        self._workspace = workspace
        self._name = name
        self._id = _id
        self._document = _experiment_dto
        HasExperimentPortal.__init__(self, self)
        if _create_in_cloud and self._document is None:
            self._document = self._open_or_create()
        if self._id is None and self._document is not None:
            self._id = self._document.get("id")

    def _open_or_create(self):
        client = self._workspace._client
        try:
            return client.post(("experiments",), {"name": self._name}, repeatable=True)
        except AuthenticationException:
            for document in client.items("experiments"):  # whoever may only read opens what is there
                if document["name"] == self._name:
                    return document
            raise

    def _record(self):
        if self._document is None:
            self._document = self._workspace._client.get("experiments", self._name, id=self._id)
        return self._document

    def _patch(self, changes):
        # By id: another experiment may have the name by now.
        query = None if self._id is None else {"id": self._id}
        self._document = self._workspace._client.patch(("experiments", self._name), changes, query)

    @property
    def workspace(self):
        """The workspace it is in."""
        return self._workspace

    @property
    def workspace_object(self):
        """Deprecated name of workspace."""
        return self._workspace

    @property
    def name(self):
        """The name."""
        return self._name

    @property
    def id(self):
        """The id, as text."""
        return "{}".format(self._id if self._id is not None else self._record()["id"])

    @property
    def tags(self):
        """The tags."""
        return dict(self._record().get("tags") or {})

    @property
    def archived_time(self):
        """When it was archived (or made, where the server did not keep that); None for an active one."""
        record = self._record()
        if record.get("stage") != "archived":
            return None
        return record.get("archivedUtc") or record.get("createdUtc")

    def submit(self, config, tags=None, **kwargs):
        """Start a run of a ScriptRunConfig (or what else knows how to be submitted), and answer it at once."""
        from azureml._werkbank.submission import submit

        return submit(self, config, tags, **kwargs)

    def start_logging(self, *args, **kwargs):
        """Start a run that this process carries out itself: log to it, and complete() it."""
        from azureml._werkbank.submission import start_logging

        return start_logging(self, *args, **kwargs)

    def get_runs(self, type=None, tags=None, properties=None, include_children=False):
        """The runs that match, newest first, fetched as they are asked for."""
        from azureml._werkbank.run_factory import list_runs

        return list_runs(self, type, tags, properties, None, include_children)

    @staticmethod
    def list(workspace, experiment_name=None, view_type=ViewType.ActiveOnly, tags=None):
        """The experiments of a workspace."""
        from azureml._werkbank.run_factory import matches

        stages = {ViewType.ActiveOnly: ("active",), ViewType.ArchivedOnly: ("archived",), ViewType.All: ("active", "archived")}
        if view_type not in stages:
            raise UserErrorException(
                "view_type is one of {}; it is {!r}.".format(", ".join(sorted(stages)), view_type),
                werkbank_code="view_type_invalid",
            )
        found = []
        for stage in stages[view_type]:
            for document in workspace._client.items("experiments", stage=stage):
                if experiment_name in (None, document["name"]) and matches(document, tags=tags):
                    found.append(Experiment(workspace, document["name"], _skip_name_validation=True, _experiment_dto=document))
        return found

    @staticmethod
    def delete(workspace, experiment_id):
        """Delete an experiment by its id."""
        for experiment in Experiment.list(workspace, view_type=ViewType.All):
            if experiment.id == "{}".format(experiment_id):
                workspace._client.delete("experiments", experiment.name, id=experiment.id)
                return
        raise UserErrorException("No experiment has the id {}.".format(experiment_id), werkbank_code="experiment_not_found")

    @staticmethod
    def from_directory(path, auth=None):
        """The experiment a folder belongs to: the folder's name, in the workspace its configuration names."""
        import os
        from azureml.core.workspace import Workspace

        folder = os.path.abspath(path)
        return Experiment(Workspace.from_config(folder, auth=auth), os.path.basename(folder))

    @classmethod
    def get_docs_url(cls):
        """Where this class is described."""
        return "docs/guide/sdk.md"

    def archive(self):
        """Hide the experiment from lists."""
        self._patch({"stage": "archived"})

    def reactivate(self, new_name=None):
        """Show an archived experiment again."""
        if new_name is not None and new_name != self._name:
            raise UserErrorException(
                "An experiment keeps its name; it cannot be reactivated as {!r}.".format(new_name),
                werkbank_code="experiment_rename_refused",
            )
        self._patch({"stage": "active"})

    def refresh(self):
        """Fetch the tags and state again."""
        self._document = None
        self._record()

    def tag(self, key, value=None):
        """Set one tag."""
        self.set_tags({key: value})

    def set_tags(self, tags):
        """Set some tags; the others stay."""
        self._patch({"tags": dict((as_text(key), as_text(value)) for key, value in tags.items())})

    def remove_tags(self, tags):
        """Remove some tags by name."""
        names = [tags] if isinstance(tags, str) else tags
        self._patch({"tags": dict((as_text(name), None) for name in names)})

    def __repr__(self):
        return "Experiment(Name: {},\nWorkspace: {})".format(self._name, self._workspace.name)

    def __str__(self):
        return self.__repr__()

    def _repr_html_(self):
        """The table that notebooks show."""
        from azureml._werkbank.notebook_table import link_cell, table

        command = "werkbank run list --experiment {}{}".format(
            self._name, "" if self._workspace.name == "default" else " -w " + self._workspace.name
        )
        return table(
            ("Name", "Workspace", "Report Page", "Docs Page"),
            (self._name, self._workspace.name),
            link_cell(self.get_portal_url(), command),
            self.get_docs_url(),
        )


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "ComputeInstance": "azureml.core.compute",
        "DEFAULT_GPU_IMAGE": "azureml.core.environment",
    },
)
