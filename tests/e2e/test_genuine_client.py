"""A job that holds Microsoft's own azureml-core, as it comes from the package index, logs into its run."""

import json
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest
from workbench import PYTHON, quote

BUILD_S = 300  # the genuine package brings some forty others
GENUINE = "azureml-core==1.61.0.post4"

SCRIPT = """
import os, sys
from azureml.core import Run, VERSION
import azureml.core

print("genuine", VERSION, azureml.core.__file__)
run = Run.get_context(allow_offline=False)
assert run.id == os.environ["AZUREML_RUN_ID"]
for step in range(3):
    run.log("loss", 1.5 - step / 2, step=step)
run.log("nan", float("nan"))
run.log("name", "text")
run.log_list("fib", [1, 1, 2, 3.5])
run.log_row("row", a=1, b="x")
run.log_table("table", {"x": [1, 2], "y": [3, 4.5]})
run.tag("quality", "good")
run.tag("gone", "soon")
run.remove_tags(["gone"])
run.add_properties({"origin": "genuine"})
run.display_name = "renamed"
run.flush()
metrics = run.get_metrics()
assert metrics["loss"] == [1.5, 1.0, 0.5], metrics
assert metrics["fib"] == [1, 1, 2, 3.5], metrics
assert metrics["row"] == {"a": 1, "b": "x"}, metrics
assert metrics["table"] == {"x": [1, 2], "y": [3, 4.5]}, metrics
assert metrics["nan"] != metrics["nan"], metrics
assert run.get_metrics(name="name") == {"name": "text"}
assert run.get_tags() == {"quality": "good"}, run.get_tags()
assert run.get_properties()["origin"] == "genuine"
assert run.get_status() == "Running"
assert run.get_details()["runId"] == run.id

child = run.child_run("kid")
child.log("z", 1)
child.complete()
batch = [run.child_run("first"), run.child_run("second")]
failed = run.child_run("bad")
failed.fail(error_details="on purpose")
children = list(run.get_children())
assert sorted(c.id for c in children) == sorted(c.id for c in [child, failed, *batch]), children
assert [c.id for c in run.get_children(status="Failed")] == [failed.id]
assert set(run.get_metrics(recursive=True)) == {run.id, child.id}, run.get_metrics(recursive=True)
assert run.get_secret("answer") == "s3cret"

os.makedirs("outputs", exist_ok=True)
with open("outputs/model.txt", "w") as file:
    file.write("weights")
try:
    run.upload_file("x.txt", "outputs/model.txt")
except Exception as error:
    assert "./outputs" in str(error), error
else:
    raise AssertionError("an upload to Azure's storage was believed to work")
with open("outputs/interpreter", "w") as file:
    file.write(sys.executable)
print("address", os.environ["AZUREML_SERVICE_ENDPOINT"], os.environ["AZUREML_RUN_TOKEN"])
run.complete()
print("children", child.id, failed.id)
"""


OURS = """
import azureml.core
from azureml.core import Run

print("found", azureml.core.__file__)
run = Run.get_context(allow_offline=False)
run.log("one", 1)
run.flush()
"""


@pytest.fixture(scope="module")
def index():
    """Skips where no package index has the package; CI counts that as a failure."""
    with tempfile.TemporaryDirectory() as folder:
        asked = [PYTHON, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--python-version=3.10"]
        done = subprocess.run([*asked, "-d", folder, GENUINE], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BUILD_S)
    if done.returncode != 0:
        pytest.skip(f"no package index has {GENUINE}: {done.stdout.decode()[-300:]}")


def environment(**more):
    return {"name": "genuine", "variables": {"WERKBANK_AZUREML": "genuine"}, **more}


def ask(address, token=None):
    """The status of a request by the door of jobs."""
    request = urllib.request.Request(address, headers={"Authorization": "Bearer " + token} if token else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # as a client in the job does: not by a proxy
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_genuine_client_works_inside_a_run(wb, index):
    wb.start()
    assert wb.http("PUT", "secrets/answer", {"value": "s3cret"}).status < 300
    home = {"HOME": str(wb.folder)}  # where that client keeps what it has discovered
    built = environment(userManaged=False, pipRequirements=[GENUINE])
    run = wb.submit(SCRIPT, environment=built, environmentVariables=home)
    wb.completed(run, limit=BUILD_S)
    assert "genuine 1.61" in wb.log(run)
    metrics = wb.metrics(run)
    assert metrics["loss"] == {"": [1.5, 1.0, 0.5]}
    assert metrics["table"] == {"x": [1, 2], "y": [3, 4.5]}
    assert metrics["nan"] == {"": [{"special": "nan"}]}
    document = wb.document(run)
    assert document["tags"] == {"quality": "good"}
    assert document["properties"]["origin"] == "genuine"
    assert document["displayName"] == "renamed"
    assert wb.file(run, "outputs/model.txt") == b"weights"
    children = {child["runId"]: child for child in wb.get(f"runs/{quote(run)}/children")["items"]}
    assert len(children) == 4
    done, failed = wb.log(run).split("children ")[1].split()[:2]
    assert children[done]["status"] == "Completed" and wb.metrics(done)["z"] == {"": [1]}
    assert children[failed]["status"] == "Failed" and "on purpose" in json.dumps(children[failed])

    # The door that the job came in by is for runs' tokens alone, and a run's token ends with it.
    (line,) = [line for line in wb.log(run).splitlines() if line.startswith("address ")]
    _, address, token = line.split()
    assert address.startswith("http://127.0.0.1:")
    assert ask(address + "/discovery") == 200
    assert ask(address + "/api/v1") == 401
    assert ask(address + "/api/v1/workspaces", token) == 401

    # An interpreter that holds the genuine package: Werkbank's SDK goes before it, unless its user says otherwise.
    interpreter = wb.file(run, "outputs/interpreter").decode()
    ours = wb.submit(OURS, environment={"userManaged": True, "interpreter": interpreter}, environmentVariables=home)
    wb.completed(ours)
    assert str(wb.home / "sdk") in wb.log(ours).split("found ")[1].splitlines()[0]
    theirs = wb.submit(OURS, environment=environment(userManaged=True, interpreter=interpreter), environmentVariables=home)
    wb.completed(theirs)
    assert "site-packages" in wb.log(theirs).split("found ")[1].splitlines()[0]
    assert wb.metrics(theirs) == wb.metrics(ours) == {"one": {"": [1]}}
