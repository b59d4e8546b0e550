"""Workspaces: configuration files, creation, logins, secrets, and what comes later."""

import json
import os

import pytest

import azureml.core
from azureml.core import Keyvault, Workspace
from azureml.core.authentication import ArmTokenAuthentication, InteractiveLoginAuthentication
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


@pytest.mark.parametrize("name", ["datasets", "datastores", "models", "webservices", "compute_targets", "images"])
def test_what_comes_later_says_so(workspace, name):
    with pytest.raises(UserErrorException) as caught:
        getattr(workspace, name)
    assert name in caught.value.message and "later" in caught.value.message


def test_classes_that_come_later_can_be_imported_but_not_used():
    from azureml.core import Dataset, Model
    from azureml.core.compute import AmlCompute, ComputeTarget

    assert not isinstance(3, ComputeTarget)
    for use in (
        lambda: Dataset.Tabular,
        lambda: Model("a"),
        lambda: AmlCompute.provisioning_configuration(),
        lambda: ComputeTarget(None, "a"),
    ):
        with pytest.raises(UserErrorException) as caught:
            use()
        assert "later" in caught.value.message


def test_names_are_reached_through_the_package():
    assert azureml.core.VERSION == "1.61.0" and azureml.core.runconfig.DockerConfiguration().use_docker is False
    with pytest.raises(AttributeError):
        azureml.core.Workspaces
