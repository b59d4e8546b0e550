"""The sections of a RunConfiguration."""

from azureml._base_sdk_common.abstract_run_config_element import _AbstractRunConfigElement
from azureml._werkbank.later import raise_later
from azureml.exceptions import UserErrorException

SUPPORTED_DATAREF_MODES = ["mount", "download", "upload"]
SUPPORTED_DELIVERY_MECHANISM = ["direct", "mount", "download", "upload"]
SUPPORTED_PYTORCH_BACKENDS = ["nccl", "gloo"]
_DEFAULT_SHM_SIZE = "2g"


class AmlComputeConfiguration(_AbstractRunConfigElement):
    """A cluster that is made for the run."""

    _fields = (
        ("vm_size", "vmSize", str),
        ("vm_priority", "vmPriority", str),
        ("_retain_cluster", "retainCluster", bool),
        ("_name", "name", str),
        ("_cluster_max_node_count", "clusterMaxNodeCount", int),
    )

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.vm_size = None
        self.vm_priority = None
        self._retain_cluster = False
        self._name = None
        self._cluster_max_node_count = None
        self._seal()

    @property
    def max_nodes(self):
        """How many nodes the cluster may have."""
        return self._cluster_max_node_count

    @max_nodes.setter
    def max_nodes(self, max_nodes):
        self._cluster_max_node_count = max_nodes


class ApplicationEndpointConfiguration(_AbstractRunConfigElement):
    """A service that a run offers while it lasts."""

    _fields = (("type", "type", str), ("port", "port", int), ("properties", "properties", dict))

    def __init__(self, type=None, port=None, properties=None):
        _AbstractRunConfigElement.__init__(self)
        self.type = type
        self.port = port
        self.properties = properties
        self._seal()


class SparkConfiguration(_AbstractRunConfigElement):
    """Spark's settings."""

    _fields = (("configuration", "configuration", dict),)

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.configuration = {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": 1}
        self._seal()


class HdiConfiguration(_AbstractRunConfigElement):
    """HDInsight's settings."""

    _fields = (("yarn_deploy_mode", "yarnDeployMode", str),)

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.yarn_deploy_mode = "cluster"
        self._seal()


class TensorflowConfiguration(_AbstractRunConfigElement):
    """Workers and parameter servers."""

    _fields = (("worker_count", "workerCount", int), ("parameter_server_count", "parameterServerCount", int))

    def __init__(self, worker_count=1, parameter_server_count=1):
        _AbstractRunConfigElement.__init__(self)
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count
        self._seal()


class MpiConfiguration(_AbstractRunConfigElement):
    """Processes of an MPI run."""

    _fields = (("process_count_per_node", "processCountPerNode", int), ("node_count", "nodeCount", int))

    def __init__(self, process_count_per_node=1, node_count=1):
        _AbstractRunConfigElement.__init__(self)
        self.process_count_per_node = process_count_per_node
        self.node_count = node_count
        self._seal()


class PyTorchConfiguration(_AbstractRunConfigElement):
    """Processes of a distributed PyTorch run."""

    _fields = (
        ("communication_backend", "communicationBackend", str),
        ("process_count", "processCount", int),
        ("node_count", "nodeCount", int),
    )

    def __init__(self, communication_backend='Nccl', process_count=None, node_count=1):
        _AbstractRunConfigElement.__init__(self)
        if communication_backend is None or communication_backend.lower() not in SUPPORTED_PYTORCH_BACKENDS:
            raise UserErrorException(
                "communication_backend has to be one of {}; it is {!r}.".format(
                    ", ".join(SUPPORTED_PYTORCH_BACKENDS), communication_backend
                ),
                werkbank_code="pytorch_backend_invalid",
            )
        self.communication_backend = communication_backend
        self.process_count = process_count
        self.node_count = node_count
        self._seal()


class ParallelTaskConfiguration(_AbstractRunConfigElement):
    """Workers of a parallel run."""

    _fields = (
        ("max_retries_per_worker", "maxRetriesPerWorker", int),
        ("worker_count_per_node", "workerCountPerNode", int),
        ("terminal_exit_codes", "terminalExitCodes", object),
    )

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.max_retries_per_worker = 0
        self.worker_count_per_node = 1
        self.terminal_exit_codes = None
        self._seal()


class KubernetesComputeConfiguration(_AbstractRunConfigElement):
    """The kind of node."""

    _fields = (("instance_type", "instanceType", str),)

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.instance_type = None
        self._seal()


class HistoryConfiguration(_AbstractRunConfigElement):
    """What is kept of a run."""

    _fields = (
        ("output_collection", "outputCollection", bool),
        ("snapshot_project", "snapshotProject", bool),
        ("directories_to_watch", "directoriesToWatch", list),
    )

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.output_collection = True
        self.snapshot_project = True
        self.directories_to_watch = ["logs"]
        self._seal()


class DockerConfiguration(_AbstractRunConfigElement):
    """How a container is run."""

    _fields = (
        ("use_docker", "useDocker", bool),
        ("shared_volumes", "sharedVolumes", bool),
        ("arguments", "arguments", list),
        ("shm_size", "shmSize", str),
    )

    def __init__(self, use_docker=False, shared_volumes=True, arguments=[], shm_size='2g'):
        _AbstractRunConfigElement.__init__(self)
        self.use_docker = use_docker
        self.shared_volumes = shared_volumes
        self.arguments = list(arguments) if arguments else []
        self.shm_size = shm_size
        self._seal()


class DataReferenceConfiguration(_AbstractRunConfigElement):
    """A folder of a datastore, as an input."""

    _fields = (
        ("data_store_name", "dataStoreName", str),
        ("mode", "mode", str),
        ("path_on_data_store", "pathOnDataStore", str),
        ("path_on_compute", "pathOnCompute", str),
        ("overwrite", "overwrite", bool),
    )

    def __init__(self, datastore_name=None, mode='mount', path_on_datastore=None, path_on_compute=None, overwrite=False):
        _AbstractRunConfigElement.__init__(self)
        if mode.lower() not in SUPPORTED_DATAREF_MODES:
            raise UserErrorException(
                "The mode of a data reference has to be one of {}; it is {!r}.".format(", ".join(SUPPORTED_DATAREF_MODES), mode),
                werkbank_code="data_mode_invalid",
            )
        self.data_store_name = datastore_name
        self.mode = mode.lower()
        self.path_on_data_store = path_on_datastore
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite
        self._seal()


class DataPath(_AbstractRunConfigElement):
    """A path in a datastore."""

    _fields = (("datastore_name", "datastoreName", str), ("relative_path", "relativePath", str))

    def __init__(self, datastore_name=None, relative_path=None):
        _AbstractRunConfigElement.__init__(self)
        self.datastore_name = datastore_name
        self.relative_path = relative_path
        self._seal()


class Dataset(_AbstractRunConfigElement):
    """A dataset by id, or by name and version."""

    _fields = (("id", "datasetId", str), ("name", "datasetName", str), ("version", "datasetVersion", str))

    def __init__(self, dataset_id=None, dataset_name=None, dataset_version=None):
        _AbstractRunConfigElement.__init__(self)
        self.id = dataset_id
        self.name = dataset_name
        self.version = dataset_version
        self._seal()


class Uri(_AbstractRunConfigElement):
    """A file or folder by its address."""

    _fields = (("path", "path", str), ("is_file", "isFile", bool))

    def __init__(self, path=None, is_file=False):
        _AbstractRunConfigElement.__init__(self)
        self.path = path
        self.is_file = is_file
        self._seal()


class DataLocation(_AbstractRunConfigElement):
    """Where data lie."""

    _fields = (("dataset", "dataset", Dataset), ("data_path", "dataPath", DataPath), ("uri", "uri", Uri))

    def __init__(self, dataset=None, data_path=None, uri=None):
        _AbstractRunConfigElement.__init__(self)
        self.dataset = dataset
        self.data_path = data_path
        self.uri = uri
        self._seal()


class Data(_AbstractRunConfigElement):
    """An input."""

    _fields = (
        ("data_location", "dataLocation", DataLocation),
        ("create_output_directories", "createOutputDirectories", bool),
        ("mechanism", "mechanism", str),
        ("environment_variable_name", "environmentVariableName", str),
        ("path_on_compute", "pathOnCompute", str),
        ("overwrite", "overwrite", bool),
        ("options", "options", object),
    )

    def __init__(
        self,
        data_location=None,
        create_output_directories=None,
        mechanism='direct',
        environment_variable_name=None,
        path_on_compute=None,
        overwrite=False,
        options=None,
    ):
        _AbstractRunConfigElement.__init__(self)
        self.data_location = data_location
        self.create_output_directories = create_output_directories
        self.mechanism = mechanism
        self.environment_variable_name = environment_variable_name
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite
        self.options = options
        self._seal()

    @staticmethod
    def create(data):
        """An input of a dataset's consumption (as_named_input, as_mount, as_download)."""
        if isinstance(data, Data):
            return data
        if not hasattr(data, "arg_val") or not hasattr(data, "dataset"):
            raise UserErrorException(
                "A dataset as an input has to say how it is consumed: as_named_input, as_mount or as_download.",
                werkbank_code="dataset_argument",
            )
        document = data.dataset._document()
        section = Dataset(document.get("id"), document.get("name"), document.get("version"))
        made = Data(DataLocation(section), None, data.mode, data.name, data.path_on_compute)
        made._consumption = data  # with the dataset, which need not be saved yet
        return made


class GlobsOptions(_AbstractRunConfigElement):
    """Patterns of file names."""

    _fields = (("patterns", "globPatterns", object),)

    def __init__(self, patterns=None):
        _AbstractRunConfigElement.__init__(self)
        self.patterns = patterns
        self._seal()


class UploadOptions(_AbstractRunConfigElement):
    """How an output is uploaded."""

    _fields = (("overwrite", "overwrite", bool), ("source_globs", "sourceGlobs", GlobsOptions))

    def __init__(self, overwrite=False, source_globs=None):
        _AbstractRunConfigElement.__init__(self)
        self.overwrite = overwrite
        self.source_globs = source_globs
        self._seal()


class MountOptions(_AbstractRunConfigElement):
    """How an output is mounted."""

    _fields = (("disable_metadata_cache", "disableMetadataCache", bool),)

    def __init__(self, disable_metadata_cache=False):
        _AbstractRunConfigElement.__init__(self)
        self.disable_metadata_cache = disable_metadata_cache
        self._seal()


class DatasetRegistrationOptions(_AbstractRunConfigElement):
    """What is done to an output before it becomes a dataset."""

    _fields = (("additional_transformation", "additionalTransformation", str),)

    def __init__(self, additional_transformations=None):
        _AbstractRunConfigElement.__init__(self)
        self.additional_transformation = additional_transformations
        self._seal()


class RegistrationOptions(_AbstractRunConfigElement):
    """The dataset that an output becomes."""

    _fields = (
        ("name", "name", str),
        ("description", "description", str),
        ("tags", "tags", object),
        ("dataset_registration_options", "datasetRegistrationOptions", DatasetRegistrationOptions),
    )

    def __init__(self, name=None, description=None, tags=None, dataset_registration_options=None):
        _AbstractRunConfigElement.__init__(self)
        self.name = name
        self.description = description
        self.tags = tags
        self.dataset_registration_options = dataset_registration_options
        self._seal()


class OutputOptions(_AbstractRunConfigElement):
    """How an output is made."""

    _fields = (
        ("path_on_compute", "pathOnCompute", str),
        ("registration_options", "registrationOptions", RegistrationOptions),
        ("upload_options", "uploadOptions", UploadOptions),
        ("mount_options", "mountOptions", MountOptions),
    )

    def __init__(self, path_on_compute=None, registration_options=None, upload_options=None, mount_options=None):
        _AbstractRunConfigElement.__init__(self)
        self.path_on_compute = path_on_compute
        self.registration_options = registration_options
        self.upload_options = upload_options
        self.mount_options = mount_options
        self._seal()


class OutputData(_AbstractRunConfigElement):
    """An output."""

    _fields = (
        ("output_location", "outputLocation", DataLocation),
        ("mechanism", "mechanism", str),
        ("additional_options", "additionalOptions", OutputOptions),
    )

    def __init__(self, output_location=None, mechanism='mount', additional_options=None):
        _AbstractRunConfigElement.__init__(self)
        self.output_location = output_location
        self.mechanism = mechanism
        self.additional_options = additional_options
        self._seal()


class DatacacheConfiguration(_AbstractRunConfigElement):
    """A cache of a dataset near the target."""

    _fields = (
        ("dataset_id", "datasetId", str),
        ("datacache_store", "datacacheStore", str),
        ("datacache_id", "datacacheId", str),
        ("mode", "mode", str),
        ("path_on_compute", "pathOnCompute", str),
        ("replica", "replica", object),
        ("failure_fallback", "failureFallback", bool),
    )

    def __init__(
        self,
        dataset_id=None,
        datacache_store=None,
        datacache_id=None,
        mode='mount',
        path_on_compute=None,
        replica=None,
        failure_fallback=False,
    ):
        _AbstractRunConfigElement.__init__(self)
        self.dataset_id = dataset_id
        self.datacache_store = datacache_store
        self.datacache_id = datacache_id
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.replica = replica
        self.failure_fallback = failure_fallback
        self._seal()

    @staticmethod
    def create(data):
        """A cache of a consumption configuration."""
        raise_later("Data caches")
