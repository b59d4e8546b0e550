"""Experiment.submit: the document that is sent, and what is refused before anything is."""

import json
import os
import re
import subprocess
import sys

import pytest

from azureml._werkbank.git_facts import git_facts, without_password
from azureml._werkbank.submission import submitter_environment
from azureml.core import Environment, RunConfiguration, ScriptRun, ScriptRunConfig
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import MpiConfiguration
from azureml.exceptions import ExperimentExecutionException, SnapshotException, UserErrorException


@pytest.fixture
def folder(program):
    os.mkdir("src")
    with open("src/train.py", "w") as stream:
        stream.write("print(1)\n")
    return "src"


def sent(server):
    return json.loads(server.sent("POST", "/runs")[-1].decode("utf-8"))


def test_the_main_path(experiment, folder, server, program):
    run = experiment.submit(ScriptRunConfig(folder, "train.py", arguments=["--rate", 0.1, True]), tags={"a": 1})
    assert type(run) is ScriptRun and re.match(r"^digits_\d{10}_[0-9a-f]{8}$", run.id)
    body = sent(server)
    assert (
        body["experiment"] == "digits"
        and body["runId"] == run.id
        and body["runType"] == "azureml.scriptrun"
        and body["tags"] == {"a": "1"}
    )
    spec = body["spec"]
    assert spec["script"] == "train.py" and spec["arguments"] == ["--rate", "0.1", "True"] and spec["snapshotId"] == "f" * 64
    assert spec["target"] == "local" and spec["timeoutSeconds"] == 2592000 and spec["watchedDirectories"] == ["logs"]
    assert spec["environment"]["userManaged"] and spec["environment"]["interpreter"] == sys.executable
    assert body["properties"]["ContentSnapshotId"] == "f" * 64
    (headers,) = [headers for method, path, _, headers, _ in server.state.requests if method == "POST" and path.endswith("/runs")]
    assert headers["Idempotency-Key"] == run.id
    calls = [json.loads(line) for line in open(str(program))]
    assert calls == [["snapshot", "create", os.path.abspath("src"), "--workspace", "default", "-o", "json"]]


def test_arguments_in_one_text_are_refused(folder):
    with pytest.raises(UserErrorException) as refused:
        ScriptRunConfig(folder, "train.py", arguments="--rate 0.1")
    assert refused.value.werkbank_code == "arguments_not_a_list"


def test_only_known_keys_are_sent(experiment, folder, server):
    experiment.submit(ScriptRunConfig(folder, "train.py"))
    body = sent(server)
    assert set(body) <= {"experiment", "runId", "displayName", "parentRunId", "runType", "tags", "properties", "git", "spec"}
    assert set(body["spec"]) <= {
        "snapshotId",
        "script",
        "arguments",
        "command",
        "target",
        "framework",
        "environment",
        "environmentVariables",
        "submitterEnvironment",
        "watchedDirectories",
        "collectOutputs",
        "timeoutSeconds",
        "priority",
        "nodeCount",
        "distribution",
    }
    assert set(body["spec"]["environment"]) <= {
        "name",
        "version",
        "userManaged",
        "interpreter",
        "pythonVersion",
        "pipRequirements",
        "condaPackages",
        "condaChannels",
        "policy",
        "variables",
        "docker",
        "spark",
        "other",
    }


def test_a_run_brings_its_pool_along(experiment, folder, server):
    from azureml.core.runconfig import RunConfiguration

    configuration = RunConfiguration()
    configuration.target = "amlcompute"
    configuration.amlcompute.vm_size = "STANDARD_D2_V2"
    configuration.amlcompute.vm_priority = "lowpriority"
    configuration.amlcompute.max_nodes = 3
    experiment.submit(ScriptRunConfig(str(folder), "train.py", run_config=configuration))
    body = sent(server)
    assert body["spec"]["target"] == "amlcompute"
    assert body["pool"] == {"vmSize": "STANDARD_D2_V2", "vmPriority": "lowpriority", "maxNodes": 3, "retain": False}


def test_how_many_processes(experiment, folder, server):
    from azureml.core.runconfig import MpiConfiguration, PyTorchConfiguration, TensorflowConfiguration

    for given, communicator, node_count, count in (
        (MpiConfiguration(process_count_per_node=4, node_count=2), "IntelMpi", 2, ("processCountPerNode", 4)),
        (PyTorchConfiguration(process_count=6, node_count=3), "Nccl", 3, ("processCount", 6)),
        (TensorflowConfiguration(worker_count=2, parameter_server_count=1), "ParameterServer", 2, ("workerCount", 2)),
        (None, "None", 1, ("processCount", 0)),
    ):
        experiment.submit(ScriptRunConfig(folder, "train.py", distributed_job_config=given))
        spec = sent(server)["spec"]
        assert (spec["distribution"]["communicator"], spec["nodeCount"]) == (communicator, node_count)
        assert spec["distribution"][count[0]] == count[1]


def test_a_reference_to_a_registered_environment(experiment, folder, server):
    from azureml.core.environment import EnvironmentReference

    environment = Environment("mine")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["pandas"])
    environment.register(experiment.workspace)
    experiment.submit(ScriptRunConfig(folder, "train.py", environment=EnvironmentReference("mine")))
    assert sent(server)["spec"]["environment"]["pipRequirements"] == ["pandas"]


def test_a_built_environment(experiment, folder, server):
    environment = Environment("mine")
    environment.python.conda_dependencies = CondaDependencies.create(
        conda_packages=["scikit-learn==0.22.1"], pip_packages=["pandas"], python_version="3.6.2"
    )
    environment.environment_variables = {"A": 1}
    experiment.submit(ScriptRunConfig(folder, "train.py", environment=environment))
    spec = sent(server)["spec"]
    assert spec["environmentVariables"] == {"A": "1"}
    wire = spec["environment"]
    assert not wire["userManaged"] and wire["pythonVersion"] == "3.6.2" and wire["condaPackages"] == ["scikit-learn==0.22.1"]
    assert wire["pipRequirements"] == ["pandas"] and wire["name"] == "mine" and wire["interpreter"] == ""


@pytest.mark.parametrize("path, sent_path", [("python", sys.executable), ("/opt/other/python", "/opt/other/python")])
def test_a_user_managed_environment(experiment, folder, server, path, sent_path):
    environment = Environment("mine")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = path
    experiment.submit(ScriptRunConfig(folder, "train.py", environment=environment))
    assert sent(server)["spec"]["environment"]["interpreter"] == sent_path


def test_a_changed_default_environment_is_built(experiment, folder, server):
    config = ScriptRunConfig(folder, "train.py")
    config.run_config.environment.python.conda_dependencies.add_pip_package("numpy")
    experiment.submit(config)
    assert not sent(server)["spec"]["environment"]["userManaged"]


def test_commands_run_configs_and_children(experiment, folder, server):
    experiment.submit(ScriptRunConfig(folder, command=["python", "train.py", 3]))
    assert sent(server)["spec"]["command"] == "python train.py 3" and sent(server)["spec"]["script"] == ""
    os.chdir(folder)
    parent = experiment.submit(RunConfiguration(script="train.py", arguments=["x"]))
    assert sent(server)["spec"]["arguments"] == ["x"]
    child = parent.submit_child(ScriptRunConfig(".", "train.py"))
    assert sent(server)["parentRunId"] == parent.id and child.parent.id == parent.id


def test_distribution_and_ignored_arguments(caplog):
    config = ScriptRunConfig(".", "a.py", distributed_job_config=MpiConfiguration(2, 3)).run_config
    assert (config.framework, config.communicator, config.node_count, config.mpi.process_count_per_node) == (
        "Python",
        "IntelMpi",
        3,
        2,
    )
    mine = RunConfiguration()
    assert ScriptRunConfig(".", "a.py", run_config=mine, compute_target="gpu").run_config is mine and mine.target == "local"
    assert "compute_target" in caplog.text


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: ScriptRunConfig("none", "train.py"), "does not exist"),
        (lambda: ScriptRunConfig("src", "none.py"), "does not exist"),
        (lambda: ScriptRunConfig("src", "../secret.py"), "not in the source directory"),
        (lambda: ScriptRunConfig("src"), "Neither"),
        (lambda: ScriptRunConfig("src", "train.py", command="x"), "not both"),
        (lambda: ScriptRunConfig("src", "train.py", arguments=[[1]]), "one text"),
        (lambda: ScriptRunConfig("src", "/etc/passwd"), "not in the source directory"),
    ],
)
def test_refused_before_anything_is_sent(experiment, folder, server, make, said):
    with open("secret.py", "w"):
        pass
    with pytest.raises(UserErrorException) as caught:
        experiment.submit(make())
    assert said in caught.value.message
    assert not server.sent("POST", "/runs")


def test_unknown_configurations_and_keywords(experiment, folder):
    with pytest.raises(NotImplementedError):
        experiment.submit(3)
    with pytest.raises(TypeError):
        experiment.submit(ScriptRunConfig(folder, "train.py"), speed=1)


def test_server_errors(experiment, folder, server):
    config = ScriptRunConfig(folder, "train.py")
    server.state.failures.append(400)
    with pytest.raises(UserErrorException):
        experiment.submit(config)
    server.state.failures.append(500)
    with pytest.raises(ExperimentExecutionException):
        experiment.submit(config)
    assert server.state.runs == {}


def test_a_failing_or_missing_program(experiment, folder, monkeypatch):
    monkeypatch.setenv("WERKBANK_BINARY", "/bin/false")
    with pytest.raises(SnapshotException):
        experiment.submit(ScriptRunConfig(folder, "train.py"))
    monkeypatch.delenv("WERKBANK_BINARY")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/none/python")
    with pytest.raises(UserErrorException) as caught:
        experiment.submit(ScriptRunConfig(folder, "train.py"))
    assert "WERKBANK_BINARY" in caught.value.hint


def test_a_shells_secrets_stay_there():
    allowed = submitter_environment(
        {"PATH": "/bin", "LC_ALL": "C", "CUDA_VISIBLE_DEVICES": "0", "AWS_SECRET_ACCESS_KEY": "x", "PATHS": "y"}
    )
    assert allowed == {"PATH": "/bin", "LC_ALL": "C", "CUDA_VISIBLE_DEVICES": "0"}


def test_the_list_of_variables_is_the_servers():
    """One list, kept twice: here and in src/domain/submitter.cc."""
    from azureml._werkbank import submission

    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "src", "domain", "submitter.cc")
    text = open(source).read()
    names, starts = (re.search(r"%s\{(.*?)\};" % name, text, re.DOTALL).group(1) for name in ("kNames", "kPrefixes"))
    assert set(re.findall(r'"([^"]+)"', names)) == submission._TRAVELING
    assert set(re.findall(r'"([^"]+)"', starts)) == set(submission._TRAVELING_STARTS)


def test_git_facts(folder, monkeypatch):
    assert git_facts(folder) == {}

    def git(*arguments):
        subprocess.check_call(
            ("git", "-C", folder, "-c", "user.name=n", "-c", "user.email=e") + arguments, stdout=subprocess.DEVNULL
        )

    git("init", "-q", "-b", "topic")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("remote", "add", "origin", "https://user:token@example.org/repo.git")
    facts = git_facts(folder)
    assert facts["branch"] == "topic" and len(facts["commit"]) == 40 and not facts["dirty"]
    assert facts["repositoryUrl"] == "https://example.org/repo.git"
    with open("src/train.py", "a") as stream:
        stream.write("#\n")
    assert git_facts(folder)["dirty"]
    monkeypatch.setenv("AZUREML_GIT_BRANCH", "other")
    assert git_facts(folder)["branch"] == "other"
    assert without_password("git@example.org:a/b") == "git@example.org:a/b"


def test_an_environments_policy_and_the_python_that_nobody_wrote():
    from azureml._werkbank.config_text import to_data
    from azureml._werkbank.environment_wire import environment_from_wire, environment_to_wire
    from azureml.core import Environment
    from azureml.core.conda_dependencies import CondaDependencies

    environment = Environment("e")
    wire = environment_to_wire(environment)
    assert (wire["policy"], wire["pythonVersion"]) == ("exact", "")
    assert "policy" not in to_data(environment) and "policy" not in str(environment)
    environment.policy = "Nearest"
    environment.python.conda_dependencies = CondaDependencies.create(python_version="3.6.2")
    wire = environment_to_wire(environment)
    assert (wire["policy"], wire["pythonVersion"]) == ("nearest", "3.6.2")
    assert to_data(environment)["policy"] == "nearest"
    assert environment_from_wire(wire).policy == "nearest"
    with pytest.raises(UserErrorException):
        environment.policy = "roughly"
    # v1's defaults give way wherever they come from, a version that was set does not.
    assert environment_to_wire(environment_from_wire({"name": "e"}))["pythonVersion"] == ""
    environment.python.conda_dependencies = CondaDependencies()
    environment.python.conda_dependencies.set_python_version("3.8.13")
    assert environment_to_wire(environment)["pythonVersion"] == "3.8.13"


def test_a_submit_brings_the_environment_as_it_was_written(experiment, folder, server, program):
    experiment.submit(ScriptRunConfig(folder, "train.py"))
    assert "environment" not in sent(server)
    environment = Environment("mine")
    environment.python.user_managed_dependencies = True
    environment.docker.base_image = "mine"
    experiment.submit(ScriptRunConfig(folder, "train.py", environment=environment))
    body = sent(server)
    assert (body["environment"]["interpreter"], body["spec"]["environment"]["interpreter"]) == ("python", sys.executable)
    assert body["environment"]["docker"]["baseImage"] == "mine" and "docker" not in body["spec"]["environment"]


def test_show_output_follows_the_run(experiment, folder, server, monkeypatch):
    followed = []
    monkeypatch.setattr(ScriptRun, "wait_for_completion", lambda run, show_output=False: followed.append((run.id, show_output)))
    run = experiment.submit(ScriptRunConfig(folder, "train.py"), show_output=True)
    experiment.submit(ScriptRunConfig(folder, "train.py"), show_output=False)
    assert followed == [(run.id, True)]
