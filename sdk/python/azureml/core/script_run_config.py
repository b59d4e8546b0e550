"""ScriptRunConfig: a folder, the script in it, and how it runs."""

import os

from azureml._werkbank.run_record import as_text
from azureml.core.runconfig import (  # noqa: F401 (importable from here, as in v1)
    Data,
    DatacacheConfiguration,
    DockerConfiguration,
    EnvironmentDefinition,
    MpiConfiguration,
    PyTorchConfiguration,
    RunConfiguration,
    TensorflowConfiguration,
)
from azureml.exceptions import RunConfigurationException, UserErrorException  # noqa: F401

__all__ = ["ScriptRunConfig", "get_run_config_from_script_run", "submit"]


class ScriptRunConfig(object):
    """What Experiment.submit takes: `run_config` is the whole configuration, made of the arguments or given."""

    MAX_DURATION_SECONDS_DEFAULT = 2592000

    def __init__(
        self,
        source_directory,
        script=None,
        arguments=None,
        run_config=None,
        _telemetry_values=None,
        compute_target=None,
        environment=None,
        distributed_job_config=None,
        resume_from=None,
        max_run_duration_seconds=MAX_DURATION_SECONDS_DEFAULT,
        command=None,
        docker_runtime_config=None,
    ):
        if script and command:
            raise UserErrorException("Give a script or a command, not both.", werkbank_code="script_and_command")
        if isinstance(arguments, str):  # a list of it would be its letters
            raise UserErrorException(
                "arguments takes a list, and got the text {!r}.".format(arguments),
                werkbank_code="arguments_not_a_list",
                hint="Write one entry for each word, for example ['--rate', 0.1], or use shlex.split(text).",
            )
        self.source_directory = source_directory if source_directory is not None else "."
        self.script = script
        self.arguments = list(arguments) if arguments is not None else []
        if resume_from is not None:
            self.arguments += resume_arguments(resume_from)
        self.command = command
        if run_config is not None:
            _warn_ignored(
                compute_target=compute_target,
                environment=environment,
                distributed_job_config=distributed_job_config,
                docker_runtime_config=docker_runtime_config,
            )
            self.run_config = run_config
        else:
            self.run_config = _new_run_config(
                compute_target, environment, distributed_job_config, max_run_duration_seconds, docker_runtime_config
            )
        for argument in self.arguments + (list(command) if isinstance(command, (list, tuple)) else []):
            check_argument(argument)

    def __repr__(self):
        return "ScriptRunConfig(source_directory={!r}, script={!r}, arguments={!r})".format(
            self.source_directory, self.script, self.arguments
        )


def _warn_ignored(**given):
    names = sorted(name for name, value in given.items() if value is not None)
    if names:
        import logging

        logging.getLogger("azureml").warning("run_config is given, so %s has no effect.", ", ".join(names))


def _new_run_config(compute_target, environment, distributed, max_run_duration_seconds, docker):
    configuration = RunConfiguration()
    configuration.max_run_duration_seconds = max_run_duration_seconds
    if compute_target is not None:
        configuration.target = compute_target
    if environment is not None:
        configuration.environment = environment
        if hasattr(environment, "docker") and environment.docker.enabled:
            configuration.docker.use_docker = True
    if docker is not None:
        configuration.docker = docker
    if isinstance(distributed, MpiConfiguration):
        configuration.framework, configuration.communicator = "Python", "IntelMpi"
        configuration.mpi, configuration.node_count = distributed, distributed.node_count
    elif isinstance(distributed, PyTorchConfiguration):
        configuration.framework = "PyTorch"
        configuration.communicator = distributed.communication_backend.capitalize()
        configuration.pytorch, configuration.node_count = distributed, distributed.node_count
    elif isinstance(distributed, TensorflowConfiguration):
        configuration.framework, configuration.communicator = "TensorFlow", "ParameterServer"
        configuration.tensorflow, configuration.node_count = distributed, distributed.worker_count
    elif distributed is not None:
        raise UserErrorException(
            "distributed_job_config has to be an MpiConfiguration, PyTorchConfiguration or "
            "TensorflowConfiguration; it is a {}.".format(type(distributed).__name__),
            werkbank_code="distributed_job_config_invalid",
        )
    return configuration


def resume_arguments(resume_from):
    """The words that tell a script where the folder lies with which it goes on."""
    from azureml.data.data_reference import DataReference
    from azureml.data.datapath import DataPath

    if not isinstance(resume_from, DataPath):
        raise UserErrorException(
            "resume_from takes a DataPath; it is a {}.".format(type(resume_from).__name__),
            werkbank_code="resume_from_invalid",
            hint="For example DataPath(datastore, 'checkpoints/run-1').",
        )
    return ["--resume-from", DataReference(resume_from._datastore, "MODEL_LOCATION", resume_from.path_on_datastore)]


def check_argument(argument):
    """An argument has to be something that has a text."""
    if hasattr(argument, "as_named_input") or hasattr(argument, "to_pandas_dataframe"):
        raise UserErrorException(
            "A dataset as an argument has to say how it is consumed: as_named_input, as_mount or as_download.",
            werkbank_code="dataset_argument",
        )
    if isinstance(argument, (list, tuple, dict, set)):
        raise UserErrorException(
            "An argument has to be one text or number; {!r} is a {}.".format(argument, type(argument).__name__),
            werkbank_code="argument_invalid",
        )


def get_run_config_from_script_run(script_run_config):
    """The complete run configuration: what the ScriptRunConfig names itself wins."""
    import copy

    configuration = copy.deepcopy(script_run_config.run_config)
    if script_run_config.script:
        configuration.script = script_run_config.script
    if script_run_config.arguments:
        configuration.arguments = [_argument(each) for each in script_run_config.arguments]
    command = script_run_config.command
    if isinstance(command, (list, tuple)):
        configuration.command = " ".join(_command_part(configuration, part) for part in command)
    elif command:
        configuration.command = command
    return configuration


def _command_part(configuration, part):
    from azureml._werkbank.run_data import is_data, note, placeholder

    if not is_data(part):
        return as_text(part)
    note(configuration, part)
    return placeholder(part)


def _argument(each):
    if hasattr(each, "arg_val") or hasattr(each, "data_reference_name"):  # submitting has to see what it is
        return each
    return os.fspath(each) if hasattr(each, "__fspath__") else as_text(each)


def submit(script_run_config, workspace, experiment_name, run_id=None, _parent_run_id=None, credential_passthrough=False):
    """Start a run of it; what Experiment.submit calls."""
    from azureml._werkbank.submission import submit_script
    from azureml.core.experiment import Experiment

    experiment = Experiment(workspace, experiment_name, _skip_name_validation=True, _create_in_cloud=False)
    return submit_script(experiment, script_run_config, run_id=run_id, parent_run_id=_parent_run_id)
