"""A model: trained by a job, registered, found, fetched, kept while its run goes, deleted."""

import json

TRAIN = """
import os
os.makedirs('outputs/net', exist_ok=True)
open('outputs/model.bin', 'wb').write(bytes(range(256)) * 100)
open('outputs/net/config.json', 'w').write('{}')
"""
BYTES = bytes(range(256)) * 100
NOTEBOOK = """
import sys
from azureml.core import Model, Workspace
from azureml.exceptions import ModelPathNotFoundException, WebserviceException
ws = Workspace.get('default')
run = ws.get_run(sys.argv[1])
model = run.register_model(model_name='digits', model_path='outputs/model.bin', tags={'area': 'mnist'})
print(model.name, model.id, model.version, sep='\\t')
try:
    run.register_model('digits', 'outputs/modle.bin')
except ModelPathNotFoundException as error:
    assert 'outputs/model.bin' in error.hint, error
else:
    raise SystemExit('a path that is not in the run was taken')
with open('local.bin', 'wb') as stream:
    stream.write(b'made here')
assert Model.register(ws, 'local.bin', 'digits').id == 'digits:2'
assert ws.models['digits'].version == 2 and Model(ws, 'digits', tags=['area']).version == 1
assert [each.id for each in Model.list(ws, run_id=run.id)] == ['digits:1']
print(model.download(target_dir='down'))
"""
JOB = """
from azureml.core import Model, Run
path = Model.get_model_path('digits', version=1)
run = Run.get_context()
print(path, len(open(path, 'rb').read()))
open('again.bin', 'wb').write(b'again')
run.upload_file('outputs/again.bin', 'again.bin')
print(run.register_model('again', 'outputs/again.bin').id)
print(Model.register(run.experiment.workspace, path, 'digits').id)
"""


def test_train_register_fetch_delete(wb, tmp_path):
    run = wb.submit(TRAIN)
    wb.completed(run)
    project = wb.project({})
    done = wb.python(NOTEBOOK, run, cwd=project)
    assert done.stdout.splitlines()[1] == "digits\tdigits:1\t1", done.stdout
    assert (project / "down" / "model.bin").read_bytes() == BYTES

    listed = json.loads(wb.werkbank("model", "list", "-o", "json").stdout)
    assert [model["id"] for model in listed] == ["digits:2", "digits:1"]
    assert listed[1]["runId"] == run and listed[1]["sizeBytes"] == len(BYTES)
    assert json.loads(wb.werkbank("run", "show", run, "-o", "json").stdout)["models"] == ["digits:1"]
    wb.werkbank("model", "download", "digits:1", "-d", "fetched", cwd=project)
    assert (project / "fetched" / "model.bin").read_bytes() == BYTES
    refused = wb.werkbank("model", "download", "digits:1", "-d", "fetched", cwd=project, code=2)
    assert "there already" in refused.stderr

    job = wb.submit(JOB)
    wb.completed(job)
    lines = wb.log(job).splitlines()
    assert f"azureml-models/digits/1/model.bin {len(BYTES)}" in lines and "again:1" in lines and "digits:3" in lines, lines

    # The run goes; the model and its bytes stay, also when the trash is emptied.
    wb.werkbank("run", "delete", run)
    wb.werkbank("gc", "--empty-trash")
    assert wb.http("GET", "/api/v1/workspaces/default/models/digits:1/files/model.bin").body == BYTES
    part = wb.http("GET", "/api/v1/workspaces/default/models/digits:1/files/model.bin", headers={"Range": "bytes=1-3"})
    assert part.status == 206 and part.body == BYTES[1:4]
    wb.werkbank("model", "delete", "digits:1")
    assert wb.http("GET", "/api/v1/workspaces/default/models/digits:1").code == "model_not_found"


def test_both_dialects_of_az(wb):
    project = wb.project({"model.bin": "weights", "net/config.json": "{}"})
    az = lambda *words: json.loads(wb.az("ml", "model", *words, cwd=project).stdout)  # noqa: E731
    old = az("register", "-m", "model.bin", "-n", "digits", "-d", "as in 2017", "-t", "area=mnist")
    assert (old["id"], old["description"], old["tags"], old["runId"]) == ("digits:1", "as in 2017", {"area": "mnist"}, None)
    new = az("register", "-n", "digits", "-p", "net", "--tag", "k=v", "--property", "p=q", "--model-framework", "Onnx")
    assert (new["id"], new["framework"], new["properties"]) == ("digits:2", "Onnx", {"p": "q"})
    assert [model["id"] for model in az("list")] == ["digits:2", "digits:1"]
    assert [model["id"] for model in az("list", "-n", "digits", "-l")] == ["digits:2"]
    assert az("show", "-n", "digits")["id"] == az("show", "-i", "digits:2")["id"] == "digits:2"
    assert az("show", "-m", "digits:1")["id"] == az("show", "-n", "digits", "--tag", "area")["id"] == "digits:1"
    assert az("update", "-i", "digits:1", "--add-tag", "a=b", "--remove-tag", "area")["tags"] == {"a": "b"}
    assert az("download", "-i", "digits:2", "-t", "down")["downloaded"] == ["down/net/config.json"]
    assert (project / "down" / "net" / "config.json").read_text() == "{}"
    wb.az("ml", "model", "delete", "-i", "digits:1", cwd=project)
    assert [model["id"] for model in az("list")] == ["digits:2"]
    run = wb.submit(TRAIN)
    wb.completed(run)
    (project / "run.json").write_text(json.dumps({"runId": run}))
    made = az("register", "-n", "net", "--asset-path", "outputs/net", "-f", "run.json", "-t", "out.json")
    assert made["runId"] == run and json.loads((project / "out.json").read_text())["id"] == "net:1"
