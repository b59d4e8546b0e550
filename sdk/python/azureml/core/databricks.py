"""Databricks sections of a run configuration, as data."""

from azureml._base_sdk_common.abstract_run_config_element import _AbstractRunConfigElement
from azureml.exceptions import UserErrorException

__all__ = [
    "MavenLibrary",
    "PyPiLibrary",
    "RCranLibrary",
    "JarLibrary",
    "EggLibrary",
    "DatabricksCluster",
    "DatabricksSection",
    "DatabricksEnvironment",
]


class MavenLibrary(_AbstractRunConfigElement):
    """A library by its Maven coordinates."""

    _fields = (("coordinates", "coordinates", str), ("repo", "repo", str), ("exclusions", "exclusions", list))

    def __init__(self, coordinates=None, repo=None, exclusions=None):
        _AbstractRunConfigElement.__init__(self)
        self.coordinates = coordinates
        self.repo = repo
        self.exclusions = exclusions if exclusions is not None else []
        self._seal()


class PyPiLibrary(_AbstractRunConfigElement):
    """A package from a Python index."""

    _fields = (("package", "package", str), ("repo", "repo", str))

    def __init__(self, package=None, repo=None):
        _AbstractRunConfigElement.__init__(self)
        self.package = package
        self.repo = repo
        self._seal()


class RCranLibrary(_AbstractRunConfigElement):
    """A package from CRAN."""

    _fields = (("package", "package", str), ("repo", "repo", str))

    def __init__(self, package=None, repo=None):
        _AbstractRunConfigElement.__init__(self)
        self.package = package
        self.repo = repo
        self._seal()


class JarLibrary(_AbstractRunConfigElement):
    """A jar file."""

    _fields = (("library", "library", str),)

    def __init__(self, library=None):
        _AbstractRunConfigElement.__init__(self)
        self.library = library
        self._seal()


class EggLibrary(_AbstractRunConfigElement):
    """An egg file."""

    _fields = (("library", "library", str),)

    def __init__(self, library=None):
        _AbstractRunConfigElement.__init__(self)
        self.library = library
        self._seal()


class DatabricksCluster(_AbstractRunConfigElement):
    """An existing cluster, or how a new one should be."""

    _fields = (
        ("existing_cluster_id", "existingClusterId", str),
        ("spark_version", "sparkVersion", str),
        ("node_type", "nodeType", str),
        ("instance_pool_id", "instancePoolId", str),
        ("num_workers", "numWorkers", int),
        ("min_workers", "minWorkers", int),
        ("max_workers", "maxWorkers", int),
        ("spark_env_variables", "sparkEnvVariables", object),
        ("spark_conf", "sparkConf", object),
        ("init_scripts", "initScripts", object),
        ("cluster_log_dbfs_path", "clusterLogDbfsPath", str),
        ("permit_cluster_restart", "permitClusterRestart", bool),
    )

    def __init__(
        self,
        existing_cluster_id=None,
        spark_version=None,
        node_type=None,
        instance_pool_id=None,
        num_workers=None,
        min_workers=None,
        max_workers=None,
        spark_env_variables=None,
        spark_conf=None,
        init_scripts=None,
        cluster_log_dbfs_path=None,
        permit_cluster_restart=None,
    ):
        _AbstractRunConfigElement.__init__(self)
        self.existing_cluster_id = existing_cluster_id
        self.spark_version = spark_version
        self.node_type = node_type
        self.instance_pool_id = instance_pool_id
        self.num_workers = num_workers
        self.min_workers = min_workers
        self.max_workers = max_workers
        self.spark_env_variables = spark_env_variables
        self.spark_conf = spark_conf
        self.init_scripts = init_scripts
        self.cluster_log_dbfs_path = cluster_log_dbfs_path
        self.permit_cluster_restart = permit_cluster_restart
        self._seal()

    def validate(self):
        """UserErrorException where the description contradicts itself."""
        if self.existing_cluster_id is not None:
            if self.spark_version or self.node_type or self.instance_pool_id or self.num_workers:
                raise UserErrorException(
                    "A Databricks cluster is either an existing one or described anew, not both.",
                    werkbank_code="databricks_cluster_invalid",
                )
            return
        if self.num_workers is None and (self.min_workers is None or self.max_workers is None):
            raise UserErrorException(
                "A new Databricks cluster needs num_workers, or min_workers and max_workers.",
                werkbank_code="databricks_cluster_invalid",
            )


class DatabricksSection(_AbstractRunConfigElement):
    """Libraries, and the cluster."""

    _fields = (
        ("maven_libraries", "mavenLibraries", ("list of", MavenLibrary)),
        ("pypi_libraries", "pypiLibraries", ("list of", PyPiLibrary)),
        ("rcran_libraries", "rcranLibraries", ("list of", RCranLibrary)),
        ("jar_libraries", "jarLibraries", ("list of", JarLibrary)),
        ("egg_libraries", "eggLibraries", ("list of", EggLibrary)),
    )

    def __init__(self, _skip_defaults=False):
        _AbstractRunConfigElement.__init__(self)
        self.maven_libraries = []
        self.pypi_libraries = []
        self.rcran_libraries = []
        self.jar_libraries = []
        self.egg_libraries = []
        self._cluster = None if _skip_defaults else DatabricksCluster()
        self._seal()

    @property
    def cluster(self):
        """The cluster."""
        return self._cluster

    @cluster.setter
    def cluster(self, cluster):
        self._cluster = cluster


class DatabricksEnvironment(DatabricksSection):
    """Deprecated name of DatabricksSection."""

    def __init__(self):
        DatabricksSection.__init__(self)
