"""azureml.core against the true server: the calls of v1's documents and of everyday notebooks, each story one program."""

import json

from workbench import PYTHON

TRAIN = """
import argparse, os
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument('--regularization', type=float, dest='reg', default=0.01)
parser.add_argument('--flag')
parser.add_argument('--folder')
args = parser.parse_args()
run = Run.get_context()
run.log('regularization rate', float(args.reg))
run.log('accuracy', 0.9204)
print('Accuracy is', 0.9204, args.flag, args.folder)
os.makedirs('outputs', exist_ok=True)
open('outputs/model.pkl', 'w').write('model')
"""


def test_the_training_tutorial(shared_wb):
    """Workspace file, experiment, folder made by the notebook, environment, ScriptRunConfig as of 2021, wait, metrics, files."""
    project = shared_wb.project({"config.json": json.dumps(dict(subscription_id="s", resource_group="g", workspace_name="tut"))})
    shared_wb.run(
        PYTHON,
        "-c",
        f"""
import os, pathlib
import azureml.core
from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
print('This notebook was made for version', azureml.core.VERSION)
ws = Workspace.from_config()
assert (ws.name, ws.location, ws.resource_group) == ('tut', 'local', 'g')
exp = Experiment(workspace=ws, name='Tutorial-sklearn-mnist')
script_folder = os.path.join(os.getcwd(), 'sklearn-mnist')
os.makedirs(script_folder, exist_ok=True)
open(os.path.join(script_folder, 'train.py'), 'w').write({TRAIN!r})
assert 'cpu-cluster' not in ws.compute_targets
compute_target = ws.compute_targets['local']
assert type(compute_target) is not AmlCompute and ComputeTarget(ws, 'local').name == 'local'
env = Environment('user-managed-env')
env.python.user_managed_dependencies = True
env.register(workspace=ws)
args = ['--folder', pathlib.PurePosixPath('data/in'), '--regularization', 0.5, '--flag', True]
src = ScriptRunConfig(source_directory=script_folder, script='train.py', arguments=args, compute_target=compute_target,
                      environment=env)
run = exp.submit(config=src)
assert run.get_status() in ('NotStarted', 'Queued', 'Preparing', 'Starting', 'Running', 'Finalizing', 'Completed')
run.wait_for_completion(show_output=False)
assert run.get_metrics() == {{'regularization rate': 0.5, 'accuracy': 0.9204}}, run.get_metrics()
assert [each.id for each in Run.list_by_compute(compute_target, status='Completed')] == [run.id]
names = run.get_file_names()
assert 'outputs/model.pkl' in names and 'azureml-logs/70_driver_log.txt' in names, names
run.download_file('azureml-logs/70_driver_log.txt', output_file_path='log.txt')
assert open('log.txt').read() == 'Accuracy is 0.9204 True data/in\\n'
details = run.get_details()
assert details['runDefinition']['arguments'] == ['--folder', 'data/in', '--regularization', '0.5', '--flag', 'True']
assert details['target'] == 'local' and details['status'] == 'Completed' and details['endTimeUtc']
model = run.register_model(model_name='sklearn_mnist', model_path='outputs/model.pkl')
assert (model.name, model.id, model.version) == ('sklearn_mnist', 'sklearn_mnist:1', 1) and model.run_id == run.id
""",
        cwd=project,
    )


def test_run_configurations_as_of_2018(shared_wb):
    """User-managed by default and by interpreter, run_config given apart, both dialects of files, a framework in any case."""
    project = shared_wb.project(
        {
            "train.py": TRAIN,
            "aml_config/myhdi.runconfig": "ArgumentVector:\n- train.py\n- --regularization\n- 0.10\nTarget: local\n"
            "Framework: Python\nPrepareEnvironment: true\nEnvironmentVariables:\n\"A\": \"1\"\n",
        }
    )
    shared_wb.run(
        PYTHON,
        "-c",
        """
import sys
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.core.runconfig import DEFAULT_CPU_IMAGE, RunConfiguration
ws = Workspace.get('default')
exp = Experiment(ws, 'my_experiment')
script_run_config = ScriptRunConfig(source_directory='.', script='train.py')
script_run_config.run_config.target = 'local'
script_run_config.run_config.framework = 'python'
assert script_run_config.run_config.environment.name == 'default-environment'
first = exp.submit(config=script_run_config)
run_config = RunConfiguration(framework='python')
run_config.environment.python.user_managed_dependencies = True
run_config.environment.python.interpreter_path = sys.executable
run_config.auto_prepare_environment = True
run_config.prepare_environment = True
assert DEFAULT_CPU_IMAGE
second = exp.submit(ScriptRunConfig('.', script='train.py', arguments=['--regularization', 0.25], run_config=run_config))
old = RunConfiguration.load(project_object=ws, run_config_name='myhdi')
old.auto_prepare_environment = True
third = exp.submit(ScriptRunConfig('.', run_config=old))
for run, rate in ((first, 0.01), (second, 0.25), (third, 0.1)):
    run.wait_for_completion(show_output=False)
    assert run.get_metrics('regularization rate') == {'regularization rate': rate}, run.get_details()
assert third.get_details()['runDefinition']['arguments'] == ['--regularization', '0.10']
assert [run.id for run in exp.get_runs()] == [third.id, second.id, first.id]
old.save('.', 'later')
again = RunConfiguration.load('.', 'later')
assert (again.script, again.arguments, again.target) == ('train.py', ['--regularization', '0.10'], 'local')
""",
        cwd=project,
    )


def test_a_failed_run_raises_with_its_error(shared_wb):
    project = shared_wb.project({"train.py": "import sys\nprint('before')\nsys.exit('no data')\n"})
    done = shared_wb.run(
        PYTHON,
        "-c",
        """
import json
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.exceptions import ActivityFailedException
run = Experiment(Workspace.get('default'), 'failing').submit(ScriptRunConfig('.', 'train.py'))
try:
    run.wait_for_completion(show_output=True)
except ActivityFailedException as error:
    assert json.loads(error.message[error.message.index('{'):])['error']['code'] == 'UserError', error.message
else:
    raise AssertionError('a failed run has to raise')
assert run.wait_for_completion(raise_on_error=False)['status'] == run.get_status() == run.status == 'Failed'
logs = run.get_details_with_logs()['logFiles']
assert logs['azureml-logs/70_driver_log.txt'] == 'before\\nno data\\n', logs
assert [path.replace('\\\\', '/') for path in run.get_all_logs('kept')][-1].endswith('70_driver_log.txt')
assert open('kept/azureml-logs/70_driver_log.txt').read() == 'before\\nno data\\n'
""",
        cwd=project,
    )
    assert "Streaming azureml-logs/70_driver_log.txt" in done.stdout and "Execution Summary" in done.stdout, done.stdout


def test_what_a_notebook_does_with_a_run_of_its_own(shared_wb):
    project = shared_wb.project({"note.txt": "kept", "plots/a.txt": "a", "plots/deep/b.txt": "b"})
    shared_wb.run(
        PYTHON,
        "-c",
        """
import os
from azureml.core import Experiment, Run, Workspace, get_run
from azureml.exceptions import AzureMLException, UserErrorException
ws = Workspace.get('default')
exp = Experiment(ws, 'notebook')
with exp.start_logging(display_name='first', snapshot_directory='.') as run:
    run.log('a', 1); run.log('a', 2.5); run.log_list('l', [1, 2, 3]); run.log_row('r', x=1, y=2)
    run.log_table('t', {'x': [1, 2], 'y': [3, 4]})
    run.log_confusion_matrix('c', {'schema_type': 'confusion_matrix', 'schema_version': '1.0.0',
                                   'data': {'class_labels': ['0', '1'], 'matrix': [[1, 2], [3, 4]]}})
    run.tag('quality', 'good'); run.tag('flag'); run.set_tags({'n': 3}); run.remove_tags(['flag'])
    run.add_properties({'fixed': 1})
    run.upload_file('note.txt', 'note.txt')
    run.upload_folder('plots', 'plots')
    os.makedirs('outputs', exist_ok=True)
    open('outputs/o.txt', 'w').write('o')
    children = [run.child_run('fold-0')] + run.create_children(count=2) + run.create_children(tag_key='k', tag_values=['x', 'y'])
    with children[0] as child:
        child.log('loss', 0.5)
    for child in children[1:]:
        child.start(); child.complete()
assert run.get_status() == 'Completed' and run.name == 'first'
metrics = run.get_metrics()
assert metrics['a'] == [1, 2.5] and metrics['l'] == [1, 2, 3] and metrics['r'] == {'x': 1, 'y': 2}, metrics
assert metrics['t'] == {'x': [1, 2], 'y': [3, 4]} and metrics['c'].startswith('aml://artifactId/ExperimentRun/dcid.'), metrics
assert run.get_metrics('c', populate=True)['c'].content['data']['matrix'] == [[1, 2], [3, 4]]
assert run.get_metrics(recursive=True)[children[0].id] == {'loss': 0.5}
assert run.get_tags() == {'quality': 'good', 'n': '3'} and run.get_properties()['fixed'] == '1'
try:
    run.add_properties({'fixed': 2})
except UserErrorException as error:
    assert error.werkbank_code == 'property_exists'
else:
    raise AssertionError('a property cannot be changed')
assert run.get_file_names() == ['c', 'note.txt', 'outputs/o.txt', 'plots/a.txt', 'plots/deep/b.txt'], run.get_file_names()
run.download_files(prefix='plots', output_directory='got')
run.download_files(prefix='plots/', output_directory='cut', append_prefix=False)
assert open('got/plots/deep/b.txt').read() == open('cut/deep/b.txt').read() == 'b'
run.restore_snapshot(path='snapshot')
assert len(list(run.get_children())) == 5 and len(list(run.get_children(tags={'k': 'x'}))) == 1
batch = 'azureml.batch_child_number'
assert sorted(child.get_tags()[batch] for child in run.get_children(tags=batch)) == ['0', '1']
assert children[0].parent.id == run.id and children[0].name == 'first>fold-0', children[0].name
assert repr(run) == 'Run(Experiment: notebook,\\nId: {},\\nType: None,\\nStatus: Completed)'.format(run.id), repr(run)
assert run.id in run._repr_html_() and run.get_portal_url()
try:
    with exp.start_logging(snapshot_directory=None, outputs='none') as failing:
        raise ValueError('boom')
except ValueError:
    pass
assert failing.get_status() == 'Failed' and 'boom' in failing.get_details()['error']['error']['message'], failing.get_details()
canceled = exp.start_logging(snapshot_directory=None, outputs='none')
canceled.cancel()
assert [each.id for each in exp.get_runs(tags={'quality': 'good'})] == [run.id]
assert [each.id for each in exp.get_runs(properties={'fixed': '1'})] == [run.id]
assert [each.id for each in Run.list(exp, status='Canceled')] == [canceled.id]
assert len(list(exp.get_runs())) == 3 and len(list(exp.get_runs(include_children=True))) == 8
assert Run.get(ws, run.id).number == run.number == get_run(exp, run.id).number
exp.set_tags({'project': 'x'}); exp.tag('y', 1); exp.remove_tags(['y'])
assert [each.name for each in Experiment.list(ws, tags={'project': 'x'})] == ['notebook']
assert ws.experiments['notebook'].tags == {'project': 'x'}
exp.archive()
assert 'notebook' not in ws.experiments and [e.name for e in Experiment.list(ws, view_type='ArchivedOnly')] == ['notebook']
exp.reactivate()
other = Experiment(ws, 'to-delete')
Experiment.delete(ws, other.id)
assert 'to-delete' not in ws.experiments
""",
        cwd=project,
    )


def test_environments_are_registered_found_and_built(shared_wb):
    shared_wb.python("""
from azureml.core import Environment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import AzureMLException, UserErrorException
ws = Workspace.get('default')
env = Environment('tutorial-env')
env.python.conda_dependencies = CondaDependencies.create(pip_packages=['azureml-defaults'],
                                                         conda_packages=['scikit-learn==0.22.1'])
env.docker.base_dockerfile = 'FROM ubuntu:22.04'
env.inferencing_stack_version = 'latest'
env.environment_variables = {'A': '1'}
first = env.register(workspace=ws)
assert (first.version, env.register(ws).version) == ('1', '1')
env.environment_variables = {'A': '2'}
assert env.register(ws).version == '2'
assert Environment.get(ws, 'tutorial-env').environment_variables == {'A': '2'}
found = Environment.get(workspace=ws, name='tutorial-env', version='1')
assert found.environment_variables == {'A': '1'} and found.docker.base_dockerfile == 'FROM ubuntu:22.04'
assert found.inferencing_stack_version == 'latest'
assert 'scikit-learn==0.22.1' in list(found.python.conda_dependencies.conda_packages)
minimal = Environment.get(workspace=ws, name='AzureML-Minimal')
assert list(minimal.python.conda_dependencies.pip_packages) == ['azureml-defaults']
assert {'AzureML-Minimal', 'AzureML-Tutorial', 'AzureML-sklearn-1.5', 'tutorial-env'} <= set(ws.environments)
copy = minimal.clone('mine')
assert copy.register(ws).version == '1'
for wrong in (minimal.register, Environment('azureml-mine').register):
    try:
        wrong(ws)
    except UserErrorException as error:
        assert error.werkbank_code == 'name_refused' and 'curated' in error.message
    else:
        raise AssertionError('a curated name was taken')
for arguments in (dict(name='AzureML-Minimal', version='7'), dict(name='none')):
    try:
        Environment.get(ws, **arguments)
    except AzureMLException as error:
        assert error.werkbank_code == 'environment_not_found' and 'Environment.list' in error.hint
    else:
        raise AssertionError(arguments)
Environment.label(ws, 'tutorial-env', '1', ['stable'])
assert Environment.get(ws, 'tutorial-env', label='stable').version == '1'
own = Environment('own')
own.python.user_managed_dependencies = True
build = own.build(ws).wait_for_completion(show_output=False)
assert build.status == 'Succeeded', build.get_log()
own.python.interpreter_path = '/nonexistent/python'
assert own.build(ws).wait_for_completion(show_output=False).status == 'Failed'
""")


def test_secrets_and_children_in_a_job(shared_wb):
    project = shared_wb.project(
        {
            "train.py": """
from azureml.core import Run, ScriptRunConfig
run = Run.get_context()
assert run.get_secret('db-password') == 'hunter2'
assert run.get_secrets(['db-password', 'none']) == {'db-password': 'hunter2', 'none': None}
for fold in range(2):
    with run.child_run('fold-%d' % fold) as child:
        child.log('loss', fold)
grandchild = run.submit_child(ScriptRunConfig('.', 'leaf.py'))
grandchild.wait_for_completion()
run.log('leaf', grandchild.get_metrics()['leaf'])
""",
            "leaf.py": "from azureml.core import Run\nRun.get_context().log('leaf', 7)\n",
        }
    )
    shared_wb.run(
        PYTHON,
        "-c",
        """
from azureml.core import Experiment, ScriptRunConfig, Workspace
ws = Workspace.get('default')
vault = ws.get_default_keyvault()
vault.set_secret(name='db-password', value='hunter2')
assert 'db-password' in [item['name'] for item in vault.list_secrets()]
run = Experiment(ws, 'family').submit(ScriptRunConfig('.', 'train.py'))
run.wait_for_completion()
children = list(run.get_children())
assert len(children) == 3 and run.get_metrics()['leaf'] == 7, run.get_details()
assert sorted(child.type for child in children if child.type) == ['azureml.scriptrun']
vault.delete_secret('db-password')
assert vault.get_secret('db-password') is None
""",
        cwd=project,
    )


def test_what_this_machine_cannot_do_is_refused_before_anything_starts(shared_wb):
    project = shared_wb.project({"train.py": "print('never')\n"})
    shared_wb.run(
        PYTHON,
        "-c",
        """
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.core.runconfig import MpiConfiguration, PyTorchConfiguration, TensorflowConfiguration
from azureml.exceptions import UserErrorException
exp = Experiment(Workspace.get('default'), 'distributed')
for given in (MpiConfiguration(node_count=2), PyTorchConfiguration(process_count=4, node_count=2),
              TensorflowConfiguration(worker_count=2)):
    try:
        exp.submit(ScriptRunConfig('.', 'train.py', distributed_job_config=given))
    except UserErrorException as error:
        assert error.werkbank_code == 'not_supported', error.message
    else:
        raise AssertionError(given)
try:
    exp.submit(ScriptRunConfig('.', 'train.py', compute_target='cpu-cluster'))
except UserErrorException as error:
    assert error.werkbank_code == 'target_unknown' and error.hint
else:
    raise AssertionError('an unknown target')
assert list(exp.get_runs()) == []
""",
        cwd=project,
    )


def test_workspaces_are_made_listed_changed_and_deleted(shared_wb):
    project = shared_wb.project({})
    shared_wb.run(
        PYTHON,
        "-c",
        """
from azureml.core import Workspace
from azureml.core.authentication import AzureCliAuthentication, InteractiveLoginAuthentication, MsiAuthentication
from azureml.core.authentication import ServicePrincipalAuthentication
from azureml.exceptions import UserErrorException, WorkspaceException
ws = Workspace.create(name='myws', subscription_id='sub', resource_group='rg', location='eastus2', create_resource_group=True,
                      sku='basic', tags={'a': 'b'}, friendly_name='Mine', exist_ok=True)
ws.write_config()
for auth in (None, InteractiveLoginAuthentication(tenant_id='t'), AzureCliAuthentication(), MsiAuthentication(),
             ServicePrincipalAuthentication('t', 'i', 'p')):
    found = Workspace.from_config(auth=auth)
    assert (found.name, found.subscription_id, found.resource_group) == ('myws', 'sub', 'rg')
    assert (found.location, found.tags) == ('eastus2', {'a': 'b'})
details = ws.get_details()
assert details['id'] == '/subscriptions/sub/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/myws'
assert details['friendlyName'] == 'Mine' and list(Workspace.list('sub', resource_group='rg')) == ['myws']
assert ws.update(description='changed', tags={'c': 'd'})['tags']['c'] == 'd'
assert Workspace.get('myws', subscription_id='sub').get_details()['description'] == 'changed'
assert ws.models == ws.datasets == ws.webservices == ws.images == {} and list(ws.compute_targets) == ['local']
ws.delete(delete_dependent_resources=True)
try:
    Workspace.get('myws')
except WorkspaceException as error:
    assert error.werkbank_code == 'workspace_not_found'
else:
    raise AssertionError('it is still there')
try:
    Workspace.create('x')
except UserErrorException:
    pass
else:
    raise AssertionError('a name that is too short')
""",
        cwd=project,
    )
