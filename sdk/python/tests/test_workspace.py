"""Workspaces: configuration files, creation, logins, secrets, and what comes later."""

import json
import os

import pytest

import azureml.core
from azureml.core import Keyvault, Workspace
from azureml.core.authentication import (
    ArmTokenAuthentication,
    InteractiveLoginAuthentication,
    MsiAuthentication,
    ServicePrincipalAuthentication,
)
from azureml.exceptions import AuthenticationException, UserErrorException, WorkspaceException
from fake_server import FakeServer

KEYS = {"subscription_id": "s", "resource_group": "g", "workspace_name": "mine"}


def put(path, content):
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as stream:
        stream.write(content if isinstance(content, str) else json.dumps(content))


def test_a_named_workspace_is_made_on_first_use(server):
    put("config.json", dict(KEYS, extra=1))
    workspace = Workspace.from_config()
    assert (workspace.name, workspace.subscription_id, workspace.resource_group) == ("mine", "s", "g")
    assert server.state.workspaces["mine"]["subscriptionId"] == "s"
    Workspace.from_config()
    assert len(server.sent("POST", "/workspaces")) == 1


def test_over_tcp_nothing_is_made(monkeypatch):
    put("config.json", KEYS)
    with FakeServer() as server:
        monkeypatch.setenv("WERKBANK_URL", server.url)
        with pytest.raises(WorkspaceException):
            Workspace.from_config()
        assert not server.sent("POST", "/workspaces")


def test_a_hidden_folder_far_up_wins_over_a_file_beside_the_script(server):
    put("../.azureml/config.json", dict(KEYS, workspace_name="above"))
    put("config.json", KEYS)
    assert Workspace.from_config().name == "above"


def test_scope_files_and_write_config(server):
    workspace = Workspace.create("mine", subscription_id="s", resource_group="g", location="here", show_output=False)
    workspace.write_config()
    content = json.load(open(".azureml/config.json"))
    assert content == {
        "Id": None,
        "Scope": "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/mine",
    }
    again = Workspace.from_config()
    assert (again.name, again.subscription_id, again.resource_group, again.location) == ("mine", "s", "g", "here")
    assert Workspace.from_config(path=".azureml/config.json").name == "mine"


@pytest.mark.parametrize("content", ["{", "[]", {"subscription_id": "s"}, {"Scope": "/subscriptions/x"}])
def test_wrong_files(server, content):
    put("config.json", content)
    with pytest.raises(UserErrorException) as caught:
        Workspace.from_config()
    assert "config.json" in caught.value.message


def test_no_file_at_all(server):
    with pytest.raises(UserErrorException) as caught:
        Workspace.from_config()
    assert "write_config" in caught.value.hint


def test_create_get_list(server, capsys):
    Workspace.create("mine", subscription_id="s", resource_group="g", tags={"a": "b"})
    assert "mine" in capsys.readouterr().out
    with pytest.raises(WorkspaceException):
        Workspace.create("mine", subscription_id="s", resource_group="g")
    assert Workspace.create("mine", subscription_id="s", resource_group="g", exist_ok=True, show_output=False).tags == {"a": "b"}
    for name in ("ab", "a b", "-abc", "x" * 34, None):
        with pytest.raises(UserErrorException):
            Workspace.create(name)
    with pytest.raises(WorkspaceException) as caught:
        Workspace.get("none")
    assert "Workspace.create" in caught.value.hint
    assert sorted(Workspace.list("s")) == ["default", "mine"]
    details = Workspace("s", "g", "mine").get_details()
    assert details["name"] == "mine" and details["id"].endswith("/workspaces/mine") and details["tags"] == {"a": "b"}


def test_tokens(monkeypatch):
    with FakeServer() as server:
        monkeypatch.setenv("WERKBANK_URL", server.url)
        monkeypatch.setenv("WERKBANK_TOKEN", "from-environment")
        Workspace.get("default")
        Workspace.get("default", auth=ArmTokenAuthentication("given"))
        assert InteractiveLoginAuthentication().get_authentication_header() == {"Authorization": "Bearer from-environment"}
        assert [headers["Authorization"] for _, _, _, headers, _ in server.state.requests] == [
            "Bearer from-environment",
            "Bearer given",
        ]
        server.state.failures.append(401)
        with pytest.raises(AuthenticationException):
            Workspace.get("default")


def test_the_login_that_az_login_keeps_is_used_until_its_time_is_over(monkeypatch):
    with FakeServer() as server:
        monkeypatch.setenv("WERKBANK_URL", server.url + "/")
        login = {"url": server.url, "user": "me", "token": "kept", "expiresUtc": "2999-01-01T00:00:00.000000Z"}
        folder = os.path.join(os.environ["WERKBANK_HOME"], "client")
        os.mkdir(folder)
        for changes, sent in (
            ({}, "Bearer kept"),
            ({"expiresUtc": ""}, "Bearer kept"),
            ({"expiresUtc": "2020-01-01T00:00:00.000000Z"}, None),
            ({"url": "http://other"}, None),
        ):
            put(os.path.join(folder, "login.json"), {"version": 1, "subscription": "", "logins": [dict(login, **changes)]})
            Workspace.get("default")
            assert server.state.requests[-1][3].get("Authorization") == sent
        put(os.path.join(folder, "login.json"), "{")
        with pytest.raises(AuthenticationException) as caught:
            Workspace.get("default")
        assert "az login" in caught.value.hint


def test_a_person_is_asked_to_log_in_once(monkeypatch):
    from azureml._werkbank import login_cache

    asked = []
    monkeypatch.setattr(login_cache, "somebody_is_there", lambda: True)
    monkeypatch.setattr(login_cache, "ask_for_login", lambda variables: asked.append(variables) or True)
    with FakeServer() as server:
        monkeypatch.setenv("WERKBANK_URL", server.url)
        monkeypatch.setattr(login_cache, "cached_token", lambda url: "new" if asked else "")
        server.state.failures.append(401)
        assert Workspace.get("default", auth=InteractiveLoginAuthentication()).name == "default"
        assert asked[0]["WERKBANK_URL"] == server.url and server.state.requests[-1][3]["Authorization"] == "Bearer new"
        asked[:] = []
        server.state.failures.append(401)
        with pytest.raises(AuthenticationException) as caught:
            Workspace.get("default", auth=MsiAuthentication())
        assert not asked and "az login" in caught.value.hint


def test_a_service_principal_brings_its_token(monkeypatch):
    with FakeServer() as server:
        monkeypatch.setenv("WERKBANK_URL", server.url)
        Workspace.get("default", auth=ServicePrincipalAuthentication("tenant", "ci", "a-token"))
        assert server.state.requests[-1][3]["Authorization"] == "Bearer a-token"


def test_on_a_socket_a_service_principals_password_stays_here(server):
    Workspace.get("default", auth=ServicePrincipalAuthentication("tenant", "ci", "a-token"))
    assert "Authorization" not in server.state.requests[-1][3]


def test_secrets(workspace):
    vault = workspace.get_default_keyvault()
    assert isinstance(vault, Keyvault)
    vault.set_secrets({"a": "1", "b": "2"})
    assert vault.get_secrets(["a", "none"]) == {"a": "1", "none": None}
    assert [item["name"] for item in vault.list_secrets()] == ["a", "b"]
    vault.delete_secret("a")
    assert vault.get_secret("a") is None
    with pytest.raises(UserErrorException):
        vault.set_secret("c", 3)


def test_a_workspace_without_data_models_and_services_has_empty_ones(workspace):
    for name in ("datasets", "images", "linked_services", "models", "private_endpoints", "webservices"):
        assert getattr(workspace, name) == {}
    assert workspace.get_default_compute_target("CPU") is None


def test_compute_targets(workspace, capsys):
    from azureml.core.compute import AmlCompute, ComputeTarget
    from azureml.core.compute_target import ComputeTargetException

    local = ComputeTarget(workspace, "local")
    assert (local.name, local.type, local.get_status(), list(workspace.compute_targets)) == (
        "local",
        "local",
        "Succeeded",
        ["local"],
    )
    assert not isinstance(local, AmlCompute) and local.serialize()["properties"]["provisioningState"] == "Succeeded"
    local.wait_for_completion(show_output=True)
    assert 'Provisioning operation finished, operation "Succeeded"' in capsys.readouterr().out
    for use in (
        lambda: ComputeTarget(workspace=workspace, name="cpu-cluster"),
        lambda: ComputeTarget.create(workspace, "local", None),
        lambda: ComputeTarget.create(workspace, "cpu-cluster", None),
        lambda: ComputeTarget.attach(workspace, "vm", None),
        local.delete,
        local.detach,
    ):
        with pytest.raises(ComputeTargetException):
            use()


def test_classes_that_come_later_can_be_imported_but_not_used():
    from azureml.core.model import InferenceConfig
    from azureml.core.compute import AksCompute
    from azureml.core.compute.aks import AksCompute as the_same
    from azureml.core.compute.remote import RemoteCompute

    assert not isinstance(3, AksCompute) and the_same is AksCompute
    for use in (
        lambda: InferenceConfig("a"),
        lambda: AksCompute.provisioning_configuration(),
        lambda: RemoteCompute.attach_configuration(),
    ):
        with pytest.raises(UserErrorException) as caught:
            use()
        assert "later" in caught.value.message


@pytest.mark.parametrize("name", ["azureml.automl.core", "azureml.pipeline.core", "azureml.train.hyperdrive"])
def test_packages_that_come_later_say_so_when_imported(name):
    with pytest.raises(ModuleNotFoundError) as caught:
        __import__(name)
    package = ".".join(name.split(".")[:2])
    assert "later" in caught.value.msg and package in caught.value.msg and caught.value.name in (package, name)


def test_a_misspelt_module_is_only_not_found():
    for name in ("azureml.nonsense", "azureml.core.worksapce"):
        with pytest.raises(ModuleNotFoundError) as caught:
            __import__(name)
        assert "later" not in caught.value.msg


def test_telemetry_is_never_sent():
    from azureml.telemetry import get_diagnostics_collection_info, set_diagnostics_collection

    set_diagnostics_collection(send_diagnostics=True)
    assert get_diagnostics_collection_info()[0] is False


def test_configuration_files_are_found_in_any_case(server):
    put("Config.JSON", KEYS)
    assert Workspace.from_config().name == "mine"
    put("config.json", KEYS)
    with pytest.raises(UserErrorException) as caught:
        Workspace.from_config()
    assert "Config.JSON and config.json" in caught.value.message


def test_setup_makes_what_from_config_finds(server):
    assert Workspace.setup().name == "default" and os.path.exists(".azureml/config.json")
    assert Workspace.from_config().name == Workspace.setup().name == "default"


def test_names_are_reached_through_the_package():
    assert azureml.core.VERSION == "1.61.0" and azureml.core.runconfig.DockerConfiguration().use_docker is False
    with pytest.raises(AttributeError):
        azureml.core.Workspaces
