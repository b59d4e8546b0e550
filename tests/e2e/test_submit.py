"""Submitting: what follows the script's name is the script's, detaching, interrupting, repeating, configurations."""

import json
import os
import signal
import threading

import pytest
from workbench import PYTHON, WERKBANK, quote

ECHO = "import sys, json; print(json.dumps(sys.argv[1:]))\n"
ODD_ARGUMENTS = [
    "--help",
    "-c",
    "--",
    "-o",
    "json",
    "",
    " two  blanks ",
    "$HOME",
    "`id`",
    "a\nb",
    "'",
    '"',
    "*",
    "--x=y",
    "grün",
    "\\",
    "-",
]


@pytest.mark.parametrize("command", [["run", "submit"], ["az", "ml", "experiment", "submit", "-c", "local"]])
def test_what_follows_the_script_goes_to_it_verbatim(wb, command):
    project = wb.project({"echo.py": ECHO})
    done = wb.werkbank(*command, "echo.py", *ODD_ARGUMENTS, cwd=project)
    assert json.loads(done.stdout) == ODD_ARGUMENTS


def test_arguments_over_http_and_sdk(wb):
    run = wb.submit(ECHO, arguments=ODD_ARGUMENTS)
    wb.completed(run)
    assert json.loads(wb.log(run)) == ODD_ARGUMENTS
    project = wb.project({"echo.py": ECHO})
    wb.python(
        """
import sys
from azureml.core import Experiment, ScriptRunConfig, Workspace
config = ScriptRunConfig(sys.argv[1], 'echo.py', arguments=['--rate', 0.5, '--count', 3, 'a b'], compute_target='local')
run = Experiment(Workspace.get('default'), 'echo').submit(config)
run.wait_for_completion()
""",
        project,
    )
    (run,) = wb.get("runs?experiment=echo")["items"]
    assert json.loads(wb.log(run["runId"])) == ["--rate", "0.5", "--count", "3", "a b"]


def test_data_is_on_stdout_and_talk_on_stderr(wb):
    project = wb.project({"both.py": "import sys\nprint('out')\nprint('err', file=sys.stderr)\n"}, name="my-folder")
    done = wb.werkbank("run", "submit", "both.py", cwd=project)
    assert sorted(done.stdout.splitlines()) == ["err", "out"]
    assert "RunId: my-folder_" in done.stderr and "Completed" in done.stderr
    assert "\x1b[" not in done.stdout + done.stderr  # no colours where there is no terminal
    # Without any configuration: workspace default, experiment named after the folder.
    (run,) = wb.get("runs")["items"]
    assert run["experiment"] == "my-folder" and run["workspace"] == "default"


def test_detach_and_come_back(wb, gate):
    go = gate("go")
    project = wb.project({"train.py": f"print('one', flush=True)\nopen({str(go.path)!r}).read()\nprint('two')\n"})
    done = wb.werkbank("run", "submit", "--detach", "train.py", cwd=project)
    (run,) = wb.get("runs")["items"]
    assert run["runId"] in done.stdout + done.stderr
    follower = wb.popen(WERKBANK, "run", "logs", run["runId"], "--follow")
    wb.await_line(run["runId"], "one")
    go.open()
    stdout, _ = follower.communicate(timeout=60)
    assert stdout.decode() == "one\ntwo\n"
    assert wb.completed(run["runId"])


def test_ctrl_c_detaches_and_the_run_goes_on(wb, gate):
    go = gate("go")
    project = wb.project({"train.py": f"print('one', flush=True)\nopen({str(go.path)!r}).read()\nprint('two')\n"})
    client = wb.popen(WERKBANK, "run", "submit", "train.py", cwd=project, start_new_session=True)
    assert client.stdout.readline() == b"one\n"
    os.kill(client.pid, signal.SIGINT)
    _, stderr = client.communicate(timeout=60)
    assert client.returncode == 130
    (run,) = wb.get("runs")["items"]
    assert f"run logs {run['runId']}" in stderr.decode(), stderr.decode()
    # The first line may be there before the runner's report that the script runs.
    assert wb.wait(run["runId"], {"Running"})["status"] == "Running"
    go.open()
    wb.completed(run["runId"])
    assert wb.log(run["runId"]) == "one\ntwo\n"


def test_the_same_idempotency_key_makes_one_run(wb):
    body = wb.submission(wb.snapshot(wb.project({"train.py": "print(1)\n"})))
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(wb.http("POST", "runs", body, {"Idempotency-Key": "k1"})))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} <= {200, 202}, answers
    assert len({answer.json["runId"] for answer in answers}) == 1
    assert len(wb.get("runs")["items"]) == 1
    other = wb.http("POST", "runs", {**body, "displayName": "another"}, {"Idempotency-Key": "k1"})
    assert (other.status, other.code) == (409, "idempotency_conflict")
    second = wb.http("POST", "runs", body, {"Idempotency-Key": "k2"}).json["runId"]
    assert second != answers[0].json["runId"]
    for run in (answers[0].json["runId"], second):
        assert wb.wait(run)["status"] == "Completed"


def test_a_run_id_of_the_client_wins_and_is_unique(wb):
    body = {**wb.submission(wb.snapshot(wb.project({"train.py": "print(1)\n"}))), "runId": "mine_1"}
    assert wb.http("POST", "runs", body).json["runId"] == "mine_1"
    again = wb.http("POST", "runs", body)
    assert again.status == 409 and again.code == "already_exists"
    assert wb.wait("mine_1")["status"] == "Completed"


def test_environment_variables_and_the_submitters_allow_list(wb):
    program = "import os, json; print(json.dumps(dict(os.environ)))\n"
    project = wb.project({"env.py": program})
    done = wb.run(
        WERKBANK,
        "run",
        "submit",
        "--env",
        "MINE=a b=c",
        "env.py",
        cwd=project,
        env={"OMP_NUM_THREADS": "3", "AWS_SECRET_ACCESS_KEY": "never", "LC_NUMERIC": "C"},
    )
    seen = json.loads(done.stdout)
    assert seen["MINE"] == "a b=c" and seen["OMP_NUM_THREADS"] == "3" and seen["LC_NUMERIC"] == "C"
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    (run,) = wb.get("runs")["items"]
    assert seen["AZUREML_RUN_ID"] == run["runId"]
    for name in (
        "AZUREML_ARM_SUBSCRIPTION",
        "AZUREML_ARM_RESOURCEGROUP",
        "AZUREML_ARM_WORKSPACE_NAME",
        "AZUREML_ARM_PROJECT_NAME",
        "AZUREML_RUN_TOKEN",
        "AZUREML_SERVICE_ENDPOINT",
        "AZUREML_EXPERIMENT_ID",
    ):
        assert name in seen, name
    header, claims, signature = seen["AZUREML_RUN_TOKEN"].split(".")
    assert header and claims and signature


def test_the_output_formats(wb):
    wb.completed(wb.submit("print(1)\n"))
    (listed,) = json.loads(wb.werkbank("run", "list", "-o", "json").stdout)
    assert listed["status"] == "Completed"
    assert "Completed" in wb.werkbank("run", "list", "-o", "table").stdout
    assert "status: Completed" in wb.werkbank("run", "list", "-o", "yaml").stdout
    assert "\t" in wb.werkbank("run", "list", "-o", "tsv").stdout


def test_two_runs_do_not_disturb_each_other(wb):
    program = "from azureml.core import Run\nrun = Run.get_context()\nfor i in range(100): run.log('i', i); print({0}, i)\n"
    runs = [wb.submit(program.replace("{0}", str(number))) for number in range(4)]
    for number, run in enumerate(runs):
        wb.completed(run)
        assert wb.log(run) == "".join(f"{number} {i}\n" for i in range(100))
        assert wb.series(run, "i") == list(range(100))


def test_a_command_in_place_of_a_script(wb):
    run = wb.submit(wb.project({"data.txt": "abc"}), script=None, command="cat data.txt && exit 4")
    error = wb.wait(run)["error"]
    assert error["exitCode"] == 4 and wb.log(run) == "abc"


def test_output_without_newline_invalid_utf8_and_much(wb):
    run = wb.submit("""
import os
os.write(1, b'\\xff\\xfe caf\\xc3')
os.write(2, b'\\xa9\\n')
os.write(1, b'x' * 3_000_000)
os.write(1, b'no newline at the end')
""")
    wb.completed(run)
    expected = b"\xff\xfe caf\xc3\xa9\n" + b"x" * 3_000_000 + b"no newline at the end"
    assert wb.file(run, "azureml-logs/70_driver_log.txt") == expected
    texts = [data for kind, data in wb.events(f"log={quote(run)}:*&from=start") if kind == "log"]
    assert sum(data["size"] if "size" in data else len(data["text"].encode()) for data in texts) == len(expected)
    assert "".join(data["text"] for data in texts).endswith("no newline at the end")


def test_runconfig_of_2017(wb):
    project = wb.project(
        {
            "show.py": "import os, sys; print(os.environ['GREETING'], sys.argv[1:])\n",
            "aml_config/mine.runconfig": 'ArgumentVector:\n  - "$file"\n  - "--from-config"\nTarget: local\nFramework: Python\n'
            'EnvironmentVariables:\n  "GREETING": "hello"\nPrepareEnvironment: false\n',
            "aml_config/local.compute": "type: local\n",
        }
    )
    done = wb.az("ml", "experiment", "submit", "-c", "mine", "show.py", "own", cwd=project)
    assert done.stdout == "hello ['--from-config', 'own']\n"


def test_a_very_long_home(wb, tmp_path):
    home = tmp_path / ("deep" * 20) / ("er" * 40)
    home.mkdir(parents=True)
    assert len(str(home)) > 108
    wb.home = home
    project = wb.project({"train.py": "print('reached')\n"})
    assert wb.werkbank("run", "submit", "train.py", cwd=project).stdout == "reached\n"
    assert wb.python("from azureml.core import Workspace; print(Workspace.get('default').name)").stdout == "default\n"


def test_interpreter_of_the_submitter(wb):
    project = wb.project({"which.py": "import sys; print(sys.executable)\n"})
    seen = wb.az("ml", "experiment", "submit", "-c", "local", "which.py", cwd=project).stdout.strip()
    assert os.path.samefile(seen, PYTHON) and seen.startswith(str(PYTHON.parent))
