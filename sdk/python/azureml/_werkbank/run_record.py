"""What a run knows about itself: status, tags, properties, details, and its family."""

from azureml._werkbank.problems import is_problem
from azureml.exceptions import UserErrorException

FINAL_STATES = ("Completed", "Failed", "Canceled")


def as_text(value):
    """A tag's or property's value as v1 keeps it."""
    return "" if value is None else value if isinstance(value, str) else str(value)


class RunRecord(object):
    """Mixed into Run; uses its `_client` and `_run_id`."""

    def _record(self, refresh=False):
        """The run document, from the server at first and where `refresh`."""
        if refresh or self._document is None:
            self._document = self._client.get("runs", self._run_id)
        return self._document

    def _patch(self, changes):
        self._document = self._client.patch(("runs", self._run_id), changes)

    @property
    def id(self):
        """The run's id."""
        return self._run_id

    @property
    def experiment(self):
        """The experiment the run belongs to."""
        return self._experiment

    @property
    def number(self):
        """The run's number within its experiment."""
        return self._record()["runNumber"]

    @property
    def name(self):
        """The display name; run_<id> where none was given."""
        return self._record().get("displayName") or "run_{}".format(self._run_id)

    @property
    def display_name(self):
        """The display name."""
        return self._record().get("displayName") or ""

    @display_name.setter
    def display_name(self, display_name):
        self._patch({"displayName": as_text(display_name)})

    @property
    def description(self):
        """The description."""
        return self._record().get("description") or None

    @description.setter
    def description(self, description):
        self._patch({"description": as_text(description)})

    @property
    def type(self):
        """The kind of run: azureml.scriptrun and others."""
        record = self._record()
        return record.get("runType") or (record.get("properties") or {}).get("azureml.runsource")

    @property
    def status(self):
        """The status now."""
        return self.get_status()

    @property
    def properties(self):
        """The properties: set once each."""
        return dict(self._record().get("properties") or {})

    @property
    def tags(self):
        """The tags."""
        return dict(self._record().get("tags") or {})

    def get_status(self):
        """The status now; the server is asked only while it can change."""
        status = self._record()["status"]
        return status if status in FINAL_STATES else self._record(refresh=True)["status"]

    def get_detailed_status(self):
        """The status with the reasons for it: what the run waits for, or why it failed."""
        why = self._client.get("runs", self._run_id, "why")
        details = [why.get("summary") or ""] + list(why.get("reasons") or ()) + list(why.get("next") or ())
        return {"status": why["status"], "details": "\n".join(text for text in details if text)}

    def get_properties(self):
        """The properties, from the server."""
        return dict(self._record(refresh=True).get("properties") or {})

    def get_tags(self):
        """The tags, from the server."""
        return dict(self._record(refresh=True).get("tags") or {})

    def tag(self, key, value=None):
        """Set one tag."""
        self.set_tags({key: value})

    def set_tags(self, tags):
        """Set some tags; the others stay."""
        if not isinstance(tags, dict):
            raise UserErrorException(
                "set_tags takes a dict, and got a {}.".format(type(tags).__name__), werkbank_code="tags_invalid"
            )
        self._patch({"tags": dict((as_text(key), as_text(value)) for key, value in tags.items())})

    def remove_tags(self, tags):
        """Remove some tags, given as a list (or one by its name)."""
        names = [tags] if isinstance(tags, str) else list(tags)
        self._patch({"tags": dict((as_text(name), None) for name in names)})

    def add_properties(self, properties):
        """Add properties; one that is there cannot be changed."""
        try:
            self._patch({"properties": dict((as_text(key), as_text(value)) for key, value in properties.items())})
        except Exception as error:
            if is_problem(error, 409):
                raise UserErrorException(error.message, inner_exception=error, werkbank_code=error.werkbank_code, hint=error.hint)
            raise

    def get_details(self):
        """Everything about the run in one document: definition, status, times, properties, log files, error."""
        details = self._client.get("runs", self._run_id, "details")
        if self._uses_datasets(details):
            from azureml._werkbank.run_data import details_of

            used = list(self._client.items("runs", self._run_id, "datasets"))
            details["inputDatasets"], details["outputDatasets"] = details_of(self._experiment.workspace, used)
        details.setdefault("inputDatasets", [])
        details.setdefault("outputDatasets", [])
        logs = details.setdefault("logFiles", {})
        server = self._portal_workspace._server
        if not server.is_unix:  # a server on a socket has no address that could stand before the path
            details["logFiles"] = dict((name, server.url + url) for name, url in logs.items())
        return details

    def _uses_datasets(self, details):
        """Whether the run was submitted with data: then the server is asked which."""
        definition = details.get("runDefinition") or {}
        return bool(definition.get("data") or definition.get("outputData"))

    def get_environment(self):
        """The environment the run executes in: the registered one, where its definition is kept with the workspace."""
        from azureml._werkbank.environment_wire import environment_from_wire
        from azureml._werkbank.problems import is_problem

        used = self._client.get("runs", self._run_id, "spec").get("environment") or {}
        if used.get("version"):
            try:
                used = self._client.get("environments", used["name"], version=used["version"])
            except Exception as error:
                if not is_problem(error, 404):
                    raise
        return environment_from_wire(used)

    def get_secret(self, name):
        """The value of a secret of the workspace."""
        return self._experiment.workspace.get_default_keyvault().get_secret(name)

    def get_secrets(self, secrets):
        """The values of some secrets of the workspace, by name."""
        return self._experiment.workspace.get_default_keyvault().get_secrets(secrets)

    def __repr__(self):
        record = self._record()
        return "Run(Experiment: {},\nId: {},\nType: {},\nStatus: {})".format(
            self._experiment.name, self._run_id, self.type, record["status"]
        )

    def __str__(self):
        return self.__repr__()

    def _repr_html_(self):
        """The table that notebooks show."""
        from azureml._werkbank.notebook_table import link_cell, table
        from azureml.core._portal import web_view

        shown = web_view(self)
        return table(
            ("Experiment", "Id", "Type", "Status", "Details Page", "Docs Page"),
            (self._experiment.name, self._run_id, self.type or "", self._record()["status"]),
            link_cell(shown, shown),
            self.get_docs_url(),
        )


class RunFamily(object):
    """Mixed into Run: parents and children."""

    @property
    def parent(self):
        """The run this one is a child of; None at the top."""
        from azureml._werkbank.run_factory import make_run

        parent_id = self._record().get("parentRunId")
        if not parent_id:
            return None
        return make_run(self._experiment, self._client.get("runs", parent_id))

    def get_children(self, recursive=False, tags=None, properties=None, type=None, status=None, _rehydrate_runs=True):
        """The children (with `recursive` all descendants) that match."""
        from azureml._werkbank.run_factory import make_run, matches

        query = {"recursive": "true"} if recursive else {}
        for record in self._client.items("runs", self._run_id, "children", **query):
            if matches(record, type, tags, properties, status):
                yield make_run(self._experiment, record, rehydrate=_rehydrate_runs)

    def child_run(self, name=None, run_id=None, outputs=None):
        """A new child that is running."""
        from azureml._werkbank.run_factory import track_run

        display_name = "{}>{}".format(self.name, name) if name else None
        return track_run(self._experiment, run_id=run_id, display_name=display_name, parent_id=self._run_id, outputs=outputs)

    def create_children(self, count=None, tag_key=None, tag_values=None):
        """Several children at once: `count` of them, or one per tag value. They are not started."""
        from azureml._werkbank.run_factory import make_run

        if (count is None) == (tag_key is None and tag_values is None) or (
            count is None and (tag_key is None or tag_values is None)
        ):
            raise UserErrorException(
                "create_children needs either count, or tag_key and tag_values.", werkbank_code="children_invalid"
            )
        bodies = []
        if count is not None:
            if count < 1:
                raise UserErrorException("create_children needs a count of at least 1.", werkbank_code="children_invalid")
            bodies = [
                {"tagKey": "azureml.batch_child_number", "tagValues": [str(n) for n in range(first, min(first + 100, count))]}
                for first in range(0, count, 100)
            ]
        else:
            values = [as_text(value) for value in tag_values]
            bodies = [{"tagKey": tag_key, "tagValues": values[first : first + 100]} for first in range(0, len(values), 100)]
        children = []
        for body in bodies:
            answer = self._client.post(("runs", self._run_id, "children"), body)
            children.extend(make_run(self._experiment, record) for record in answer["items"])
        return children

    def submit_child(self, config, tags=None, **kwargs):
        """Submit a configuration as a child of this run."""
        return self._experiment.submit(config, tags=tags, _parent_run_id=self._run_id, **kwargs)
