"""Who may do what: tokens and roles over TCP, Host and Origin, run tokens, other users of the machine, broken homes."""

import http.client
import json
import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from workbench import PYTHON, WERKBANK, Answer, Workbench, quote

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="another uid can be taken only by root")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Tcp:
    """`werkbank serve --listen`, as a process of its own; ended with the test."""

    def __init__(self, wb, *words):
        self.wb, self.port = wb, free_port()
        self.process = wb.popen(WERKBANK, "serve", "--listen", f"127.0.0.1:{self.port}", *words)
        # Its sockets are there with this line; `server start` could come first and start one without TCP.
        assert self.process.stdout.readline().startswith(b"listening on")
        assert self.ask("GET", "/healthz").status == 200

    def ask(self, method, path, token=None, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["Authorization"] = "Bearer " + token
        try:
            connection.request(
                method,
                path,
                body=json.dumps(body) if body is not None else None,
                headers={"Content-Type": "application/json", **headers},
            )
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def token(self, role, workspace="default"):
        where = ["--all-workspaces"] if workspace == "*" else ["--workspace", workspace]
        done = self.wb.werkbank("token", "create", "--user", f"a-{role}", "--role", role, *where, "-o", "json")
        return json.loads(done.stdout)["token"]

    def stop(self):
        self.wb.werkbank("server", "stop", code=None)
        self.process.communicate(timeout=60)


@pytest.fixture
def tcp(wb):
    server = Tcp(wb)
    yield server
    server.stop()


RUNS = "/api/v1/workspaces/default/runs"


def test_tcp_needs_a_token_from_the_first_start(tcp):
    assert tcp.ask("GET", "/healthz").status == 200
    for token in (None, "wbt_" + "A" * 43, "nonsense", "a.b.c"):
        answer = tcp.ask("GET", RUNS, token)
        assert (answer.status, answer.code) == (401, "unauthenticated")
    assert tcp.ask("GET", "/api/v1").json["authentication"] == "token"


def test_roles(tcp):
    reader, contributor, owner = (tcp.token(role) for role in ("reader", "contributor", "owner"))
    experiments = "/api/v1/workspaces/default/experiments"
    for token, may_read, may_write, may_own in (
        (reader, True, False, False),
        (contributor, True, True, False),
        (owner, True, True, True),
    ):
        assert (tcp.ask("GET", RUNS, token).status == 200) == may_read
        written = tcp.ask("POST", experiments, token, {"name": "made"})
        assert written.status in ((200, 201) if may_write else (403,)), written
        assert (tcp.ask("GET", "/api/v1/workspaces/default/members", token).status == 200) == may_own
        # Stopping is for the socket alone, whatever the role.
        assert tcp.ask("POST", "/api/v1/server/stop", token).status == 403


def test_a_token_of_another_workspace(tcp):
    tcp.wb.werkbank("workspace", "create", "other")
    other = tcp.token("owner", "other")
    assert tcp.ask("GET", RUNS, other).status in (403, 404)
    assert tcp.ask("GET", "/api/v1/workspaces/other/runs", other).status == 200
    assert tcp.ask("GET", RUNS, tcp.token("reader", "*")).status == 200


def test_a_deleted_token_is_out(tcp):
    token = tcp.token("reader")
    listed = json.loads(tcp.wb.werkbank("token", "list", "-o", "json").stdout)
    assert token not in json.dumps(listed)  # shown once, never again
    (mine,) = [item for item in (listed if isinstance(listed, list) else listed["items"]) if item["user"] == "a-reader"]
    tcp.wb.werkbank("token", "delete", mine["id"])
    assert tcp.ask("GET", RUNS, token).status == 401


def test_a_run_token_reaches_its_own_run_only(tcp):
    wb = tcp.wb
    first = wb.submit(
        "import os, time\nprint(os.environ['WERKBANK_TOKEN'])\nprint('ready', flush=True)\ntime.sleep(600)\n",
    )
    second = wb.submit("print(1)\n")
    wb.completed(second)
    wb.await_line(first, "ready")
    token = wb.log(first).split()[0]
    own, foreign = f"{RUNS}/{quote(first)}", f"{RUNS}/{quote(second)}"
    assert tcp.ask("GET", own, token).status == 200 and tcp.ask("GET", foreign, token).status == 200
    assert tcp.ask("PATCH", own, token, {"tags": {"a": "1"}}).status == 200
    assert tcp.ask("PATCH", foreign, token, {"tags": {"a": "1"}}).status == 403
    assert tcp.ask("POST", foreign + "/cancel", token).status == 403
    assert tcp.ask("DELETE", foreign, token).status == 403
    assert tcp.ask("GET", "/api/v1/tokens", token).status == 403
    assert tcp.ask("POST", foreign + "/runner/report", token, {}).status == 403
    header, claims, signature = token.split(".")
    forged = ".".join([header, claims, signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")])
    assert tcp.ask("GET", own, forged).status == 401
    # What a log gives away is worth nothing once the run has ended.
    wb.werkbank("run", "cancel", first)
    assert wb.wait(first)["status"] == "Canceled"
    assert tcp.ask("GET", own, token).status == 401


def test_host_and_origin(tcp):
    token = tcp.token("reader")
    assert tcp.ask("GET", RUNS, token, Host="evil.example").code == "host_refused"
    assert tcp.ask("GET", RUNS, token, Host=f"localhost:{tcp.port}").status == 200
    assert tcp.ask("GET", RUNS, token, Origin="http://evil.example").code == "host_refused"
    assert tcp.ask("GET", RUNS, token, Origin=f"http://127.0.0.1:{tcp.port}").status == 200


def test_no_auth_acts_as_owner_on_loopback_only(wb):
    server = Tcp(wb, "--no-auth")
    try:
        assert server.ask("GET", "/api/v1/workspaces/default/members").status == 200
        assert server.ask("GET", "/api/v1/whoami").json["role"] == "owner"
        assert server.ask("GET", RUNS, Host="evil.example").code == "host_refused"
        assert server.ask("GET", RUNS, Origin="http://evil.example").code == "host_refused"
    finally:
        server.stop()
    refused = wb.werkbank("serve", "--listen", f"0.0.0.0:{free_port()}", "--no-auth", code=None)
    assert refused.returncode != 0 and "--no-auth" in refused.stderr


def test_the_sdk_and_the_command_line_over_tcp(wb):
    server = Tcp(wb)
    try:
        remote = {"WERKBANK_URL": f"http://127.0.0.1:{server.port}", "WERKBANK_TOKEN": server.token("contributor")}
        project = wb.project({"train.py": "print('over tcp')\n"})
        assert wb.werkbank("run", "submit", "train.py", cwd=project, env=remote).stdout == "over tcp\n"
        assert (
            wb.python("from azureml.core import Workspace; print(Workspace.get('default').name)", env=remote).stdout
            == "default\n"
        )
        refused = wb.werkbank("run", "list", env={**remote, "WERKBANK_TOKEN": "wrong"}, code=None)
        assert refused.returncode != 0 and "WERKBANK_TOKEN" in refused.stderr
    finally:
        server.stop()


def test_secrets_are_sealed_and_listed_by_name_only(wb):
    wb.start()
    assert wb.http("PUT", "secrets/db", {"value": "hunter2-sekret"}).status in (200, 201, 204)
    assert "hunter2-sekret" not in wb.http("GET", "secrets").body.decode()
    assert "hunter2-sekret" in wb.http("GET", "secrets/db/value").body.decode()
    wb.werkbank("server", "stop")
    for file in wb.home.rglob("*"):
        if file.is_file():
            assert b"hunter2-sekret" not in file.read_bytes(), file


def test_tokens_do_not_lie_in_the_home_or_in_argument_lists(wb):
    wb.start()
    token = json.loads(
        wb.werkbank("token", "create", "--user", "u", "--role", "reader", "--workspace", "default", "-o", "json").stdout
    )["token"]
    wb.werkbank("server", "stop")
    for file in wb.home.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes(), file


# -- other users, and homes that cannot be used -------------------------------------------------------------------------


@pytest.fixture
def nobody(tmp_path):
    """A Werkbank of the uid nobody, with everything it needs to reach."""
    home = tempfile.mkdtemp(prefix="wb-nobody-")
    folder = tempfile.mkdtemp(prefix="wb-nobody-files-")
    for path in (home, folder):
        shutil.chown(path, "nobody", "nogroup")
    # The clone may lie where nobody cannot go; the program is one file, so a copy is enough.
    program = Path(folder) / "werkbank"
    shutil.copy(WERKBANK, program)
    program.chmod(0o755)
    bench = Workbench(home, folder)
    bench.extra = {"HOME": folder, "PATH": "/usr/local/bin:/usr/bin:/bin", "WERKBANK_BINARY": str(program)}

    def werkbank(*words, **options):
        return bench.run("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", program, *words, **options)

    yield bench, werkbank
    werkbank("server", "stop", code=None)
    os.chmod(home, 0o700)
    bench.close()
    shutil.rmtree(folder)


@root_only
def test_the_home_is_closed_to_others(wb):
    wb.start()
    assert stat.S_IMODE(wb.home.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((wb.home / "server.sock").stat().st_mode) & 0o077 == 0
    wb.home.chmod(0o755)  # even where the folder lets them in, the socket admits its uid and root only
    (wb.home / "server.sock").chmod(0o777)
    seen = subprocess.run(
        [
            "setpriv",
            "--reuid",
            "nobody",
            "--regid",
            "nogroup",
            "--clear-groups",
            "/usr/bin/python3",
            "-c",
            """
import socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect(sys.argv[1])
    try:
        client.sendall(b'GET /api/v1/workspaces HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')
        print(client.recv(4096).decode())
    except (BrokenPipeError, ConnectionResetError):
        print('closed')
""",
            str(wb.home / "server.sock"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=60,
    ).stdout.decode()
    assert " 200 " not in seen.split("\n")[0] and "default" not in seen, seen


@root_only
def test_root_may_use_the_socket_of_a_user(nobody):
    bench, werkbank = nobody
    werkbank("server", "start")
    assert bench.get("/api/v1/whoami")["role"] == "owner"


@root_only
def test_a_team_over_tcp(wb, nobody):
    """An owner, a contributor and a reader on another account than the server's, by nothing but an address and a token."""
    _, werkbank = nobody
    folder = nobody[0].folder
    server = Tcp(wb)
    try:
        url = f"http://127.0.0.1:{server.port}"

        def act(token, *words, **options):
            return werkbank(*words, env={"WERKBANK_URL": url, "WERKBANK_TOKEN": token}, **options)

        wb.werkbank("workspace", "create", "vision")
        ada = wb.werkbank("token", "create", "--user", "ada", "--role", "owner", "-w", "vision").stdout.strip()
        # The owner lets the others in.
        bob = act(
            ada, "token", "create", "--user", "bob", "-w", "vision", "--name", "laptop", "--expires-in", "1d"
        ).stdout.strip()
        eve = act(ada, "token", "create", "--user", "eve", "--role", "reader", "-w", "vision").stdout.strip()
        members = json.loads(act(ada, "workspace", "member", "list", "-w", "vision", "-o", "json").stdout)
        roles = {item["user"]: item["role"] for item in members}
        assert (roles["ada"], roles["bob"], roles["eve"]) == ("owner", "contributor", "reader")
        # The contributor works.
        project = nobody[0].project(
            {"train.py": "from azureml.core import Run\nrun = Run.get_context()\nprint(len(run.get_secret('db')))\n"}
        )
        (Path(folder) / "value").write_text("s3cret\n")
        act(bob, "secret", "set", "db", "--file", Path(folder) / "value", "-w", "vision")
        done = act(bob, "run", "submit", "-w", "vision", "train.py", cwd=project)
        assert done.stdout == "6\n", done.stderr
        (run,) = json.loads(act(bob, "run", "list", "-w", "vision", "-o", "json").stdout)
        assert run["createdBy"] == {"userName": "bob"}
        # The reader looks and nothing else.
        assert act(eve, "run", "logs", run["runId"], "-w", "vision").stdout == "6\n"
        for words in (
            ["run", "submit", "-w", "vision", "train.py"],
            ["run", "delete", run["runId"], "-w", "vision"],
            ["secret", "get", "db", "-w", "vision"],
        ):
            refused = act(eve, *words, cwd=project, code=None)
            assert refused.returncode != 0 and "contributor" in refused.stderr and not refused.stdout, refused.stderr
        refused = act(bob, "workspace", "member", "add", "eve", "--role", "owner", "-w", "vision", code=None)
        assert refused.returncode != 0 and "owner" in refused.stderr
        assert act(bob, "run", "list", "-w", "default", code=None).returncode != 0
        # Roles change what tokens may do at once.
        act(ada, "workspace", "member", "add", "eve", "--role", "contributor", "-w", "vision")
        assert act(eve, "secret", "get", "db", "-w", "vision", code=None).returncode != 0  # made for a reader
        act(ada, "workspace", "member", "remove", "bob", "-w", "vision")
        refused = act(bob, "run", "list", "-w", "vision", code=None)
        assert refused.returncode != 0 and "unauthenticated" in refused.stderr
        # A workspace keeps an owner: its maker may go, the last one not.
        (maker,) = [item["user"] for item in members if item["user"] not in ("ada", "bob", "eve")]
        act(ada, "workspace", "member", "remove", maker, "-w", "vision")
        refused = act(ada, "workspace", "member", "remove", "ada", "-w", "vision", code=None)
        assert refused.returncode != 0 and "last owner" in refused.stderr
        tokens = json.loads(act(ada, "token", "list", "-o", "json").stdout)
        (eves,) = [item["id"] for item in tokens if item["user"] == "eve"]
        act(ada, "token", "revoke", eves)
        assert act(eve, "run", "list", "-w", "vision", code=None).returncode != 0
    finally:
        server.stop()


@root_only
def test_an_unreadable_script(nobody):
    bench, werkbank = nobody
    project = bench.project({"train.py": "print(1)\n"})
    (project / "train.py").chmod(0o600)  # of root
    done = werkbank("run", "submit", "train.py", cwd=project, code=2)
    assert "train.py" in done.stderr


@root_only
def test_a_read_only_home(nobody):
    bench, werkbank = nobody
    bench.home.chmod(0o500)
    done = werkbank("run", "list", code=None)
    assert done.returncode != 0
    assert str(bench.home) in done.stderr, done.stderr


@root_only
def test_a_full_disk(wb):
    """The home on a small file system: what does not fit is refused as disk_full, and what was there stays readable."""
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", str(wb.home)], stderr=subprocess.PIPE)
    if mount.returncode != 0:
        pytest.skip("no file system can be mounted here: " + mount.stderr.decode().strip())
    try:
        run = wb.submit("print('kept')\n")
        wb.completed(run)
        filler = wb.home / "filler"
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
            except OSError:
                pass
        answer = wb.http("PUT", f"runs/{quote(run)}/files/outputs/large", os.urandom(1 << 20))
        assert (answer.status, answer.code) == (503, "disk_full"), answer
        assert wb.log(run) == "kept\n"
        filler.unlink()
        assert wb.http("PUT", f"runs/{quote(run)}/files/outputs/large", b"fits now").status == 201
    finally:
        wb.werkbank("server", "stop", code=None)
        wb.await_gone(list(wb.processes()))
        subprocess.run(["umount", "-l", str(wb.home)], check=True)


def test_a_corrupted_database_is_told(wb):
    wb.start()
    wb.werkbank("server", "stop")
    databases = [path for path in wb.home.rglob("*.db") if path.read_bytes()[:15] == b"SQLite format 3"]
    assert databases
    for path in databases:
        with open(path, "r+b") as file:
            file.write(b"this is not a database any more" * 200)
        for side in ("-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)
    done = wb.werkbank("run", "list", code=None)
    assert done.returncode != 0
    assert "store_corrupt" in done.stderr or ".db" in done.stderr, done.stderr


def test_a_newer_database_is_refused(wb):
    wb.start()
    wb.werkbank("server", "stop")
    database = next(path for path in sorted(wb.home.rglob("*.db")) if path.read_bytes()[:15] == b"SQLite format 3")
    with sqlite3.connect(database) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version + 1000}")
    connection.close()
    done = wb.werkbank("run", "list", code=None)
    assert done.returncode != 0 and "newer" in done.stderr, done.stderr


def test_version_and_openapi(wb):
    version = wb.werkbank("--version").stdout.strip()
    wb.start()
    assert wb.get("/healthz")["version"] in version
    document = wb.get("/api/v1/openapi.json")
    assert document["openapi"].startswith("3.1")
    paths = " ".join(document["paths"])
    for part in ("/runs", "/snapshots", "/metrics", "/events", "/experiments", "/environments"):
        assert part in paths, part
    assert "werkbank" in wb.http("GET", "/metrics").body.decode()


def test_the_wheel_is_one_and_pure():
    build = WERKBANK.parent.parent
    wheels = list(build.glob("*.whl"))
    assert len(wheels) == 1 and wheels[0].name.endswith("-py3-none-any.whl"), wheels
    listing = subprocess.run(
        [str(PYTHON), "-m", "zipfile", "-l", str(wheels[0])], stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    assert "azureml/core/__init__.py" in listing and ".so" not in listing
