"""Runs and their environments by the SDK: every member in v1's forms, in the job and outside."""

MEMBERS_IN_A_JOB = """
import os
from azureml.core import Run
from azureml.core.run import _OfflineRun

run = Run.get_context()
assert not isinstance(run, _OfflineRun) and hasattr(run, 'experiment') and run.experiment.workspace.name == 'default'
assert run.get_status() == 'Running' and run.type == 'azureml.scriptrun' and run.name == 'run_' + run.id and run.number > 0
run.log('a', 1)
run.log(name='a', value=2.5, description='d')
run.log_list(name='l', value=[1, 2], description='')
run.log_row('r', x=1, y=2)
run.log_row(name='r', description='', x=3, y=4)
run.log_table(name='t', value={'x': [1, 2]})
run.tag('only')
run.tag('k', 'v')
run.set_tags({'s': 1})
run.remove_tags(['only'])
run.add_properties({'p': '1'})
os.makedirs('outputs')
for name in ('outputs/model.pkl', 'extra.txt'):
    with open(name, 'w') as stream:
        stream.write(name)
run.upload_file('one.txt', 'extra.txt')
run.upload_file(name='two.txt', path_or_stream='extra.txt')
run.upload_folder(name='folder', path='outputs')
run.upload_files(names=['three.txt'], paths=['extra.txt'])
run.flush()
assert run.get_metrics() == {'a': [1, 2.5], 'l': [1, 2], 'r': {'x': [1, 3], 'y': [2, 4]}, 't': {'x': [1, 2]}}, run.get_metrics()
assert run.get_metrics(name='a') == {'a': [1, 2.5]}
numbered = run.create_children(count=2)
assert [each.get_tags()['azureml.batch_child_number'] for each in numbered] == ['0', '1']
tagged = run.create_children(tag_key='fold', tag_values=['a', 'b'])
assert [each.get_tags() for each in tagged] == [{'fold': 'a'}, {'fold': 'b'}]
for each in numbered + tagged:
    each.start()
    each.complete()
assert len(list(run.get_children(recursive=True, status='Completed'))) == 4
assert [each.get_tags()['fold'] for each in run.get_children(tags={'fold': 'a'})] == ['a']
failed = run.child_run()
failed.fail(error_details='no luck', error_code='Luck')
assert failed.get_details()['error']['error']['message'] == 'no luck' and failed.get_status() == 'Failed'
assert run.get_submitted_run().id == run.id and run.parent is None and tagged[0].parent.id == run.id
assert run.input_datasets == {} and run.output_datasets == {} and run.get_snapshot_id()
run.complete()
print(run.get_status())
"""


def test_a_submit_registers_its_environment(shared_wb, tmp_path):
    folder = shared_wb.project({"train.py": "from azureml.core import Run\nprint(Run.get_context().get_environment().version)\n"})
    shared_wb.python(f"""
import sys
from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.runconfig import DockerConfiguration
from azureml.exceptions import UserErrorException
ws = Workspace.get('default')
experiment = Experiment(ws, 'environments')

def used(environment, **more):
    run = experiment.submit(ScriptRunConfig({str(folder)!r}, 'train.py', environment=environment, **more))
    run.wait_for_completion()
    return run, run.get_environment()

env = Environment('by-submit')
env.python.user_managed_dependencies = True
env.docker.base_image = 'mcr.example/image:1'
env.environment_variables = {{'A': '1'}}
run, environment = used(env)
assert (environment.name, environment.version) == ('by-submit', '1')
assert environment.python.interpreter_path == 'python' and environment.docker.base_image == 'mcr.example/image:1'
assert run.get_details_with_logs()['logFiles']['azureml-logs/70_driver_log.txt'].strip() == '1'
# The same again: as it is, registered by hand, read back, with a docker configuration of the run.
assert env.register(ws).version == '1'
found = Environment.get(ws, 'by-submit')
assert used(found)[1].version == '1' == found.version
docker = DockerConfiguration(use_docker=False, shm_size='1g')
assert used(env, docker_runtime_config=docker)[1].version == '1'
env.environment_variables['A'] = '2'
assert used(env)[1].version == '2' and run.get_environment().version == '1'
found.environment_variables['A'] = '3'
assert used(found)[1].version == '3'
assert Environment.list(ws)['by-submit'].version == '3'
# A definition with packages comes back as it was sent.
packages = Environment('packages')
packages.python.conda_dependencies.add_pip_package('six')
packages.register(ws)
assert Environment.get(ws, 'packages').register(ws).version == '1'
untouched, environment = used(Environment('default-environment'))
assert environment.name == 'default-environment' and environment.version is None
assert 'default-environment' not in ws.environments
""")


def test_the_members_of_a_run_in_v1s_forms(shared_wb, tmp_path):
    folder = shared_wb.project({"train.py": MEMBERS_IN_A_JOB})
    shared_wb.python(f"""
import contextlib, io, os
from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
os.chdir({str(tmp_path)!r})
ws = Workspace.get('default')
experiment = Experiment(workspace=ws, name='members')
run = experiment.submit(config=ScriptRunConfig(source_directory={str(folder)!r}, script='train.py'), tags={{'t': 1}})
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    details = run.wait_for_completion(show_output=True)
assert details['status'] == 'Completed' and run.status == 'Completed'
lines = printed.getvalue().splitlines()
log = 'azureml-logs/70_driver_log.txt'
web = 'Web View: ' + run.get_portal_url() if run.get_portal_url().startswith('http') else lines[1]
assert lines == ['RunId: ' + run.id, web, '', 'Streaming ' + log, '=' * (len(log) + 10), '', 'Running', '',
                 'Execution Summary', '=================', 'RunId: ' + run.id, web, ''], lines
assert run.get_tags() == {{'t': '1', 'k': 'v', 's': '1'}} and run.get_properties()['p'] == '1'
names = run.get_file_names()
assert {{'one.txt', 'two.txt', 'three.txt', 'folder/model.pkl', 'outputs/model.pkl', log}} <= set(names), names
run.download_file('one.txt')
run.download_file(name='outputs/model.pkl', output_file_path='to/m.pkl')
assert open('one.txt').read() == 'extra.txt' and open('to/m.pkl').read() == 'outputs/model.pkl'
run.download_files(prefix='outputs', output_directory='all')
run.download_files(prefix='folder/', output_directory='flat', append_prefix=False)
assert os.listdir('all/outputs') == ['model.pkl'] and os.listdir('flat') == ['model.pkl']
assert run.get_details_with_logs()['logFiles'][log] == 'Running\\n'
assert run.get_all_logs(destination='logs') == [os.path.join('logs', log)]
for same in (Run(experiment, run.id), Run(experiment=experiment, run_id=run.id), Run.get(ws, run.id), ws.get_run(run.id)):
    assert same.id == run.id and same.get_status() == 'Completed'
assert [each.id for each in experiment.get_runs(tags={{'t': '1'}})] == [run.id]
assert len(list(experiment.get_runs(include_children=True))) == 6
run.display_name = 'named'
run.tag('later', '2')
assert Run.get(ws, run.id).display_name == 'named' and Run.get(ws, run.id).get_tags()['later'] == '2'
own = experiment.start_logging(snapshot_directory=None)
own.log('x', 1)
own.log(name='x', value=2)
with own.child_run(name='kid') as kid:
    kid.log('y', 3)
own.complete()
assert own.get_metrics(recursive=True) == {{own.id: {{'x': [1, 2]}}, kid.id: {{'y': 3}}}}
assert kid.name.endswith('>kid') and kid.get_status() == own.get_status() == 'Completed'
""")


def test_experiments_that_shared_a_name_are_told_apart_by_id(shared_wb):
    shared_wb.python("""
from azureml.core import Experiment, Workspace
ws = Workspace.get('default')

def ids(view):
    return [each.id for each in Experiment.list(ws, experiment_name='twice', view_type=view)]

old = Experiment(ws, 'twice')
first = old.start_logging(snapshot_directory=None)
first.complete()
old.archive()
new = Experiment(ws, 'twice')
assert new.id != old.id
second = new.start_logging(snapshot_directory=None)
second.complete()
assert (ids('ActiveOnly'), ids('ArchivedOnly')) == ([new.id], [old.id])
archived = Experiment.list(ws, experiment_name='twice', view_type='ArchivedOnly')[0]
assert [run.id for run in archived.get_runs()] == [first.id] and [run.id for run in new.get_runs()] == [second.id]
Experiment.delete(ws, old.id)
assert (ids('ActiveOnly'), ids('ArchivedOnly')) == ([new.id], [])
assert [run.id for run in new.get_runs()] == [second.id]
""")
