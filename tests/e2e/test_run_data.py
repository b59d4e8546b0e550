"""Data of runs: datasets and places in datastores as inputs, folders that become datasets as outputs, and who made what."""

import json

import pytest
from workbench import PYTHON

SCRIPT = """
import json, os, sys
places = dict(zip(('train', 'raw', 'one', 'made'), sys.argv[1:5]))
for name in ('train', 'TRAIN', 'AZUREML_DATAREFERENCE_train'):
    assert os.environ[name] == places['train'], (name, os.environ[name])
listed = sorted(os.path.relpath(os.path.join(at, name), places['train'])
                for at, _, names in os.walk(places['train']) for name in names)
assert listed == ['a.csv', 'sub/b.csv'], listed
assert sorted(os.listdir(places['raw'])) == ['a.csv', 'sub'], os.listdir(places['raw'])
assert os.path.isfile(places['one']) and open(places['one']).read() == 'a'
if len(sys.argv) > 5:
    assert sys.argv[5] == os.environ['direct'], sys.argv
print(os.environ['AZUREML_DATASET_ENVIRONMENT_VARS'])
os.makedirs(os.path.join(places['made'], 'deep'))
for name in ('x.txt', 'deep/y.txt', 'deep/skipped.tmp'):
    open(os.path.join(places['made'], name), 'w').write(name)
open(os.path.join(os.environ['kept'], 'z'), 'w').write('z')
"""
ARGUMENTS = (
    "DatasetConsumptionConfig:train",
    "$AZUREML_DATAREFERENCE_raw",
    "DatasetConsumptionConfig:one",
    "DatasetOutputConfig:made",
)


def create(wb, path, kind="file"):
    """A dataset of what lies below the path in the workspace's own datastore."""
    wb.project({"a.csv": "a", "sub/b.csv": "bb"}, "data")
    wb.werkbank("datastore", "upload", "--src", "data", "--target", "train")
    spec = {"kind": kind, "sources": [{"datastore": "workspaceblobstore", "path": path}]}
    (wb.folder / "spec.json").write_text(json.dumps(spec))
    return json.loads(wb.werkbank("dataset", "create", "--spec", "spec.json", "-o", "json").stdout)


def lineage(wb, run):
    items = wb.get(f"runs/{run}/datasets")["items"]
    return {(item["direction"], item["port"], item["mode"]): item["datasetId"] for item in items}


def test_inputs_are_brought_and_outputs_become_datasets(wb):
    wb.start()
    train, one = create(wb, "train"), create(wb, "train/a.csv")
    assert (train["fileCount"], train["sizeBytes"], one["fileCount"]) == (2, 3, 1)
    run = wb.submit(
        wb.project({"train.py": SCRIPT}),
        arguments=(*ARGUMENTS, "DatasetConsumptionConfig:direct"),
        inputs=[
            {"name": "train", "mode": "mount", "datasetId": train["id"]},
            {"name": "raw", "mode": "download", "datastore": "workspaceblobstore", "path": "train"},
            {"name": "one", "mode": "download", "datasetId": one["id"], "pathOnCompute": "here/below"},
            {"name": "direct", "mode": "direct", "datasetId": one["id"]},
        ],
        outputs=[
            {
                "name": "made",
                "mode": "upload",
                "sourceGlobs": ["*.txt"],
                "registerName": "made by a run",
                "registerTags": {"k": "v"},
            },
            {"name": "kept", "mode": "mount", "datastore": "workspacefilestore", "path": "of/{run-id}/{output-name}"},
        ],
    )
    wb.completed(run)
    assert "train:mount,one:download,direct:direct" in wb.log(run)
    of_run = lineage(wb, run)
    assert of_run["input", "train", "mount"] == train["id"] and of_run["input", "direct", "direct"] == one["id"]
    made = wb.get("datasets/made%20by%20a%20run")
    assert made["version"] == 1 and made["tags"] == {"k": "v"} and made["fileCount"] == 2
    assert of_run["output", "made", "upload"] == made["id"]
    wb.werkbank("dataset", "download", made["id"], "--target", "got")
    assert (wb.folder / "got/x.txt").read_text() == "x.txt" and (wb.folder / "got/deep/y.txt").read_text() == "deep/y.txt"
    wb.werkbank("datastore", "download", "workspacefilestore", "--path", f"of/{run}/kept", "--target", "got")
    assert (wb.folder / f"got/of/{run}/kept/z").read_text() == "z"
    # And the other way round.
    runs = wb.get(f"datasets/{train['id']}/runs")["items"]
    assert [(item["runId"], item["direction"]) for item in runs] == [(run, "input")]


def test_an_output_that_cannot_be_stored_fails_the_run(wb):
    wb.start()
    wb.project({"x": "there already"}, "data")
    wb.werkbank("datastore", "upload", "--src", "data", "--target", "taken")
    script = "import os; open(os.path.join(os.environ['made'], 'x'), 'w').write('new'); open('outputs/y', 'w').write('y')"
    outputs = [{"name": "made", "mode": "upload", "path": "taken"}]
    run = wb.submit(wb.project({"train.py": "import os; os.makedirs('outputs'); " + script}), outputs=outputs)
    ended = wb.wait(run)
    assert ended["status"] == "Failed" and ended["error"]["reason"] == "output", ended["error"]
    assert "taken/x" in ended["error"]["message"] and "overwrite" in ended["error"]["hint"]
    assert wb.file(run, "outputs/y") == b"y"  # what the script had is kept
    outputs[0]["overwrite"] = True
    wb.completed(wb.submit(wb.project({"train.py": "import os; os.makedirs('outputs'); " + script}), outputs=outputs))
    wb.werkbank("datastore", "download", "--path", "taken", "--target", "got")
    assert (wb.folder / "got/taken/x").read_text() == "new"


@pytest.mark.parametrize(
    "ports, words",
    [
        ({"inputs": [{"name": "a", "datasetId": "00000000-0000-0000-0000-000000000000"}]}, ["dataset"]),
        ({"inputs": [{"name": "a", "datastore": "nowhere"}]}, ["nowhere"]),
        ({"inputs": [{"name": "a b", "datastore": "workspaceblobstore"}]}, ["inputs[0].name"]),
        ({"inputs": [{"name": "a", "datastore": "workspaceblobstore", "path": "../up"}]}, ["inputs[0].path"]),
        ({"inputs": [{"name": "a", "datastore": "workspaceblobstore", "mode": "direct"}]}, ["direct"]),
        ({"outputs": [{"name": "a"}], "inputs": [{"name": "a", "datastore": "workspaceblobstore"}]}, ["'a'", '"a"']),
        ({"outputs": [{"name": "a", "datastore": "nowhere"}]}, ["nowhere"]),
    ],
)
def test_ports_that_cannot_be_are_refused_at_once(wb, ports, words):
    wb.start()
    snapshot = wb.snapshot(wb.project({"train.py": "1"}))
    refused = wb.http("POST", "runs", wb.submission(snapshot, **ports))
    assert refused.status in (400, 404), refused
    assert any(word in refused.json["detail"] for word in words), refused.json
    assert wb.get("runs")["items"] == []


def test_an_input_that_is_not_there_fails_the_run_by_its_name(wb):
    wb.start()
    inputs = [{"name": "a", "mode": "download", "datastore": "workspaceblobstore", "path": "nothing/here"}]
    run = wb.submit(wb.project({"train.py": "1"}), inputs=inputs)
    ended = wb.wait(run)
    assert ended["status"] == "Failed" and ended["error"]["reason"] == "launch", ended["error"]
    assert "nothing/here" in ended["error"]["message"]


CONFIGURATION = """
script: train.py
target: local
arguments: [--in, "DatasetConsumptionConfig:train", --ref, $AZUREML_DATAREFERENCE_ref, --out, "DatasetOutputConfig:made"]
environment:
  python: {userManagedDependencies: true, interpreterPath: INTERPRETER}
data:
  train:
    dataLocation: {dataset: {datasetName: letters, datasetVersion: 1}}
    mechanism: mount
dataReferences:
  ref: {dataStoreName: workspaceblobstore, pathOnDataStore: train/sub, mode: download}
outputData:
  made:
    mechanism: upload
    additionalOptions: {registrationOptions: {name: copies}}
"""
COPYING = """
import os, shutil, sys
shutil.copytree(sys.argv[2], os.path.join(sys.argv[6], 'train'))
shutil.copy(os.path.join(sys.argv[4], 'b.csv'), sys.argv[6])
"""


def test_a_run_configuration_names_data(wb):
    wb.start()
    wb.project({"a.csv": "a", "sub/b.csv": "bb"}, "data")
    wb.werkbank("datastore", "upload", "--src", "data", "--target", "train")
    wb.werkbank("dataset", "register", "letters", "--kind", "file", "--path", "workspaceblobstore/train")
    text = CONFIGURATION.replace("INTERPRETER", str(PYTHON))
    project = wb.project({"train.py": COPYING, ".azureml/machine.runconfig": text})
    wb.werkbank("run", "submit", "-c", "machine", cwd=project)
    wb.werkbank("dataset", "download", "copies", "--target", "got")
    assert (wb.folder / "got/train/sub/b.csv").read_text() == "bb" and (wb.folder / "got/b.csv").read_text() == "bb"
    # What is not there is said before anything runs.
    wb.project({".azureml/machine.runconfig": text.replace("letters", "numbers")}, project.name)
    assert "numbers:1" in wb.werkbank("run", "submit", "-c", "machine", cwd=project, code=2).stderr
