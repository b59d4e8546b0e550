"""Environments: the user's interpreter as it is, and those that Werkbank builds once and finds again."""

import glob
import json
import os
import shutil
import sys
import threading

import pytest
from workbench import PYTHON, ROOT, quote

BUILD_S = 240  # a build downloads packages


def python36():
    candidates = [
        shutil.which("python3.6"),
        *glob.glob(os.path.expanduser(os.environ.get("PYENV_ROOT", "~/.pyenv") + "/versions/3.6.*/bin/python")),
    ]
    found = [candidate for candidate in candidates if candidate and os.access(candidate, os.X_OK)]
    return found[0] if found else None


def definition(*requirements, python=None, **more):
    return {
        "name": "built",
        "userManaged": False,
        "pythonVersion": python or f"3.{sys.version_info.minor}",
        "pipRequirements": list(requirements),
        **more,
    }


VERSIONS = "import sys, {0}; print('%d.%d' % sys.version_info[:2], {0}.__version__)\n"


@pytest.mark.skipif(not python36(), reason="no Python 3.6 is here (pyenv install 3.6)")
def test_python36_with_an_old_scikit_learn(wb, tmp_path):
    project = tmp_path / "py36"
    shutil.copytree(ROOT / "examples" / "digits-py36", project)
    done = wb.werkbank("run", "submit", "-c", "py36", "train.py", cwd=project, limit=BUILD_S)
    assert "accuracy 0.9" in done.stdout
    (run,) = wb.get("runs")["items"]
    assert wb.series(run["runId"], "accuracy")[0] > 0.9
    assert "azureml-logs/20_image_build_log.txt" in wb.files(run["runId"])
    # Built once: the next run finds it, the SDK's definition of the same packages too.
    project.joinpath("show.py").write_text(VERSIONS.format("sklearn"))
    again = wb.werkbank("run", "submit", "-c", "py36", "show.py", cwd=project, limit=BUILD_S)
    assert again.stdout.split() == ["3.6", "0.22.1"]


@pytest.mark.skipif(not python36(), reason="no Python 3.6 is here (pyenv install 3.6)")
def test_the_tutorials_environment_pins_no_python(wb):
    """The lowest Python with wheels for all pins is taken, with a NumPy that has np.float."""
    program = "import sys, azureml.core, numpy, pandas, pyarrow, sklearn\n"
    program += "print('%d.%d' % sys.version_info[:2], sklearn.__version__, numpy.float('1'))\n"
    wanted = definition(
        "azureml-dataset-runtime[pandas,fuse]", "azureml-defaults", condaPackages=["scikit-learn==0.22.1"], pythonVersion=""
    )
    run = wb.submit(program, environment=wanted)
    wb.completed(run, limit=BUILD_S)
    assert wb.log(run).split() == ["3.6", "0.22.1", "1.0"]


def test_built_once_for_runs_that_come_together(wb):
    snapshot = wb.snapshot(wb.project({"train.py": "import idna, sys; print(idna.__version__, sys.executable)\n"}))
    body = wb.submission(snapshot, environment=definition("idna==3.7"))
    runs = []
    threads = [threading.Thread(target=lambda: runs.append(wb.http("POST", "runs", body).json["runId"])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in runs:
        wb.completed(run, limit=BUILD_S)
    logs = {wb.log(run) for run in runs}
    assert len(logs) == 1 and logs.pop().startswith("3.7 ")
    environments = {wb.log(run).split()[1] for run in runs}
    assert len(environments) == 1


def test_our_sdk_is_there_without_touching_the_environment(wb):
    run = wb.submit(
        "from azureml.core import Run\nRun.get_context().log('x', 1)\nimport idna\n", environment=definition("idna==3.7")
    )
    wb.completed(run, limit=BUILD_S)
    assert wb.series(run, "x") == [1]


@pytest.mark.parametrize(
    "requirement, named",
    [
        ("scikit-lern-misspelt-qq==1.0", "scikit-lern-misspelt-qq"),
        ("idna==99.99", "idna"),
    ],
)
def test_an_impossible_requirement_is_named(wb, requirement, named):
    run = wb.submit("print(1)\n", environment=definition(requirement))
    document = wb.wait(run, limit=BUILD_S)
    assert document["status"] == "Failed"
    assert document["error"]["reason"] == "environment"
    assert named in document["error"]["message"], document["error"]
    assert document["error"]["hint"]
    assert wb.log(run) == ""
    assert named in wb.file(run, "azureml-logs/20_image_build_log.txt").decode()


def test_a_failed_build_does_not_stand_in_the_way_of_the_next(wb):
    failed = wb.submit("print(1)\n", environment=definition("idna==99.99"))
    assert wb.wait(failed, limit=BUILD_S)["status"] == "Failed"
    wb.completed(wb.submit("import idna\n", environment=definition("idna==3.7")), limit=BUILD_S)


def test_prepare_streams_and_answers_ready(wb):
    wb.start()
    body = {"environment": definition("idna==3.7"), "target": "local", "submitterEnvironment": {"PATH": wb.environment()["PATH"]}}
    answer = wb.http("POST", "environments/prepare", body, timeout=BUILD_S)
    assert answer.status == 200
    text = answer.body.decode()
    assert "event: ready" in text, text[-2000:]
    ready = json.loads(text.split("event: ready")[1].split("data:", 1)[1].split("\n")[0])
    assert os.access(ready["interpreter"], os.X_OK)
    again = wb.http("POST", "environments/prepare", body, timeout=BUILD_S).body.decode()
    assert '"cached":true' in again.replace(" ", "")


def test_a_user_managed_interpreter_is_used_as_it_is(wb):
    run = wb.submit("import sys; print(sys.executable)\n")
    wb.completed(run)
    assert wb.log(run).strip() == str(PYTHON)


@pytest.mark.parametrize(
    "interpreter, why",
    [
        ("/nonexistent/python", "/nonexistent/python"),
        ("/bin/ls", "/bin/ls"),
        ("no-such-python-name", "no-such-python-name"),
    ],
)
def test_an_interpreter_that_is_none_is_refused_at_submit(wb, interpreter, why):
    body = wb.submission(
        wb.snapshot(wb.project({"train.py": "print(1)\n"})), environment={"userManaged": True, "interpreter": interpreter}
    )
    answer = wb.http("POST", "runs", body)
    assert (answer.status, answer.code) == (400, "interpreter_not_found"), answer
    assert why in answer.json["detail"]
    assert wb.get("runs")["items"] == []


def test_environments_are_registered_with_versions(wb):
    wb.start()
    first = wb.http("POST", "environments", {**definition("idna==3.7"), "name": "shared"})
    assert first.status in (200, 201), first
    same = wb.http("POST", "environments", {**definition("idna==3.7"), "name": "shared"})
    assert same.json["version"] == first.json["version"]
    changed = wb.http("POST", "environments", {**definition("idna==3.10"), "name": "shared"})
    assert changed.json["version"] != first.json["version"]
    assert wb.get(f"environments/{quote('shared')}")["version"] == changed.json["version"]
