"""Environments as the server knows them (docs/reference/http-api.md), and back."""

import re

# An Environment that its user left as it was made keeps this variable only as v1's example.
_PYTHON = re.compile(r"^python\s*(?P<version>[=<>!~ ].*)?$")


def environment_to_wire(environment):
    """The definition; the interpreter as it was written."""
    from azureml._werkbank.config_text import to_data

    python = environment.python
    conda = python.conda_dependencies
    pip, packages, channels, version = [], [], [], ""
    if conda is not None and not python.user_managed_dependencies:
        pip = list(conda.pip_options) + list(conda.pip_packages)
        channels = list(conda.conda_channels)
        for package in conda.conda_packages:
            match = _PYTHON.match(package.strip())
            if match and conda._python_by_default:
                version = ""  # nobody wrote it: it gives way where a package has no wheel for it
            elif match:
                version = re.sub(r"^[=~\s]+", "", match.group("version") or "")
            else:
                packages.append(package)
    wire = {
        "name": environment.name or "default-environment",
        "userManaged": bool(python.user_managed_dependencies),
        "interpreter": (python.interpreter_path or "") if python.user_managed_dependencies else "",
        "pythonVersion": version,
        "pipRequirements": pip,
        "condaPackages": packages,
        "condaChannels": channels,
        "policy": environment.policy,
        "variables": dict((str(name), str(value)) for name, value in (environment.environment_variables or {}).items()),
    }
    if environment.version:
        wire["version"] = str(environment.version)
    docker = to_data(environment.docker)
    registry = docker.get("baseImageRegistry") or {}
    registry.pop("password", None)  # a secret has no place in a definition that others read
    wire["docker"] = docker
    if environment.spark.packages or environment.spark.repositories:
        wire["spark"] = to_data(environment.spark)
    other = _other_sections(environment)
    if other:
        wire["other"] = other
    return wire


def with_own_interpreter(wire):
    """A user-managed definition on this machine: `python` is the interpreter of this process."""
    import sys

    if wire["userManaged"] and wire["interpreter"] in ("", "python"):
        wire["interpreter"] = sys.executable
    return wire


def _other_sections(environment):
    """What no target reads, so that a registered environment comes back whole."""
    from azureml._werkbank.config_text import to_data

    python = environment.python
    other = {
        "baseCondaEnvironment": python._base_conda_environment,
        "inferencingStackVersion": environment.inferencing_stack_version,
        "interpreterPath": python.interpreter_path if not python.user_managed_dependencies else None,
        "databricks": to_data(environment.databricks),
        "r": to_data(environment.r) if environment.r is not None else None,
    }
    if python.user_managed_dependencies and python.conda_dependencies is not None:
        from azureml.core.conda_dependencies import CondaDependencies

        if python.conda_dependencies != CondaDependencies():  # it has no effect, but its user wrote it
            other["condaDependencies"] = python.conda_dependencies.as_dict()
    if other["interpreterPath"] == "python":
        del other["interpreterPath"]
    if not any(other["databricks"].values()):
        del other["databricks"]
    for package in (other["r"] or {}).get("gitHubPackages") or ():
        package.pop("authToken", None)  # a secret has no place in a definition that others read
    return dict((key, value) for key, value in other.items() if value)


def environment_from_wire(wire):
    """An Environment of the server's definition."""
    from collections import OrderedDict
    from azureml._werkbank.config_text import fill
    from azureml.core.conda_dependencies import PYTHON_DEFAULT_VERSION, CondaDependencies
    from azureml.core.environment import Environment

    environment = Environment(wire.get("name") or "default-environment")
    environment.version = wire.get("version") or None
    environment.environment_variables = dict(wire.get("variables") or {})
    environment.policy = wire.get("policy") or "exact"
    python = environment.python
    python.user_managed_dependencies = bool(wire.get("userManaged"))
    if wire.get("interpreter"):
        python.interpreter_path = wire["interpreter"]
    packages = list(wire.get("condaPackages") or ())
    python_version = wire.get("pythonVersion") or PYTHON_DEFAULT_VERSION
    packages.insert(0, "python={}".format(python_version) if python_version[0].isdigit() else "python" + python_version)
    if wire.get("pipRequirements"):
        packages.append({"pip": list(wire["pipRequirements"])})
    python.conda_dependencies = CondaDependencies(
        _underlying_structure=OrderedDict(
            [("name", "project_environment"), ("dependencies", packages), ("channels", list(wire.get("condaChannels") or ()))]
        )
    )
    python.conda_dependencies._python_by_default = not wire.get("pythonVersion")
    if wire.get("docker"):
        fill(environment.docker, wire["docker"], "docker")
    if wire.get("spark"):
        fill(environment.spark, wire["spark"], "spark")
    other = wire.get("other") or {}
    if other.get("condaDependencies"):
        python.conda_dependencies = CondaDependencies(_underlying_structure=other["condaDependencies"])
    elif wire.get("userManaged"):
        python.conda_dependencies = CondaDependencies()  # nobody wrote any; as in an Environment that is new
    python._base_conda_environment = other.get("baseCondaEnvironment")
    environment.inferencing_stack_version = other.get("inferencingStackVersion")
    python.interpreter_path = other.get("interpreterPath") or python.interpreter_path
    if other.get("databricks"):
        fill(environment.databricks, other["databricks"], "databricks")
    if other.get("r"):
        from azureml.core.environment import RSection

        environment.r = fill(RSection(), other["r"], "r")
    return environment


def is_untouched(environment):
    """Whether an environment is still the default one that every new run configuration has."""
    from azureml.core.environment import Environment

    if environment.name != "default-environment" or environment.version is not None:
        return False
    fresh = Environment("default-environment")
    mine, theirs = environment.python, fresh.python
    return (
        mine.conda_dependencies == theirs.conda_dependencies
        and mine.interpreter_path == theirs.interpreter_path
        and not mine.user_managed_dependencies
        and mine.conda_dependencies_file is None
    )
