"""Processes are killed while a run goes on: nothing acknowledged is lost or doubled, and nothing is left behind."""

import http.client
import json
import os
import random
import re
import resource
import sys

import pytest
from workbench import ROOT, quote

BUILD_S = 240  # an environment is built twice

# Logs around two gates; each value is unique, so that a loss or a doubling shows.
GATED = """
import sys
from azureml.core import Run
run = Run.get_context()
for i in range(200):
    run.log('n', i); print('line', i, flush=True)
open({knock!r}, 'w').write('x')
open({gate!r}).read()
for i in range(200, 400):
    run.log('n', i); print('line', i, flush=True)
import os
os.makedirs('outputs', exist_ok=True)
open('outputs/result.txt', 'w').write('whole' * 1000)
open({done!r}, 'w').write('x')
open({end!r}).read()
"""


class Gated:
    def __init__(self, wb, gate):
        self.knock, self.go, self.done, self.end = (gate(name) for name in ("knock", "go", "done", "end"))
        self.run = wb.submit(
            GATED.format(knock=str(self.knock.path), gate=str(self.go.path), done=str(self.done.path), end=str(self.end.path))
        )


def assert_whole(wb, run):
    wb.completed(run)
    assert wb.series(run, "n") == list(range(400))
    assert wb.log(run) == "".join(f"line {i}\n" for i in range(400))
    assert wb.file(run, "outputs/result.txt") == b"whole" * 1000
    assert wb.document(run)["attempt"] == 1
    wb.await_gone(wb.runner_pids())


def test_the_server_is_killed_and_comes_back(wb, gate):
    job = Gated(wb, gate)
    job.knock.await_knock()
    wb.kill_server()
    job.go.open()  # the script goes on without a server
    job.done.await_knock()
    job.end.open()
    wb.werkbank("run", "show", job.run)  # any command starts the server again
    assert_whole(wb, job.run)


def test_the_server_is_stopped_and_leaves_the_run_alone(wb, gate):
    job = Gated(wb, gate)
    job.knock.await_knock()
    wb.werkbank("server", "stop")
    assert wb.runner_pids() != []
    job.go.open()
    job.done.await_knock()
    wb.start()
    job.end.open()
    assert_whole(wb, job.run)


def test_the_runner_is_killed_and_adopts_its_script(wb, gate):
    job = Gated(wb, gate)
    job.knock.await_knock()
    for pid in wb.runner_pids():
        wb.kill(pid)
    job.go.open()
    job.done.await_knock()
    job.end.open()
    assert_whole(wb, job.run)


def test_both_are_killed(wb, gate):
    job = Gated(wb, gate)
    job.knock.await_knock()
    wb.kill_server()
    for pid in wb.runner_pids():
        wb.kill(pid)
    job.go.open()
    job.done.await_knock()
    job.end.open()
    wb.start()
    assert_whole(wb, job.run)


def test_runner_and_script_are_killed_and_the_run_is_lost_not_completed(wb):
    run = wb.submit("print('up', flush=True)\nimport signal; signal.pause()\n")
    wb.await_line(run, "up")
    wb.kill_server()
    # Everything of the run at once: runner, shim and script.
    for pid in wb.runner_pids() + wb.pids("werkbank-runner", "shim") + wb.pids("train.py"):
        try:
            wb.kill(pid)
        except ProcessLookupError:
            pass
    wb.start()
    document = wb.wait(run)
    assert document["status"] == "Failed" and document["error"]["reason"] == "lost", document["error"]


def test_a_waiting_command_outlives_the_server(wb, gate):
    knock, go = gate("knock"), gate("go")
    project = wb.project(
        {
            "train.py": f"print('one', flush=True)\nopen({str(knock.path)!r}, 'w').write('x')\n"
            f"open({str(go.path)!r}).read()\nprint('two')\n"
        }
    )
    client = wb.popen(wb.environment()["WERKBANK_BINARY"], "run", "submit", "train.py", cwd=project)
    knock.await_knock()
    wb.kill_server()
    go.open()
    stdout, stderr = client.communicate(timeout=60)
    assert client.returncode == 0, stderr.decode()
    assert stdout.decode() == "one\ntwo\n"


def test_a_waiting_sdk_call_outlives_the_server(wb, gate):
    knock, go = gate("knock"), gate("go")
    project = wb.project(
        {
            "train.py": f"print('one', flush=True)\nopen({str(knock.path)!r}, 'w').write('x')\n"
            f"open({str(go.path)!r}).read()\nprint('two')\n"
        }
    )
    client = wb.popen(
        wb.environment()["VIRTUAL_ENV"] + "/bin/python",
        "-c",
        """
import sys
from azureml.core import Experiment, ScriptRunConfig, Workspace
run = Experiment(Workspace.get('default'), 'waits').submit(ScriptRunConfig(sys.argv[1], 'train.py', compute_target='local'))
print(run.wait_for_completion(show_output=True)['status'])
""",
        project,
    )
    knock.await_knock()
    wb.kill_server()
    go.open()
    stdout, stderr = client.communicate(timeout=60)
    assert client.returncode == 0, stderr.decode()
    text = stdout.decode()
    assert text.count("one\n") == 1 and text.count("two\n") == 1 and text.rstrip().endswith("Completed"), text


def test_events_resume_from_their_cursor_without_loss_or_repetition(wb):
    run = wb.submit("for i in range(1000): print('line', i)\n")
    wb.completed(run)
    query = f"/api/v1/workspaces/default/events?follow=false&from=start&log={quote(run)}:*"
    whole = wb.http("GET", query).body.decode()
    blocks = [block for block in whole.split("\n\n") if "data:" in block]
    cut = max(1, len(blocks) // 2)
    cursor = re.search(r"^id: ?(.*)$", blocks[cut - 1], re.M).group(1)
    wb.kill_server()
    wb.start()
    rest = wb.http("GET", f"/api/v1/workspaces/default/events?follow=false&log={quote(run)}:*", headers={"Last-Event-ID": cursor})
    text = "".join(
        json.loads(re.search(r"^data: ?(.*)$", block, re.M).group(1))["text"]
        for block in blocks[:cut] + [block for block in rest.body.decode().split("\n\n") if "data:" in block]
    )
    assert text == wb.log(run)


def test_many_open_files_for_the_server_and_its_runners_not_for_scripts(wb, gate):
    knock, go = gate("knock"), gate("go")
    wb.run("sh", "-c", 'ulimit -Sn 600 && exec "$WERKBANK_BINARY" server start')
    run = wb.submit(
        "import resource\nprint(resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
        f"open({str(knock.path)!r}, 'w').write('x')\nopen({str(go.path)!r}).read()\n"
    )
    knock.await_knock()
    for pid in [wb.server_pid(), *wb.runner_pids()]:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        assert soft == hard, wb.processes()[pid]
    go.open()
    wb.completed(run)
    assert wb.log(run) == "600\n"


def test_a_second_server_on_the_same_home_is_refused(wb):
    wb.start()
    done = wb.werkbank("serve", code=None)
    assert done.returncode != 0
    assert "WERKBANK_HOME" in done.stderr + done.stdout or "server" in done.stderr, done.stderr
    assert wb.get("/healthz")["status"] == "ok"


# -- kills at named places ----------------------------------------------------------------------------------------------


def failpoints():
    """The named places in the sources: {name}. Client-side ones are no part of a run's life on the server."""
    names = set()
    for file in (ROOT / "src").rglob("*.cc"):
        if not file.name.endswith("_test.cc"):
            names.update(re.findall(r'\bfailpoint(?:_kill)?\("([\w.]+)"', file.read_text()))
    return sorted(names)


def test_there_are_forty_named_places():
    assert len(failpoints()) >= 40, failpoints()


# Those that the jobs of the sweep cannot come to are killed at in another suite.
ELSEWHERE = {
    "series.before_rollup_commit": "tests/contract/series_disk.cc",  # a megabyte of points comes first
    "series.after_rollup_commit": "tests/contract/series_disk.cc",
}
WHILE_CANCELED = {"cancel.after_commit", "local.after_cancel_file", "runner.before_stop", "runner.after_stop"}
# Of a run that has data and leaves some.
WITH_DATA = {
    "outputs.after_save",
    "runner.after_output_upload",
    "runner.after_outputs_noted",
    "runner.data.before_places",
    "runner.data.before_rename",
}
WHILE_BUILT = {"build.before_ready", "build.after_ready"}


def test_places_killed_at_elsewhere_are():
    for place, file in ELSEWHERE.items():
        assert place in failpoints() and f'"{place}"' in (ROOT / file).read_text(), place
    assert WHILE_CANCELED | WHILE_BUILT <= set(failpoints())


SWEPT = """
from azureml.core import Run
run = Run.get_context()
import os, signal, subprocess, sys
os.makedirs('outputs', exist_ok=True)
for i in range(50):
    run.log('n', i); print('line', i, flush=True)
open('outputs/result.txt', 'w').write('whole' * 1000)
if sys.argv[1:] == ['waits']:
    print('waits', flush=True)
    signal.pause()
subprocess.Popen(['sleep', '600'], start_new_session=True)  # a daemon: it ends with the run
"""
LINES = "".join(f"line {i}\n" for i in range(50))


def sample():
    """All places with WERKBANK_SWEEP=all; otherwise twelve, drawn by the seed WERKBANK_SEED."""
    names = [name for name in failpoints() if name not in ELSEWHERE]
    if os.environ.get("WERKBANK_SWEEP") == "all":
        return names
    seed = int(os.environ.get("WERKBANK_SEED", "1"))
    return sorted(random.Random(seed).sample(names, min(12, len(names))))


GONE = (OSError, EOFError, http.client.HTTPException)  # what a client sees of a server that dies on it


def through_kills(wb, ask):
    """Asks, and starts the server again where it dies meanwhile: each place kills once, so the third try gets through."""
    for _ in range(3):
        try:
            return ask()
        except GONE:
            wb.start()
    return ask()


def submit_through_kills(wb, place):
    project = wb.project({"train.py": SWEPT})
    for _ in range(3):  # the place may lie on the way of the start or of the snapshot
        done = wb.werkbank("snapshot", "create", project, "--workspace", "default", "-o", "json", code=None)
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    spec = {"arguments": ["waits"]} if place in WHILE_CANCELED else {}
    if place in WHILE_BUILT:  # from the interpreter that is here, and no package: nothing is fetched
        python = f"3.{sys.version_info.minor}"
        spec["environment"] = {"name": "swept", "userManaged": False, "pythonVersion": python, "pipRequirements": []}
    if place in WITH_DATA:
        wb.project({"x": "data"}, "data")
        wb.werkbank("datastore", "upload", "--src", "data", "--target", "in")
        spec["inputs"] = [{"name": "in", "mode": "download", "datastore": "workspaceblobstore", "path": "in"}]
        spec["outputs"] = [{"name": "made", "mode": "upload", "registerName": "made"}]
    body = wb.submission(json.loads(done.stdout)["snapshotId"], **spec)
    answer = through_kills(wb, lambda: wb.http("POST", "runs", body, {"Idempotency-Key": "sweep-" + place}))
    assert answer.status in (200, 202), answer
    return answer.json["runId"]


def assert_cleared_up(wb):
    """No work folder, and so no token, outlives its run: what a dead server left is swept by the next one."""
    wb.start()
    wb.werkbank("server", "stop")  # it ends its chores first
    left = sorted(str(path) for path in (wb.home / "work").glob("*/*"))
    assert not left, left


@pytest.mark.parametrize("place", sample())
def test_killed_at(wb, place, tmp_path):
    """SIGKILL to the first process that comes to the place; the run must end whole, within 30 s of the restart."""
    reached = tmp_path / "reached"
    reached.mkdir()
    wb.extra = {"WERKBANK_FAILPOINTS": f"{place}=kill", "WERKBANK_FAILPOINTS_ONCE": str(reached)}
    run = submit_through_kills(wb, place)
    if place in WHILE_CANCELED:
        through_kills(wb, lambda: wb.await_line(run, "waits\n"))
        assert through_kills(wb, lambda: wb.http("POST", f"runs/{quote(run)}/cancel")).status == 202
    document = through_kills(wb, lambda: wb.wait(run, limit=BUILD_S if place in WHILE_BUILT else 30))
    # When the script's own parent is killed, nobody can know how the script ended: lost is the honest answer there.
    if place.startswith("shim.") and document["status"] == "Failed":
        assert document["error"]["reason"] == "lost", document["error"]
    else:
        canceled = place in WHILE_CANCELED
        assert document["status"] == ("Canceled" if canceled else "Completed"), document["error"]
        assert through_kills(wb, lambda: wb.series(run, "n")) == list(range(50))
        assert through_kills(wb, lambda: wb.log(run)) == LINES + ("waits\n" if canceled else "")
        assert through_kills(wb, lambda: wb.file(run, "outputs/result.txt")) == b"whole" * 1000
        assert len(through_kills(wb, lambda: wb.get("runs"))["items"]) == 1
    wb.await_gone(wb.runner_pids())
    assert_cleared_up(wb)
    assert (reached / place).exists(), f"no process came to {place}: the sweep needs a job that does, or its suite in ELSEWHERE"
