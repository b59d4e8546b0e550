"""Bad input: each is refused with a clear, stable answer, and changes nothing."""

import hashlib
import json
import os
import socket

import pytest
from workbench import PYTHON, quote


@pytest.fixture(scope="module")
def wb(shared_wb):
    return shared_wb


@pytest.fixture(scope="module")
def snapshot(wb):
    return wb.snapshot(wb.project({"train.py": "print(1)\n", "train_two.py": "print(2)\n"}))


@pytest.fixture(scope="module")
def tracked(wb):
    """A run to aim at, which is there before anything is counted."""
    made = wb.http("POST", "tracked-runs", {"experiment": "aimed-at", "runId": "aimed-at", "status": "Running"})
    assert made.status == 201, made
    return "runs/aimed-at"


@pytest.fixture(autouse=True)
def nothing_changes(wb, tracked):
    before = wb.get("runs?limit=1000")["items"], wb.get("experiments")["items"]
    yield
    assert (wb.get("runs?limit=1000")["items"], wb.get("experiments")["items"]) == before


def changed(body, *path_and_value):
    *path, key, value = path_and_value
    copy = json.loads(json.dumps(body))
    place = copy
    for step in path:
        place = place[step]
    place[key] = value
    return copy


SUBMISSIONS = [  # where, value, status, code, what the message names
    (("spec", "script", "train_to.py"), 400, "script_not_found", "train_two.py"),
    (("spec", "script", "../outside.py"), 400, None, "outside.py"),
    (("spec", "script", "/etc/passwd"), 400, None, "/etc/passwd"),
    (("spec", "script", ""), 400, None, "script"),
    (("spec", "snapshotId", "0" * 64), (400, 404), "snapshot_not_found", "0000"),
    (("spec", "snapshotId", "../../etc/passwd"), 400, None, None),
    (("spec", "target", "locall"), 400, "target_unknown", "local"),
    (("spec", "arguments", "not a list"), 400, None, "arguments"),
    (("spec", "arguments", [1]), 400, None, "arguments"),
    (("spec", "arguments", ["nul\0"]), 400, None, "arguments"),
    (("spec", "timeoutSeconds", -1), 400, None, "timeoutSeconds"),
    (("spec", "timeoutSeconds", "long"), 400, None, "timeoutSeconds"),
    (("spec", "nodeCount", 0), 400, None, "nodeCount"),
    (("spec", "nodeCount", 1000), 400, None, None),
    (("spec", "argumens", []), 400, "invalid_request", "arguments"),
    (("spec", "environment", "pipRequirement", []), 400, "invalid_request", "pipRequirements"),
    (("spec", "environmentVariables", {"A=B": "x"}), 400, None, "A=B"),
    (("spec", "watchedDirectories", ["../up"]), 400, None, "../up"),
    (("experiment", ""), 400, "name_refused", None),
    (("experiment", "-starts-badly"), 400, "name_refused", "-starts-badly"),
    (("experiment", "a/b"), 400, "name_refused", "a/b"),
    (("experiment", "x" * 256), 400, "name_refused", None),
    (("experiment", 7), 400, None, "experiment"),
    (("runId", "a/b"), 400, None, None),
    (("runId", "a\nb"), 400, None, None),
    (("runId", "x" * 256), 400, None, None),
    (("parentRunId", "no-such-run"), (400, 404), "run_not_found", "no-such-run"),
    (("tags", {"k": {"deep": 1}}), 400, None, "tags"),
    (("nonsense", 1), 400, "invalid_request", "nonsense"),
]


@pytest.mark.parametrize(
    "change, status, code, named",
    SUBMISSIONS,
    ids=[f"{'.'.join(map(str, row[0][:-1]))}={str(row[0][-1])[:20]!r}" for row in SUBMISSIONS],
)
def test_submissions(wb, snapshot, change, status, code, named):
    body = changed({**wb.submission(snapshot, experiment="never-made")}, *change)
    answer = wb.http("POST", "runs", body)
    assert answer.status in (status if isinstance(status, tuple) else (status,)), answer
    assert code is None or answer.code == code, answer
    assert named is None or named in answer.json["detail"] + answer.json["hint"], answer


def test_requirements(wb, snapshot):
    for requirement in ("==1.0", "scikit learn", "a==1,,2", "-e .", "../local.whl", "x; python_version ~~ '3'"):
        body = wb.submission(
            snapshot,
            experiment="never-made",
            environment={"userManaged": False, "pythonVersion": "3.11", "pipRequirements": [requirement]},
        )
        answer = wb.http("POST", "runs", body)
        assert answer.status == 400 and answer.code in ("requirement_invalid", "not_supported"), (requirement, answer)
        assert requirement in answer.json["detail"], (requirement, answer)


BODIES = [
    ("{", 400),
    ("", 400),
    ("[]", 400),
    ("null", 400),
    ('{"a":1,"a":2}', 400),
    ('{"experiment": "\\ud800"}', 400),
    (b'{"experiment": "\xff"}', 400),
    ("[" * 100_000, 400),
    ('{"a":' * 50_000 + "1" + "}" * 50_000, 400),
    ('{"experiment": 1e999}', 400),
    ('{"experiment": "x"} trailing', 400),
]


@pytest.mark.parametrize("body, status", BODIES, ids=[str(row[0][:20]) for row in BODIES])
@pytest.mark.parametrize("route", ["runs", "tracked-runs", "experiments", "/api/v1/workspaces"])
def test_bodies(wb, route, body, status):
    answer = wb.http("POST", route, body.encode() if isinstance(body, str) else body, {"Content-Type": "application/json"})
    assert answer.status == status, answer
    assert answer.code


def test_an_oversize_body_is_refused_without_reading_it(wb):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(wb.home / "server.sock"))
        client.settimeout(30)
        client.sendall(
            b"POST /api/v1/workspaces/default/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000000000\r\n\r\n{"
        )
        assert client.recv(4096).split(b" ")[1] == b"413"


HASH = hashlib.blake2b(b"content", digest_size=32).hexdigest()


def test_blobs(wb):
    assert wb.http("PUT", f"blobs/{HASH}", b"other content").code == "hash_mismatch"
    assert wb.http("GET", f"blobs/{HASH}").code == "blob_not_found"
    for name in ("zz", "..", HASH[:-1], HASH.upper(), HASH + "0", "%2e%2e%2fserver.sock"):
        answer = wb.http("PUT", f"blobs/{name}", b"content")
        assert 400 <= answer.status < 500, (name, answer)
    # A truncated upload leaves nothing.
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(wb.home / "server.sock"))
        client.sendall(
            f"PUT /api/v1/workspaces/default/blobs/{HASH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\ncont".encode()
        )
    assert wb.http("GET", f"blobs/{HASH}").status == 404


A = hashlib.blake2b(b"a", digest_size=32).hexdigest()
MANIFESTS = [
    "",
    "werkbank-snapshot 2\n",
    "nonsense\n",
    "werkbank-snapshot 1",
    f"werkbank-snapshot 1\n{A} 1 - ../up\n",
    f"werkbank-snapshot 1\n{A} 1 - /absolute\n",
    f"werkbank-snapshot 1\n{A} 1 - a//b\n",
    f"werkbank-snapshot 1\n{A} 1 - a/./b\n",
    f"werkbank-snapshot 1\n{A} 1 - b\n{A} 1 - a\n",
    f"werkbank-snapshot 1\n{A} 1 - a\n{A} 1 - a\n",
    f"werkbank-snapshot 1\n{A} 1 - a\n{A} 1 - a/b\n",
    f"werkbank-snapshot 1\n{A} -1 - a\n",
    f"werkbank-snapshot 1\n{A} 01 - a\n",
    f"werkbank-snapshot 1\n{A} 1 y a\n",
    f"werkbank-snapshot 1\n{A[:-1]} 1 - a\n",
    f"werkbank-snapshot 1\n{A} 1 - a\0b\n",
    f"werkbank-snapshot 1\n{A} 1 - %41\n",
    f"werkbank-snapshot 1\n{A} 1 - %zz\n",
    f"werkbank-snapshot 1\n{A} 1 - {'x' * 5000}\n",
    f"werkbank-snapshot 1\n{A} 1 - {'d/' * 3000}x\n",
    f"werkbank-snapshot 1\n{A} 1 - a \n",
    f"werkbank-snapshot 1\n{A} 1 - \n",
    f"werkbank-snapshot 1\n{A} 99999999999999999999 - a\n",
    f"werkbank-snapshot 1\r\n{A} 1 - a\r\n",
]


@pytest.mark.parametrize("text", MANIFESTS, ids=range(len(MANIFESTS)))
def test_manifests(wb, text):
    answer = wb.http("POST", "snapshots", text.encode(), {"Content-Type": "text/plain"})
    assert answer.status == 400 and answer.code, answer


HEAD = "werkbank-changes 1\n"
CHANGES = ["", "nonsense", "werkbank-snapshot 1\n", HEAD + "- a", HEAD + "- ../a\n", HEAD + "+ a\n"]


@pytest.mark.parametrize("text", CHANGES, ids=range(len(CHANGES)))
def test_lists_of_changes(wb, text):
    base = wb.http("POST", "snapshots", b"werkbank-snapshot 1\n", {"Content-Type": "text/plain"}).json["snapshotId"]
    answer = wb.http("POST", f"snapshots/{base}/changes", text.encode(), {"Content-Type": "text/plain"})
    assert answer.status == 400 and answer.code, answer


PATHS = ["../up", "outputs/../../up", "/absolute", "outputs//x", "outputs/./x", "outputs/", "a\0b", "x" * 2000, "a\nb"]


@pytest.mark.parametrize("path", PATHS, ids=[repr(path[:16]) for path in PATHS])
def test_file_paths(wb, tracked, path):
    for method in ("PUT", "GET"):
        answer = wb.http(method, f"{tracked}/files/{quote(path)}", b"x" if method == "PUT" else None)
        assert 400 <= answer.status < 500, (method, path, answer)
    raw = wb.http("PUT", f"{tracked}/files/%FF%FE", b"x")
    assert raw.status == 400, raw
    assert wb.get(f"{tracked}/files")["items"] == []


LINES = [
    '{"s":1,"t":1,"n":"x"}',
    '{"s":1,"t":1,"n":"x","v":1,"l":[1]}',
    '{"s":1,"t":1,"n":"","v":1}',
    '{"s":0,"t":1,"n":"x","v":1}',
    '{"s":2,"t":1,"n":"x","v":1}',
    '{"s":1,"t":1,"n":"x","c":{"a":[1],"b":[1,2]}}',
    '{"s":1,"t":1,"n":"x","v":{"x":"huge"}}',
    '{"s":1,"t":1,"n":"x","v":[1]}',
    '{"s":1,"t":1,"n":"' + "x" * 600 + '","v":1}',
    "not json",
    '{"s":1,"t":1,"n":"x","v":1,"p":1.5}',
]


def test_metric_lines(wb, tracked):
    for number, line in enumerate(LINES):
        answer = wb.http(
            "POST", f"{tracked}/metrics?writer=w{number}", (line + "\n").encode(), {"Content-Type": "application/x-ndjson"}
        )
        assert 400 <= answer.status < 500 and answer.code, (line, answer)
    assert wb.get(f"{tracked}/metrics")["metrics"] == []


@pytest.mark.parametrize(
    "path",
    [
        "runs/no-such-run",
        "runs/no-such-run/files",
        "runs/no-such-run/metrics",
        "experiments/none",
        "snapshots/" + "0" * 64,
        "/api/v1/workspaces/none",
        "/api/v1/workspaces/none/runs",
        "/api/v1/nowhere",
        "/nowhere",
        "environments/none",
        "runs/no-such-run/files/x",
    ],
)
def test_what_is_not_there(wb, path):
    answer = wb.http("GET", path)
    assert answer.status == 404 and answer.code, answer


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "cursor=%00", "cursor=garbage", "status=Nonsense", "order=sideways"]
)
def test_list_queries(wb, query):
    answer = wb.http("GET", "runs?" + query)
    assert answer.status == 400 and answer.code, answer


def test_methods_and_heads(wb):
    assert wb.http("DELETE", "/healthz").status in (404, 405)
    assert wb.http("GET", "/api/v1/%ff").status in (400, 404)
    assert wb.http("GET", "/api/v1/%zz").status == 400
    assert wb.http("GET", "/" + "x" * 100_000).status in (400, 414, 431)
    assert wb.http("GET", "/healthz", headers={"X-Long": "x" * 200_000}).status in (400, 431)


# -- the command line ---------------------------------------------------------------------------------------------------

CONFIGS = [  # file, content, what the message names besides the file
    ("aml_config/bad.runconfig", "Target: local\n  Framework: [", None),
    ("aml_config/bad.runconfig", "Target: local\nFramwork: Python\n", "Framework"),
    ("aml_config/bad.runconfig", "Target: [local]\n", "Target"),
    ("aml_config/bad.runconfig", "Target: local\nTarget: local\n", "Target"),
    ("aml_config/bad.runconfig", "Target: nowhere\nFramework: Python\n", "nowhere"),
    (".azureml/bad.runconfig", "script: train.py\ntarget: local\nenvironmnt: {}\n", "environment"),
    (".azureml/bad.runconfig", "script: train.py\ntarget: local\nnodeCount: many\n", "nodeCount"),
    (".azureml/bad.runconfig", "a: &a [*a]\n", None),
    (".azureml/bad.runconfig", b"\xff\xfe\x00bad", None),
]


@pytest.mark.parametrize("file, content, named", CONFIGS, ids=range(len(CONFIGS)))
def test_configurations(wb, file, content, named):
    project = wb.project({"train.py": "print(1)\n", file: content})
    done = wb.werkbank("run", "submit", "-c", "bad", "train.py", cwd=project, code=2)
    assert "[config_invalid]" in done.stderr or "[target_unknown]" in done.stderr, done.stderr
    assert done.stdout == ""
    assert named is None or named in done.stderr, done.stderr
    assert "bad.runconfig" in done.stderr or named == "nowhere", done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["run", "submit", "missing.py"],
        ["run", "submit", "../outside.py"],
        ["run", "submit", "--target", "nowhere", "train.py"],
        ["run", "submit", "-c", "no-such-config", "train.py"],
        ["run", "submit", "--python", "/nonexistent/python", "train.py"],
        ["run", "submit", "--experiment", "-bad", "train.py"],
        ["run", "submit"],
        ["run", "sumbit", "train.py"],
        ["rnu"],
        ["run", "show", "no-such-run"],
        ["run", "list", "--limit", "x"],
        ["run", "list", "-o", "xml"],
        ["az", "ml", "experiment", "submit", "-c", "local"],
        ["az", "ml", "experimnt", "submit", "train.py"],
        ["explain", "no_such_code"],
    ],
    ids=" ".join,
)
def test_refused_commands(wb, words):
    (wb.folder / "outside.py").write_text("print(1)\n")
    project = wb.project({"train.py": "print(1)\n"})
    done = wb.werkbank(*words, cwd=project, code=None)
    assert done.returncode in (1, 2, 3) and (done.returncode == 2 or words[:2] == ["run", "show"]), done
    assert done.stderr.strip() and done.stdout.strip() == "", done
    assert len([line for line in done.stderr.splitlines() if line.startswith("  ")]) >= 1, done.stderr


def test_a_link_that_leaves_the_folder_and_a_loop(wb):
    project = wb.project({"train.py": "print(1)\n"})
    os.symlink("/etc/passwd", project / "leak")
    done = wb.werkbank("run", "submit", "train.py", cwd=project, code=2)
    assert "leak" in done.stderr
    os.remove(project / "leak")
    os.symlink(".", project / "loop")
    done = wb.werkbank("run", "submit", "train.py", cwd=project, code=2)
    assert "loop" in done.stderr


@pytest.mark.parametrize(
    "program, error",
    [
        ("Workspace.get('ab')", "UserErrorException"),
        ("Experiment(Workspace.get('default'), '-bad')", "UserErrorException"),
        ("Workspace.from_config('/nonexistent')", "UserErrorException"),
    ],
)
def test_sdk_names(wb, program, error):
    done = wb.run(
        PYTHON,
        "-c",
        f"""
from azureml.core import Experiment, Workspace
from azureml.exceptions import UserErrorException
try:
    {program}
except Exception as raised:
    print(type(raised).__name__)
""",
    )
    assert done.stdout.strip() == error
