"""AmlCompute and ComputeTarget against a server that only plays one."""

import json

import pytest

from azureml.core import Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute.amlcompute import AmlComputeStatus, ScaleSettings
from azureml.core.compute_target import ComputeTargetException
from azureml.exceptions import ComputeTargetException as TheSame
from fake_server import FakeServer


@pytest.fixture
def workspace(monkeypatch):
    with FakeServer() as server:
        monkeypatch.setenv("WERKBANK_URL", server.url)
        monkeypatch.setenv("WERKBANK_TOKEN", "token")
        workspace = Workspace.get("default")
        workspace.fake = server
        yield workspace


def make(workspace, **settings):
    settings.setdefault("vm_size", "STANDARD_D2_V2")
    return ComputeTarget.create(workspace, "cpucluster", AmlCompute.provisioning_configuration(**settings))


def test_find_or_make_as_users_write_it(workspace, capsys):
    assert ComputeTargetException is TheSame
    with pytest.raises(ComputeTargetException) as caught:
        ComputeTarget(workspace=workspace, name="cpucluster")
    assert "cpucluster" in caught.value.message and "local" in caught.value.message
    assert "cpucluster" not in workspace.compute_targets
    made = make(workspace, min_nodes="0", max_nodes="4", idle_seconds_before_scaledown="300", tags={"team": "digits"})
    made.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
    printed = capsys.readouterr().out
    assert 'Provisioning operation finished, operation "Succeeded"' in printed
    assert printed.endswith(
        "AmlCompute wait for completion finished\n\nMinimum number of nodes requested have been provisioned\n"
    )
    found = workspace.compute_targets["cpucluster"]
    assert type(found) is AmlCompute and type(ComputeTarget(workspace=workspace, name="cpucluster")) is AmlCompute
    assert type(AmlCompute(workspace, "cpucluster")) is AmlCompute
    assert (found.type, found.vm_size, found.vm_priority, found.tags) == (
        "AmlCompute",
        "STANDARD_D2_V2",
        "dedicated",
        {"team": "digits"},
    )
    with pytest.raises(ComputeTargetException):
        AmlCompute(workspace, "local")


def test_status_is_what_v1_showed(workspace):
    status = make(workspace, min_nodes=1, max_nodes=4).get_status()
    plain = status.serialize()
    assert (plain["currentNodeCount"], plain["allocationState"], plain["vmPriority"]) == (1, "Steady", "dedicated")
    assert plain["scaleSettings"] == {"minNodeCount": 1, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    assert sorted(plain["nodeStateCounts"]) == [
        "idleNodeCount",
        "leavingNodeCount",
        "preemptedNodeCount",
        "preparingNodeCount",
        "runningNodeCount",
        "unusableNodeCount",
    ]
    assert AmlComputeStatus.deserialize(plain).serialize() == plain
    assert ScaleSettings.deserialize(plain["scaleSettings"]).idle_seconds_before_scaledown == 120


def test_change_look_and_delete(workspace):
    pool = make(workspace)
    pool.update(min_nodes=0, max_nodes="2", idle_seconds_before_scaledown=60)
    sent = [json.loads(body.decode("utf-8")) for body in workspace.fake.sent("PATCH", "/compute/cpucluster")]
    assert sent == [{"settings": {"minNodes": 0, "maxNodes": 2, "idleSecondsBeforeScaledown": 60}}]
    assert [node["nodeState"] for node in pool.list_nodes()] == ["idle"]
    assert pool.get()["properties"]["properties"]["vmSize"] == "STANDARD_D2_V2"
    assert AmlCompute.deserialize(workspace, pool.serialize()).name == "cpucluster"
    assert AmlCompute.supported_vmsizes(workspace=workspace)[0]["vCPUs"] == 2 == AmlCompute.supported_vmsizes()[0]["vCPUs"]
    pool.add_identity("UserAssigned", ["/subscriptions/s/identity"])
    assert pool.identity_id == ["/subscriptions/s/identity"]
    pool.remove_identity()
    assert pool.identity_id is None
    workspace.fake.state.targets_in_use = True
    with pytest.raises(ComputeTargetException) as caught:
        pool.delete()
    assert caught.value.werkbank_code == "target_in_use"
    workspace.fake.state.targets_in_use = False
    pool.delete()
    assert list(workspace.compute_targets) == ["local"]


def test_waiting_for_more_nodes_than_there_are_ends(workspace, capsys):
    make(workspace).wait_for_completion(show_output=True, min_node_count=1, timeout_in_minutes=0)
    printed = capsys.readouterr().out
    assert "Wait timeout has been reached" in printed and 'current node count is "0"' in printed


@pytest.mark.parametrize(
    "settings",
    [
        {"vm_size": ""},
        {"min_nodes": 5, "max_nodes": 4},
        {"min_nodes": -1},
        {"max_nodes": "four"},
        {"idle_seconds_before_scaledown": None},
        {"vm_size": "STANDARD_NC6"},
    ],
)
def test_bad_settings_are_refused(workspace, settings):
    with pytest.raises(ComputeTargetException):
        make(workspace, **settings)
    assert not workspace.fake.state.targets


def test_what_is_no_configuration_is_refused(workspace):
    for given in (None, "STANDARD_D2_V2"):
        with pytest.raises(ComputeTargetException) as caught:
            ComputeTarget.create(workspace, "cpucluster", given)
        assert "provisioning_configuration" in caught.value.hint
    for reserved in ("amlcompute", "local", "containerinstance"):
        with pytest.raises(ComputeTargetException):
            ComputeTarget.create(workspace, reserved, AmlCompute.provisioning_configuration("STANDARD_D2_V2"))


def test_the_network_of_a_pool_is_kept_and_shown(workspace):
    pool = make(workspace, vnet_resourcegroup_name="group", vnet_name="net", subnet_name="inner")
    for each in (pool, ComputeTarget(workspace, "cpucluster")):
        assert (each.vnet_resourcegroup_name, each.vnet_name, each.subnet_name) == ("group", "net", "inner")
        assert each.serialize()["properties"]["properties"]["subnet"]["id"].endswith(
            "/resourceGroups/group/providers/Microsoft.Network/virtualNetworks/net/subnets/inner"
        )
    pool.delete()
    plain = make(workspace)
    assert (plain.vnet_name, plain.serialize()["properties"]["properties"]["subnet"]) == (None, None)


def test_default_pools_are_those_of_their_names(workspace):
    assert workspace.get_default_compute_target("CPU") is None
    configuration = Workspace.DEFAULT_CPU_CLUSTER_CONFIGURATION
    assert (configuration.vm_size, configuration.scale_settings.maximum_node_count) == ("STANDARD_DS2_V2", 2)
    made = Workspace.create("default", default_cpu_compute_target=configuration, exist_ok=True, show_output=False)
    again = Workspace.create("default", default_cpu_compute_target=configuration, exist_ok=True, show_output=False)
    assert made.get_default_compute_target("cpu").name == "cpu-cluster" == again.get_default_compute_target("CPU").name
    assert made.get_default_compute_target("GPU") is None


def test_quotas_are_listed_and_set(workspace):
    assert [each["name"]["value"] for each in AmlCompute.list_usages(workspace)] == ["cores", "runs"]
    assert len(AmlCompute.list_usages(workspace, show_all=True)) == 5
    assert {each["limit"] for each in AmlCompute.list_quotas(workspace)} == {None}
    changed = AmlCompute.update_quotas(workspace, ["cores", "gpus"], ["4", 0])
    assert [(each["name"]["value"], each["limit"]) for each in changed][:2] == [("cores", 4), ("gpus", 0)]
    (cores,) = [each for each in AmlCompute.list_usages(workspace) if each["name"]["value"] == "cores"]
    assert (cores["currentValue"], cores["limit"], cores["unit"]) == (2, 4, "Count")
    AmlCompute.update_quotas(workspace, "cores")
    assert AmlCompute.list_quotas(workspace)[0]["limit"] is None
    for family, limit in (("standardDv2Family", 4), ("cores", -1), (["cores", "runs"], [1])):
        with pytest.raises(ComputeTargetException):
            AmlCompute.update_quotas(workspace, family, limit)
