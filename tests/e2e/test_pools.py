"""A pool of nodes on this machine, as users of v1 and of the command line meet it."""

import json

from workbench import PYTHON

POOL = """
import sys
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException

ws = Workspace.from_config()
try:
    target = ComputeTarget(workspace=ws, name='cpucluster')
    raise SystemExit('it is there already')
except ComputeTargetException:
    configuration = AmlCompute.provisioning_configuration(
        vm_size='STANDARD_D1_V2', min_nodes=0, max_nodes='2', idle_seconds_before_scaledown='1')
    target = ComputeTarget.create(ws, 'cpucluster', configuration)
target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
assert type(ws.compute_targets['cpucluster']) is AmlCompute
assert target.get_status().serialize()['currentNodeCount'] == 0

environment = Environment('own')
environment.python.user_managed_dependencies = True
environment.python.interpreter_path = sys.executable
source = ScriptRunConfig('code', 'train.py', compute_target=target, environment=environment)
run = Experiment(ws, 'pools').submit(source)
details = run.wait_for_completion(show_output=True)
assert details['status'] == 'Completed', details
assert [each.id for each in target.get_active_runs()] == []
target.delete()
assert 'cpucluster' not in ws.compute_targets
print('cores:', run.get_metrics()['cores'])
"""

TRAIN = """
import os
from azureml.core import Run
Run.get_context().log('cores', len(os.sched_getaffinity(0)))
print('target type', os.environ['AZUREML_TARGET_TYPE'])
"""


def test_a_pool_is_made_used_and_deleted_from_python(wb):
    project = wb.project({"config.json": json.dumps(dict(subscription_id="s", resource_group="g", workspace_name="pools"))})
    (project / "code").mkdir()
    (project / "code" / "train.py").write_text(TRAIN)
    printed = wb.run(PYTHON, "-c", POOL, cwd=project).stdout
    assert "cores: 1" in printed and "target type amlcompute" in printed
    assert 'Provisioning operation finished, operation "Succeeded"' in printed


def test_a_pool_and_its_run_outlive_the_server(wb, gate):
    """From the command lines: one node for two runs; the server dies in between; deleting waits for the runs."""
    go = gate("go")
    refused = wb.werkbank("compute", "create", "pool", "--vm-size", "STANDARD_D2V2", code=2)
    assert "vm_size_unknown" in refused.stderr and "STANDARD_D2_V2" in refused.stderr
    wb.az("ml", "computetarget", "create", "amlcompute", "-n", "pool", "--vm-size", "whole_machine", "--max-nodes", "1")
    first = wb.submit(f"print('ready', flush=True); open({str(go.path)!r}).read()", target="pool")
    wb.await_line(first, "ready")
    second = wb.submit("print('second')", target="pool")
    wb.wait(second, {"Queued"})
    wb.kill_server()
    wb.start()
    (node,) = json.loads(wb.werkbank("compute", "nodes", "pool", "-o", "json").stdout)
    assert (node["runId"], node["nodeState"]) == (first, "running")
    assert first in wb.werkbank("why", second).stdout  # it holds the node
    in_use = wb.werkbank("compute", "delete", "pool", code=2)
    assert "target_in_use" in in_use.stderr and first in in_use.stderr
    go.open()
    assert wb.completed(first)["attempt"] == 1
    wb.completed(second)
    listed = wb.werkbank("compute", "list").stdout
    assert "pool" in listed and "WHOLE_MACHINE" in listed
    wb.werkbank("compute", "delete", "pool")
    assert "pool" not in wb.werkbank("compute", "list").stdout


def test_a_dedicated_run_takes_the_node_of_a_cheap_one_which_runs_again(wb, gate):
    go = gate("go")
    for name, priority in (("cheap", "lowpriority"), ("dedicated", "dedicated")):
        pool = ["--vm-size", "WHOLE_MACHINE", "--max-nodes", "1", "--idle-seconds-before-scaledown", "0"]
        wb.werkbank("compute", "create", name, *pool, "--vm-priority", priority)
    script = f"import os; print('attempt', os.environ['WERKBANK_ATTEMPT'], flush=True); open({str(go.path)!r}).read()"
    cheap = wb.submit(script, target="cheap")
    wb.await_line(cheap, "attempt 1")
    first = wb.runner_pids()
    holder = wb.submit(f"print('mine', flush=True); open({str(go.path)!r}).read()", target="dedicated")
    wb.await_line(holder, "mine")
    wb.await_gone(first)
    assert wb.wait(cheap, {"Queued"})["warnings"]
    go.open()
    wb.completed(holder)
    wb.await_line(cheap, "attempt 2")
    go.open()
    assert wb.completed(cheap)["attempt"] == 2


def test_a_run_configuration_brings_its_pool_along(wb):
    section = "amlcompute:\n  vmSize: WHOLE_MACHINE\n  vmPriority: lowpriority\n"
    configuration = f"script: train.py\ntarget: amlcompute\n{section}environment:\n  python:\n    userManagedDependencies: true\n"
    configuration += f"    interpreterPath: {PYTHON}\n"
    project = wb.project({".azureml/burst.runconfig": configuration, "train.py": "print('here')"})
    done = wb.werkbank("run", "submit", "-c", "burst", cwd=project)
    assert "here" in done.stdout
    (run,) = wb.get("runs")["items"]
    assert run["status"] == "Completed" and run["target"].startswith("amlcompute-")
    (project / ".azureml" / "burst.runconfig").write_text(configuration.replace(section, ""))
    refused = wb.werkbank("run", "submit", "-c", "burst", cwd=project, code=2)
    assert "vmSize" in refused.stderr


KEPT = """
from azureml.core import Experiment, RunConfiguration, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute

ws = Workspace.from_config()
assert AmlCompute.supported_vmsizes()
written = RunConfiguration.load('.', 'kept')
assert (written.amlcompute.max_nodes, written.amlcompute.vm_priority, written.node_count) == (2, 'lowpriority', 1)
config = RunConfiguration()
config.target = 'amlcompute'
config.amlcompute.vm_size = 'WHOLE_MACHINE'
config.amlcompute.max_nodes = 1
config.environment.python.user_managed_dependencies = True
config.environment.python.interpreter_path = written.environment.python.interpreter_path
run = Experiment(ws, 'burst').submit(ScriptRunConfig('.', 'train.py', run_config=config))
run.wait_for_completion()
assert run.get_details()['target'].startswith('amlcompute-'), run.get_details()['target']
again = Experiment(ws, 'burst').submit(ScriptRunConfig('.', 'train.py', run_config=written))
again.wait_for_completion()
assert again.get_details()['target'] == 'kept', again.get_details()['target']
kept = ws.compute_targets['kept']
assert type(kept) is AmlCompute and kept.scale_settings.maximum_node_count == 2
"""


def test_the_section_amlcompute_governs_the_pool_of_a_run(wb):
    """The documents' words: max_nodes, clusterMaxNodeCount, vmPriority, retainCluster, node_count."""
    section = "amlcompute:\n  vmSize: WHOLE_MACHINE\n  vmPriority: lowpriority\n  name: kept\n  retainCluster: true\n"
    section += "  clusterMaxNodeCount: 2\nnodeCount: 1\n"
    configuration = f"script: train.py\ntarget: amlcompute\n{section}environment:\n  python:\n    userManagedDependencies: true\n"
    configuration += f"    interpreterPath: {PYTHON}\n"
    names = {"subscription_id": "s", "resource_group": "g", "workspace_name": "default"}
    project = wb.project(
        {".azureml/kept.runconfig": configuration, "train.py": "print('here')", "config.json": json.dumps(names)}
    )
    wb.werkbank("run", "submit", "-c", "kept", cwd=project)
    settings = wb.get("compute/kept")["settings"]
    assert (settings["maxNodes"], settings["vmPriority"], settings["vmSize"]) == (2, "lowpriority", "WHOLE_MACHINE")
    wb.run(PYTHON, "-c", KEPT, cwd=project)
    assert wb.get("compute/kept")["settings"]["maxNodes"] == 2
