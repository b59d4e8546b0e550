"""How environments come to be: which Python, which pins, conda channels, package sources; and how they are looked after."""

import base64
import http.server
import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
import threading

import pytest
from wheelhouse import make_wheel
from workbench import PYTHON, ROOT, parse_events, quote

BUILD_S = 240
MINOR = "%d.%d" % sys.version_info[:2]
TAG = "cp%d%d" % sys.version_info[:2]


@pytest.fixture
def wheels(tmp_path):
    folder = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        make_wheel(folder, "werk-alpha", version)
    return folder


@pytest.fixture(scope="session")
def channel():
    """The address of a real conda channel in a folder."""
    made = subprocess.run(
        [ROOT / "tests/testbed/conda_channel.sh", "up"],
        env={**os.environ, "TESTBED_PYTHON": str(PYTHON)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=BUILD_S,
    )
    return made.stdout.decode().strip()


def definition(wheels, *requirements, python=MINOR, **more):
    sources = ["--no-index", f"--find-links={wheels}"]
    return {"name": "built", "userManaged": False, "pythonVersion": python, "pipRequirements": [*sources, *requirements], **more}


def build_log(wb, run):
    return wb.file(run, "azureml-logs/20_image_build_log.txt").decode()


def prepare(wb, environment, **submitter):
    body = {"environment": environment, "submitterEnvironment": {"PATH": wb.environment()["PATH"], **submitter}}
    answer = wb.http("POST", "environments/prepare", body, timeout=BUILD_S)
    assert answer.status == 200, answer
    events = parse_events(answer.body.decode())
    return "".join(data["text"] for kind, data in events if kind == "log"), events[-1]


def test_nearest_lets_pins_give_way_and_says_so(wb, wheels):
    project = wb.project({"show.py": "import werk_alpha; print(werk_alpha.VERSION)\n"})
    wanted = ["--requirement", "--no-index", "--requirement", f"--find-links={wheels}", "--requirement", "werk-alpha==1.5"]
    refused = wb.werkbank("run", "submit", *wanted, "show.py", cwd=project, code=1, limit=BUILD_S)
    assert "werk-alpha==1.5" in refused.stderr and "nearest" in refused.stderr
    taken = wb.werkbank("run", "submit", "--environment-policy", "nearest", *wanted, "show.py", cwd=project, limit=BUILD_S)
    assert taken.stdout == "2.0\n"
    run = wb.get("runs")["items"][0]  # the newest
    assert run["properties"]["werkbank.environment.policy"] == "nearest"
    assert run["properties"]["werkbank.environment.relaxed"] == "werk-alpha==1.5 -> werk-alpha==2.0"
    assert "werk-alpha==1.5 becomes werk-alpha>=1.5" in build_log(wb, run["runId"])
    # Found ready, the run says so too.
    again = wb.submit("print(1)\n", environment=definition(wheels, "werk-alpha==1.5", python="", policy="nearest"))
    assert "werkbank.environment.relaxed" in wb.completed(again, limit=BUILD_S)["properties"]


def test_no_index_means_none(wb, wheels):
    log, (kind, problem) = prepare(wb_started(wb), definition(wheels, "werk-alpha", "six"))
    assert kind == "problem" and "'six'" in problem["detail"], (log, problem)


def test_a_python_that_nobody_wrote_gives_way(wb, tmp_path):
    make_wheel(tmp_path / "wheels", "werk-compiled", "1.0", tag=f"{TAG}-{TAG}-manylinux_2_17_{platform.machine()}")
    source = "import sys, werk_compiled; print('%d.%d' % sys.version_info[:2])\n"
    run = wb.submit(source, environment=definition(tmp_path / "wheels", "werk-compiled", python=""))
    wb.completed(run, limit=BUILD_S)
    assert wb.log(run) == MINOR + "\n"
    assert f"with Python {MINOR}" in build_log(wb, run)


def test_another_patch_level_meets_a_pin(wb, wheels):
    log, (kind, ready) = prepare(wb_started(wb), definition(wheels, "werk-alpha", python=MINOR + ".99"))
    assert kind == "ready" and ready["pythonVersion"].startswith(MINOR + ".")
    assert f"Python {MINOR}.99 is asked for" in log and "the same minor version" in log


def wb_started(wb):
    wb.start()
    return wb


def test_conda_packages_come_from_a_channel(wb, wheels, channel):
    source = (
        "import sys, werk_stats, werk_alpha\nwerk_stats.main()\n"
        "print(open(sys.prefix + '/etc/werk/prefix.txt').read().split()[-1])\n"
        "print(sys.prefix, werk_alpha.VERSION)\nfrom azureml.core import Run\nRun.get_context().log('x', 1)\n"
    )
    wanted = definition(
        wheels, "werk-alpha==1.0", "azureml-defaults", condaPackages=["werk-stats=1.0", "werk-files"], condaChannels=[channel]
    )
    run = wb.submit(source, environment=wanted)
    wb.completed(run, limit=BUILD_S)
    numbers, prefix, last = wb.log(run).splitlines()
    assert numbers == "numbers 1.0 42"
    assert last == f"{prefix} 1.0"
    assert wb.series(run, "x") == [1]
    log = build_log(wb, run)
    assert "werk-numbers 1.0" in log and "azureml-defaults is not installed: Werkbank's SDK takes its place" in log
    (built,) = [one for one in wb.get("/api/v1/compute/local/environments")["items"] if one["ready"]]
    lock = wb.werkbank("environment", "show", built["hash"][:10], "--lock").stdout
    assert "werk-stats-1.0-0.tar.bz2#sha256:" in lock and "werk-alpha==1.0 \\\n    --hash=sha256:" in lock

    # What the channel cannot meet is said by the solver; with nearest it gives way.
    impossible = definition(wheels, condaPackages=["werk-stats", "werk-numbers=2.0"], condaChannels=[channel])
    _, (kind, problem) = prepare(wb, impossible)
    assert kind == "problem" and "werk-numbers" in problem["detail"] and "nearest" in problem["hint"]
    nearer = definition(wheels, condaPackages=["werk-stats", "werk-numbers=0.9"], condaChannels=[channel], policy="nearest")
    log, (kind, ready) = prepare(wb, nearer)
    assert kind == "ready" and ready["relaxed"] == ["werk-numbers=0.9 -> werk-numbers=1.0"]
    assert "Policy nearest: werk-numbers=0.9 -> werk-numbers=1.0" in log


def test_without_a_channel_conda_packages_are_wheels(wb, wheels):
    wb.start()
    nowhere = ["file:///no/channel/is/here", "http://127.0.0.1:9/channel"]
    wanted = definition(wheels, condaPackages=["werk-alpha=1.0", "cudatoolkit=10.1"], condaChannels=nowhere)
    log, (kind, ready) = prepare(wb, wanted)
    assert kind == "ready", (log, ready)
    version = "import werk_alpha; print(werk_alpha.VERSION)"
    assert subprocess.check_output([ready["interpreter"], "-c", version]) == b"1.0\n"
    assert "No conda channel answers" in log and "http://127.0.0.1:9/channel" in log
    assert "wheels of the same versions" in log
    assert "cudatoolkit is left out" in log


class Index(http.server.BaseHTTPRequestHandler):
    """A package index that is reached through this proxy alone: it answers for a host that no name server knows."""

    def do_GET(self):
        self.server.requests.append((self.path, dict(self.headers)))
        path = self.path.split("packages.invalid", 1)[-1]
        files = sorted(self.server.folder.glob("*.whl"))
        if path.startswith("/simple/"):
            project = path[8:].strip("/").replace("-", "_")
            names = [file.name for file in files if file.name.startswith(project)]
            links = "".join(f'<a href="/files/{name}">{name}</a>' for name in names)
            body, status = f"<html><body>{links}</body></html>".encode(), 200 if links else 404
        else:
            found = self.server.folder / os.path.basename(path)
            body, status = (found.read_bytes(), 200) if found.exists() else (b"", 404)
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if path.startswith("/simple/") else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy(wheels):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.requests, server.folder = [], wheels
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


ONLY_THE_PROXY = {"PIP_FIND_LINKS": "", "PIP_NO_INDEX": "", "NO_PROXY": "", "no_proxy": ""}


def test_pips_configuration_is_uvs(wb, proxy, tmp_path):
    """Index, login and proxy from pip.conf; the password is nowhere to be read."""
    configuration = tmp_path / "pip.conf"
    address = f"127.0.0.1:{proxy.server_port}"
    configuration.write_text(f"[global]\nindex-url = http://anna:s3cret-pw@packages.invalid/simple/\nproxy = http://{address}\n")
    wb.extra.update(ONLY_THE_PROXY)
    wb.start()
    environment = {"name": "x", "userManaged": False, "pythonVersion": MINOR, "pipRequirements": ["werk-alpha==2.0"]}
    log, (kind, ready) = prepare(wb, environment, PIP_CONFIG_FILE=str(configuration))
    assert kind == "ready", (log, ready)
    asked = [(path, headers.get("Authorization")) for path, headers in proxy.requests]
    login = "Basic " + base64.b64encode(b"anna:s3cret-pw").decode()
    assert ("http://packages.invalid/simple/werk-alpha/", login) in asked, asked
    assert "***@packages.invalid" in log and "s3cret-pw" not in log
    left = subprocess.run(["grep", "-rl", "s3cret-pw", str(wb.home / "environments")], stdout=subprocess.PIPE)
    assert not left.stdout, left.stdout


def test_the_submitters_proxy_and_netrc_reach_the_build(wb, proxy, tmp_path):
    """The server was started by another shell, which knew no proxy."""
    wb.extra.update(ONLY_THE_PROXY, HOME=str(tmp_path), PYENV_ROOT=os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv")))
    (tmp_path / ".netrc").write_text("machine packages.invalid login berta password n3trc-pw\n")
    (tmp_path / ".netrc").chmod(0o600)
    wb.start()
    environment = {"name": "x", "userManaged": False, "pythonVersion": MINOR}
    environment["pipRequirements"] = ["--index-url http://packages.invalid/simple/", "werk-alpha==2.0"]
    log, (kind, ready) = prepare(wb, environment, HTTP_PROXY=f"http://127.0.0.1:{proxy.server_port}")
    assert kind == "ready", (log, ready)
    login = "Basic " + base64.b64encode(b"berta:n3trc-pw").decode()
    assert any(headers.get("Authorization") == login for _, headers in proxy.requests), proxy.requests
    assert "n3trc-pw" not in log


def test_a_killed_build_leaves_nothing_half_ready(wb, wheels):
    wb.start(env={"WERKBANK_FAILPOINTS": "build.before_ready=kill"})
    environment = definition(wheels, "werk-alpha==1.0")
    _, (kind, problem) = prepare(wb, environment)
    assert kind == "problem"
    wb.werkbank("server", "stop")
    wb.start()
    assert [one for one in wb.get("/api/v1/compute/local/environments")["items"] if one["ready"]] == []
    log, (kind, _) = prepare(wb, environment)
    assert kind == "ready" and "Removing what an interrupted build left behind" in log


def test_environments_are_listed_shown_deleted_and_built_again(wb, wheels):
    wb.extra["PIP_FIND_LINKS"] = ""  # a part of what the command line asks for
    run = wb.submit("import werk_alpha; print(werk_alpha.VERSION)\n", environment=definition(wheels, "werk-alpha==1.0"))
    wb.completed(run, limit=BUILD_S)
    wb.http("POST", "environments", {**definition(wheels, "werk-alpha==1.0"), "name": "shared"})
    (built,) = [one for one in json.loads(wb.werkbank("environment", "list", "--built", "-o", "json").stdout) if one["ready"]]
    assert built["packages"] == ["werk-alpha==1.0"] and built["sizeBytes"] > 0 and not built["inUse"]
    names = [one["name"] for one in json.loads(wb.werkbank("environment", "list", "-o", "json").stdout)]
    assert names[0] == "default-runtime" and "shared" in names
    shown = json.loads(wb.werkbank("environment", "show", "shared", "-o", "json").stdout)
    assert shown["built"]["interpreter"] == built["interpreter"]
    assert "werk-alpha==1.0" in shown["lock"] and "--hash=sha256:" in shown["lock"]

    wb.werkbank("environment", "prune", "--unused-for", "1")
    assert os.path.exists(built["interpreter"])
    dry = wb.werkbank("environment", "prune", "--unused-for", "0", "--dry-run")
    assert "Would delete 1 environment" in dry.stderr and os.path.exists(built["interpreter"])
    wb.werkbank("environment", "delete", "shared")
    assert not os.path.exists(built["interpreter"])
    assert "nothing to delete" in wb.werkbank("environment", "delete", "shared").stderr
    assert "not built" in wb.werkbank("environment", "show", "shared", "--lock", code=None).stderr

    # Deleted by the product or by hand, it comes back with the next run.
    wb.werkbank("environment", "build", "shared", limit=BUILD_S)
    shutil.rmtree(os.path.dirname(os.path.dirname(built["interpreter"])))
    again = wb.submit("import werk_alpha; print(werk_alpha.VERSION)\n", environment=definition(wheels, "werk-alpha==1.0"))
    wb.completed(again, limit=BUILD_S)
    assert wb.log(again) == "1.0\n"


def test_an_environment_in_use_stays(wb, wheels, gate):
    waiting = gate("waiting")
    source = f"print('up', flush=True)\nopen({str(waiting.path)!r}).read()\n"
    run = wb.submit(source, environment=definition(wheels, "werk-alpha==1.0"))
    wb.await_line(run, "up", limit=BUILD_S)
    (built,) = [one for one in wb.get("/api/v1/compute/local/environments")["items"] if one["ready"]]
    assert built["inUse"]
    refused = wb.werkbank("environment", "delete", built["hash"][:12], code=None)
    assert refused.returncode != 0 and "has not ended" in refused.stderr
    waiting.open()
    wb.completed(run)
    wb.werkbank("environment", "delete", built["hash"][:12])


def test_the_default_runtime(wb):
    """No interpreter named, no environment active: the product's own Python, with the SDK and the usual packages."""
    project = wb.project(
        {
            "data.py": "import sys, numpy, pandas, sklearn, matplotlib\nfrom azureml.core import Run\n"
            "Run.get_context().log('rows', len(pandas.DataFrame({'a': numpy.arange(3)})))\nprint(sys.executable)\n"
        }
    )
    plain = wb.environment()
    del plain["VIRTUAL_ENV"]
    submit = [wb_binary(), "run", "submit", "data.py"]
    done = subprocess.run(submit, cwd=project, env=plain, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=BUILD_S)
    assert done.returncode == 0, done.stderr.decode()
    interpreter = done.stdout.decode().strip()
    assert interpreter.startswith(str(wb.home / "environments"))
    (run,) = wb.get("runs")["items"]
    assert wb.series(run["runId"], "rows") == [3]
    assert "the default runtime is built, once" in build_log(wb, run["runId"])
    # The SDK is really in it, for those who start its Python by hand.
    version = "import azureml.core; print(azureml.core.VERSION)"
    assert subprocess.check_output([interpreter, "-I", "-c", version]).strip() == b"1.61.0"
    assert interpreter in wb.werkbank("environment", "list").stdout
    assert interpreter in wb.werkbank("doctor").stdout


def wb_binary():
    return ROOT / "build" / "release" / "werkbank"


def test_v1s_package_names_are_served(wb, wheels, tmp_path):
    """pip and uv find the SDK under the names that v1 code pins, in any version."""
    wb.start()
    index = wb.http("GET", "/simple/")
    assert b"azureml-core" in index.body
    page = wb.http("GET", "/simple/Azureml_Core/").body.decode()
    assert "azureml_core-1.48.0%2Bwerkbank-py3-none-any.whl" in page and "azureml_core-1.0.85%2Bwerkbank-py3-none-any.whl" in page
    folder = tmp_path / "served"
    folder.mkdir()
    for name in ("azureml_core-1.48.0+werkbank-py3-none-any.whl", "azureml_mlflow-1.61.0+werkbank-py3-none-any.whl"):
        (folder / name).write_bytes(wb.http("GET", "/packages/" + quote(name)).body)
    own = wb.http("GET", "/simple/werkbank-azureml/").body.decode().split("/packages/")[1].split("#")[0]
    (folder / own).write_bytes(wb.http("GET", "/packages/" + own).body)
    target = tmp_path / "installed"
    uv = [PYTHON.parent / "uv", "pip", "install", "-q", "--no-index", "--find-links", folder, "--target", target]
    subprocess.run([*uv, "--python", PYTHON, "azureml-core[extra]==1.48.0"], check=True, timeout=BUILD_S)
    assert (target / "azureml" / "core" / "__init__.py").exists()
    assert wb.http("GET", "/packages/azureml_core-7.0.0%2Bwerkbank-py3-none-any.whl").status == 404
    assert wb.http("GET", "/simple/numpy/").status == 404


@pytest.fixture
def tls_site(tmp_path, channel):
    """A package index and a conda channel behind TLS: (address, the authority that vouches for it)."""
    site = tmp_path / "site"
    for name in ("werk-one", "werk-two", "werk-three", "werk-four"):
        wheel = make_wheel(site / "simple" / name, name, "1.0")
        link = f'<a href="{wheel.name}">{wheel.name}</a>'
        (site / "simple" / name / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")
    (site / "channel").symlink_to(channel[len("file://") :])
    authority, key = make_certificates(tmp_path)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(site))

        def log_message(self, *arguments):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *arguments):
            pass  # who does not trust the certificate hangs up

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", authority
    server.shutdown()
    server.server_close()


def make_certificates(folder):
    """An authority of the test's own, and a certificate for this machine that it has signed: (authority, the server's key)."""

    def openssl(*words):
        subprocess.run(["openssl", *[str(word) for word in words]], check=True, capture_output=True, cwd=folder)

    new_key = ("-newkey", "rsa:2048", "-nodes")
    signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", *new_key, *signs, "-days", 2, "-subj", "/CN=Werk CA", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *new_key, "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    extensions = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\nauthorityKeyIdentifier=keyid\n"
    (folder / "extensions").write_text(extensions)
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", 2, "-extfile", "extensions")
    openssl("x509", "-req", "-in", "server.csr", *signing, "-out", "server.pem")
    return folder / "ca.pem", folder / "server.key"


def test_an_authority_of_ones_own_vouches_for_index_and_channel(wb, tls_site):
    address, authority = tls_site
    # The server's machine names no authority: what counts is the submitter's.
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"):
        wb.extra[name] = ""
    wb.start()

    def wanted(name, **more):
        requirements = [f"--index-url={address}/simple", name]
        return {"name": "tls", "userManaged": False, "pythonVersion": MINOR, "pipRequirements": requirements, **more}

    no_file = {"PIP_CONFIG_FILE": "/dev/null"}
    log, (kind, problem) = prepare(wb, wanted("werk-one"), **no_file)
    assert kind == "problem" and "certificate" in problem["detail"], (log, problem)
    system = os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt"
    both = {"REQUESTS_CA_BUNDLE": str(authority), "SSL_CERT_FILE": system}
    for name, variables in (
        ("werk-one", {"SSL_CERT_FILE": str(authority)}),
        ("werk-two", {"CURL_CA_BUNDLE": str(authority)}),
        ("werk-three", both),
    ):
        log, (kind, ready) = prepare(wb, wanted(name), **no_file, **variables)
        assert kind == "ready" and f"{name}==1.0" in log, (variables, log, ready)
    packages = wanted("werk-four", condaPackages=["werk-stats=1.0"], condaChannels=[f"{address}/channel"])
    log, (kind, ready) = prepare(wb, packages, **no_file, **both)  # the solver itself comes from elsewhere
    assert kind == "ready" and "werk-numbers 1.0" in log, (log, ready)
    lock = wb.werkbank("environment", "show", ready["hash"][:12], "--lock").stdout
    assert f"{address}/channel/" in lock and "werk-four==1.0 \\\n    --hash=sha256:" in lock
