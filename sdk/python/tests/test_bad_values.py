"""Wrong values: refused before anything is sent or made, by v1's classes, naming what is wrong in v1's words."""

import json
import os

import pytest

from azureml.core import Environment, Model, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.runconfig import MpiConfiguration, PyTorchConfiguration, RunConfiguration, TensorflowConfiguration
from azureml.exceptions import ComputeTargetException, UserErrorException, WebserviceException, WorkspaceException

CONFIG = {"subscription_id": "s", "resource_group": "g", "workspace_name": "mine"}


def refused(kind, code, call, *words):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.werkbank_code == code, caught.value.message
    for word in words:
        assert word in caught.value.message
    return caught.value


def config(content):
    with open("config.json", "w") as stream:
        stream.write(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize("key", sorted(CONFIG))
def test_a_configuration_without_a_key_or_with_a_wrong_one(server, key):
    config(dict((name, value) for name, value in CONFIG.items() if name != key))
    error = refused(UserErrorException, "config_invalid", Workspace.from_config, key, "config.json")
    assert "werkbank init" in error.hint
    for value in (5, None, [], {}, True):
        config(dict(CONFIG, **{key: value}))
        refused(UserErrorException, "config_invalid", Workspace.from_config, key, repr(value), "config.json")
    assert not server.sent("POST", "/workspaces")


@pytest.mark.parametrize(
    "content, word",
    [
        ("{nope", "JSON"),
        ("", "JSON"),
        ([1], "JSON object"),
        ({"Scope": 3}, "Scope"),
        (dict(CONFIG, workspace_name=""), "workspace_name"),
        (dict(CONFIG, workspace_name="a b"), "'a b'"),
        (dict(CONFIG, server=3), "server"),
        (dict(CONFIG, server="nonsense"), "'nonsense'"),
    ],
)
def test_a_configuration_that_cannot_be_meant(server, content, word):
    config(content)
    assert refused(UserErrorException, "config_invalid", Workspace.from_config, word, "config.json").hint


def test_a_configuration_that_names_a_workspace_of_another_server(server, monkeypatch):
    monkeypatch.setenv("WERKBANK_URL", "http://127.0.0.1:1")
    config(dict(CONFIG, workspace_name="gone"))
    monkeypatch.setattr("azureml.core.workspace.Workspace._record", raise_not_there)
    refused(WorkspaceException, "workspace_not_found", Workspace.from_config, "gone", os.path.abspath("config.json"))


def raise_not_there(self, refresh=False):
    raise WorkspaceException("There is no workspace named 'gone'.", werkbank_code="workspace_not_found")


def test_a_workspace_of_another_subscription(workspace, monkeypatch):
    document = dict(workspace._record(), subscriptionId="theirs", resourceGroup="group")
    monkeypatch.setattr("azureml.core.workspace.Workspace._record", lambda self, refresh=False: document)
    for given, true in (({"subscription_id": "mine"}, "theirs"), ({"resource_group": "other"}, "group")):
        refused(WorkspaceException, "workspace_not_found", lambda: Workspace.get("default", **given), true)
    assert Workspace.get("default", subscription_id="theirs", resource_group="group").name == "default"


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"min_nodes": 5}, ("min_nodes", "5", "4")),
        ({"min_nodes": "5", "max_nodes": "4"}, ("min_nodes", "5", "4")),
        ({"min_nodes": -1}, ("min_nodes", "-1")),
        ({"min_nodes": "two"}, ("min_nodes", "'two'")),
        ({"min_nodes": 1.5}, ("min_nodes", "1.5")),
        ({"min_nodes": None}, ("min_nodes", "None")),
        ({"max_nodes": 0}, ("max_nodes", "from 1 on")),
        ({"max_nodes": "many"}, ("max_nodes", "'many'")),
        ({"idle_seconds_before_scaledown": "soon"}, ("idle_seconds_before_scaledown", "'soon'")),
        ({"idle_seconds_before_scaledown": float("inf")}, ("idle_seconds_before_scaledown", "inf")),
    ],
)
def test_numbers_of_a_pool(workspace, settings, words):
    given = dict(dict(vm_size="STANDARD_D2_V2", max_nodes=4), **settings)
    refused(ComputeTargetException, "invalid_request", lambda: AmlCompute.provisioning_configuration(**given), *words)
    pool = ComputeTarget.create(
        workspace, "cpucluster", AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
    )
    update = dict((name, value) for name, value in settings.items() if value is not None)
    if update and not update.get("min_nodes") in (5, "5"):  # that one the server knows
        refused(ComputeTargetException, "invalid_request", lambda: pool.update(**update), *words)


def test_names_and_waits_of_a_pool(workspace):
    configuration = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=1)
    for name in ("local", "amlcompute", "containerinstance", None, 5):
        error = refused(
            ComputeTargetException, "name_refused", lambda: ComputeTarget.create(workspace, name, configuration), repr(name)
        )
        assert "letters" in error.hint
    pool = ComputeTarget.create(workspace, "cpucluster", configuration)
    for wrong in ("soon", -1, None, float("nan")):
        refused(
            ComputeTargetException,
            "invalid_request",
            lambda: pool.wait_for_completion(timeout_in_minutes=wrong),
            "timeout_in_minutes",
        )


def test_what_the_server_refuses_is_told_in_v1s_words(workspace, server):
    from azureml._werkbank.problems import exception_for
    from azureml.core.compute.compute import _told_as_v1

    body = json.dumps(
        {
            "code": "invalid_request",
            "detail": "settings.minNodes: is 3, more than maxNodes, which is 1",
            "hint": "Compare the request with the OpenAPI document at /api/v1/openapi.json; the message names the field.",
        }
    ).encode("utf-8")
    with pytest.raises(ComputeTargetException) as caught:
        with _told_as_v1():
            raise exception_for(400, body, "PATCH")
    assert caught.value.message == "min_nodes: is 3, more than max_nodes, which is 1" and not caught.value.hint


@pytest.fixture
def folder(program):
    os.mkdir("src")
    with open("src/train.py", "w") as stream:
        stream.write("print(1)\n")
    return "src"


@pytest.mark.parametrize(
    "change, word",
    [
        (lambda config: setattr(config.run_config, "node_count", "two"), "node_count"),
        (lambda config: setattr(config.run_config, "node_count", -1), "node_count"),
        (lambda config: setattr(config.run_config, "node_count", 0), "node_count"),
        (lambda config: setattr(config.run_config, "max_run_duration_seconds", "soon"), "max_run_duration_seconds"),
        (lambda config: setattr(config.run_config, "max_run_duration_seconds", -5), "max_run_duration_seconds"),
        (lambda config: setattr(config.run_config, "priority", "high"), "priority"),
        (lambda config: setattr(config.run_config, "mpi", MpiConfiguration("two")), "process_count_per_node"),
        (lambda config: setattr(config.run_config, "pytorch", PyTorchConfiguration(process_count=-1)), "process_count"),
        (lambda config: setattr(config.run_config, "tensorflow", TensorflowConfiguration("x")), "worker_count"),
    ],
)
def test_numbers_of_a_run(experiment, folder, server, program, change, word):
    config = ScriptRunConfig(folder, "train.py")
    change(config)
    refused(UserErrorException, "invalid_request", lambda: experiment.submit(config), word)
    assert not server.sent("POST", "/runs") and not os.path.exists(str(program))  # not even a snapshot


def test_numbers_of_a_run_may_be_texts(experiment, folder, server):
    config = ScriptRunConfig(folder, "train.py")
    config.run_config.node_count, config.run_config.max_run_duration_seconds = "1", "60"
    experiment.submit(config)
    spec = json.loads(server.sent("POST", "/runs")[-1].decode("utf-8"))["spec"]
    assert (spec["nodeCount"], spec["timeoutSeconds"]) == (1, 60)


def test_the_pool_of_a_run(experiment, folder, server, program):
    def submit(**section):
        config = RunConfiguration()
        config.target = "amlcompute"
        for name, value in section.items():
            setattr(config.amlcompute, name, value)
        return experiment.submit(ScriptRunConfig(folder, "train.py", run_config=config))

    refused(UserErrorException, "vm_size_missing", submit, "run_config.amlcompute.vm_size")
    for wrong in (0, -1, "two", 1.5):
        refused(
            UserErrorException,
            "invalid_request",
            lambda: submit(vm_size="STANDARD_D2_V2", max_nodes=wrong),
            "amlcompute.max_nodes",
        )
    assert not os.path.exists(str(program))
    submit(vm_size="STANDARD_D2_V2", max_nodes="2", _retain_cluster=True)
    pool = json.loads(server.sent("POST", "/runs")[-1].decode("utf-8"))["pool"]
    assert pool == {"vmSize": "STANDARD_D2_V2", "maxNodes": 2, "retain": True}


def test_names_that_are_no_texts(workspace, tmp_path):
    (tmp_path / "model.pkl").write_text("model")
    for name in (None, 5, ""):
        refused(
            WebserviceException, "model_invalid", lambda: Model.register(workspace, str(tmp_path / "model.pkl"), name), repr(name)
        )
        refused(UserErrorException, "name_refused", lambda: Environment(name).register(workspace), repr(name))
        refused(
            UserErrorException,
            "secret_invalid",
            lambda: workspace.get_default_keyvault().set_secret(name, "v"),
            repr(name),
        )


def test_a_datastore_by_its_name_alone():
    from azureml.data.data_reference import DataReference
    from azureml.data.datapath import DataPath

    for make in (DataPath, DataReference):
        assert "Datastore.get" in refused(UserErrorException, "data_path_invalid", lambda: make("store"), "'store'").hint
    assert DataPath().datastore_name is None
