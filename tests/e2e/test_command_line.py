"""The command line beyond submitting: login with a code, a project of 2017 from its first file to its last."""

import json
import re
import socket
import stat

from workbench import PYTHON, RELEASE, WERKBANK


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_login_with_a_code(wb):
    url = f"http://127.0.0.1:{free_port()}"
    server = wb.popen(WERKBANK, "serve", "--listen", url[len("http://") :])
    assert server.stdout.readline().startswith(b"listening on")
    try:
        client_home = wb.folder / "elsewhere"
        wb.extra = {"WERKBANK_URL": url, "WERKBANK_HOME": str(client_home)}
        refused = wb.az("ml", "workspace", "list", code=2)
        assert "az login" in refused.stderr and not refused.stdout
        waiting = wb.popen(RELEASE / "az", "login", "-o", "json")
        shown = waiting.stderr.readline().decode()
        assert url + "/login" in shown
        code = re.search(r"[A-Z]{4}-[A-Z]{4}", shown).group()
        wb.extra = {}
        wb.werkbank("token", "approve", code.lower(), "--user", "anna", "--role", "reader", "-w", "default")
        out, err = waiting.communicate(timeout=60)
        assert waiting.returncode == 0, err
        assert json.loads(out)[0]["user"]["name"] == "anna"
        cache = client_home / "client" / "login.json"
        assert stat.S_IMODE(cache.stat().st_mode) == 0o600
        wb.extra = {"WERKBANK_URL": url, "WERKBANK_HOME": str(client_home)}
        assert json.loads(wb.az("ml", "experiment", "list").stdout) == []
        denied = wb.werkbank("experiment", "create", "x", code=2)
        assert "[denied]" in denied.stderr
        # A token that no longer counts says so, with the way out.
        document = json.loads(cache.read_text())
        document["logins"][0]["token"] = "wbt_" + "A" * 43
        cache.write_text(json.dumps(document))
        stale = wb.werkbank("run", "list", code=2)
        assert "az login" in stale.stderr
        wb.werkbank("logout")
        assert json.loads(cache.read_text())["logins"] == []
    finally:
        wb.extra = {}
        wb.werkbank("server", "stop", code=None)
        server.communicate(timeout=60)


def test_a_project_of_2017_from_create_to_restore(wb):
    wb.az("ml", "project", "create", "-n", "digits", "-w", "default", "--path", wb.folder)
    project = wb.folder / "digits"
    (project / "train.py").write_text(
        "import os, sys\nos.makedirs('outputs', exist_ok=True)\nopen('outputs/model.txt', 'w').write(sys.argv[1])\n"
    )
    wb.az("ml", "experiment", "submit", "-c", "local", "train.py", "0.01", cwd=project)
    run = json.loads(wb.az("ml", "history", "last", cwd=project).stdout)
    assert run["status"] == "Completed" and run["script_name"] == "train.py"
    words = ("ml", "history", "promote", "-r", run["run_id"], "-ap", "outputs/model.txt", "-n", "model")
    wb.az(*words, cwd=project)
    wb.az("ml", "asset", "download", "-l", "assets/model.link", "-d", "fetched", cwd=project)
    assert (project / "fetched" / "outputs" / "model.txt").read_text() == "0.01"
    before = (project / "train.py").read_text()
    (project / "train.py").write_text("broken(")
    (project / "notes.txt").write_text("mine")
    wb.az("ml", "project", "restore", "--run-id", run["run_id"], cwd=project)
    assert (project / "train.py").read_text() == before and (project / "notes.txt").read_text() == "mine"
    missing = wb.az("ml", "history", "promote", "-r", run["run_id"], "-ap", "outputs/none", "-n", "x", code=2, cwd=project)
    assert "outputs/none" in missing.stderr and not (project / "assets" / "x.link").exists()


def test_rerun_tells_what_differs_and_exact_refuses(wb):
    first = wb.folder / "one" / "python"
    script = "import sys\nprint('ran', sys.argv[1:])\n"
    project = wb.project({"train.py": script})
    first.parent.mkdir()
    first.symlink_to(PYTHON)
    words = ("run", "submit", "--python", first, "--tag", "k=v", "--env", "A=1", "--detach", "train.py", "--rate", "0.1")
    original = wb.werkbank(*words, cwd=project).stdout.strip()
    wb.completed(original)
    (project / "train.py").write_text("raise SystemExit('changed since')\n")

    again = wb.werkbank("run", "rerun", original, "--exact", "-o", "json")
    document = json.loads(again.stdout)
    assert document["status"] == "Completed" and "ran ['--rate', '0.1']" in again.stderr
    assert "Nothing differs" in again.stderr
    assert document["tags"] == {"k": "v"} and document["properties"]["werkbank.rerun_of"] == original
    spec, before = (wb.get(f"runs/{run}/spec") for run in (document["runId"], original))
    assert spec == before

    count = len(wb.get("runs?limit=1000")["items"])
    first.unlink()
    gone = wb.werkbank("run", "rerun", original, "--exact", code=2)
    assert "[rerun_differs]" in gone.stderr and str(first) in gone.stderr
    assert wb.werkbank("run", "rerun", original, code=2).stderr.count("[interpreter_not_found]") == 1
    assert len(wb.get("runs?limit=1000")["items"]) == count
    tracked = wb.http("POST", "tracked-runs", {"experiment": "e"}).json["runId"]
    assert "[not_supported]" in wb.werkbank("run", "rerun", tracked, code=2).stderr
