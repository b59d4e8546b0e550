"""RunConfiguration: how a script runs on a target, as an object and as a `.runconfig` file."""

import os

from azureml._base_sdk_common.abstract_run_config_element import _AbstractRunConfigElement
from azureml._werkbank.lazy import make_lazy
from azureml.core import _environment_sections as _sections
from azureml.core._environment_sections import (  # noqa: F401 (all of these are importable from here, as in v1)
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    DockerEnvironment,
    DockerSection,
    PythonEnvironment,
    PythonSection,
    SparkEnvironment,
    SparkSection,
)
from azureml.core._runconfig_sections import (  # noqa: F401
    _DEFAULT_SHM_SIZE,
    SUPPORTED_DATAREF_MODES,
    SUPPORTED_DELIVERY_MECHANISM,
    SUPPORTED_PYTORCH_BACKENDS,
    AmlComputeConfiguration,
    ApplicationEndpointConfiguration,
    Data,
    DatacacheConfiguration,
    DataLocation,
    DataPath,
    DataReferenceConfiguration,
    Dataset,
    DatasetRegistrationOptions,
    DockerConfiguration,
    GlobsOptions,
    HdiConfiguration,
    HistoryConfiguration,
    KubernetesComputeConfiguration,
    MountOptions,
    MpiConfiguration,
    OutputData,
    OutputOptions,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    RegistrationOptions,
    SparkConfiguration,
    TensorflowConfiguration,
    UploadOptions,
    Uri,
)
from azureml.core.compute_target import AbstractComputeTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.container_registry import ContainerRegistry as _ContainerRegistry
from azureml.core.databricks import (  # noqa: F401
    DatabricksCluster,
    DatabricksEnvironment,
    DatabricksSection,
    EggLibrary,
    JarLibrary,
    MavenLibrary,
    PyPiLibrary,
    RCranLibrary,
)
from azureml.core.environment import Environment
from azureml.exceptions import RunConfigurationException, UserErrorException

LOCAL_RUNCONFIG_NAME = "local"
AML_CONFIG_DIR = "aml_config"
AZUREML_DIR = ".azureml"
RUNCONFIGURATION_EXTENSION = ".runconfig"
COMPUTECONTEXT_EXTENSION = ".compute"
MPI_CPU_IMAGE = DEFAULT_CPU_IMAGE
MPI_GPU_IMAGE = DEFAULT_GPU_IMAGE

FRAMEWORKS = ("Python", "PySpark", "TensorFlow", "PyTorch")
COMMUNICATORS = ("None", "ParameterServer", "OpenMpi", "IntelMpi", "Nccl", "Gloo")

_CONDA_FILE = "conda_dependencies.yml"


class EnvironmentDefinition(Environment):
    """Deprecated name of Environment."""

    def __init__(self, name=None):
        Environment.__init__(self, name)


class ContainerRegistry(_ContainerRegistry):
    """Deprecated place of azureml.core.container_registry.ContainerRegistry."""

    def __init__(self):
        _ContainerRegistry.__init__(self)


class AzureContainerRegistry(ContainerRegistry):
    """Deprecated name of ContainerRegistry."""

    def __init__(self):
        ContainerRegistry.__init__(self)


class RunConfiguration(_AbstractRunConfigElement):
    """Script, arguments, target, environment and everything else that a run needs."""

    _fields = (
        ("script", "script", str),
        ("arguments", "arguments", list),
        ("target", "target", str),
        ("framework", "framework", str),
        ("communicator", "communicator", str),
        ("max_run_duration_seconds", "maxRunDurationSeconds", int),
        ("node_count", "nodeCount", int),
        ("priority", "priority", int),
        ("environment", "environment", Environment),
        ("history", "history", HistoryConfiguration),
        ("spark", "spark", SparkConfiguration),
        ("docker", "docker", DockerConfiguration),
        ("hdi", "hdi", HdiConfiguration),
        ("tensorflow", "tensorflow", TensorflowConfiguration),
        ("mpi", "mpi", MpiConfiguration),
        ("pytorch", "pytorch", PyTorchConfiguration),
        ("paralleltask", "paralleltask", ParallelTaskConfiguration),
        ("data_references", "dataReferences", ("map of", DataReferenceConfiguration)),
        ("data", "data", ("map of", Data)),
        ("datacaches", "datacaches", ("list of", DatacacheConfiguration)),
        ("output_data", "outputData", ("map of", OutputData)),
        ("source_directory_data_store", "sourceDirectoryDataStore", str),
        ("amlcompute", "amlcompute", AmlComputeConfiguration),
        ("auto_cluster_compute_specification", "autoClusterComputeSpecification", object),
        ("kubernetescompute", "kubernetescompute", KubernetesComputeConfiguration),
        ("credential_passthrough", "credentialPassthrough", bool),
        ("command", "command", str),
        ("_environment_variables", "environmentVariables", dict),
        ("services", "applicationEndpoints", ("map of", ApplicationEndpointConfiguration)),
    )
    _read_fields = (("_old_auto_prepare", "autoPrepareEnvironment", bool),)

    def __init__(
        self,
        script=None,
        arguments=None,
        framework=None,
        communicator=None,
        conda_dependencies=None,
        _history_enabled=None,
        _path=None,
        _name=None,
        command=None,
    ):
        _AbstractRunConfigElement.__init__(self)
        self.script = script
        self.arguments = arguments if arguments else []
        self.command = command if command else ""
        self._target = "local"
        self.framework = _one_of("framework", framework or "Python", FRAMEWORKS)
        self.communicator = _one_of("communicator", communicator or "None", COMMUNICATORS)
        self.max_run_duration_seconds = None
        self.node_count = 1
        self.priority = None
        self.environment = Environment("default-environment")
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self.history = HistoryConfiguration()
        if _history_enabled is not None:
            self.history.output_collection = bool(_history_enabled)
        self.spark = SparkConfiguration()
        self.docker = DockerConfiguration()
        self.hdi = HdiConfiguration()
        self.tensorflow = TensorflowConfiguration()
        self.mpi = MpiConfiguration()
        self.pytorch = PyTorchConfiguration(communication_backend="nccl")
        self.paralleltask = ParallelTaskConfiguration()
        self.data_references = {}
        self.data = {}
        self.datacaches = []
        self.output_data = {}
        self.source_directory_data_store = None
        self.amlcompute = AmlComputeConfiguration()
        self.auto_cluster_compute_specification = None
        self.kubernetescompute = KubernetesComputeConfiguration()
        self.credential_passthrough = False
        self._environment_variables = {}
        self.services = {}
        self._old_auto_prepare = True
        self._path = _path
        self._name = _name
        self._seal()

    @property
    def target(self):
        """The compute target's name."""
        return self._target

    @target.setter
    def target(self, target):
        """Set the target, by name or object."""
        if isinstance(target, AbstractComputeTarget) or hasattr(target, "name"):
            self._target = target.name
        elif isinstance(target, str) and target:
            self._target = target
        else:
            raise UserErrorException(
                "A compute target is given by its name or object; {!r} is neither.".format(target), werkbank_code="target_invalid"
            )

    @property
    def auto_prepare_environment(self):
        """Deprecated: environments are always built when they are needed."""
        return self._old_auto_prepare

    @auto_prepare_environment.setter
    def auto_prepare_environment(self, auto_prepare_environment):
        self._old_auto_prepare = auto_prepare_environment

    @property
    def prepare_environment(self):
        """The name of auto_prepare_environment in the first versions of v1."""
        return self._old_auto_prepare

    @prepare_environment.setter
    def prepare_environment(self, prepare_environment):
        self._old_auto_prepare = prepare_environment

    @property
    def environment_variables(self):
        """Deprecated: the variables of the environment."""
        return self.environment.environment_variables

    @environment_variables.setter
    def environment_variables(self, environment_variables):
        self.environment.environment_variables = environment_variables

    def save(self, path=None, name=None, separate_environment_yaml=False):
        """Write the file below a project folder (<path>/.azureml/<name>, with the conda file beside it), or to a file path."""
        from azureml._werkbank.config_text import to_data
        from azureml._werkbank.yaml_text import dump_yaml

        path = path or self._path or os.getcwd()
        name = name or self._name
        if os.path.isdir(path):
            folder = _config_folder(path)
            if not name:
                raise RunConfigurationException(
                    "A name is needed to write a run configuration into the folder {}.".format(path),
                    werkbank_code="runconfig_name_missing",
                )
            target = os.path.join(folder, name)
        else:
            folder, target = os.path.dirname(os.path.abspath(path)), path
        if not os.path.isdir(folder):
            raise RunConfigurationException(
                "The folder {} does not exist.".format(folder),
                werkbank_code="runconfig_folder_missing",
                hint="Make it first: a project keeps its configurations in .azureml.",
            )
        data = to_data(self)
        conda = self.environment.python.conda_dependencies
        if conda is not None:
            conda.save(os.path.join(folder, _CONDA_FILE))
            data["environment"]["python"]["condaDependenciesFile"] = os.path.join(os.path.basename(folder), _CONDA_FILE)
        if separate_environment_yaml:
            with open(os.path.join(folder, "environment.yml"), "w") as stream:
                stream.write(dump_yaml(data["environment"]))
            data["environment"] = os.path.join(os.path.basename(folder), "environment.yml")
        with open(target, "w") as stream:
            stream.write(dump_yaml(data))

    @staticmethod
    def load(path=None, name=None, project_object=None, run_config_name=None):
        """Read a configuration: a file, or the one called `name` in a project folder. The folder also is given by an object
        that has one (project_directory or path), or by a Workspace: the working directory; its name as run_config_name, too."""
        from azureml._werkbank.binary import yaml_to_data
        from azureml._werkbank.config_text import fill
        from azureml._werkbank.run_config_2017 import fill_2017, is_2017

        path = _project_folder(path if path is not None else project_object)
        name = name if name is not None else run_config_name
        target = _find_config(path, name)
        data = yaml_to_data(target, run_configuration=True)
        configuration = RunConfiguration(_path=path if os.path.isdir(path) else None, _name=name)
        configuration.environment.environment_variables = {}
        project = os.path.dirname(os.path.dirname(os.path.abspath(target)))
        if isinstance(data, dict) and isinstance(data.get("environment"), str):
            data["environment"] = yaml_to_data(os.path.join(project, data["environment"]))
        if is_2017(data):
            fill_2017(configuration, data, os.path.basename(target), project)
        else:
            fill(configuration, data, os.path.basename(target))
        configuration.framework = _one_of("framework", configuration.framework or "Python", FRAMEWORKS)
        configuration.communicator = _one_of("communicator", configuration.communicator or "None", COMMUNICATORS)
        python = configuration.environment.python
        inline = isinstance(data, dict) and ((data.get("environment") or {}).get("python") or {}).get("condaDependencies")
        if python.conda_dependencies_file and not inline:
            conda = _find_file(python.conda_dependencies_file, (project, os.path.dirname(os.path.abspath(target))))
            if conda is not None:
                python.conda_dependencies = CondaDependencies(conda)
            elif not python.user_managed_dependencies:
                raise RunConfigurationException(
                    "{}: the conda file {} does not exist.".format(target, python.conda_dependencies_file),
                    werkbank_code="conda_file_missing",
                )
        return configuration

    @staticmethod
    def delete(path, name):
        """Remove the configuration called `name` from a project folder."""
        os.remove(_find_config(path, name))

    def __repr__(self):
        import json
        from azureml._werkbank.config_text import to_data

        return json.dumps(to_data(self), indent=4, default=str)


def _one_of(what, value, known):
    for each in known:
        if "{}".format(value).lower() == each.lower():
            return each
    from azureml._werkbank.config_text import suggestion

    raise RunConfigurationException(
        "{} has to be one of {}; it is {!r}.{}".format(what, ", ".join(known), value, suggestion(value, known)),
        werkbank_code="runconfig_wrong_value",
    )


def _config_folder(path):
    """Where a project folder keeps its configurations."""
    old = os.path.join(path, AML_CONFIG_DIR)
    return old if os.path.isdir(old) and not os.path.isdir(os.path.join(path, AZUREML_DIR)) else os.path.join(path, AZUREML_DIR)


def _project_folder(project):
    """The folder (or file) that a path, or an object which belongs to a project, stands for."""
    from azureml.core.workspace import Workspace

    if project is None or isinstance(project, Workspace):
        return os.getcwd()
    for attribute in ("project_directory", "path"):
        if isinstance(getattr(project, attribute, None), str):
            return getattr(project, attribute)
    if isinstance(project, str) or hasattr(project, "__fspath__"):
        return os.fspath(project)
    raise UserErrorException(
        "A {} says of no project folder which it is.".format(type(project).__name__),
        werkbank_code="project_invalid",
        hint="Give a path, a Workspace, or an object with project_directory or path.",
    )


def _find_config(path, name):
    from azureml._werkbank.workspace_config import file_of_any_case

    if os.path.isfile(path):
        return path
    names = [name, "{}{}".format(name, RUNCONFIGURATION_EXTENSION)] if name else []
    for folder in (os.path.join(path, AZUREML_DIR), os.path.join(path, AML_CONFIG_DIR), path):
        for each in names:
            found = file_of_any_case(os.path.join(folder, os.path.dirname(each)), os.path.basename(each))
            if found is not None:
                return found
    raise RunConfigurationException(
        "There is no run configuration {!r} in {}.".format(name, path), werkbank_code="runconfig_not_found"
    )


def _find_file(name, folders):
    from azureml._werkbank.workspace_config import file_of_any_case

    for folder in folders:
        found = file_of_any_case(os.path.join(folder, os.path.dirname(name)), os.path.basename(name))
        if found is not None:
            return found
    return None


SparkPackage = _sections.SparkPackage


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "ComputeTarget": "azureml.core.compute",
        "Run": "azureml.core.run",
    },
)
