"""What the estimators of frameworks share: which versions there are, and what packages these are."""

from azureml.core.conda_dependencies import package_name
from azureml.exceptions import UserErrorException
from azureml.train._distributed_training import way_of
from azureml.train.estimator._mml_base_estimator import (
    MMLBaseEstimator,
    MMLBaseEstimatorRunConfig,
    _say_without_effect,
    either,
    find_beside,
    make_conda,
)


class _EstimatorArguments(object):
    """An estimator's arguments, each under its newest name, and the run configuration that they become."""

    def __init__(self, estimator_name, source_directory, given, framework_packages):
        self._estimator_name = estimator_name
        self._source_directory = source_directory
        self._given = given
        self._framework_packages = framework_packages

    def run_config(self):
        given = self._given
        conda_file = self._either("conda_dependencies_file", "conda_dependencies_file_path")
        pip_file = self._either("pip_requirements_file", "pip_requirements_file_path")
        own_environment = given["environment_definition"] is not None
        if own_environment:
            _say_without_effect(conda_dependencies_file=conda_file, pip_requirements_file=pip_file)
        config = MMLBaseEstimatorRunConfig(
            given["compute_target"],
            vm_size=given["vm_size"],
            vm_priority=given["vm_priority"],
            entry_script=given["entry_script"],
            script_params=given["script_params"],
            node_count=given["node_count"],
            process_count_per_node=given["process_count_per_node"],
            distributed_backend=self._distribution(),
            use_gpu=given["use_gpu"],
            use_docker=given["use_docker"],
            custom_docker_image=self._either("custom_docker_image", "custom_docker_base_image"),
            image_registry_details=given["image_registry_details"],
            user_managed=given["user_managed"],
            conda_packages=given["conda_packages"],
            pip_packages=given["pip_packages"],
            environment_definition=given["environment_definition"],
            inputs=given["inputs"],
            source_directory_data_store=given["source_directory_data_store"],
            shm_size=given["shm_size"],
        )
        if not own_environment:
            self._add_packages(config, conda_file, pip_file)
        self._add_rest(config)
        return config

    def _either(self, name, older_name):
        return either(name, self._given[name], older_name, self._given[older_name])

    def _distribution(self):
        given = self._given
        way, backend = given["distributed_training"], given["distributed_backend"]
        if way is not None and not hasattr(way, "validate"):
            raise UserErrorException(
                "distributed_training takes Mpi(), ParameterServer(), Gloo() or Nccl(); it is {!r}.".format(way),
                werkbank_code="distributed_training_invalid",
            )
        either("distributed_training", way, "distributed_backend", backend)
        if way is not None:
            way.validate(self._estimator_name)
        if backend is None:
            return way
        counts = [given.get(name) or 1 for name in ("worker_count", "parameter_server_count")]
        return way_of(self._estimator_name, backend, *counts)

    def _add_packages(self, config, conda_file, pip_file):
        given, python = self._given, config.environment.python
        if given["user_managed"]:
            return
        pip = list(given["pip_packages"] or ())
        if pip_file is not None:
            pip += _requirement_lines(find_beside(self._source_directory, "pip_requirements_file", pip_file))
        if conda_file is not None:  # it is the whole environment, the framework included
            conda_file = find_beside(self._source_directory, "conda_dependencies_file", conda_file)
            python.conda_dependencies = make_conda(given["conda_packages"], pip, conda_file)
        elif pip or given["conda_packages"] or self._framework_packages:
            conda = list(given["conda_packages"] or ())
            python.conda_dependencies = make_conda(conda, _without(self._framework_packages, conda + pip) + pip)

    def _add_rest(self, config):
        given = self._given
        if given["environment_variables"]:
            variables = given["environment_variables"]
            if not isinstance(variables, dict):
                raise UserErrorException("environment_variables takes a dictionary.", werkbank_code="environment_invalid")
            config._environment_variables = dict(config._environment_variables, **variables)
        config.max_run_duration_seconds = given["max_run_duration_seconds"]
        if given["resume_from"] is not None:
            from azureml.core.script_run_config import resume_arguments

            config.arguments = list(config.arguments) + resume_arguments(given["resume_from"])


def _requirement_lines(path):
    with open(path) as stream:
        lines = [line.strip() for line in stream]
    return [line for line in lines if line and not line.startswith("#")]


def _without(packages, own):
    """The framework's packages, but for those of which the user names a version."""
    names = set(package_name(each) for each in own if not each.startswith("-"))
    return [each for each in packages or () if package_name(each) not in names]


class _FrameworkBaseEstimator(MMLBaseEstimator):
    """An estimator with a framework in its environment."""

    FRAMEWORK_NAME = None
    DEFAULT_VERSION = None
    _framework = None  # azureml.train._frameworks

    def __init__(
        self,
        source_directory,
        *,
        compute_target=None,
        vm_size=None,
        vm_priority=None,
        entry_script=None,
        script_params=None,
        node_count=1,
        process_count_per_node=1,
        distributed_backend=None,
        distributed_training=None,
        use_gpu=False,
        use_docker=True,
        custom_docker_base_image=None,
        custom_docker_image=None,
        image_registry_details=None,
        user_managed=False,
        conda_packages=None,
        pip_packages=None,
        conda_dependencies_file_path=None,
        pip_requirements_file_path=None,
        conda_dependencies_file=None,
        pip_requirements_file=None,
        environment_variables=None,
        environment_definition=None,
        inputs=None,
        source_directory_data_store=None,
        shm_size=None,
        resume_from=None,
        max_run_duration_seconds=None,
        framework_name=None,
        framework_version=None,
        _enable_optimized_mode=False,
        _disable_validation=False,
        _show_lint_warnings=False,
        _show_package_warnings=False
    ):
        self._set_up(source_directory, dict(locals()))

    def _set_up(self, source_directory, given):
        version = given["framework_version"]
        if version is None:
            version = self.DEFAULT_VERSION
            self._say_default(version)
        self._version = "{}".format(version)
        given = dict(_MISSING, **given)
        packages = self._packages(bool(given["use_gpu"]))
        if given["environment_definition"] is not None or given["user_managed"]:
            packages = []
        arguments = _EstimatorArguments(self.FRAMEWORK_NAME, source_directory, given, packages)
        MMLBaseEstimator.__init__(
            self, source_directory, compute_target=given["compute_target"], estimator_config=arguments.run_config()
        )

    def _say_default(self, version):
        import logging

        logging.getLogger("azureml").warning("framework_version is not given: %s %s is taken.", self.FRAMEWORK_NAME, version)

    def _packages(self, use_gpu):
        found = self._framework.packages(self._version, use_gpu)
        if found is None:
            raise UserErrorException(
                "{} {!r} is not known.".format(self.FRAMEWORK_NAME, self._version),
                werkbank_code="framework_version_unknown",
                hint="Known versions: {}. Estimator with pip_packages takes any other.".format(
                    ", ".join(self.get_supported_versions())
                ),
            )
        return found

    @property
    def framework_version(self):
        """The version of the framework."""
        return self._version

    @classmethod
    def get_supported_versions(cls):
        """The versions that can be asked for."""
        return cls._framework.versions()


# What SKLearn's constructor does not have.
_MISSING = {
    "node_count": 1,
    "process_count_per_node": 1,
    "distributed_backend": None,
    "distributed_training": None,
    "use_gpu": False,
    "custom_docker_base_image": None,
    "source_directory_data_store": None,
}
