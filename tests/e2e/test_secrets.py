"""Secrets stay where they belong: canaries go in by every way there is, work as they should, and are found nowhere else."""

import hashlib
import json
import os
import pty
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from secret_places import KINDS, MARK, ClosedIndex, command_lines, core, holds_canary, leaks_below, show
from test_access import Tcp
from workbench import PATIENCE_S, WERKBANK, quote

BUILD_S = 240


@pytest.fixture
def index():
    index = ClosedIndex({"wbfirst", "wbsecond"})
    yield index
    index.close()


def no_canary(text, what):
    data = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    needle = holds_canary(data)
    assert not needle, f"{what} holds a canary: {show(data, needle)!r}"


def told(done, what):
    """What a command says must hold no canary either."""
    no_canary(done.stdout, f"{what}, stdout")
    no_canary(done.stderr, f"{what}, stderr")
    return done


def everything_readable(wb):
    """All that a reader, a log collector or a support bundle can get from this Werkbank."""
    for path in (
        "/metrics",
        "/api/v1",
        "/healthz",
        "/api/v1/tokens",
        "runs?limit=1000",
        "experiments",
        "environments",
        "members",
    ):
        yield path, wb.http("GET", path).body
    yield "secrets", wb.http("GET", "secrets").body
    yield "events", wb.http("GET", "events?follow=false&events=*&from=start").body
    for item in wb.get("environments")["items"]:
        yield "versions", wb.http("GET", f"environments/{quote(item['name'])}/versions").body
    for item in wb.get("runs?limit=1000")["items"]:
        run = "runs/" + quote(item["runId"])
        for part in ("", "/details", "/spec", "/why", "/metrics", "/files"):
            yield part, wb.http("GET", run + part).body
        for path in wb.files(item["runId"]):
            yield path, wb.file(item["runId"], path)
    for words in (["run", "list"], ["token", "list"], ["secret", "list"], ["workspace", "member", "list"], ["server", "status"]):
        for form in ("table", "json", "yaml", "tsv"):
            yield " ".join(words), wb.werkbank(*words, "-o", form).stdout


def stays_hidden(wb):
    """Nothing readable, nothing on disk (the live database with its journal, then closed), nothing in the processes."""
    for line in command_lines():
        no_canary(line, "a process's arguments")
    server = wb.server_pid()
    no_canary(Path(f"/proc/{server}/environ").read_bytes(), "the server's environment")
    for what, text in everything_readable(wb):
        no_canary(text, what)
    assert leaks_below(wb.home) == []
    wb.werkbank("server", "stop")
    assert leaks_below(wb.home) == []


# -- the vault ----------------------------------------------------------------------------------------------------------


def set_by_stdin(wb, name, value):
    """The command waits for the rest of its input while the machine's processes are looked at."""
    process = subprocess.Popen(
        [str(WERKBANK), "secret", "set", name],
        env=wb.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(value.encode()[:4000])
    process.stdin.flush()
    for line in command_lines():
        no_canary(line, "a process's arguments")
    out, err = process.communicate(value.encode()[4000:] + b"\n", timeout=PATIENCE_S)
    assert process.returncode == 0, err
    no_canary(out + err, "secret set")


def set_by_file(wb, name, value):
    file = wb.folder / "value.txt"
    file.write_bytes(value.encode())
    told(wb.werkbank("secret", "set", name, "--file", file), "secret set --file")
    file.unlink()


def set_by_typing(wb, name, value):
    """At a terminal: what is typed is not shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(str(WERKBANK), [str(WERKBANK), "secret", "set", name], wb.environment())
    shown = b""
    while b"Enter:" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, value.encode() + b"\n")
    while True:
        try:
            piece = os.read(terminal, 1000)
        except OSError:  # the terminal is gone with its process
            break
        if not piece:
            break
        shown += piece
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    no_canary(shown, "the terminal")


def set_by_http(wb, name, value):
    answer = wb.http("PUT", "secrets/" + quote(name), {"value": value})
    assert answer.status == 200, answer
    no_canary(answer.body, "the answer")


BATCH = """
import json, sys
from azureml.core import Workspace
vault = Workspace.get('default').get_default_keyvault()
values = json.load(open(sys.argv[1], encoding='utf-8'))
first = sorted(values)[0]
vault.set_secret(first, values.pop(first))
vault.set_secrets(values)
print(vault, [s['name'] for s in vault.list_secrets()][:3])
"""
READ_BACK = """
import hashlib, json, sys
from azureml.core import Workspace
vault = Workspace.get('default').get_default_keyvault()
values = json.load(open(sys.argv[1], encoding='utf-8'))
assert vault.get_secrets(list(values)) == values
print('all', len(values))
"""


def name_of(way, kind):
    return f"{way}-{kind}".replace(" ", "-").replace("'", "")


def test_two_hundred_secrets_of_twenty_kinds(wb):
    """Through every way in, back whole, and nowhere else: no file, log, event, list, process."""
    wb.start()
    values = {}

    def canary(way, kind):
        name = name_of(way, kind)
        values[name] = KINDS[kind]()
        return name, values[name]

    for kind in KINDS:
        set_by_stdin(wb, *canary("stdin", kind))
        set_by_file(wb, *canary("file", kind))
        for number in range(4):
            set_by_http(wb, *canary(f"http{number}", kind))
    for kind in ("password", "phrase with blanks", "quotes", "shell", "unicode"):
        set_by_typing(wb, *canary("typed", kind))
    batch = wb.folder / "batch.json"
    batch.write_text(json.dumps(dict(canary(f"sdk{number}", kind) for kind in KINDS for number in range(5))), encoding="utf-8")
    told(wb.python(BATCH, batch), "the SDK")
    assert len(values) >= 200 and len(KINDS) >= 20 and all(MARK in json.dumps(v) or holds_canary(v) for v in values.values())

    batch.write_text(json.dumps(values), encoding="utf-8")
    assert told(wb.python(READ_BACK, batch), "the SDK").stdout.split() == ["all", str(len(values))]
    batch.unlink()
    for kind in KINDS:
        name = name_of("stdin", kind)
        raw = subprocess.run([str(WERKBANK), "secret", "get", name], env=wb.environment(), stdout=subprocess.PIPE, check=True)
        assert raw.stdout == values[name].encode(), name
        assert wb.get("secrets/" + quote(name) + "/value")["value"] == values[name]
    stays_hidden(wb)


def test_what_is_refused_is_not_repeated(wb):
    wb.start()
    value = core()
    for words in (
        ["secret", "set", "db", value],
        ["secret", "set", "db", "--value", value],
        ["secret", "set", "db", f"--value={value}"],
        ["secret", "set", "db", "--file", wb.folder / "none"],
    ):
        done = told(wb.werkbank(*words, code=None), words[1])
        assert done.returncode != 0 and done.stderr, words
    for body in ({"value": value + "\0"}, {"value": [value]}, {"value": value, "more": value}, {"valeu": value}):
        answer = wb.http("PUT", "secrets/db", body)
        assert answer.status == 400, answer
        if "value" in body:
            no_canary(answer.body, "the refusal")
    too_long = wb.http("PUT", "secrets/db", {"value": core() * 20_000})
    assert too_long.status == 413
    no_canary(too_long.body, "the refusal")
    assert wb.get("secrets")["items"] == []
    stays_hidden(wb)


def test_wrong_logins_are_not_repeated(wb):
    server = Tcp(wb)
    try:
        remote = {"WERKBANK_URL": f"http://127.0.0.1:{server.port}", "WERKBANK_TOKEN": core()}
        for words in (["run", "list"], ["secret", "list"], ["doctor"]):
            told(wb.werkbank(*words, env=remote, code=None), words[0])
        done = wb.python("from azureml.core import Workspace; Workspace.get('default')", env=remote, code=None)
        told(done, "the SDK")
        assert done.returncode != 0
        for token in (core(), "wbt_" + core(), f"{core()}.{core()}.{core()}"):
            answer = server.ask("GET", "/api/v1/workspaces", token)
            assert answer.status == 401
            no_canary(answer.body, "the refusal")
        assert server.ask("GET", "/api/v1/workspaces", Authorization="Basic " + core()).status == 401
        for url in (
            f"http://user:{core()}@127.0.0.1:{server.port}",
            f"ftp://user:{core()}@127.0.0.1",
            f"https://{core()}@127.0.0.1:9",
        ):
            wrong = {"WERKBANK_URL": url, "WERKBANK_TOKEN": core()}
            assert told(wb.werkbank("run", "list", env=wrong, code=None), url[:8]).returncode != 0
            program = "from azureml.core import Workspace; Workspace.get('default')"
            assert told(wb.python(program, env=wrong, code=None), url[:8]).returncode != 0
        stays_hidden(wb)
    finally:
        server.stop()


# -- logins in what is submitted ----------------------------------------------------------------------------------------

PRINTS_HASHES = """
import hashlib, os, sys
import wbfirst
def mark(text):
    print(hashlib.sha256(text.encode()).hexdigest(), flush=True)
mark(os.environ['DATABASE_URL'])
mark(os.environ['ftp_proxy'])
mark(sys.argv[1])
"""


def built(*requirements, **more):
    return {
        "name": "closed",
        "userManaged": False,
        "pythonVersion": f"3.{sys.version_info.minor}",
        "pipRequirements": list(requirements),
        **more,
    }


def hashes(*texts):
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def test_logins_in_a_submission(wb, index):
    """They reach the index, the script and the proxy's variable as they were written; what is stored and shown is sealed."""
    words = {name: core() for name in ("index", "extra", "database", "argument", "proxy", "registry", "git")}
    database, argument = (f"postgres://me:{words[name]}@db/base" for name in ("database", "argument"))
    # A server that a command starts takes nothing of these with it.
    wb.start(env={"WERKBANK_TOKEN": core(), "AWS_SECRET_ACCESS_KEY": core(), "AZUREML_PASSWORD": core()})
    definition = built(
        f"--index-url http://user:{words['index']}@{index.place}/simple",
        f"--extra-index-url http://{words['extra']}@{index.place}/more",
        "wbfirst==1.0",
        variables={"DATABASE_URL": database},
        docker={"baseImageRegistry": {"address": "registry", "username": "me", "password": words["registry"]}},
    )
    registered = wb.http("POST", "environments", definition)
    assert registered.status == 201, registered
    no_canary(registered.body, "the registered environment")
    assert wb.http("POST", "environments", definition).status == 200  # the same again is the same version
    project = wb.project({"train.py": PRINTS_HASHES})
    body = wb.submission(
        wb.snapshot(project),
        arguments=[argument],
        submitterEnvironment={"PATH": wb.environment()["PATH"], "ftp_proxy": f"me:{words['proxy']}@proxy:3128"},
    )
    body["git"] = {"repositoryUrl": f"https://me:{words['git']}@host/repo.git", "branch": "b", "commit": "c" * 40, "dirty": False}
    # As it was written, and as it is read back: both run.
    for environment in (definition, json.loads(wb.http("GET", "environments/closed").body)):
        environment = {name: value for name, value in environment.items() if name not in ("createdUtc", "curated", "labels")}
        body["spec"]["environment"] = environment
        answer = wb.http("POST", "runs", body)
        assert answer.status == 202, answer
        no_canary(answer.body, "the submitted run")
        run = answer.json["runId"]
        wb.completed(run, limit=BUILD_S)
        assert wb.log(run).split() == hashes(database, f"me:{words['proxy']}@proxy:3128", argument)
        properties = wb.document(run)["properties"]
        assert properties["azureml.git.repository_uri"] == "https://***@host/repo.git", properties
    assert f"user:{words['index']}" in index.logins
    assert index.seen == [], index.seen  # while the packages were fetched
    stays_hidden(wb)


def test_a_build_that_fails_does_not_tell_its_logins(wb, index):
    wb.start()
    for place in (f"{index.place}/simple", "127.0.0.1:9/simple"):  # without the package; without an index
        run = wb.submit("print(1)\n", environment=built(f"--index-url http://user:{core()}@{place}", "wbmissing==1.0"))
        document = wb.wait(run, limit=BUILD_S)
        assert document["status"] == "Failed" and document["error"]["reason"] == "environment", document
    for line in (
        f"--index-url https://u:{core()}@host,x",
        f"--indx-url https://{core()}@host",
        f"a b @ https://u:{core()}@host/x",
    ):
        answer = wb.http("POST", "runs", wb.submission(wb.snapshot(wb.project({"train.py": ""})), environment=built(line)))
        assert answer.status == 400, answer
        no_canary(answer.body, "the refusal")
    assert index.seen == []
    stays_hidden(wb)


SUBMIT_BY_SDK = """
import os, sys
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.conda_dependencies import CondaDependencies
environment = Environment('by-sdk')
packages = CondaDependencies()
packages.set_python_version(sys.argv[2])
packages.set_pip_option('--index-url ' + sys.argv[1])
packages.add_pip_package('wbfirst==1.0')
environment.python.conda_dependencies = packages
environment.docker.base_image_registry.address = 'registry'
environment.docker.base_image_registry.password = os.environ['REGISTRY_PASSWORD']
environment.register(Workspace.get('default'))
configuration = ScriptRunConfig('.', 'train.py', environment=environment, compute_target='local')
run = Experiment(Workspace.get('default'), 'sdk').submit(configuration)
run.wait_for_completion(show_output=True)
print(run.get_details()['runDefinition'], run.get_properties())
"""


def test_logins_by_command_line_and_sdk(wb, index):
    """From pip's variables, a configuration file that stays out of the snapshot, a repository's remote, the SDK's objects."""
    wb.start()
    address = f"http://user:{core()}@{index.place}/simple"
    project = wb.project(
        {
            "train.py": "import wbfirst\nprint('trained')\n",
            ".amlignore": "aml_config/\n.git/\n",
            "aml_config/closed.runconfig": "target: local\nframework: Python\nenvironment:\n"
            "  python:\n    userManagedDependencies: false\n"
            "    condaDependenciesFile: aml_config/conda_dependencies.yml\n",
            "aml_config/conda_dependencies.yml": f"dependencies:\n- python=3.{sys.version_info.minor}\n- pip:\n"
            f"  - --extra-index-url http://other:{core()}@{index.place}/simple\n  - wbfirst==1.0\n",
        }
    )
    for words in (["init", "-q"], ["remote", "add", "origin", f"https://me:{core()}@host/team/repo.git"]):
        wb.run("git", *words, cwd=project)
    wb.run("git", "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "m", cwd=project)
    secret_shell = {
        "PIP_INDEX_URL": address,
        "https_proxy": f"http://me:{core()}@127.0.0.1:9",
        "AWS_SECRET_ACCESS_KEY": core(),
        "REGISTRY_PASSWORD": core(),
        "WERKBANK_TOKEN": core(),
    }
    done = wb.werkbank("run", "submit", "-c", "closed", "train.py", cwd=project, env=secret_shell, limit=BUILD_S, code=None)
    told(done, "run submit")
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    done = wb.python(
        SUBMIT_BY_SDK, address, f"3.{sys.version_info.minor}", cwd=project, env=secret_shell, limit=BUILD_S, code=None
    )
    told(done, "the SDK's submit")
    assert done.returncode == 0 and "trained" in done.stdout, done.stderr
    assert len(index.logins) >= 2
    # The SDK's process was given the address as an argument here: that one is the caller's own.
    assert [line for line in index.seen if b"SUBMIT" not in line and b"azureml.core" not in line] == []
    stays_hidden(wb)


def files_with_run_tokens(wb):
    token = re.compile(rb"eyJ[\w-]{10,}\.[\w-]{20,}\.[\w-]{40,}")
    return [path for path in wb.home.rglob("*") if path.is_file() and path.suffix != ".whl" and token.search(path.read_bytes())]


def test_run_tokens_lie_in_the_plan_only_and_end_with_it(wb, gate):
    wb.start()
    waiting = gate("go")
    run = wb.submit("import sys\nprint('ready', flush=True)\nopen(sys.argv[1]).read()\n", arguments=[str(waiting.path)])
    wb.await_line(run, "ready")
    files = files_with_run_tokens(wb)
    assert files and {path.name for path in files} == {"plan.json"}, files
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0
    jwt = json.loads(files[0].read_text())["token"].encode()
    assert not [line for line in command_lines() if jwt in line]
    waiting.open()
    wb.completed(run)
    wb.werkbank("server", "stop")
    wb.await_gone(wb.runner_pids())
    assert files_with_run_tokens(wb) == []


def test_what_a_script_prints_is_its_log(wb):
    """A log is kept byte by byte: a script that prints a secret has published it (docs/guide/secrets.md says so)."""
    wb.start()
    value = "plain-" + core()
    set_by_http(wb, "db", value)
    run = wb.submit("from azureml.core import Run\nprint(Run.get_context().get_secret('db'))\n")
    wb.completed(run)
    assert wb.log(run) == value + "\n"
