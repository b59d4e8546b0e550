"""Fixtures: a clean environment, a fake server on the socket of a temporary home, and a program that stands in for `werkbank`."""

import os
import stat
import sys
import threading

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.path.insert(0, HERE)

from fake_server import FakeServer  # noqa: E402

# What the SDK calls the program for: snapshot ids, YAML, and starting the server. `server start` notes that it was called.
PROGRAM = """#!{python}
import json, os, sys
arguments = sys.argv[1:]
with open({calls!r}, "a") as stream:
    stream.write(json.dumps(arguments) + "\\n")
if arguments[:2] == ["snapshot", "create"]:
    print(json.dumps({{"snapshotId": "f" * 64}}))
elif arguments[:1] == ["yaml-to-json"]:
    import yaml
    try:
        print(json.dumps(yaml.safe_load(open(arguments[-1]))))
    except yaml.YAMLError as error:
        sys.exit("line 1: " + str(error))
elif arguments[:1] in (["dataset"], ["datastore"], ["mount"]):
    sys.path[:0] = {paths!r}
    from fake_datasets import stand_in
    sys.exit(stand_in(arguments))
else:
    sys.exit("the stand-in does not start servers")
"""


def settle_metrics(limit_s):
    """Waits for the threads that bring metrics: one that is left would start the server of the test after this one."""
    for thread in threading.enumerate():
        if thread.name == "azureml-metrics":
            thread.join(limit_s)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("AZUREML_", "WERKBANK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("WERKBANK_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(str(tmp_path / "project"))
    yield
    settle_metrics(10)


@pytest.fixture
def program(monkeypatch, tmp_path):
    """The stand-in; its value is the file with one line per call."""
    path, calls = tmp_path / "werkbank", tmp_path / "calls"
    path.write_text(PROGRAM.format(python=sys.executable, calls=str(calls), paths=[HERE, os.path.dirname(HERE)]))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("WERKBANK_BINARY", str(path))
    return calls


@pytest.fixture
def server(tmp_path):
    with FakeServer(str(tmp_path / "home" / "server.sock")) as running:
        yield running
        settle_metrics(5)


@pytest.fixture
def workspace(server):
    from azureml.core import Workspace

    return Workspace.get("default")


@pytest.fixture
def experiment(workspace):
    from azureml.core import Experiment

    return Experiment(workspace, "digits")


@pytest.fixture
def job(monkeypatch, tmp_path, server):
    """The variables of a job of run `r1`; the value is its spool folder."""
    server.state.runs["r1"] = {
        "runId": "r1",
        "experiment": "digits",
        "status": "Running",
        "attempt": 1,
        "runNumber": 1,
        "tags": {},
        "properties": {},
        "managed": True,
        "parentRunId": None,
        "revision": 1,
        "displayName": "",
        "runType": None,
        "error": None,
        "spec": None,
    }
    spool = tmp_path / "spool"
    for name, value in (
        ("AZUREML_RUN_ID", "r1"),
        ("AZUREML_ARM_SUBSCRIPTION", "s"),
        ("AZUREML_ARM_RESOURCEGROUP", "g"),
        ("AZUREML_ARM_WORKSPACE_NAME", "default"),
        ("AZUREML_ARM_PROJECT_NAME", "digits"),
        ("AZUREML_RUN_TOKEN", "a.b.c"),
        ("AZUREML_SERVICE_ENDPOINT", server.url),
        ("WERKBANK_URL", server.url),
        ("WERKBANK_SPOOL", str(spool)),
    ):
        monkeypatch.setenv(name, value)
    return spool
