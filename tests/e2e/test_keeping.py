"""What is kept and what is not: backups, deleted workspaces, garbage; and a certificate changed while the server works."""

import hashlib
import http.client
import json
import shutil
import signal
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest
from workbench import PYTHON, WERKBANK, Workbench

SCRIPT = """
import os
from azureml.core import Run
run = Run.get_context()
canary = "-".join(["canary", "of", "the", "deleted"])
run.log(canary + "-metric", 0.5)
print(canary, "says the log")
os.makedirs("outputs", exist_ok=True)
with open("outputs/model.txt", "w") as file:
    file.write(canary + " model" * 100)
"""


def holders(home, needle):
    """The files below a folder that hold the bytes."""
    return [
        str(path.relative_to(home))
        for path in sorted(Path(home).rglob("*"))
        if path.is_file() and not path.is_symlink() and needle in path.read_bytes()
    ]


def test_damaged_files_are_found_and_never_taken_for_whole(wb, tmp_path):
    project = wb.project({"data.txt": "as it was"})
    snapshot = wb.snapshot(project)
    assert wb.http("POST", "tracked-runs", {"experiment": "e", "runId": "r"}).status == 201
    for name, content in (("whole.txt", b"whole"), ("model.bin", b"as it was")):
        assert wb.http("PUT", "runs/r/files/outputs/" + name, content).status == 201
    assert "are what was stored" in wb.werkbank("doctor", "--verify").stdout
    wb.werkbank("run", "download", "r", "-d", str(tmp_path / "before"))
    assert (tmp_path / "before/outputs/model.bin").read_bytes() == b"as it was"

    stored = hashlib.blake2b(b"as it was", digest_size=32).hexdigest()
    blob = Path(wb.home, "content/blobs", stored[:2], stored[2:])
    blob.chmod(0o600)
    blob.write_bytes(b"as it WAS")
    refused = wb.werkbank("run", "download", "r", "-d", str(tmp_path / "after"), code=None)
    assert refused.returncode != 0 and "[hash_mismatch]" in refused.stderr and "outputs/model.bin" in refused.stderr
    assert not list((tmp_path / "after").rglob("model.bin*"))
    refused = wb.werkbank("snapshot", "download", snapshot, "-d", str(tmp_path / "folder"), code=None)
    assert refused.returncode != 0 and "data.txt" in refused.stderr and not (tmp_path / "folder/data.txt").exists()
    found = wb.werkbank("doctor", "--verify", code=1).stdout
    assert str(blob) in found and "1 of 3 files" in found, found


def test_a_backup_made_while_the_server_works_is_the_same_installation_elsewhere(wb, tmp_path):
    run = wb.submit(wb.project({"train.py": SCRIPT}))
    wb.completed(run)
    target = tmp_path / "backup"
    wb.werkbank("backup", str(target))
    assert json.loads((target / "backup.json").read_text())["format"] == 1
    wb.werkbank("backup", str(target), code=2)  # never over another one

    other = Workbench(tempfile.mkdtemp(prefix="wb-"), tmp_path)
    try:
        assert "is not a whole backup" in other.werkbank("restore", str(tmp_path / "project-of-nobody"), code=2).stderr
        other.werkbank("restore", str(target))
        other.start()
        assert other.document(run)["status"] == "Completed"
        assert other.series(run, "canary-of-the-deleted-metric") == wb.series(run, "canary-of-the-deleted-metric")
        assert other.file(run, "outputs/model.txt") == wb.file(run, "outputs/model.txt")
        assert other.log(run) == wb.log(run)
        other.werkbank("server", "stop")
        other.werkbank("restore", str(target), code=2)  # there is an installation now
        # A damaged backup changes nothing; a whole one leaves alone what runs have in work/.
        damaged = tmp_path / "damaged"
        shutil.copytree(str(target), str(damaged))
        (damaged / "db/werkbank.db").write_bytes(b"this is no database" * 1000)
        other.werkbank("restore", str(damaged), "--replace", code=None)
        assert not list(Path(other.home).glob("replaced-*")) and not (Path(other.home) / "restore.incoming").exists()
        (Path(other.home) / "work/of-a-run").mkdir(parents=True)
        (Path(other.home) / "work/of-a-run/output").write_text("kept")
        other.werkbank("restore", str(target), "--replace")
        assert [found.read_text() for found in Path(other.home).glob("replaced-*/work/of-a-run/output")] == ["kept"]
        assert not (Path(other.home) / "work").exists()
        assert len(list(Path(other.home).glob("replaced-*/db/werkbank.db"))) == 1
        other.start()
        assert other.document(run)["status"] == "Completed"
        assert "another server works" in wb.werkbank("restore", str(target), "--replace", code=1).stderr
        assert wb.document(run)["status"] == "Completed"
    finally:
        assert not other.close()


def test_a_home_that_lost_a_part_is_not_taken_for_a_new_one(wb):
    wb.completed(wb.submit(wb.project({"train.py": SCRIPT})))
    wb.werkbank("server", "stop")
    content = sorted(wb.home.joinpath("content").rglob("*"))
    for part in ("db/werkbank.db", "series/series.db", "vault.key"):
        lost = wb.home / part
        kept = lost.read_bytes()
        for loss in ("gone", "empty"):
            lost.unlink() if loss == "gone" else lost.write_bytes(b"")
            refused = wb.werkbank("run", "list", code=1)
            assert f"{lost} is {loss}" in refused.stderr and "werkbank restore" in refused.stderr
            assert not lost.exists() or lost.read_bytes() == b""  # nothing was put in its place
            lost.write_bytes(kept)
            lost.chmod(0o600)
    assert sorted(wb.home.joinpath("content").rglob("*")) == content
    records = wb.home / "db/werkbank.db"
    kept = records.read_bytes()
    records.write_bytes(b"this is no database" * 1000)
    assert "werkbank.db does not read back" in wb.werkbank("doctor", code=1).stdout
    records.write_bytes(kept)
    assert json.loads(wb.werkbank("run", "list", "-o", "json").stdout)
    wb.werkbank("doctor")


def test_a_deleted_workspace_leaves_nothing_on_the_disk(wb):
    needle = b"canary-of-the-deleted"
    wb.werkbank("workspace", "create", "doomed")
    project = wb.project({"train.py": SCRIPT})
    wb.werkbank("run", "submit", "--workspace", "doomed", "--python", str(PYTHON), "train.py", cwd=project)
    assert wb.http("PUT", "/api/v1/workspaces/doomed/secrets/doomed-secret", {"value": "v"}).status == 200
    assert holders(wb.home, needle)
    told = json.loads(wb.werkbank("workspace", "delete", "doomed", "--dry-run", "-o", "json").stdout)
    assert told["runs"] == 1 and told["activeRuns"] == 0 and told["totalBytes"] > 600, told
    wb.werkbank("workspace", "delete", "doomed", code=2)  # without --yes nothing is deleted
    wb.werkbank("workspace", "delete", "doomed", "--yes")
    # The server's own log tells what was done; a work folder is cleared away beside it all.
    beside = ("logs/", "work/")
    assert [name for name in holders(wb.home, needle) if not name.startswith(beside)] == []
    assert [name for name in holders(wb.home, b"doomed") if not name.startswith(beside)] == []
    assert wb.http("GET", "/api/v1/workspaces/doomed").status == 404


def test_garbage_is_told_and_freed(wb):
    wb.start()
    run = wb.submit(wb.project({"train.py": SCRIPT}))
    wb.completed(run)
    assert json.loads(wb.werkbank("gc", "--dry-run", "-o", "json").stdout)["blobs"] == 0
    assert wb.http("DELETE", f"runs/{run}").status == 204
    told = json.loads(wb.werkbank("gc", "--dry-run", "--empty-trash", "-o", "json").stdout)
    assert told["runs"] == 1 and told["logBytes"] > 0, told
    freed = json.loads(wb.werkbank("gc", "--empty-trash", "-o", "json").stdout)
    assert freed["runs"] == 1, freed
    assert wb.http("GET", f"runs/{run}").status == 404


def test_what_was_brought_is_still_held_by_the_next_server(wb):
    wb.start()
    content = b"brought, not named yet"
    path = f"blobs/{hashlib.blake2b(content, digest_size=32).hexdigest()}"
    assert wb.http("PUT", path, content).status == 201
    wb.werkbank("server", "stop")
    wb.start()
    assert wb.http("GET", path).body == content


def certificate(folder, name):
    """A self-signed certificate for this machine: (certificate, key)."""
    made = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(made[0]), "-keyout", str(made[1])],
        check=True,
        capture_output=True,
    )
    return made


def ask_over_tls(port, authority, path="/healthz"):
    """(status, the certificate that the server showed), trusting only this authority."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=ssl.create_default_context(cafile=authority))
    try:
        connection.request("GET", path)
        shown = connection.sock.getpeercert(binary_form=True)
        return connection.getresponse().status, shown
    finally:
        connection.close()


def test_tcp_speaks_tls_and_takes_a_new_certificate_at_sighup(wb, tmp_path):
    first, second = certificate(tmp_path, "first"), certificate(tmp_path, "second")
    live = tmp_path / "live.pem", tmp_path / "live.key"
    for source, target in zip(first, live):
        shutil.copy(source, target)
    server = wb.popen(WERKBANK, "serve", "--listen", "127.0.0.1:0", "--tls-cert", str(live[0]), "--tls-key", str(live[1]))
    try:
        line = server.stdout.readline().decode()
        assert line.startswith("listening on https://127.0.0.1:"), line
        port = int(line.rsplit(":", 1)[1])
        status, shown = ask_over_tls(port, first[0])
        assert status == 200
        assert wb.get("/api/v1")["webAddress"] == f"https://127.0.0.1:{port}"
        with pytest.raises(ssl.SSLError):
            ask_over_tls(port, second[0])
        assert ask_over_tls(port, first[0], "/api/v1/whoami")[0] == 401
        for source, target in zip(second, live):
            shutil.copy(source, target)
        server.send_signal(signal.SIGHUP)
        # It is read when the server comes to it; until then the old one is shown.
        for _ in range(600):
            try:
                status, now = ask_over_tls(port, second[0])
                break
            except ssl.SSLError:
                wb.get("/healthz")
        assert status == 200 and now != shown
        environment = {"WERKBANK_URL": f"https://127.0.0.1:{port}", "SSL_CERT_FILE": str(second[0])}
        token = json.loads(wb.werkbank("token", "create", "--user", "ada", "--role", "reader", "-o", "json").stdout)["token"]
        wb.werkbank("run", "list", env=dict(environment, WERKBANK_TOKEN=token))
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def test_a_key_that_does_not_fit_is_refused(wb, tmp_path):
    first, second = certificate(tmp_path, "first"), certificate(tmp_path, "second")
    done = wb.werkbank("serve", "--listen", "127.0.0.1:0", "--tls-cert", str(first[0]), "--tls-key", str(second[1]), code=2)
    assert "cannot be used for TLS" in done.stderr
