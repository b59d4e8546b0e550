"""Wrong values through the SDK and both command lines: refused by name, and nothing is made."""

from workbench import PYTHON

NOTEBOOK = """
import os
from azureml.core import Environment, Experiment, Model, RunConfiguration, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.exceptions import ModelPathNotFoundException, ServiceException, UserErrorException

ws = Workspace.get('default')


def refused(kind, code, call, *words):
    try:
        call()
    except kind as error:
        assert error.werkbank_code == code, (code, error.werkbank_code, error.message)
        assert all(word in error.message for word in words), error.message
    else:
        raise AssertionError((code, words))


def make(name='cpu-cluster', **settings):
    settings.setdefault('max_nodes', 1)
    return ComputeTarget.create(ws, name, AmlCompute.provisioning_configuration(**settings))


refused(ComputeTargetException, 'vm_size_unknown', lambda: make(vm_size='STANDARD_D2_V22'), 'STANDARD_D2_V2')
refused(ComputeTargetException, 'invalid_request', lambda: make(vm_size='STANDARD_D2_V2', vm_priority='fast'), 'vm_priority')
refused(ComputeTargetException, 'name_refused', lambda: make('a b', vm_size='STANDARD_D2_V2'), 'a b')
assert 'cpu-cluster' not in ws.compute_targets
size = [each['name'] for each in AmlCompute.supported_vmsizes()][0]
pool = make(vm_size=size)
refused(ComputeTargetException, 'invalid_request', lambda: pool.update(min_nodes=3), 'min_nodes', 'max_nodes')

os.makedirs('src')
open('src/gate.py', 'w').write('open(' + repr(os.environ['GATE']) + ').read()')
own = Environment('own')
own.python.user_managed_dependencies = True
exp = Experiment(ws, 'values')
run = exp.submit(ScriptRunConfig('src', 'gate.py', environment=own, compute_target=pool))
refused(ComputeTargetException, 'target_in_use', pool.delete, run.id)
refused(ServiceException, 'run_state_conflict', lambda: Experiment.delete(ws, exp.id), run.id)
open(os.environ['GATE'], 'w').close()
run.wait_for_completion()
NOT_FOUND = ModelPathNotFoundException, 'model_path_not_found'
refused(*NOT_FOUND, lambda: run.register_model('m', 'outputs/none.pkl'), 'outputs/none.pkl')
refused(*NOT_FOUND, lambda: run.register_model('m'), run.id)
assert Model.list(ws) == []
pool.delete()

config = RunConfiguration()
config.target, config.environment = 'amlcompute', own
config.amlcompute.vm_size = 'STANDARD_D2_V22'
refused(UserErrorException, 'vm_size_unknown', lambda: exp.submit(ScriptRunConfig('src', 'gate.py', run_config=config)))
assert sorted(ws.compute_targets) == ['local'] and len(list(exp.get_runs())) == 1
"""


def test_wrong_values_in_a_notebook(wb, gate):
    wb.start()
    held = gate("values")
    wb.run(PYTHON, "-c", NOTEBOOK, env={"GATE": str(held.path)})
    (run,) = (each["runId"] for each in wb.get("runs")["items"])
    assert "outputs/none" in wb.werkbank("model", "register", "m", "outputs/none", "--run", run, code=2).stderr
    assert (
        "outputs/none"
        in wb.az("ml", "model", "register", "-n", "m", "--run-id", run, "--asset-path", "outputs/none", code=2).stderr
    )


def test_wrong_values_on_the_command_lines(wb):
    wb.start()
    pool = ("--vm-size", "STANDARD_D2_V2", "--max-nodes")
    for words, named in (
        (("cpu", "--vm-size", "STANDARD_D2_V22", "--max-nodes", "1"), "STANDARD_D2_V2"),
        (("cpu", *pool, "two"), "two"),
        (("cpu", *pool, "-1"), "-1"),
        (("cpu", *pool, "1", "--min-nodes", "3"), "more than"),
        (("a b", *pool, "1"), "a b"),
        (("local", *pool, "1"), "local"),
    ):
        assert named in wb.werkbank("compute", "create", *words, code=2).stderr
        az = wb.az("ml", "computetarget", "create", "amlcompute", "-n", *words, code=2)
        assert named in az.stderr
    assert [each["name"] for each in wb.get("compute")["items"]] == ["local"]
