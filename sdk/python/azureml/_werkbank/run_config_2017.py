"""Run configurations of 2017 (aml_config/<name>.runconfig beside <target>.compute) as RunConfiguration objects."""

import os

from azureml._werkbank.run_record import as_text
from azureml.exceptions import RunConfigurationException

_KEYS = (
    "ArgumentVector",
    "Target",
    "EnvironmentVariables",
    "Framework",
    "CondaDependenciesFile",
    "SparkDependenciesFile",
    "PrepareEnvironment",
    "TrackedRun",
    "UseSampling",
    "DataSourceSettings",
    "DataSourceSubstitutions",
)
# Keys that the later dialect has, too, but for the first letter's case.
_SHARED = ("Target", "EnvironmentVariables", "Framework")


def is_2017(data):
    """Whether a document is of the 2017 dialect: its own keys, or the shared ones in its spelling."""
    return isinstance(data, dict) and any(key in data for key in _KEYS)


def fill_2017(configuration, data, where, project):
    """Set a RunConfiguration by a document of 2017; `project` is the folder that its paths are relative to."""
    from azureml._werkbank.config_text import suggestion

    for key in data:
        if key not in _KEYS:
            raise RunConfigurationException(
                "{} has no key {!r}.{}".format(where, key, suggestion(key, _KEYS)), werkbank_code="runconfig_unknown_key"
            )
    words = [as_text(word) for word in _typed(data, "ArgumentVector", list, where) or ()]
    if words:
        configuration.script = None if words[0] == "$file" else words[0]
        configuration.arguments = words[1:]
    configuration.target = as_text(data.get("Target") or "local")
    configuration.framework = as_text(data.get("Framework") or "PySpark")
    variables = _typed(data, "EnvironmentVariables", dict, where) or {}
    configuration.environment.environment_variables = dict((as_text(key), as_text(value)) for key, value in variables.items())
    configuration.auto_prepare_environment = bool(_typed(data, "PrepareEnvironment", bool, where))
    if data.get("DataSourceSettings") or data.get("DataSourceSubstitutions"):
        import logging

        logging.getLogger("azureml").warning("%s: data sources are not read; the script sees the files as they are.", where)
    _environment(configuration, data, project)


def _typed(data, key, kind, where):
    value = data.get(key)
    if value is not None and not isinstance(value, kind):
        raise RunConfigurationException(
            "{}.{} has to be {}; it is {!r}.".format(
                where, key, {list: "a list", dict: "a mapping", bool: "true or false"}[kind], value
            ),
            werkbank_code="runconfig_wrong_type",
        )
    return value


def _environment(configuration, data, project):
    """The compute file says who manages the packages; on this machine they always are the user's."""
    environment = configuration.environment
    compute = _read(project, "aml_config/{}.compute".format(configuration.target)) or {}
    kind = as_text(compute.get("type") or configuration.target).lower()
    if kind == "local" or compute.get("userManagedEnvironment"):
        environment.python.user_managed_dependencies = True
        environment.python.interpreter_path = compute.get("pythonLocation") or "python"
        return
    environment.python.conda_dependencies_file = data.get("CondaDependenciesFile") or _existing(
        project, "aml_config/conda_dependencies.yml"
    )
    if kind in ("docker", "localdocker", "remotedocker"):
        environment.docker.enabled = True
        configuration.docker.use_docker = True
        configuration.docker.shared_volumes = bool(compute.get("sharedVolumes"))
        if compute.get("baseDockerImage"):
            environment.docker.base_image = as_text(compute["baseDockerImage"])
    if configuration.framework.lower() == "pyspark":
        _spark(configuration, data, project)


def _spark(configuration, data, project):
    from azureml._werkbank.config_text import fill

    name = data.get("SparkDependenciesFile") or _existing(project, "aml_config/spark_dependencies.yml")
    document = _read(project, name) if name else None
    if document:
        configuration.spark.configuration = dict(document.get("configuration") or {})
        rest = dict((key, value) for key, value in document.items() if key != "configuration")
        fill(configuration.environment.spark, rest, os.path.basename(name))


def _existing(project, relative):
    from azureml._werkbank.workspace_config import file_of_any_case

    found = file_of_any_case(os.path.join(project, os.path.dirname(relative)), os.path.basename(relative))
    return None if found is None else os.path.relpath(found, project)


def _read(project, relative):
    from azureml._werkbank.binary import yaml_to_data

    found = _existing(project, relative)
    return None if found is None else yaml_to_data(os.path.join(project, found), run_configuration=True)
