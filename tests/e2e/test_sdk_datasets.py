"""Datasets in the SDK against the true server: made, registered, read by jobs, made by jobs, and who used them."""

PREPARE = """
import os
for name in ('images/a.txt', 'images/deep/b.txt', 'table.csv'):
    os.makedirs(os.path.dirname(os.path.join('data', name)), exist_ok=True)
    with open(os.path.join('data', name), 'w') as stream:
        stream.write('x,y\\n1,2\\n' if name.endswith('csv') else name)
from azureml.core import Dataset, Workspace
ws = Workspace.get('default')
store = ws.get_default_datastore()
store.upload('data', 'data', show_progress=False)
"""

READ = """
import argparse, os
from azureml.core import Run
parser = argparse.ArgumentParser()
for name in ('mounted', 'copied', 'one', 'table', 'listed', 'out', 'reference'):
    parser.add_argument('--' + name)
args = parser.parse_args()
run = Run.get_context()
for folder in (args.mounted, args.copied):
    found = sorted(os.path.relpath(os.path.join(parent, name), folder) for parent, _, names in os.walk(folder) for name in names)
    assert found == ['a.txt', 'deep/b.txt'], found
    assert open(os.path.join(folder, 'deep', 'b.txt')).read() == 'images/deep/b.txt'
assert open(args.one).read() == 'images/a.txt'
assert os.path.isfile(os.path.join(args.reference, 'deep', 'b.txt'))
assert run.input_datasets['copied'] == args.copied == os.environ['copied']
assert run.input_datasets['table'].id == args.table
listed = run.input_datasets['listed']
assert listed.to_path() == ['/a.txt', '/deep/b.txt'] and open(listed.download('fetched')[0]).read() == 'images/a.txt'
assert [open(path).read() for _, path in listed._state.local_files()] == ['images/a.txt', 'images/deep/b.txt']
assert run.output_datasets['made'] == args.out
with open(os.path.join(args.out, 'result.csv'), 'w') as stream:
    stream.write('z\\n3\\n')
print('all read')
"""


def test_datasets_of_files(shared_wb):
    project = shared_wb.project({"x": ""})
    program = PREPARE + """
images = Dataset.File.from_files((store, 'data/images'))
assert images.to_path() == ['/a.txt', '/deep/b.txt'] and isinstance(images, Dataset)
first = images.register(ws, 'images', 'texts', {'kind': 'txt'})
assert first.register(ws, 'images').version == 1          # the same content
with open('data/images/c.txt', 'w') as stream:
    stream.write('c')
store.upload('data', 'data', show_progress=False)
grown = Dataset.File.from_files((store, 'data/images/*.txt'))
try:
    grown.register(ws, 'images')
    raise SystemExit('registered twice')
except Exception as error:
    assert 'create_new_version' in error.hint, error
assert grown.register(ws, 'images', create_new_version=True).version == 2
assert Dataset.get_by_name(ws, 'images').to_path() == ['/a.txt', '/c.txt']
one = Dataset.get_by_name(ws, 'images', version=1)
assert one.id == first.id and one.tags == {'kind': 'txt'} and list(ws.datasets) == ['images']
paths = one.download('copy')
assert [open(path).read() for path in paths] == ['images/a.txt', 'images/deep/b.txt'], paths
assert one.skip(1).to_path() == ['/deep/b.txt']
assert one.add_tags({'more': '1'}).tags == {'kind': 'txt', 'more': '1'} and one.remove_tags(['kind']).tags == {'more': '1'}
assert Dataset.get_by_name(ws, 'images', 1).update(description='other').description == 'other'
with one.mount() as context:
    import os
    assert sorted(os.listdir(context.mount_point)) == ['a.txt', 'deep']
try:
    Dataset.File.from_files((store, 'data/image'))
    raise SystemExit('nothing matched')
except Exception as error:
    assert error.werkbank_code == 'dataset_empty', error
with open('data/images/a.txt', 'w') as stream:
    stream.write('changed, and longer')
store.upload('data', 'data', overwrite=True, show_progress=False)
try:
    one.download('again')
    raise SystemExit('it has changed')
except Exception as error:
    assert error.werkbank_code == 'data_changed' and 'a.txt' in error.message, error
one.unregister_all_versions()
assert ws.datasets == {}
print('done')
"""
    assert "done" in shared_wb.python(program, cwd=project).stdout


def test_runs_read_and_make_datasets(shared_wb):
    project = shared_wb.project({"train.py": READ})
    program = PREPARE.replace("'default'", "'runs'").replace("Workspace.get(", "Workspace.create(") + """
from azureml.core import Experiment, Model, Run, RunConfiguration, ScriptRunConfig
from azureml.data import OutputFileDatasetConfig
images = Dataset.File.from_files((store, 'data/images')).register(ws, 'images')
table = Dataset.Tabular.from_delimited_files((store, 'data/table.csv'))
out = OutputFileDatasetConfig('made', destination=(store, 'made/{run-id}')).register_on_complete('made', tags={'a': 'b'})
words = ['--mounted', images.as_named_input('mounted').as_mount(), '--copied', images.as_named_input('copied').as_download()]
words += ['--one', Dataset.File.from_files((store, 'data/images/a.txt')).as_mount(), '--table', table.as_named_input('table')]
words += ['--listed', images.as_named_input('listed'), '--out', out, '--reference', store.path('data/images').as_download()]
run_config = RunConfiguration()
run_config.environment.python.user_managed_dependencies = True
run = Experiment(ws, 'data').submit(ScriptRunConfig('.', 'train.py', arguments=words, run_config=run_config))
run.wait_for_completion(show_output=True)
details = run.get_details()
assert {each['consumptionDetails']['inputName'] for each in details['inputDatasets']} >= {'mounted', 'copied', 'table'}
(made,) = details['outputDatasets']
registered = Dataset.get_by_name(ws, 'made')
assert registered.id == made['dataset'].id and registered.to_path() == ['/result.csv'] and registered.tags == {'a': 'b'}
assert store.download('fetched', prefix='made/' + run.id, show_progress=False) == 1
with open('m.pkl', 'w') as stream:
    stream.write('m')
model = Model.register(ws, 'm.pkl', 'm', datasets=[(Dataset.Scenario.TRAINING, images)])
assert model.datasets['training'][0].name == 'images' or model.datasets['training'][0].id == images.id
print('done', run.id)
"""
    done = shared_wb.python(program, cwd=project)
    assert "all read" in done.stdout and "done" in done.stdout, done.stdout
    run = done.stdout.split()[-1]
    uses = shared_wb.http("GET", f"/api/v1/workspaces/runs/datasets/images/runs").json["items"]
    assert {use["port"] for use in uses if use["runId"] == run} >= {"mounted", "copied"}, uses
