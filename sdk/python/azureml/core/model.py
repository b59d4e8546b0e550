"""Model: a registered version of a model. What images and services need comes later; those names are here so that scripts which
do not use them run."""

from azureml._werkbank import model_wire
from azureml._werkbank.later import declare_later, raise_later
from azureml._werkbank.lazy import make_lazy
from azureml.exceptions import RunEnvironmentException, WebserviceException

__all__ = ["InferenceConfig", "Model", "ModelPackage"]

MODELS_DIR = "azureml-models"

declare_later(globals(), "InferenceConfig ModelPackage")


class Model(object):
    """A version of a model: its files, what is said of it, and the run it came from."""

    class Framework(object):
        """What models are made with, as v1 names it."""

        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        TFKERAS = "TfKeras"
        PYTORCH = "PyTorch"
        MULTI = "Multi"

    def __init__(
        self,
        workspace,
        name=None,
        id=None,
        tags=None,
        properties=None,
        version=None,
        run_id=None,
        model_framework=None,
        expand=True,
        **kwargs,
    ):
        """The newest model that matches; by `id` or by `name` and `version` a certain one."""
        document = kwargs.pop("_document", None)
        if kwargs:
            raise TypeError("Model() got an unexpected keyword argument '{}'".format(sorted(kwargs)[0]))
        self.workspace = workspace
        if document is None:
            document = _find(workspace, name, id, tags, properties, version, run_id, model_framework)
        self._set(document)

    def _set(self, document):
        from azureml.core.resource_configuration import ResourceConfiguration

        self._document = document
        self.name = document["name"]
        self.version = document["version"]
        self.id = document["id"]
        self.description = document.get("description") or None
        self.tags = dict(document.get("tags") or {})
        self.properties = dict(document.get("properties") or {})
        self.model_framework = document.get("framework") or None
        self.model_framework_version = document.get("frameworkVersion") or None
        self.run_id = document.get("runId") or None
        self.experiment_name = document.get("experiment") or None
        self.created_by = document.get("createdBy") or None
        self.created_time = model_wire.parse_time(document.get("createdUtc"))
        self.url = "werkbank://{}/models/{}".format(self.workspace.name, self.id)
        self.mime_type = "application/x-python"
        self.unpack = False
        self.parent_id = None
        self.derived_model_ids = []
        wanted = document.get("resourceConfiguration")
        self.resource_configuration = wanted and ResourceConfiguration(wanted["cpu"], wanted["memoryInGb"], wanted["gpu"])

    @property
    def run(self):
        """The run it came from; None where it came from none, or the run is gone."""
        from azureml._werkbank.problems import is_problem
        from azureml.core.run import Run
        from azureml.exceptions import ServiceException

        if not self.run_id:
            return None
        try:
            return Run.get(self.workspace, self.run_id)
        except ServiceException as error:
            if is_problem(error, 404):
                return None
            raise

    @property
    def datasets(self):
        """The datasets it was made with: scenario → list of them."""
        found = {}
        for link in self._document.get("datasets") or ():
            found.setdefault(link["name"], []).append(_dataset(self.workspace, link["id"]))
        return found

    @property
    def sample_input_dataset(self):
        """A dataset with examples of its input."""
        return _dataset(self.workspace, self._document.get("sampleInputDatasetId"))

    @property
    def sample_output_dataset(self):
        """A dataset with examples of its output."""
        return _dataset(self.workspace, self._document.get("sampleOutputDatasetId"))

    def __repr__(self):
        return "Model(workspace={!r}, name={}, id={}, version={}, tags={}, properties={})".format(
            self.workspace, self.name, self.id, self.version, self.tags, self.properties
        )

    @staticmethod
    def register(
        workspace,
        model_path,
        model_name,
        tags=None,
        properties=None,
        description=None,
        datasets=None,
        model_framework=None,
        model_framework_version=None,
        child_paths=None,
        sample_input_dataset=None,
        sample_output_dataset=None,
        resource_configuration=None,
    ):
        """Register a file or folder here as the next version of a name; of a folder only `child_paths`, where they are given."""
        import os

        body = model_wire.described(
            tags,
            properties,
            description,
            datasets,
            model_framework,
            model_framework_version,
            sample_input_dataset,
            sample_output_dataset,
            resource_configuration,
        )
        if not os.path.exists(model_path):
            raise model_wire.invalid(
                "The model's path {} is not there.".format(os.path.abspath(model_path)),
                hint="Name an existing file or folder; for a file of a run there is run.register_model.",
            )
        files = model_wire.local_files(model_path, child_paths)
        with model_wire.model_errors():
            body["snapshotId"] = model_wire.upload(workspace._client, files)
        return Model(workspace, _document=model_wire.register(workspace._client, model_name, body))

    @staticmethod
    def list(
        workspace,
        name=None,
        tags=None,
        properties=None,
        run_id=None,
        latest=False,
        dataset_id=None,
        expand=True,
        page_count=255,
        model_framework=None,
    ):
        """The models that match, the last registered first; with `latest` of each name only the newest that matches."""
        with model_wire.model_errors():
            documents = workspace._client.items(
                "models",
                name=name,
                tag=model_wire.label_filters(tags, "tags"),
                property=model_wire.label_filters(properties, "properties"),
                run=run_id,
                dataset=dataset_id,
                framework=model_framework,
                latest="true" if latest else None,
                limit=page_count,
            )
            return [Model(workspace, _document=document) for document in documents]

    @staticmethod
    def get_model_path(model_name, version=None, _workspace=None):
        """The path of a model's file or folder: in a job it is fetched, in a service it is there."""
        from azureml._werkbank.model_path import find_model_path
        from azureml.core.run import Run

        workspace = _workspace
        if workspace is None:
            try:
                workspace = Run.get_context(allow_offline=False).experiment.workspace
            except RunEnvironmentException:
                pass  # not in a job: whatever is on this disk
        return find_model_path(model_name, version, workspace, lambda at, name, number: Model(at, name=name, version=number))

    def download(self, target_dir=".", exist_ok=False, exists_ok=None):
        """Fetch the files below a folder; the path that they have in common."""
        exist_ok = exist_ok if exists_ok is None else exists_ok
        return model_wire.download(self.workspace._client, self.id, target_dir, exist_ok)

    def update(
        self, tags=None, description=None, sample_input_dataset=None, sample_output_dataset=None, resource_configuration=None
    ):
        """Replace what is named; `tags` all at once."""
        change = {
            "description": description,
            "sampleInputDatasetId": model_wire.dataset_id(sample_input_dataset),
            "sampleOutputDatasetId": model_wire.dataset_id(sample_output_dataset),
            "resourceConfiguration": model_wire.resources(resource_configuration),
        }
        change = dict((key, value) for key, value in change.items() if value is not None)
        if tags is not None:
            change.update(tags=model_wire.labels(tags, "tags"), replaceTags=True)
        self._patch(change)

    def add_tags(self, tags):
        """Set some tags; the others stay."""
        self.update_tags_properties(add_tags=tags)

    def remove_tags(self, tags):
        """Remove some tags, given as a list (or one by its name)."""
        self.update_tags_properties(remove_tags=tags)

    def add_properties(self, properties):
        """Set some properties; what is set cannot be changed."""
        self.update_tags_properties(add_properties=properties)

    def update_tags_properties(self, add_tags=None, remove_tags=None, add_properties=None):
        """Set and remove tags, and set properties."""
        tags = model_wire.labels(add_tags, "add_tags")
        for name in [remove_tags] if isinstance(remove_tags, str) else remove_tags or ():
            tags["{}".format(name)] = None
        self._patch({"tags": tags, "properties": model_wire.labels(add_properties, "add_properties")})

    def add_dataset_references(self, datasets):
        """Name datasets that it was made with, as [(scenario, dataset)]."""
        self._patch({"addDatasets": model_wire.dataset_links(datasets)})

    def _patch(self, change):
        with model_wire.model_errors():
            self._set(self.workspace._client.patch(("models", self.id), change))

    def delete(self):
        """Delete this version; refused while something uses it."""
        with model_wire.model_errors():
            self.workspace._client.delete("models", self.id)

    def serialize(self):
        """As plain data."""
        document, wanted = self._document, self.resource_configuration
        return {
            "name": self.name,
            "id": self.id,
            "version": self.version,
            "workspaceName": self.workspace.name,
            "description": self.description,
            "tags": dict(self.tags),
            "properties": dict(self.properties),
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "runId": self.run_id,
            "experimentName": self.experiment_name,
            "createdBy": self.created_by,
            "createdTime": document.get("createdUtc"),
            "url": self.url,
            "mimeType": self.mime_type,
            "unpack": self.unpack,
            "parentModelId": self.parent_id,
            "derivedModelIds": [each for each in self.derived_model_ids],
            "datasets": [dict(link) for link in document.get("datasets") or ()],
            "sampleInputDatasetId": document.get("sampleInputDatasetId") or None,
            "sampleOutputDatasetId": document.get("sampleOutputDatasetId") or None,
            "resourceRequirements": wanted and wanted.serialize(),
        }

    @staticmethod
    def deserialize(workspace, model_payload):
        """From plain data, without asking the server."""
        missing = [key for key in ("name", "id", "version", "tags", "properties", "createdTime") if key not in model_payload]
        if missing:
            raise model_wire.invalid("A model's data lack {}.".format(", ".join(missing)))
        document = dict(model_payload)
        document["experiment"] = model_payload.get("experimentName")
        document["createdUtc"] = model_payload["createdTime"]
        wanted = model_payload.get("resourceRequirements")
        document["resourceConfiguration"] = wanted and {
            "cpu": wanted.get("cpu"),
            "memoryInGb": wanted.get("memoryInGB"),
            "gpu": wanted.get("gpu"),
        }
        return Model(workspace, _document=document)

    def get_sas_urls(self):
        """Not there yet: addresses that anybody can fetch the files from."""
        raise_later("Model.get_sas_urls (download() fetches the files)")

    @staticmethod
    def deploy(
        workspace,
        name,
        models,
        inference_config=None,
        deployment_config=None,
        deployment_target=None,
        overwrite=False,
        show_output=False,
    ):
        """Not there yet: a service of models."""
        raise_later("Model.deploy (service {!r})".format(name))

    @staticmethod
    def package(workspace, models, inference_config=None, generate_dockerfile=False, image_name=None, image_label=None):
        """Not there yet: an image of models."""
        raise_later("Model.package")

    @staticmethod
    def profile(workspace, profile_name, models, inference_config, input_dataset, cpu=None, memory_in_gb=None, description=None):
        """Not there yet: what a service of models would need."""
        raise_later("Model.profile")

    @staticmethod
    def print_configuration(models, inference_config, deployment_config, deployment_target):
        """Not there yet: what would be deployed."""
        raise_later("Model.print_configuration")


def _find(workspace, name, id, tags, properties, version, run_id, model_framework):
    """The document of the newest model that matches."""
    if id is None and name is not None and version is not None:
        id = "{}:{}".format(name, version)
    if id is not None:
        with model_wire.model_errors():
            return workspace._client.get("models", id)
    if not (name or tags or properties or run_id or model_framework):
        raise model_wire.invalid("Which model? Neither a name nor an id is given, nor tags, properties or a run.")
    with model_wire.model_errors():
        for document in workspace._client.items(
            "models",
            name=name,
            tag=model_wire.label_filters(tags, "tags"),
            property=model_wire.label_filters(properties, "properties"),
            run=run_id,
            framework=model_framework,
            limit=1,
        ):
            return document
    raise WebserviceException(
        "ModelNotFound: no model{} matches in workspace {!r}".format(
            "" if name is None else " {!r}".format(name), workspace.name
        ),
        status_code=404,
        werkbank_code="model_not_found",
        hint="`werkbank model list` shows what there is.",
    )


def _dataset(workspace, dataset_id):
    """A dataset by its id; the bare id where there is none of it."""
    from azureml.core.dataset import Dataset
    from azureml.exceptions import UserErrorException

    if not dataset_id:
        return None
    try:
        return Dataset.get_by_id(workspace, dataset_id)
    except UserErrorException as error:
        if error.werkbank_code != "dataset_not_found":
            raise
        return dataset_id


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "AksCompute": "azureml.core.compute",
        "ContainerRegistry": "azureml.core.container_registry",
        "Dataset": "azureml.core.dataset",
        "Environment": "azureml.core.environment",
        "Experiment": "azureml.core.experiment",
        "ModelNotFoundException": "azureml.exceptions",
        "ModelProfile": "azureml.core.profile",
        "ResourceConfiguration": "azureml.core.resource_configuration",
        "UserErrorException": "azureml.exceptions",
    },
)
