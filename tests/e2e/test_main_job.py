"""The main job: a folder with a training script, submitted by command line and by SDK, seen alike through every face."""

import json

from workbench import PYTHON, quote

METRICS_SCRIPT = """
from azureml.core import Run
run = Run.get_context()
for i in range(5):
    run.log('loss', 1.0 / (i + 1), step=i)
run.log('answer', 42)
run.log('text', 'gr\\u00fcn')
run.log('bad', float('nan'))
run.log_list('fib', [1, 1, 2, 3, 5])
run.log_row('row', a=1, b=2.5)
run.log_table('table', {'x': [1, 2], 'y': ['p', 'q']})
run.tag('quality', 'good')
run.add_properties({'fixed': '1'})
"""


def test_az_submits_and_streams(wb, digits):
    done = wb.az("ml", "experiment", "submit", "-c", "local", "train.py", cwd=digits, limit=180)
    # The script's output, and nothing else, is on stdout.
    lines = done.stdout.splitlines()
    assert lines[0].startswith("training on 1437 digits")
    assert lines[1].startswith("accuracy 0.9"), done.stdout
    assert len(lines) == 2, done.stdout
    assert "RunId: digits_" in done.stderr
    (run,) = wb.get("runs?experiment=digits")["items"]
    assert run["status"] == "Completed" and run["script"] == "train.py" and run["target"] == "local"
    assert wb.series(run["runId"], "regularization rate") == [0.01]
    assert wb.series(run["runId"], "accuracy")[0] > 0.9
    assert "outputs/digits.joblib" in wb.files(run["runId"])
    assert wb.log(run["runId"]) == done.stdout

    history = json.loads(wb.az("ml", "history", "list", cwd=digits).stdout)
    assert history[0]["run_id"] == run["runId"] and history[0]["status"] == "Completed"
    assert history[0]["accuracy"] == wb.series(run["runId"], "accuracy")[0]
    assert "accuracy" in wb.az("ml", "history", "list", "-o", "table", cwd=digits).stdout.lower()


def test_sdk_submits_waits_and_reads(wb, digits):
    done = wb.run(PYTHON, "submit.py", cwd=digits, limit=180)
    (run,) = wb.get("runs?experiment=digits")["items"]
    assert run["status"] == "Completed"
    assert f"RunId: {run['runId']}" in done.stdout
    assert "Streaming azureml-logs/70_driver_log.txt" in done.stdout
    assert "Execution Summary" in done.stdout
    assert done.stdout.count("accuracy 0.9") == 1
    assert f"'accuracy': {wb.series(run['runId'], 'accuracy')[0]!r}" in done.stdout
    assert "outputs/digits.joblib" in done.stdout and "azureml-logs/70_driver_log.txt" in done.stdout


def test_metrics_are_the_same_through_every_face(wb):
    run = wb.submit(METRICS_SCRIPT)
    wb.completed(run)
    assert wb.series(run, "loss") == [1.0, 0.5, 1 / 3, 0.25, 0.2]
    assert wb.series(run, "bad") == [{"special": "nan"}]

    sdk = wb.python(
        """
import json, sys
from azureml.core import Workspace, Run
ws = Workspace.get('default')
from azureml.core import Experiment
run = Run(Experiment(ws, 'tests'), sys.argv[1])
metrics = run.get_metrics()
assert metrics.pop('bad') != metrics.get('bad')  # NaN
seen = {'metrics': metrics, 'tags': run.get_tags(), 'fixed': run.get_properties()['fixed'], 'status': run.get_status()}
print(json.dumps(seen))
""",
        run,
    )
    seen = json.loads(sdk.stdout)
    assert seen == {
        "metrics": {
            "loss": [1.0, 0.5, 1 / 3, 0.25, 0.2],
            "answer": 42,
            "text": "grün",
            "fib": [1, 1, 2, 3, 5],
            "row": {"a": 1, "b": 2.5},
            "table": {"x": [1, 2], "y": ["p", "q"]},
        },
        "tags": {"quality": "good"},
        "fixed": "1",
        "status": "Completed",
    }

    cli = json.loads(wb.werkbank("run", "metrics", run, "-o", "json").stdout)
    over_http = wb.get(f"runs/{quote(run)}/metrics")
    cli_metrics = cli["metrics"] if isinstance(cli, dict) else cli
    assert {m["name"]: [c["values"] for c in m["columns"]] for m in cli_metrics} == {
        m["name"]: [c["values"] for c in m["columns"]] for m in over_http["metrics"]
    }


def test_outputs_logs_and_snapshot_are_kept(wb):
    project = wb.project(
        {
            "train.py": """
import os
os.makedirs('outputs/deep/er'); os.makedirs('logs')
open('outputs/deep/er/model.bin', 'wb').write(bytes(range(256)) * 1000)
open('outputs/empty', 'w').close()
open('logs/extra.log', 'w').write('line one\\nline two\\n')
print(open('data.txt').read())
""",
            "data.txt": "from the folder",
            "ignored.tmp": "x",
            ".amlignore": "*.tmp\n",
        }
    )
    run = wb.submit(project)
    document = wb.completed(run)
    assert wb.log(run) == "from the folder\n"
    files = wb.files(run)
    assert {"outputs/deep/er/model.bin", "outputs/empty", "logs/extra.log", "azureml-logs/70_driver_log.txt"} <= set(files)
    assert wb.file(run, "outputs/deep/er/model.bin") == bytes(range(256)) * 1000
    assert wb.file(run, "outputs/empty") == b""
    assert wb.file(run, "logs/extra.log") == b"line one\nline two\n"
    partial = wb.http("GET", f"runs/{quote(run)}/files/outputs/deep/er/model.bin", headers={"Range": "bytes=1-3"})
    assert (partial.status, partial.body) == (206, bytes([1, 2, 3]))

    manifest = wb.http("GET", f"snapshots/{document['snapshotId']}")
    assert manifest.body.startswith(b"werkbank-snapshot 1\n")
    assert [line.rsplit(" ", 1)[1] for line in manifest.body.decode().splitlines()[1:]] == [".amlignore", "data.txt", "train.py"]
    assert wb.http("GET", f"snapshots/{document['snapshotId']}/files/data.txt").body == b"from the folder"

    target = wb.folder / "down"
    wb.werkbank("run", "download", run, "-d", target)
    assert next(target.rglob("model.bin")).read_bytes() == bytes(range(256)) * 1000


def test_a_resubmit_sends_only_what_has_changed(wb):
    project = wb.project({"train.py": "print('one')\n", **{f"data/{i}.txt": f"file {i}\n" for i in range(50)}})
    first = wb.snapshot(project)
    assert wb.snapshot(project) == first
    (project / "train.py").write_text("print('two')\n")
    second = json.loads(wb.werkbank("snapshot", "create", project, "--workspace", "default", "-o", "json").stdout)
    assert second["snapshotId"] != first
    manifest = wb.http("GET", f"snapshots/{second['snapshotId']}").body
    again = wb.http("POST", "snapshots", manifest, {"Content-Type": "text/plain"})
    assert again.json == {"snapshotId": second["snapshotId"], "missing": []}
    run = wb.submit(project)
    wb.completed(run)
    assert wb.log(run) == "two\n"


def test_statuses_come_in_order_and_the_last_event_is_the_end(wb):
    run = wb.submit("print('hello')\n")
    wb.completed(run)
    events = wb.events(f"events=run:{quote(run)}&log={quote(run)}:*&from=start")
    statuses = [data.get("data", data)["status"] for kind, data in events if kind == "run.status"]
    assert statuses[-1] == "Completed"
    order = ["NotStarted", "Preparing", "Queued", "Provisioning", "Starting", "Running", "Finalizing", "Completed"]
    assert len(set(statuses)) == len(statuses) and set(statuses) <= set(order), statuses
    assert statuses.index("Running") < statuses.index("Completed")
    assert (
        "".join(data["text"] for kind, data in events if kind == "log" and data["path"].endswith("70_driver_log.txt"))
        == "hello\n"
    )
    # Whoever has seen the end has seen all: no log comes after it.
    assert events[-1][0] == "run.status"


def test_children_tags_and_properties(wb):
    run = wb.submit("""
from azureml.core import Run
parent = Run.get_context()
with parent.child_run('first') as child:
    child.log('x', 1)
for child in parent.create_children(count=2):
    child.log('x', 2)
    child.complete()
""")
    wb.completed(run)
    children = wb.get(f"runs/{quote(run)}/children")["items"]
    assert len(children) == 3
    assert {child["status"] for child in children} == {"Completed"}
    assert {child["parentRunId"] for child in children} == {run} and {child["rootRunId"] for child in children} == {run}
    assert sorted(child["tags"].get("azureml.batch_child_number", "-") for child in children) == ["-", "0", "1"]

    path = f"runs/{quote(run)}"
    assert wb.http("PATCH", path, {"tags": {"a": "1", "b": "2"}, "displayName": "Ünï"}).status == 200
    assert wb.http("PATCH", path, {"tags": {"a": None}, "properties": {"once": "1"}}).status == 200
    refused = wb.http("PATCH", path, {"tags": {"c": "3"}, "properties": {"once": "2"}})
    assert (refused.status, refused.code) == (409, "property_exists")
    document = wb.document(run)
    assert document["tags"] == {"b": "2"} and document["properties"]["once"] == "1" and document["displayName"] == "Ünï"


def test_start_logging_without_a_job(wb):
    done = wb.python("""
from azureml.core import Experiment, Workspace
run = Experiment(Workspace.get('default'), 'notebook').start_logging(snapshot_directory=None)
run.log('alpha', 0.5)
run.log('alpha', 0.25)
with open('note.txt', 'w') as file: file.write('hello')
run.upload_file('outputs/note.txt', 'note.txt')
run.complete()
print(run.id)
""")
    run = done.stdout.split()[-1]
    assert wb.document(run)["status"] == "Completed"
    assert wb.series(run, "alpha") == [0.5, 0.25]
    assert wb.file(run, "outputs/note.txt") == b"hello"


def test_git_facts_are_kept_with_the_run(wb):
    project = wb.project({"train.py": "print('x')\n"})
    for words in (
        ["init", "-q", "-b", "topic"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "one"],
    ):
        wb.run("git", *words, cwd=project)
    commit = wb.run("git", "rev-parse", "HEAD", cwd=project).stdout.strip()
    wb.werkbank("run", "submit", "train.py", cwd=project)
    (run,) = wb.get("runs")["items"]
    properties = run["properties"]
    assert properties["azureml.git.commit"] == commit and properties["azureml.git.branch"] == "topic"
    assert properties["azureml.git.dirty"] == "False"
    (project / "train.py").write_text("print('y')\n")
    wb.werkbank("run", "submit", "train.py", cwd=project)
    assert wb.get("runs")["items"][0]["properties"]["azureml.git.dirty"] == "True"
