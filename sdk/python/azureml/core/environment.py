"""Environment: the interpreter, packages, variables and image a script runs with."""

from azureml._base_sdk_common.abstract_run_config_element import _AbstractRunConfigElement
from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.later import raise_later
from azureml.core._environment_sections import (  # noqa: F401 (the sections are importable from here, as in v1)
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    DockerBuildContext,
    DockerEnvironment,
    DockerImageDetails,
    DockerImagePlatform,
    DockerSection,
    PythonEnvironment,
    PythonSection,
    RCranPackage,
    RGitHubPackage,
    RSection,
    SparkEnvironment,
    SparkPackage,
    SparkSection,
)
from azureml.core.conda_dependencies import PYTHON_DEFAULT_VERSION, CondaDependencies
from azureml.core.container_registry import ContainerRegistry  # noqa: F401
from azureml.core.databricks import DatabricksSection
from azureml.exceptions import UserErrorException

__all__ = ["Environment"]

SDKVERSION = "0.0"
_FILE = "azureml_environment.json"


class Environment(_AbstractRunConfigElement):
    """A named, versioned definition of what a script runs with."""

    _fields = (
        ("name", "name", str),
        ("version", "version", str),
        ("_environment_variables", "environmentVariables", dict),
        ("python", "python", PythonSection),
        ("docker", "docker", DockerSection),
        ("spark", "spark", SparkSection),
        ("databricks", "databricks", DatabricksSection),
        ("r", "r", object),
        ("inferencing_stack_version", "inferencingStackVersion", str),
        ("asset_id", "assetId", str),
    )
    _own_fields = (("policy", "policy", str, "exact"),)

    def __init__(self, name, **kwargs):
        _AbstractRunConfigElement.__init__(self)
        self.name = name
        self.version = None
        self._environment_variables = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
        self.python = PythonSection(**kwargs)
        self.docker = DockerSection(**kwargs)
        self.spark = SparkSection(**kwargs)
        self.databricks = DatabricksSection(**kwargs)
        self.r = None
        self.inferencing_stack_version = None
        self.asset_id = None
        self._policy = "exact"
        self._seal()

    @property
    def policy(self):
        """Werkbank's own: "exact" (default) meets the pins or fails; with "nearest" they give way where they must."""
        return self._policy

    @policy.setter
    def policy(self, value):
        policy = "{}".format(value).lower()
        if policy not in ("exact", "nearest"):
            raise UserErrorException(
                "An environment's policy is 'exact' or 'nearest', not {!r}.".format(value), werkbank_code="environment_invalid"
            )
        self._policy = policy

    @property
    def environment_variables(self):
        """Variables of the script's process."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, value):
        self._environment_variables = {} if value is None else value

    def register(self, workspace):
        """Keep this definition with the workspace: a new version where it differs from the last one."""
        from azureml._werkbank.environment_wire import environment_from_wire, environment_to_wire

        if not isinstance(self.name, str) or not self.name:
            raise UserErrorException(
                "An environment that is registered has a name; this one has {!r}.".format(self.name), werkbank_code="name_refused"
            )
        body = environment_to_wire(self)
        if body.get("version"):
            import logging

            logging.getLogger("azureml").warning(
                "Environment %s is registered as version %s, as it says; with version = None it gets the next number.",
                self.name,
                self.version,
            )
        document = workspace._client.post(("environments",), body, repeatable=not body.get("version"))
        return environment_from_wire(document)

    @staticmethod
    def get(workspace, name, version=None, label=None):
        """A registered environment: a version or what a label points at, by default the newest."""
        from azureml._werkbank.environment_wire import environment_from_wire
        from azureml._werkbank.problems import is_problem

        if version is not None and label is not None:
            raise UserErrorException("Environment.get takes a version or a label, not both.", werkbank_code="environment_invalid")
        try:
            return environment_from_wire(workspace._client.get("environments", name, version=version, label=label))
        except Exception as error:
            if is_problem(error, 404):
                raise UserErrorException(
                    "There is no environment {!r}{}{}.".format(
                        name,
                        "" if version is None else " version " + str(version),
                        "" if label is None else " with the label " + str(label),
                    ),
                    inner_exception=error,
                    werkbank_code="environment_not_found",
                    hint=_names_hint(workspace, name),
                )
            raise

    @staticmethod
    def list(workspace):
        """The registered environments by name, newest versions."""
        from azureml._werkbank.environment_wire import environment_from_wire

        found = (environment_from_wire(document) for document in workspace._client.items("environments"))
        return dict((environment.name, environment) for environment in found)

    @staticmethod
    def label(workspace, name, version, labels):
        """Let labels (a list of texts) point at a version; each points at no other version of the name any more."""
        if isinstance(labels, str):
            raise UserErrorException("labels is a list of texts, not one text.", werkbank_code="environment_invalid")
        for each in labels or ():
            workspace._client.put(("environments", name, "labels", str(each)), {"version": str(version)})

    @staticmethod
    def from_conda_specification(name, file_path):
        """An environment of a conda file."""
        conda = CondaDependencies(file_path)
        if conda.get_python_version() is None:
            conda.set_python_version(PYTHON_DEFAULT_VERSION)
            conda._python_by_default = True
        environment = Environment(name)
        environment.python.conda_dependencies = conda
        return environment

    @staticmethod
    def from_pip_requirements(name, file_path, pip_version=None):
        """An environment of a requirements file."""
        conda = CondaDependencies(
            _underlying_structure={
                "name": "project_environment",
                "channels": ["anaconda", "conda-forge"],
                "dependencies": [
                    "python=" + PYTHON_DEFAULT_VERSION,
                    "pip" if pip_version is None else "pip={}".format(pip_version),
                    {"pip": _requirement_lines(file_path)},
                ],
            }
        )
        environment = Environment(name)
        conda._python_by_default = True
        environment.python.conda_dependencies = conda
        return environment

    @staticmethod
    def from_existing_conda_environment(name, conda_environment_name):
        """An environment of what `conda env export` says."""
        import shutil
        import subprocess
        import tempfile

        if shutil.which("conda") is None:
            raise UserErrorException(
                "The conda environment {!r} cannot be read: there is no program `conda` on PATH.".format(conda_environment_name),
                werkbank_code="conda_not_found",
                hint="Environment.from_conda_specification takes the file that `conda env export` writes elsewhere.",
            )
        try:
            out = subprocess.check_output(["conda", "env", "export", "--no-builds", "--json", "--name", conda_environment_name])
        except (OSError, subprocess.CalledProcessError) as error:
            print("The conda environment {} could not be exported: {}".format(conda_environment_name, error))
            return None
        with tempfile.NamedTemporaryFile(suffix=".yml") as stream:
            stream.write(out)
            stream.flush()
            return Environment.from_conda_specification(name, stream.name)

    @staticmethod
    def from_docker_image(name, image, container_registry=None, conda_specification=None, pip_requirements=None):
        """An environment on a Docker image."""
        environment = _with_packages(name, conda_specification, pip_requirements)
        environment.docker.base_image = image
        if container_registry is not None:
            environment.docker.base_image_registry = container_registry
        return environment

    @staticmethod
    def from_dockerfile(name, dockerfile, conda_specification=None, pip_requirements=None):
        """An environment on an image that a Dockerfile (a path, or its text) describes."""
        import os

        environment = _with_packages(name, conda_specification, pip_requirements)
        environment.docker.base_image = None
        if "\n" not in dockerfile and os.path.isfile(dockerfile):
            with open(dockerfile) as stream:
                dockerfile = stream.read()
        environment.docker.base_dockerfile = dockerfile
        return environment

    @staticmethod
    def from_docker_build_context(name, docker_build_context):
        """An environment on an image that is built of a folder."""
        environment = Environment(name)
        environment.docker.base_image = None
        environment.docker.build_context = docker_build_context
        environment.python.user_managed_dependencies = True
        return environment

    @staticmethod
    def add_private_pip_wheel(workspace, file_path, exist_ok=False):
        """Keep a wheel with the workspace."""
        raise_later("Environment.add_private_pip_wheel")

    def build(self, workspace, image_build_compute=None):
        """Build ahead of a run, where the runs of this machine find it; the build goes on beside the caller."""
        from azureml._werkbank.environment_build import Build, refuse_build_compute

        refuse_build_compute(image_build_compute)
        return ImageBuildDetails._of_build(Build(workspace, self))

    def build_local(self, workspace, platform=None, **kwargs):
        """Build on this machine, printing what the build says; UserErrorException where it fails."""
        from azureml._werkbank.environment_build import Build

        build = Build(workspace, self)
        build.wait(_show)
        error = build.exception()
        if error is not None:
            raise error

    def get_image_details(self, workspace):
        """The image that was built."""
        raise_later("Environment.get_image_details")

    def clone(self, new_name):
        """A copy under another name, not registered yet."""
        import copy

        if not new_name:
            raise UserErrorException("A clone needs a name.", werkbank_code="environment_invalid")
        cloned = copy.deepcopy(self)
        cloned.name = new_name
        cloned.version = None
        cloned.asset_id = None
        return cloned

    def save_to_directory(self, path, overwrite=False):
        """Write the definition into a folder, which must be new unless `overwrite`."""
        import json
        import os

        data = self._data()
        data["python"].pop("condaDependencies", None)
        dockerfile = data["docker"].pop("baseDockerfile", None)
        os.makedirs(path, exist_ok=overwrite)
        with open(os.path.join(path, _FILE), "w") as stream:
            json.dump(data, stream, indent=4)
        if self.python.conda_dependencies is not None:
            self.python.conda_dependencies.save(os.path.join(path, "conda_dependencies.yml"))
        if dockerfile is not None:
            with open(os.path.join(path, "BaseDockerfile"), "w") as stream:
                stream.write(dockerfile)

    @staticmethod
    def load_from_directory(path):
        """The definition that save_to_directory wrote."""
        import json
        import os
        from azureml._werkbank.config_text import fill

        try:
            with open(os.path.join(path, _FILE)) as stream:
                data = json.load(stream)
        except (OSError, ValueError) as error:
            raise UserErrorException(
                "No environment can be read from {}: {}".format(path, error), werkbank_code="environment_invalid"
            )
        environment = fill(Environment(data.get("name")), data, _FILE)
        conda = os.path.join(path, "conda_dependencies.yml")
        if os.path.isfile(conda):
            environment.python.conda_dependencies = CondaDependencies(conda)
        dockerfile = os.path.join(path, "BaseDockerfile")
        if os.path.isfile(dockerfile):
            with open(dockerfile) as stream:
                environment.docker._base_dockerfile = stream.read()
        return environment

    def _data(self):
        """Plain data, the conda dependencies inlined."""
        from azureml._werkbank.config_text import to_data

        data = to_data(self)
        conda = self.python.conda_dependencies
        data["python"]["condaDependencies"] = conda.as_dict() if conda is not None else None
        return data

    def __repr__(self):
        import json

        data = self._data()
        if data["python"]["condaDependencies"] is None:
            del data["python"]["condaDependencies"]
        return json.dumps(data, indent=4, sort_keys=True, default=str)

    def __str__(self):
        return self.__repr__()


class EnvironmentReference(_AbstractRunConfigElement):
    """A registered environment by name and version."""

    _fields = (("name", "name", str), ("version", "version", str))

    def __init__(self, name, version=None):
        _AbstractRunConfigElement.__init__(self)
        self.name = name
        self.version = version
        self._seal()

    def get_environment(self, workspace):
        """The definition it stands for."""
        return Environment.get(workspace, self.name, self.version)

    def __repr__(self):
        return "EnvironmentReference(name={!r}, version={!r})".format(self.name, self.version)


class ImageBuildDetails(object):
    """A build that goes on."""

    def __init__(self, environment_client, location):
        self.environment_client = environment_client
        self.location = location
        self.log_url = None
        self._build = None

    @classmethod
    def _of_build(cls, build):
        details = cls(None, None)
        details._build = build
        return details

    def _followed(self):
        if self._build is None:
            raise UserErrorException(
                "A build is followed by the object that Environment.build has answered.", werkbank_code="not_applicable"
            )
        return self._build

    @property
    def status(self):
        """How far the build is: Running, Succeeded or Failed."""
        return self._followed().status

    def get_log(self):
        """What the build has printed."""
        return self._followed().log

    def wait_for_completion(self, show_output=True):
        """Wait for the build's end, printing its output. A failed build is told by its status, and printed."""
        build = self._followed()
        build.wait(_show if show_output else None)
        error = build.exception()
        if error is not None:
            print("The environment could not be built: {}".format(getattr(error, "message", error)))
        elif show_output:
            print("The environment is ready.")
        return self


def _names_hint(workspace, name):
    """What there is in place of an environment that is not: the nearest name, or the curated ones for somebody who wants one."""
    from azureml._werkbank.config_text import suggestion

    names = sorted(document["name"] for document in workspace._client.items("environments"))
    if name.lower().startswith("azureml"):
        near = "The curated environments are {}.".format(", ".join(each for each in names if each.startswith("AzureML")))
    else:
        near = suggestion(name, names).strip()
    return (near + " Environment.list(workspace) shows those there are.").strip()


def _show(text):
    import sys

    sys.stdout.write(text)
    sys.stdout.flush()


def _requirement_lines(file_path):
    """The lines of a requirements file that say something."""
    import re

    try:
        with open(file_path) as stream:
            lines = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in stream.read().replace("\\\n", " ").split("\n")]
    except OSError as error:
        raise UserErrorException(
            "The requirements file {} cannot be read: {}".format(file_path, error.strerror),
            werkbank_code="requirements_file_invalid",
        )
    return [line for line in lines if line]


def _with_packages(name, conda_specification, pip_requirements):
    if conda_specification is not None and pip_requirements is not None:
        raise UserErrorException("Give a conda specification or pip requirements, not both.", werkbank_code="environment_invalid")
    if conda_specification is not None:
        return Environment.from_conda_specification(name, conda_specification)
    if pip_requirements is not None:
        return Environment.from_pip_requirements(name, pip_requirements)
    environment = Environment(name)
    environment.python.user_managed_dependencies = True
    return environment


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "AzureMLException": "azureml.exceptions",
    },
)
