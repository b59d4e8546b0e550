"""What all estimators are: a source directory and a run configuration."""

import os
import warnings
from abc import ABC

from azureml.core.compute_target import AbstractComputeTarget
from azureml.core.conda_dependencies import CondaDependencies, package_name
from azureml.core.environment import DEFAULT_GPU_IMAGE, Environment
from azureml.core.runconfig import RunConfiguration
from azureml.exceptions import UserErrorException
from azureml.train._distributed_training import whole, way_of

_RUN_POOL = "amlcompute"  # the target that is made for the run


class MMLBaseEstimator(ABC):
    """What Experiment.submit takes in place of a ScriptRunConfig."""

    def __init__(self, source_directory, *, compute_target, estimator_config=None):
        self._source_directory = source_directory if source_directory is not None else "."
        self._compute_target = compute_target
        self._estimator_config = estimator_config or MMLBaseEstimatorRunConfig(compute_target)
        warnings.warn(
            "{} is an older form of azureml.core.ScriptRunConfig.".format(type(self).__name__), DeprecationWarning, stacklevel=3
        )

    @property
    def source_directory(self):
        """The folder that travels with the run."""
        return self._source_directory

    @property
    def run_config(self):
        """The run configuration that it became."""
        return self._estimator_config

    @property
    def conda_dependencies(self):
        """The packages of its environment."""
        return self._estimator_config.environment.python.conda_dependencies

    def _script_run_config(self, script_params=None, inputs=None, source_directory_data_store=None):
        """As a ScriptRunConfig; what is given wins over what it was made with."""
        import copy
        from azureml.core.script_run_config import ScriptRunConfig

        run_config = copy.copy(self._estimator_config)
        for section in ("data_references", "data", "output_data"):
            setattr(run_config, section, dict(getattr(run_config, section)))
        if script_params is not None:
            run_config.arguments = arguments_of(script_params)
        if inputs is not None:
            run_config._add_inputs(inputs)
        if source_directory_data_store is not None:
            run_config.source_directory_data_store = _name_of(source_directory_data_store)
        return ScriptRunConfig(self._source_directory, run_config.script, run_config.arguments, run_config)

    def _werkbank_submit(self, experiment, tags=None, **kwargs):
        """What Experiment.submit calls."""
        own = {name: kwargs.pop(name, None) for name in ("script_params", "inputs", "source_directory_data_store")}
        return experiment.submit(self._script_run_config(**own), tags=tags, **kwargs)


class MMLBaseEstimatorRunConfig(RunConfiguration):
    """The run configuration behind an estimator's arguments."""

    def __init__(
        self,
        compute_target,
        vm_size=None,
        vm_priority=None,
        entry_script=None,
        script_params=None,
        node_count=None,
        process_count_per_node=None,
        distributed_backend=None,
        use_gpu=None,
        use_docker=None,
        custom_docker_base_image=None,
        custom_docker_image=None,
        image_registry_details=None,
        user_managed=False,
        conda_packages=None,
        pip_packages=None,
        environment_definition=None,
        inputs=None,
        source_directory_data_store=None,
        shm_size=None,
    ):
        RunConfiguration.__init__(self, script=entry_script, arguments=arguments_of(script_params))
        self.node_count = 1 if node_count is None else whole("node_count", node_count)
        self._choose_target(compute_target, vm_size, vm_priority)
        image = either("custom_docker_image", custom_docker_image, "custom_docker_base_image", custom_docker_base_image)
        if environment_definition is not None:
            _say_without_effect(
                custom_docker_image=image,
                image_registry_details=image_registry_details,
                user_managed=user_managed or None,
                conda_packages=conda_packages,
                pip_packages=pip_packages,
            )
            self._take_environment(environment_definition)
        else:
            self._make_environment(use_gpu, image, image_registry_details, user_managed, conda_packages, pip_packages)
            self.environment.docker.enabled = bool(use_docker)
            self.docker.use_docker = bool(use_docker and image)
        if shm_size is not None:
            self.docker.shm_size = shm_size
        if isinstance(distributed_backend, str):
            distributed_backend = way_of(None, distributed_backend)
        self._distribute(distributed_backend, process_count_per_node)
        self._add_inputs(inputs)
        if source_directory_data_store is not None:
            self.source_directory_data_store = _name_of(source_directory_data_store)

    def _choose_target(self, compute_target, vm_size, vm_priority):
        if compute_target is None and vm_size is None:
            raise UserErrorException(
                "An estimator needs a compute_target, or a vm_size for a pool of its own.",
                werkbank_code="target_invalid",
                hint="compute_target='local' is this machine; ws.compute_targets are the others.",
            )
        if compute_target is not None and vm_size is not None:
            raise UserErrorException(
                "An estimator takes a compute_target or a vm_size, and got both.", werkbank_code="target_invalid"
            )
        if vm_priority is not None and vm_size is None:
            raise UserErrorException(
                "vm_priority belongs to vm_size: a compute target has its own.", werkbank_code="target_invalid"
            )
        if compute_target is not None:
            known = isinstance(compute_target, (str, AbstractComputeTarget)) or hasattr(compute_target, "name")
            self.target = compute_target if known else "{}".format(compute_target)
            return
        self.target = _RUN_POOL
        self.amlcompute.vm_size = vm_size
        self.amlcompute.vm_priority = vm_priority
        self.amlcompute.max_nodes = self.node_count

    def _take_environment(self, environment):
        if not isinstance(environment, Environment) and not hasattr(environment, "get_environment"):
            raise UserErrorException(
                "environment_definition takes an Environment; it is a {}.".format(type(environment).__name__),
                werkbank_code="environment_invalid",
            )
        self.environment = environment
        docker = getattr(environment, "docker", None)
        self.docker.use_docker = bool(docker is not None and docker.enabled)

    def _make_environment(self, use_gpu, image, registry, user_managed, conda_packages, pip_packages):
        environment = self.environment
        environment.python.user_managed_dependencies = bool(user_managed)
        if user_managed and (conda_packages or pip_packages):
            raise UserErrorException(
                "user_managed=True installs nothing, and packages are given.",
                werkbank_code="environment_invalid",
                hint="Leave user_managed out, or install the packages where the script runs.",
            )
        if conda_packages or pip_packages:
            environment.python.conda_dependencies = make_conda(conda_packages, pip_packages)
        if use_gpu:
            environment.docker.gpu_support = True
            environment.docker.base_image = DEFAULT_GPU_IMAGE
        if image:
            environment.docker.base_image = image
        if registry is not None:
            environment.docker.base_image_registry = registry

    def _distribute(self, way, process_count_per_node):
        count = 1 if process_count_per_node is None else whole("process_count_per_node", process_count_per_node)
        if way is not None:
            way._configure(self, count)
        elif count > 1:
            raise UserErrorException(
                "{} processes on each node are asked for, and no distributed_training.".format(count),
                werkbank_code="distributed_training_invalid",
                hint="distributed_training=Mpi(process_count_per_node={}) starts them.".format(count),
            )

    def _add_inputs(self, inputs):
        from azureml._werkbank.run_data import is_data, note

        for each in inputs or ():
            if not is_data(each):
                raise UserErrorException(
                    "An input of an estimator says how it is consumed: as_named_input, as_mount or as_download; a {} does "
                    "not.".format(type(each).__name__),
                    werkbank_code="dataset_argument",
                )
            note(self, each)


def arguments_of(script_params):
    """A dictionary of parameters as the list of words: a value that is empty or None leaves its name alone, as a switch."""
    if script_params is None:
        return []
    if not isinstance(script_params, dict):
        raise UserErrorException(
            "script_params takes a dictionary, and got a {}.".format(type(script_params).__name__),
            werkbank_code="estimator_invalid",
            hint="For example {'--rate': 0.1, '--verbose': ''}.",
        )
    words = []
    for name, value in script_params.items():
        words.append(name)
        if value is not None and not (isinstance(value, str) and value == ""):
            words.append(value)
    from azureml.core.script_run_config import check_argument

    for word in words:
        check_argument(word)
    return words


def make_conda(conda_packages, pip_packages, conda_file=None):
    """The packages, beside those of a file where there is one. The Python version gives way unless something names it."""
    if conda_file is None:
        pip = list(pip_packages or ())
        if not any(package_name(each) == "azureml-defaults" for each in pip):
            pip.append("azureml-defaults")
        return CondaDependencies.create(pip_packages=pip, conda_packages=list(conda_packages or ()), pin_sdk_version=False)
    conda = CondaDependencies(conda_file)
    for package in conda_packages or ():
        conda.add_conda_package(package)
    for package in pip_packages or ():
        conda.add_pip_package(package)
    return conda


def either(name, value, older_name, older_value):
    """The value, under whichever of its two names it is given."""
    if value is not None and older_value is not None:
        raise UserErrorException(
            "{} and {} are two names of one parameter; give one.".format(name, older_name), werkbank_code="estimator_invalid"
        )
    return value if value is not None else older_value


def find_beside(source_directory, name, path):
    """A file that is named relative to the source directory, or to where we are."""
    for candidate in (os.path.join(source_directory or ".", path), path):
        if os.path.isfile(candidate):
            return candidate
    raise UserErrorException(
        "{}: there is no file {} in {}.".format(name, path, os.path.abspath(source_directory or ".")),
        werkbank_code="estimator_invalid",
        hint="The path is relative to source_directory.",
    )


def _say_without_effect(**given):
    names = sorted(name for name, value in given.items() if value is not None)
    if names:
        import logging

        logging.getLogger("azureml").warning("environment_definition is given, so %s has no effect.", ", ".join(names))


def _name_of(datastore):
    return getattr(datastore, "name", datastore)
