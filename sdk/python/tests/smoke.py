"""What has to work on every interpreter, without pytest: a story against the small server of fake_server.py. Fails by an
exception."""

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.path.insert(0, HERE)

PROGRAM = """#!{}
import json, sys
assert sys.argv[1:3] == ["snapshot", "create"], sys.argv
print(json.dumps({{"snapshotId": "f" * 64}}))
"""


def import_everything():
    import azureml.core

    for name in azureml.core.__all__:
        getattr(azureml.core, name)
    package = os.path.join(os.path.dirname(HERE), "azureml")
    for parent, _, names in os.walk(package):
        for name in names:
            if name.endswith(".py") and name not in ("__init__.py", "_live.py"):  # _live needs the extra `notebooks`
                relative = os.path.relpath(os.path.join(parent, name), os.path.dirname(package))
                __import__(relative[:-3].replace(os.sep, "."))


def submit_and_wait(state):
    from azureml.core import Experiment, ScriptRunConfig, Workspace

    with open("config.json", "w") as stream:
        json.dump({"subscription_id": "s", "resource_group": "g", "workspace_name": "mine"}, stream)
    os.mkdir("src")
    with open("src/train.py", "w") as stream:
        stream.write("print('hi')\n")
    experiment = Experiment(Workspace.from_config(), "digits")
    run = experiment.submit(ScriptRunConfig("src", "train.py", arguments=["--rate", 0.1]))
    log = "azureml-logs/70_driver_log.txt"
    state.events[run.id] = [
        ("log", {"run": run.id, "path": log, "attempt": 1, "offset": 0, "text": "hi\n", "size": 3}),
        ("run.status", {"data": {"status": "Completed"}}),
    ]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        details = run.wait_for_completion(show_output=True)
    assert details["status"] == "Completed" and "\nhi\n\nExecution Summary\n" in out.getvalue(), out.getvalue()


def track():
    from azureml.core import Experiment, Workspace

    run = Experiment(Workspace.from_config(), "digits").start_logging(snapshot_directory=None)
    run.log("m", 1)
    run.log("m", 2.5, step=3)
    run.log_table("t", {"a": [1, 2]})
    run.upload_file("a.txt", io.BytesIO(b"x"))
    run.complete()
    assert run.get_metrics() == {"m": [1, 2.5], "t": {"a": [1, 2]}} and run.get_file_names() == ["a.txt"]


def log_in_a_job(server, folder):
    from azureml.core import Run

    names = (
        "AZUREML_RUN_ID AZUREML_ARM_SUBSCRIPTION AZUREML_ARM_RESOURCEGROUP AZUREML_ARM_WORKSPACE_NAME AZUREML_ARM_PROJECT_NAME "
        "AZUREML_RUN_TOKEN AZUREML_SERVICE_ENDPOINT"
    ).split()
    os.environ.update(dict((name, "x") for name in names), WERKBANK_URL=server.url, WERKBANK_SPOOL=folder)
    run = Run.get_context(allow_offline=False)
    for index in range(100):
        run.log("m", index * 0.5)
    (name,) = os.listdir(os.path.join(folder, "metrics"))
    with open(os.path.join(folder, "metrics", name)) as stream:
        lines = [json.loads(line) for line in stream]
    assert [line["v"] for line in lines[1:]] == [index * 0.5 for index in range(100)] and lines[0]["pid"] == os.getpid()


def configure():
    from azureml.core import Environment, RunConfiguration
    from azureml.core.conda_dependencies import CondaDependencies

    os.mkdir(".azureml")
    configuration = RunConfiguration(conda_dependencies=CondaDependencies.create(pip_packages=["numpy"]))
    configuration.save(name="mine")
    assert (
        os.path.getsize(".azureml/mine") > 1000
        and "numpy" in str(Environment("e").clone("f")) + open(".azureml/conda_dependencies.yml").read()
    )


def main():
    from fake_server import FakeServer

    for name in list(os.environ):
        if name.startswith(("AZUREML_", "WERKBANK_")):
            del os.environ[name]
    folder = os.path.realpath(tempfile.mkdtemp())
    try:
        os.chdir(folder)
        program = os.path.join(folder, "werkbank")
        with open(program, "w") as stream:
            stream.write(PROGRAM.format(sys.executable))
        os.chmod(program, 0o755)
        os.environ.update(WERKBANK_HOME=folder, WERKBANK_BINARY=program)
        with FakeServer(os.path.join(folder, "server.sock")) as server:
            import_everything()
            submit_and_wait(server.state)
            track()
            configure()
            log_in_a_job(server, os.path.join(folder, "spool"))
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    print("passed on {}.{}.{}".format(*sys.version_info[:3]))


if __name__ == "__main__":
    main()
