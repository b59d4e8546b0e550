"""Submitting: from a ScriptRunConfig to the document of POST /runs (docs/reference/http-api.md), and starting client-tracked
runs."""

import os
import sys

from azureml._werkbank.numbers import whole
from azureml._werkbank.run_record import as_text
from azureml.exceptions import AuthenticationException, AzureMLException, ExperimentExecutionException, UserErrorException

# Which of the submitter's variables travel with a local run: the list of src/domain/submitter.cc.
_TRAVELING = frozenset(
    (
        "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR LD_LIBRARY_PATH LD_PRELOAD HTTP_PROXY HTTPS_PROXY NO_PROXY "
        "ALL_PROXY http_proxy "
        "https_proxy no_proxy all_proxy FTP_PROXY ftp_proxy SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE "
        "PIP_CERT "
        "PIP_CONFIG_FILE PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_TRUSTED_HOST PIP_NO_INDEX PIP_PROXY NETRC "
        "UV_INDEX_URL "
        "UV_CACHE_DIR WERKBANK_UV "
        "VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV PYENV_ROOT PYENV_VERSION PYTHONPATH JAVA_HOME SPARK_HOME XDG_RUNTIME_DIR "
        "XDG_CACHE_HOME "
        "DISPLAY NUMBER_OF_PROCESSORS"
    ).split()
)
_TRAVELING_STARTS = ("LC_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "OPENBLAS_", "HADOOP_", "KMP_", "NUMEXPR_", "ROCR_", "HIP_")


def submitter_environment(environment=None):
    """The variables that travel; a shell's secrets stay where they are."""
    source = os.environ if environment is None else environment
    return dict(
        (name, _clean_text(value)) for name, value in source.items() if name in _TRAVELING or name.startswith(_TRAVELING_STARTS)
    )


def _clean_text(text):
    return text.encode("utf-8", "replace").decode("utf-8")


def submit(experiment, config, tags=None, show_output=False, **kwargs):
    """Experiment.submit; with `show_output` it follows the run to its end."""
    run = _submit(experiment, config, tags, kwargs)
    if show_output:
        run.wait_for_completion(show_output=True)
    return run


def _submit(experiment, config, tags, kwargs):
    from azureml.core.runconfig import RunConfiguration
    from azureml.core.script_run_config import ScriptRunConfig

    if isinstance(config, RunConfiguration):
        config = ScriptRunConfig(source_directory=".", run_config=config)
    if isinstance(config, ScriptRunConfig):
        return submit_script(
            experiment,
            config,
            tags=tags,
            run_id=kwargs.pop("run_id", None),
            parent_run_id=kwargs.pop("_parent_run_id", None),
            **_refuse_unknown(kwargs),
        )
    own = getattr(config, "_werkbank_submit", None)
    if own is not None:
        return own(experiment, tags=tags, **kwargs)
    raise NotImplementedError("Experiment.submit does not know how to submit a {}.".format(type(config).__name__))


def _refuse_unknown(kwargs):
    kwargs.pop("credential_passthrough", None)
    if kwargs:
        raise TypeError("submit() got an unexpected keyword argument '{}'".format(sorted(kwargs)[0]))
    return {}


def submit_script(experiment, config, tags=None, run_id=None, parent_run_id=None):
    """Check, take the snapshot, hand the run over; the ScriptRun, at once."""
    from azureml._werkbank.git_facts import git_facts, git_properties
    from azureml._werkbank.run_data import note_arguments, ports_of
    from azureml._werkbank.snapshots import take_snapshot
    from azureml.core.environment import EnvironmentReference
    from azureml.core.script_run import ScriptRun
    from azureml.core.script_run_config import get_run_config_from_script_run

    folder = os.path.abspath(config.source_directory)
    run_config = get_run_config_from_script_run(config)
    script = _checked_script(folder, run_config)
    note_arguments(run_config)
    if isinstance(run_config.environment, EnvironmentReference):
        run_config.environment = run_config.environment.get_environment(experiment.workspace)
    spec = make_spec(run_config, script)
    pool = _run_pool(run_config.amlcompute) if run_config.target == "amlcompute" else None
    inputs, outputs = ports_of(run_config, experiment.workspace)
    if inputs or outputs:
        spec.update(inputs=inputs, outputs=outputs)
    spec["snapshotId"] = take_snapshot(folder, experiment.workspace)
    run_id = run_id or new_run_id(experiment.name)
    git = git_facts(folder)
    body = {
        "experiment": experiment.name,
        "runId": run_id,
        "runType": ScriptRun.RUN_TYPE,
        "tags": dict((as_text(key), as_text(value)) for key, value in (tags or {}).items()),
        "properties": dict(git_properties(git), ContentSnapshotId=spec["snapshotId"]),
        "spec": spec,
    }
    if pool is not None:
        body["pool"] = pool
    registered = _registered_environment(run_config)
    if registered is not None:
        body["environment"] = registered
    if parent_run_id:
        body["parentRunId"] = parent_run_id
    if git:
        body["git"] = git
    try:
        document = experiment.workspace._client.post(("runs",), body, headers={"Idempotency-Key": run_id}, repeatable=True)
    except (UserErrorException, AuthenticationException):
        raise
    except AzureMLException as error:
        raise ExperimentExecutionException(
            "The run could not be submitted: {}".format(error.message),
            inner_exception=error,
            werkbank_code=error.werkbank_code,
            hint=error.hint,
        )
    return ScriptRun(experiment, document["runId"], directory=folder, _run_config=run_config, _document=document)


def _run_pool(section):
    """The pool that is made for the run, as the server takes it."""
    if not section.vm_size:
        raise UserErrorException(
            "The target amlcompute is a pool that is made for the run, and run_config.amlcompute.vm_size is not set.",
            werkbank_code="vm_size_missing",
            hint="AmlCompute.supported_vmsizes(workspace) lists the sizes.",
        )
    pool = {
        "vmSize": section.vm_size,
        "vmPriority": section.vm_priority,
        "maxNodes": None if section.max_nodes is None else whole("amlcompute.max_nodes", section.max_nodes, 1),
        "name": section._name,
        "retain": bool(section._retain_cluster),
    }
    return dict((name, value) for name, value in pool.items() if value is not None)


def new_run_id(experiment_name):
    """v1's form: <experiment>_<unix seconds>_<8 hex>."""
    import time
    import uuid

    return "{}_{}_{}".format(experiment_name, int(time.time()), uuid.uuid4().hex[:8])


def _checked_script(folder, run_config):
    """The script's path in the folder, with '/'; '' for a command."""
    if not os.path.isdir(folder):
        raise UserErrorException(
            "The source directory {} does not exist.".format(folder), werkbank_code="source_directory_not_found"
        )
    if run_config.command:
        return ""
    script = run_config.script
    if not script:
        raise UserErrorException("Neither a script nor a command is given.", werkbank_code="script_missing")
    script = os.fspath(script) if hasattr(script, "__fspath__") else "{}".format(script)
    path = os.path.normpath(os.path.join(folder, script))
    relative = os.path.relpath(path, folder)
    if relative == os.pardir or relative.startswith(os.pardir + os.sep):
        raise UserErrorException(
            "The script {} is not in the source directory {}.".format(script, folder),
            werkbank_code="script_outside",
            hint="Only what is in the source directory travels with a run.",
        )
    if not os.path.isfile(path):
        raise UserErrorException(
            "The script {} does not exist in {}.".format(script, folder),
            werkbank_code="script_not_found",
            hint="The script is given relative to source_directory.",
        )
    if not os.access(path, os.R_OK):
        raise UserErrorException("The script {} cannot be read.".format(path), werkbank_code="script_not_readable")
    return relative.replace(os.sep, "/")


def make_spec(run_config, script):
    """The spec of POST /runs, but for its snapshot."""
    from azureml._werkbank.config_text import to_data

    environment = _environment(run_config)
    if run_config.docker.use_docker:
        environment.setdefault("docker", {}).update(to_data(run_config.docker))
    else:
        environment.pop("docker", None)
    variables = dict((as_text(k), as_text(v)) for k, v in (run_config.environment.environment_variables or {}).items())
    variables.update((as_text(k), as_text(v)) for k, v in (run_config._environment_variables or {}).items())
    spec = {
        "script": script,
        "arguments": [] if run_config.command else [as_text(each) for each in run_config.arguments or ()],
        "command": run_config.command or "",
        "target": run_config.target,
        "framework": run_config.framework,
        "environment": environment,
        "environmentVariables": variables,
        "submitterEnvironment": submitter_environment(),
        "watchedDirectories": list(run_config.history.directories_to_watch or ()),
        "collectOutputs": bool(run_config.history.output_collection),
        "nodeCount": 1 if run_config.node_count is None else whole("node_count", run_config.node_count, 1),
        "distribution": _distribution(run_config),
    }
    if run_config.max_run_duration_seconds:
        spec["timeoutSeconds"] = whole("max_run_duration_seconds", run_config.max_run_duration_seconds)
    if run_config.priority is not None:
        spec["priority"] = _integer("priority", run_config.priority)
    return spec


def _environment(run_config):
    """The environment as the server takes it. Nothing asked for, on this machine: the submitter's own interpreter."""
    from azureml._werkbank.environment_wire import environment_to_wire, is_untouched, with_own_interpreter

    environment = run_config.environment
    wire = environment_to_wire(environment)
    local = run_config.target == "local"
    if local and not run_config.docker.use_docker and is_untouched(environment):
        wire.update(
            userManaged=True, interpreter=sys.executable, pythonVersion="", pipRequirements=[], condaPackages=[], condaChannels=[]
        )
    elif local:
        with_own_interpreter(wire)
    return wire


def _registered_environment(run_config):
    """The environment as the workspace keeps it: as it was written, without what is decided for this run. None: not at all."""
    from azureml._werkbank.environment_wire import environment_to_wire, is_untouched

    return None if is_untouched(run_config.environment) else environment_to_wire(run_config.environment)


def _distribution(run_config):
    """How many processes the script is; the counts of every communicator, the server reads those of this one."""
    return {
        "communicator": run_config.communicator or "None",
        "processCountPerNode": whole("process_count_per_node", run_config.mpi.process_count_per_node or 1, 1),
        "processCount": whole("process_count", run_config.pytorch.process_count or 0),
        "workerCount": whole("worker_count", run_config.tensorflow.worker_count or 1, 1),
        "parameterServerCount": whole("parameter_server_count", run_config.tensorflow.parameter_server_count or 0),
    }


def _integer(name, value):
    try:
        return int(value)
    except (TypeError, ValueError):
        raise UserErrorException("{} takes a whole number, and got {!r}.".format(name, value), werkbank_code="invalid_request")


def start_logging(experiment, name=None, run_id=None, outputs=None, snapshot_directory=".", display_name=None, **kwargs):
    """Experiment.start_logging: a client-tracked run of this process, with ./outputs as its tracked folder."""
    from azureml._werkbank.git_facts import git_facts, git_properties
    from azureml._werkbank.run_factory import track_run

    if kwargs:
        raise TypeError("start_logging() got an unexpected keyword argument '{}'".format(sorted(kwargs)[0]))
    git = git_facts(snapshot_directory or os.getcwd())
    snapshot_id = _tracked_snapshot(experiment, snapshot_directory)
    properties = git_properties(git)
    if snapshot_id:
        properties["ContentSnapshotId"] = snapshot_id
    return track_run(
        experiment,
        run_id=run_id,
        display_name=display_name or name,
        outputs=outputs or os.path.join(os.getcwd(), "outputs"),
        snapshot_id=snapshot_id,
        git=git,
        properties=properties,
    )


def _tracked_snapshot(experiment, folder):
    """The snapshot that start_logging takes, also without being asked to: not of a folder beyond v1's limits, and never a
    failure."""
    import logging
    from azureml._werkbank.binary import find_binary
    from azureml._werkbank.snapshots import is_small_folder, take_snapshot

    if folder is None:
        return None
    if find_binary() is None or not is_small_folder(folder):
        logging.getLogger("azureml").warning(
            "No snapshot of %s is taken: it is large, or the program `werkbank` was not found.", os.path.abspath(folder)
        )
        return None
    try:
        return take_snapshot(folder, experiment.workspace)
    except AzureMLException as error:
        logging.getLogger("azureml").warning("%s", error.message)
        return None
