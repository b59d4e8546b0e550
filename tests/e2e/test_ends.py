"""How runs end: failures with their reason, cancels of whole process trees, timeouts."""

import json
import os
import signal

import pytest
from workbench import PYTHON, quote


def test_a_failing_script_says_why(wb):
    project = wb.project({"fail.py": "print('before')\nraise ValueError('the data is upside down')\n"})
    done = wb.werkbank("run", "submit", "fail.py", cwd=project, code=1)
    assert "before" in done.stdout and "ValueError: the data is upside down" in done.stdout
    assert "Failed" in done.stderr
    (run,) = wb.get("runs")["items"]
    assert run["status"] == "Failed"
    error = run["error"]
    assert (error["reason"], error["exitCode"]) == ("exit_code", 1)
    assert error["logTail"][-1] == "ValueError: the data is upside down"
    assert error["message"] and error["hint"]
    why = wb.werkbank("why", run["runId"]).stdout
    assert "upside down" in why or "exit" in why.lower()


def test_the_sdk_raises_what_the_run_failed_with(wb):
    project = wb.project({"fail.py": "import sys; sys.exit(3)\n"})
    done = wb.python(
        """
import sys
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.exceptions import ActivityFailedException
run = Experiment(Workspace.get('default'), 'fails').submit(ScriptRunConfig(sys.argv[1], 'fail.py', compute_target='local'))
try:
    run.wait_for_completion()
except ActivityFailedException as error:
    print('raised', 'exit' in str(error).lower())
print(run.get_status(), run.get_details()['error'] is not None)
""",
        project,
    )
    assert done.stdout.splitlines()[-2:] == ["raised True", "Failed True"]


@pytest.mark.parametrize(
    "program, reason, key, value",
    [
        ("import sys; sys.exit(7)", "exit_code", "exitCode", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal", "signal", signal.SIGSEGV),
        ("import os; os.abort()", "signal", "signal", signal.SIGABRT),
    ],
)
def test_reasons(wb, program, reason, key, value):
    run = wb.submit(program + "\n")
    error = wb.wait(run)["error"]
    assert (error["reason"], error[key]) == (reason, value)


def test_the_end_is_not_success_just_because_a_parent_exits_zero(wb):
    run = wb.submit("import sys; print('fine'); sys.exit(0)\n")
    assert wb.wait(run)["status"] == "Completed" and wb.document(run)["error"] is None


# Ignores SIGTERM, has a child that does too, and a daemon that left session and parent behind.
STUBBORN = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
ignore = 'import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); '
wait = 'import sys; signal.pause()'
subprocess.Popen([sys.executable, '-c', ignore + wait])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, '-c', ignore + "print('daemon up', flush=True); " + wait])
    os._exit(0)
os.wait()
print('up', flush=True)
while True:
    signal.pause()
"""


def test_cancel_ends_the_whole_tree(wb):
    run = wb.submit(STUBBORN)
    wb.await_line(run, "daemon up")
    wb.await_line(run, "up")
    before = wb.pids("signal.pause")
    assert len(before) >= 2
    assert wb.http("POST", f"runs/{quote(run)}/cancel").status == 202
    assert wb.http("POST", f"runs/{quote(run)}/cancel").status == 202  # again: the same
    document = wb.wait(run)
    assert document["status"] == "Canceled"
    assert document["error"]["reason"] == "canceled" and document["error"]["canceledBy"]
    wb.await_gone(before)
    assert wb.pids("signal.pause") == []


def test_daemons_of_a_script_that_ended_are_ended(wb):
    run = wb.submit("""
import os, subprocess, sys
pipe = os.pipe()
os.set_inheritable(pipe[1], True)
daemon = "import os, signal; os.write(%d, b'x'); signal.pause()" % pipe[1]
subprocess.Popen([sys.executable, '-c', daemon], start_new_session=True, close_fds=False)
os.read(pipe[0], 1)
print('left one behind')
""")
    assert wb.completed(run)
    assert wb.pids("signal.pause") == []


def test_timeout(wb):
    run = wb.submit("import signal; print('waiting', flush=True); signal.pause()\n", timeoutSeconds=1)
    document = wb.wait(run)
    assert document["status"] in ("Failed", "Canceled")
    assert document["error"]["reason"] == "timeout"
    assert "waiting" in wb.log(run)


def test_cancel_before_the_start_never_starts(wb, gate):
    # With as many runs as the target takes, the next one waits in the queue.
    doors = [gate(str(i)) for i in range((os.cpu_count() or 1) + 4)]
    runs = [wb.submit(f"open({str(door.path)!r}).read()\n") for door in doors]
    queued = [run for run in runs if wb.document(run)["status"] == "Queued"]
    last = wb.submit("print('must not be printed')\n")
    assert wb.http("POST", f"runs/{quote(last)}/cancel").status == 202
    assert wb.wait(last)["status"] in ("Canceled", "Completed")
    if queued:  # there was no room: so it was never launched
        assert wb.document(last)["status"] == "Canceled" and wb.log(last) == ""
        why = wb.get(f"runs/{quote(queued[-1])}/why")
        assert why["summary"] and why["reasons"]
    for run, door in zip(runs, doors):
        door.open()
    for run in runs:
        wb.completed(run)


def test_cancel_through_each_face(wb):
    program = "import signal; print('up', flush=True); signal.pause()\n"
    first, second = wb.submit(program), wb.submit(program)
    wb.await_line(first, "up")
    wb.await_line(second, "up")
    wb.werkbank("run", "cancel", first)
    wb.python(
        """
import sys
from azureml.core import Experiment, Run, Workspace
Run(Experiment(Workspace.get('default'), 'tests'), sys.argv[1]).cancel()
""",
        second,
    )
    assert wb.wait(first)["status"] == "Canceled" and wb.wait(second)["status"] == "Canceled"
    assert wb.http("POST", f"runs/{quote(first)}/cancel").status in (202, 409)


def test_a_deleted_run_is_in_the_trash_and_comes_back(wb):
    run = wb.submit("print('x')\n")
    wb.completed(run)
    assert wb.http("DELETE", f"runs/{quote(run)}").status in (200, 204)
    assert run not in [item["runId"] for item in wb.get("runs")["items"]]
    assert run in [item["runId"] for item in wb.get("runs?stage=deleted")["items"]]
    assert wb.http("POST", f"runs/{quote(run)}/restore").status in (200, 204)
    assert run in [item["runId"] for item in wb.get("runs")["items"]]
    shown = json.loads(wb.werkbank("run", "show", run, "-o", "json").stdout)
    assert shown["status"] == "Completed"


def test_an_end_by_sigkill_is_told(wb):
    run = wb.submit("print('up', flush=True)\nimport signal; signal.pause()  # marker-of-the-script\n")
    wb.await_line(run, "up")
    (script,) = [pid for pid in wb.pids(str(PYTHON)) if "train.py" in wb.processes().get(pid, "")]
    os.kill(script, signal.SIGKILL)
    error = wb.wait(run)["error"]
    assert error["reason"] == "signal", error
    assert error["signal"] == signal.SIGKILL
