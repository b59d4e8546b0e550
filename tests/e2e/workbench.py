"""A Werkbank of its own for each test: a fresh home, the real programs, and the three ways in: command line, SDK, HTTP."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import urllib.parse
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RELEASE = ROOT / "build" / "release"
WERKBANK = RELEASE / "werkbank"
VENV = ROOT / "build" / "venv"
PYTHON = VENV / "bin" / "python"
TERMINAL = {"Completed", "Failed", "Canceled"}
PATIENCE_S = 60  # how long anything may take on a busy machine before a test gives up

# What of the caller's environment a test passes on: nothing of Werkbank's, nothing of pytest's.
PASSED_ON = (
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "PYENV_ROOT",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
PASSED_ON_PREFIXES = ("PIP_", "UV_")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket; a path that is too long for a socket address is reached through its folder's descriptor."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = Path(path)

    def connect(self):
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{folder}/{self.path.name}")
        finally:
            os.close(folder)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of a problem document."""
        assert self.headers.get("Content-Type", "").startswith("application/problem+json"), (self.status, self.body[:500])
        problem = self.json
        assert problem["title"] and problem["detail"] and problem["hint"], problem
        return problem["code"]

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Workbench:
    def __init__(self, home, folder):
        self.home = Path(home)
        self.folder = Path(folder)
        self.extra = {}

    # -- the ways in

    def environment(self, **more):
        environment = {
            name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
        }
        environment.update(
            PATH=f"{RELEASE}:{VENV}/bin:/usr/local/bin:/usr/bin:/bin",
            VIRTUAL_ENV=str(VENV),
            WERKBANK_HOME=str(self.home),
            WERKBANK_BINARY=str(WERKBANK),
            PYTHONDONTWRITEBYTECODE="1",
        )
        environment.update(self.extra)
        environment.update(more)
        return environment

    def run(self, *words, cwd=None, code=0, limit=PATIENCE_S, env=None, user=None):
        """Runs a program to its end; `code` is the exit code it must have (None: any)."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=str(cwd or self.folder),
            env=self.environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=limit,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if code is not None:
            assert (
                done.returncode == code
            ), f"{words}: exit code {done.returncode}\n-- stdout\n{done.stdout}\n-- stderr\n{done.stderr}"
        return done

    def werkbank(self, *words, **options):
        return self.run(WERKBANK, *words, **options)

    def az(self, *words, **options):
        return self.run(RELEASE / "az", *words, **options)

    def python(self, program, *words, **options):
        """Runs a program text by the virtual environment's Python, as a user of the SDK does."""
        return self.run(PYTHON, "-c", program, *words, **options)

    def popen(self, *words, cwd=None, **options):
        return subprocess.Popen(
            [str(word) for word in words],
            cwd=str(cwd or self.folder),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A shell starts what runs in its background with Ctrl-C ignored; a user's terminal does not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **options,
        )

    def http(self, method, path, body=None, headers=None, timeout=PATIENCE_S):
        """One request over the home's socket. A dict becomes JSON. Paths that do not start with / are below the workspace."""
        if not path.startswith("/"):
            path = "/api/v1/workspaces/default/" + path
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = UnixConnection(self.home / "server.sock", timeout)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path):
        answer = self.http("GET", path)
        assert answer.status == 200, answer
        return answer.json

    # -- projects and runs

    def project(self, files, name=None):
        folder = self.folder / (name or "project-" + uuid.uuid4().hex[:6])
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        folder.mkdir(exist_ok=True)
        return folder

    def snapshot(self, project):
        done = self.werkbank("snapshot", "create", project, "--workspace", "default", "-o", "json")
        return json.loads(done.stdout)["snapshotId"]

    def submission(self, snapshot_id, script="train.py", arguments=(), experiment="tests", **spec):
        spec = {
            "snapshotId": snapshot_id,
            "script": script,
            "arguments": list(arguments),
            "target": "local",
            "environment": {"userManaged": True, "interpreter": str(PYTHON)},
            "submitterEnvironment": {"PATH": self.environment()["PATH"], "LANG": "C.UTF-8"},
            **spec,
        }
        return {"experiment": experiment, "spec": {name: value for name, value in spec.items() if value is not None}}

    def submit(self, source, script="train.py", arguments=(), **spec):
        """Submits over HTTP; `source` is the script's text, or a project folder. The run's id."""
        project = source if isinstance(source, Path) else self.project({script: source})
        answer = self.http("POST", "runs", self.submission(self.snapshot(project), script, arguments, **spec))
        assert answer.status == 202, answer
        return answer.json["runId"]

    def document(self, run):
        return self.get("runs/" + quote(run))

    def wait(self, run, statuses=frozenset(TERMINAL), limit=PATIENCE_S):
        """The run's document once its status is one of these; starts the server again where a test has killed it."""
        revision, left = 0, limit
        while True:
            slice_s = min(left, 20)
            answer = self.http("GET", f"runs/{quote(run)}?wait={slice_s}&revision={revision}")
            assert answer.status == 200, answer
            document = answer.json
            if document["status"] in statuses:
                return document
            assert document["status"] not in TERMINAL, document
            if document["revision"] == revision:
                left -= slice_s
                assert left > 0, f"still {document['status']} after {limit} s, waited for {sorted(statuses)}"
            revision = document["revision"]

    def completed(self, run, limit=PATIENCE_S):
        document = self.wait(run, limit=limit)
        assert document["status"] == "Completed", (document["error"], self.log(run)[-2000:])
        return document

    def file(self, run, path):
        answer = self.http("GET", f"runs/{quote(run)}/files/{urllib.parse.quote(path)}")
        assert answer.status == 200, answer
        return answer.body

    def log(self, run):
        """What the script has printed so far; empty where it has printed nothing."""
        answer = self.http("GET", f"runs/{quote(run)}/files/azureml-logs/70_driver_log.txt")
        assert answer.status in (200, 404), answer
        return answer.body.decode(errors="replace") if answer.status == 200 else ""

    def files(self, run):
        return sorted(item["path"] for item in self.get(f"runs/{quote(run)}/files?limit=1000")["items"])

    def metrics(self, run):
        """{name: {column: [values]}}; the values of repeated metrics in their order."""
        return {
            metric["name"]: {column["name"]: column["values"] for column in metric["columns"]}
            for metric in self.get(f"runs/{quote(run)}/metrics")["metrics"]
        }

    def series(self, run, name):
        """The values of a scalar metric."""
        (values,) = self.metrics(run).get(name, {"": []}).values()
        return values

    def events(self, query):
        """The events of one pass over W/events (follow=false): [(event, data)]."""
        answer = self.http("GET", f"events?follow=false&{query}")
        assert answer.status == 200, answer
        return parse_events(answer.body.decode())

    def await_line(self, run, text, limit=PATIENCE_S):
        """Returns when the run's output holds the text. Follows the event stream: no polling."""
        connection = UnixConnection(self.home / "server.sock", limit)
        seen, event = "", ""
        try:
            connection.request("GET", f"/api/v1/workspaces/default/events?log={quote(run)}:*&events=run:{quote(run)}&from=start")
            response = connection.getresponse()
            assert response.status == 200, response.read()
            for raw in response:
                line = raw.decode().rstrip("\r\n")
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:"):
                    data = json.loads(line[5:])
                    seen += data["text"] if event == "log" else ""
                    if text in seen:
                        return seen
                    ended = event == "run.status" and data.get("data", data).get("status") in TERMINAL
                    assert not ended, f"the run ended without printing {text!r}: {data}\n{seen}"
        finally:
            connection.close()
        raise AssertionError(f"the event stream ended before {text!r} came: {seen}")

    # -- processes

    def start(self, env=None):
        self.werkbank("server", "start", env=env)

    def processes(self):
        """{pid: command line} of every living process that belongs to this home: its path is in its arguments or environment."""
        mine, needle = {}, os.fsencode(str(self.home))
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes()
                if command and (needle in command or needle in (entry / "environ").read_bytes()):
                    mine[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue  # it has just ended
        return mine

    def pids(self, *words):
        return sorted(pid for pid, command in self.processes().items() if all(word in command for word in words))

    def server_pid(self):
        (pid,) = [pid for pid in self.pids(" serve") if "werkbank-runner" not in self.processes().get(pid, "")]
        return pid

    def runner_pids(self):
        return self.pids("werkbank-runner", " run ")

    def kill(self, pid):
        """SIGKILL, and waits until the process is gone."""
        handle = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            wait_readable(handle)
        finally:
            os.close(handle)

    def kill_server(self):
        self.kill(self.server_pid())

    def await_gone(self, pids, limit=PATIENCE_S):
        """Waits until these processes have ended; those that have already are fine."""
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                wait_readable(handle, limit)
            finally:
                os.close(handle)

    def close(self):
        """Ends everything of this home and removes it. Answers the processes that the server's stop should have left none of."""
        subprocess.run(
            [str(WERKBANK), "server", "stop"],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
        )
        left = self.processes()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.await_gone(left)
        shutil.rmtree(self.home, ignore_errors=True)
        return left


class Gate:
    """A named pipe that a script waits at, so that neither side polls: `open(path).read()` there, gate.open() here."""

    TIMEOUT_S = PATIENCE_S

    def __init__(self, path):
        self.path = Path(path)
        os.mkfifo(self.path)

    def open(self):
        """Lets the script go on; fails where nobody comes to the gate."""
        opened = threading.Event()

        def write():
            with open(self.path, "w") as pipe:
                opened.set()
                pipe.write("go")

        threading.Thread(target=write, daemon=True).start()
        assert opened.wait(self.TIMEOUT_S), f"nobody waits at {self.path}"

    def await_knock(self):
        """Returns when the script has opened the pipe for writing: `open(path, 'w').write('x')`."""
        knocked = threading.Event()

        def read():
            with open(self.path) as pipe:
                pipe.read()
            knocked.set()

        threading.Thread(target=read, daemon=True).start()
        assert knocked.wait(self.TIMEOUT_S), f"nobody knocked at {self.path}"


def wait_readable(descriptor, limit=PATIENCE_S):
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(limit * 1000), "a process does not end"


def quote(text):
    return urllib.parse.quote(text, safe="")


def parse_events(text):
    events = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) if ": " in line else (line.rstrip(":"), "")
            for line in block.splitlines()
            if line and not line.startswith(":")
        )
        if "data" in fields:
            events.append((fields.get("event", ""), json.loads(fields["data"])))
    return events
