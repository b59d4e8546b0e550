"""What file and tabular datasets have in common: names, versions, tags, and how runs take them."""

from azureml._werkbank import dataset_wire as wire
from azureml._werkbank.dataset_state import DatasetState
from azureml._werkbank.lazy import make_lazy
from azureml.exceptions import UserErrorException

__all__ = ["AbstractDataset"]


class AbstractDataset(object):
    """Data that are named and described, but not copied: files, or a table in files. Made by Dataset.File and Dataset.Tabular."""

    # Set below: the factories make datasets.
    File = None
    Tabular = None

    def __init__(self):
        raise UserErrorException(
            "A dataset is made by Dataset.File.from_files and the methods of Dataset.Tabular, or found by Dataset.get_by_name.",
            werkbank_code="dataset_invalid",
        )

    def __deepcopy__(self, memo):
        """The same: a run configuration is copied, and not what it refers to."""
        return self

    @classmethod
    def _of(cls, state):
        made = cls.__new__(cls)
        made._state = state
        return made

    @staticmethod
    def _of_document(workspace, document):
        from azureml.data.file_dataset import FileDataset
        from azureml.data.tabular_dataset import TabularDataset

        kind = TabularDataset if document["kind"] == "tabular" else FileDataset
        return kind._of(DatasetState.of_document(workspace, document))

    @staticmethod
    def get_by_name(workspace, name, version='latest', **kwargs):
        """A registered dataset: its newest version, or the one of this number."""
        if version is None or "{}".format(version) in ("", "latest"):
            reference = "{}:latest".format(name)
        else:
            reference = "{}:{}".format(name, version)
        return AbstractDataset._of_document(workspace, wire.document(workspace, reference))

    @staticmethod
    def get_by_id(workspace, id, **kwargs):
        """A dataset that was saved, by its id."""
        return AbstractDataset._of_document(workspace, wire.document(workspace, "{}".format(id)))

    @staticmethod
    def get_all(workspace):
        """The newest versions of all registered datasets, by name."""
        items = workspace._client.items("datasets")
        return dict((item["name"], AbstractDataset._of_document(workspace, item)) for item in items)

    def _document(self):
        return self._state.document or {}

    @property
    def id(self):
        """The id; None as long as the dataset belongs to no workspace."""
        if self._state.document is None and self._state.workspace is not None:
            self._state.saved(self._state.workspace)
        return self._document().get("id")

    @property
    def name(self):
        """The name it is registered under; None where it is not."""
        return self._document().get("name")

    @property
    def version(self):
        """The version it is registered as; None where it is not."""
        return self._document().get("version")

    @property
    def description(self):
        """The description."""
        return self._document().get("description") or None

    @property
    def tags(self):
        """The tags."""
        return dict(self._document().get("tags") or {})

    @property
    def data_changed_time(self):
        """None: a dataset is its files as they were when it was saved, and they do not change."""
        return None

    @property
    def partition_keys(self):
        """The names that are read from the files' paths (partition_format)."""
        from azureml._werkbank.partitions import partition_names

        return partition_names(self._state.definition["reader"].get("partitionFormat"))

    def get_partition_key_values(self, partition_keys=None):
        """Each combination of values that these partition keys (by default all) have."""
        from azureml._werkbank.partitions import partition_values

        wanted = list(self.partition_keys if partition_keys is None else partition_keys)
        unknown = [name for name in wanted if name not in self.partition_keys]
        if unknown:
            raise UserErrorException(
                "{!r} is no partition key; those are: {}.".format(unknown[0], ", ".join(self.partition_keys) or "none"),
                werkbank_code="partition_key_unknown",
            )
        found = []
        for file in self._state.files():
            values = partition_values(self._state.definition["reader"]["partitionFormat"], file["path"])
            row = dict((name, values[name]) for name in wanted)
            if row not in found:
                found.append(row)
        return found

    def register(self, workspace, name, description=None, tags=None, create_new_version=False):
        """Register it under a name; the registered dataset. A name that is there needs create_new_version."""
        body = {
            "name": "{}".format(name),
            "description": "{}".format(description or ""),
            "tags": _texts(tags),
            "createNewVersion": bool(create_new_version),
        }
        try:
            document = self._state.create(workspace, register=body)
        except UserErrorException as error:
            if error.werkbank_code == "dataset_exists":
                error.hint = "Pass create_new_version=True to register it as the next version."
            raise
        return self._of_document(workspace, document)

    def unregister_all_versions(self):
        """Forget the name with all its versions; the data stays where it is."""
        self._need_registration("unregister_all_versions")
        self._state.workspace._client.delete("datasets", self.name)
        self._state.document = dict(self._state.document, name=None, version=None, description="", tags={})

    def update(self, description=None, tags=None):
        """Replace the description, or all tags; the dataset."""
        change = {} if description is None else {"description": "{}".format(description)}
        if tags is not None:
            change["tags"] = dict(dict((key, None) for key in self.tags), **_texts(tags))
        return self._patch("update", change)

    def add_tags(self, tags=None):
        """Set some tags; the others stay."""
        return self._patch("add_tags", {"tags": _texts(tags)})

    def remove_tags(self, tags=None):
        """Remove some tags, given as a list of names."""
        names = [tags] if isinstance(tags, str) else tags or ()
        return self._patch("remove_tags", {"tags": dict(("{}".format(key), None) for key in names)})

    def _patch(self, what, change):
        self._need_registration(what)
        reference = "{}:{}".format(self.name, self.version)
        self._state.document = self._state.workspace._client.patch(("datasets", reference), change)
        return self

    def _need_registration(self, what):
        if self.name is None:
            raise UserErrorException(
                "{} needs a registered dataset.".format(what),
                werkbank_code="dataset_not_registered",
                hint="Register it first: dataset = dataset.register(workspace, 'name').",
            )

    def as_named_input(self, name):
        """It as an input of a run, under this name."""
        from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig(name, self)

    def _input_name(self):
        """The name of an input that was given none."""
        import hashlib
        import json

        key = self._document().get("id")
        if not key:
            text = json.dumps(self._state.definition, sort_keys=True)
            key = hashlib.md5(text.encode("utf-8")).hexdigest()
        return "input_{}".format(key.replace("-", "")[:8])

    def __getitem__(self, key):
        """A column, for an expression: dataset['age'] > 30."""
        from azureml._werkbank.expressions import column

        if not isinstance(key, str):
            raise UserErrorException(
                "A column is asked for by its name, and not by {!r}.".format(key), werkbank_code="expression_invalid"
            )
        return column(key)

    def __repr__(self):
        import json

        sources = []
        for source in self._state.definition["sources"]:
            place = source.get("url") or source.get("file")
            sources.append(place or "('{}', '{}')".format(source["datastore"], source.get("path", "")))
        reader = self._state.definition["reader"].get("format")
        steps = [reader] if reader else ["files"]
        shown = {"source": sources, "definition": steps + [step["op"] for step in self._state.definition["steps"]]}
        if self.name is not None:
            shown["registration"] = {
                "id": self._document()["id"],
                "name": self.name,
                "version": self.version,
                "description": self.description,
                "tags": self.tags,
                "workspace": self._state.workspace.name,
            }
        return "{}\n{}".format(type(self).__name__, json.dumps(shown, indent=2))

    __str__ = __repr__


def _texts(tags):
    if tags is None:
        return {}
    if not isinstance(tags, dict):
        raise UserErrorException("tags is a dict, and not a {}.".format(type(tags).__name__), werkbank_code="tags_invalid")
    return dict(("{}".format(key), "" if value is None else "{}".format(value)) for key, value in tags.items())


def _set_factories():
    from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory

    AbstractDataset.File = FileDatasetFactory
    AbstractDataset.Tabular = TabularDatasetFactory


_set_factories()

make_lazy(  # importable from here, as in v1
    __name__,
    {
        "DatasetConsumptionConfig": "azureml.data.dataset_consumption_config",
        "FileDatasetFactory": "azureml.data.dataset_factory",
        "RunEnvironmentException": "azureml.exceptions",
        "TabularDatasetFactory": "azureml.data.dataset_factory",
    },
)
