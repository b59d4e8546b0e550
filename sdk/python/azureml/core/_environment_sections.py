"""The sections of an Environment."""

from azureml._base_sdk_common.abstract_run_config_element import _AbstractRunConfigElement
from azureml._werkbank.later import raise_later
from azureml.core.container_registry import ContainerRegistry

# The images a Docker target starts from where none is named; the target adds the registry.
DEFAULT_CPU_IMAGE = "azureml/openmpi4.1.0-ubuntu22.04"
DEFAULT_GPU_IMAGE = "azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"


def _section_property(name, doc):
    """A property over a private attribute."""

    def get(self):
        return getattr(self, "_" + name)

    def set_(self, value):
        setattr(self, "_" + name, value)

    return property(get, set_, doc=doc)


class PythonSection(_AbstractRunConfigElement):
    """The interpreter and packages."""

    _fields = (
        ("user_managed_dependencies", "userManagedDependencies", bool),
        ("interpreter_path", "interpreterPath", str),
        ("_conda_dependencies_file", "condaDependenciesFile", str),
        ("_base_conda_environment", "baseCondaEnvironment", str),
    )
    _read_fields = (("_inline_conda_dependencies", "condaDependencies", object),)

    def __init__(self, **kwargs):
        _AbstractRunConfigElement.__init__(self)
        from azureml.core.conda_dependencies import CondaDependencies

        self.interpreter_path = "python"
        self.user_managed_dependencies = False
        self._conda_dependencies_file = None
        self._base_conda_environment = None
        self.conda_dependencies = None if kwargs.get("_skip_defaults") else CondaDependencies()
        self._seal()

    conda_dependencies_file = _section_property(
        "conda_dependencies_file", "The conda file; conda_dependencies wins where both are given."
    )

    @property
    def _inline_conda_dependencies(self):
        return None

    @_inline_conda_dependencies.setter
    def _inline_conda_dependencies(self, structure):
        from azureml.core.conda_dependencies import CondaDependencies

        if structure is not None:
            self.conda_dependencies = CondaDependencies(_underlying_structure=structure)


class DockerImagePlatform(_AbstractRunConfigElement):
    """What an image is made for."""

    _fields = (("os", "os", str), ("architecture", "architecture", str))

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.os = "Linux"
        self.architecture = "amd64"
        self._seal()


class DockerBuildContext(_AbstractRunConfigElement):
    """A folder that an image is built of."""

    class LocationType(object):
        """Where the folder is."""

        Git = "git"
        StorageAccount = "storageAccount"

    _fields = (("location_type", "locationType", str), ("location", "location", str), ("dockerfile_path", "dockerfilePath", str))

    def __init__(self, location_type=None, location=None, dockerfile_path='Dockerfile'):
        _AbstractRunConfigElement.__init__(self)
        self.location_type = location_type
        self.location = location
        self.dockerfile_path = dockerfile_path
        self._seal()

    @staticmethod
    def from_local_directory(workspace, path, dockerfile_path='Dockerfile'):
        """Keep a local folder with the workspace, to build of."""
        raise_later("DockerBuildContext.from_local_directory")


class DockerSection(_AbstractRunConfigElement):
    """The image a script runs in."""

    _fields = (
        ("_enabled", "enabled", bool),
        ("_base_image", "baseImage", str),
        ("_base_dockerfile", "baseDockerfile", str),
        ("_build_context", "buildContext", DockerBuildContext),
        ("_shared_volumes", "sharedVolumes", bool),
        ("_shm_size", "shmSize", str),
        ("_arguments", "arguments", list),
        ("base_image_registry", "baseImageRegistry", ContainerRegistry),
        ("platform", "platform", DockerImagePlatform),
    )
    _read_fields = (("_gpu_support", "gpuSupport", bool),)

    def __init__(self, **kwargs):
        _AbstractRunConfigElement.__init__(self)
        self._enabled = False
        self._gpu_support = None
        self._shared_volumes = True
        self._shm_size = "2g"
        self._arguments = []
        self._base_image = None if kwargs.get("_skip_defaults") else DEFAULT_CPU_IMAGE
        self._base_dockerfile = None
        self._build_context = None
        self.base_image_registry = ContainerRegistry()
        self.platform = DockerImagePlatform()
        self._seal()

    enabled = _section_property("enabled", "Deprecated: use DockerConfiguration(use_docker=True).")
    gpu_support = _section_property("gpu_support", "Deprecated: GPUs are used where there are any.")
    shared_volumes = _section_property("shared_volumes", "Deprecated: use DockerConfiguration.")
    shm_size = _section_property("shm_size", "Deprecated: use DockerConfiguration.")
    arguments = _section_property("arguments", "Deprecated: use DockerConfiguration.")

    @property
    def base_image(self):
        """The image's name."""
        return self._base_image

    @base_image.setter
    def base_image(self, base_image):
        if base_image is not None and (self._base_dockerfile is not None or self._build_context is not None):
            _say_replaced("base_image")
            self._base_dockerfile = self._build_context = None
        self._base_image = base_image

    @property
    def base_dockerfile(self):
        """The text of a Dockerfile, or its path."""
        return self._base_dockerfile

    @base_dockerfile.setter
    def base_dockerfile(self, base_dockerfile):
        import os

        if base_dockerfile is not None and "\n" not in base_dockerfile and os.path.isfile(base_dockerfile):
            with open(base_dockerfile) as stream:
                base_dockerfile = stream.read()
        self._base_dockerfile = base_dockerfile

    @property
    def build_context(self):
        """A folder to build the image of."""
        return self._build_context

    @build_context.setter
    def build_context(self, build_context):
        self._build_context = build_context


def _say_replaced(name):
    import logging

    logging.getLogger("azureml").warning("%s takes the place of the Dockerfile that was set before.", name)


class DockerImageDetails(dict):
    """What is known about an image that was built."""

    def __init__(self, *args, **kwargs):
        dict.__init__(self, *args, **kwargs)

    @property
    def image(self):
        """The image."""
        return self.get("dockerImage")

    @property
    def image_exist(self):
        """Whether it is there."""
        return (self.image or {}).get("imageExistsInRegistry", self.get("imageExistsInRegistry"))

    @property
    def repository(self):
        """Its repository."""
        return (self.image or {}).get("name")

    @property
    def registry(self):
        """Its registry."""
        return (self.image or {}).get("registry")

    @property
    def dockerfile(self):
        """What it was built of."""
        return (self.get("ingredients") or {}).get("dockerfile")

    @property
    def interpreter_path(self):
        """Its Python."""
        return self.get("pythonEnvironment", {}).get("interpreterPath")

    @property
    def environment_path(self):
        """Where its packages lie."""
        return self.get("pythonEnvironment", {}).get("condaEnvironmentPath")

    def __repr__(self):
        import json

        return json.dumps(dict(self), indent=4, sort_keys=True, default=str)

    def __str__(self):
        return self.__repr__()


class SparkPackage(_AbstractRunConfigElement):
    """A package by its Maven coordinates."""

    _fields = (("group", "group", str), ("artifact", "artifact", str), ("version", "version", str))

    def __init__(self, group=None, artifact=None, version=None):
        _AbstractRunConfigElement.__init__(self)
        self.group = group
        self.artifact = artifact
        self.version = version
        self._seal()


class SparkSection(_AbstractRunConfigElement):
    """Spark packages and where they come from."""

    _fields = (
        ("repositories", "repositories", list),
        ("packages", "packages", ("list of", SparkPackage)),
        ("precache_packages", "precachePackages", bool),
    )

    def __init__(self, **kwargs):
        _AbstractRunConfigElement.__init__(self)
        self.repositories = []
        self.packages = []
        self.precache_packages = True
        self._seal()


class RCranPackage(_AbstractRunConfigElement):
    """A package from CRAN."""

    _fields = (("name", "name", str), ("version", "version", str), ("repository", "repository", str))

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.name = None
        self.version = None
        self.repository = None
        self._seal()


class RGitHubPackage(_AbstractRunConfigElement):
    """A package from GitHub."""

    _fields = (("repository", "repository", str), ("auth_token", "authToken", str))

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.repository = None
        self.auth_token = None
        self._seal()


class RSection(_AbstractRunConfigElement):
    """R and its packages."""

    _fields = (
        ("r_version", "rVersion", str),
        ("user_managed", "userManaged", bool),
        ("rscript_path", "rscriptPath", str),
        ("snapshot_date", "snapshotDate", str),
        ("cran_packages", "cranPackages", ("list of", RCranPackage)),
        ("github_packages", "gitHubPackages", ("list of", RGitHubPackage)),
        ("custom_url_packages", "customUrlPackages", list),
        ("bioconductor_packages", "bioConductorPackages", list),
    )

    def __init__(self):
        _AbstractRunConfigElement.__init__(self)
        self.r_version = None
        self.user_managed = False
        self.rscript_path = None
        self.snapshot_date = None
        self.cran_packages = None
        self.github_packages = None
        self.custom_url_packages = None
        self.bioconductor_packages = None
        self._seal()


class PythonEnvironment(PythonSection):
    """Deprecated name of PythonSection."""

    def __init__(self):
        PythonSection.__init__(self)


class DockerEnvironment(DockerSection):
    """Deprecated name of DockerSection."""

    def __init__(self):
        DockerSection.__init__(self)


class SparkEnvironment(SparkSection):
    """Deprecated name of SparkSection."""

    def __init__(self):
        SparkSection.__init__(self)
