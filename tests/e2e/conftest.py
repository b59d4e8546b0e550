"""The stories' fixtures. With CI=true a skipped test is a failed one."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from workbench import PYTHON, ROOT, WERKBANK, Gate, Workbench  # noqa: E402


def pytest_configure():
    missing = [str(path.relative_to(ROOT)) for path in (WERKBANK, PYTHON) if not path.exists()]
    if missing:
        pytest.exit(f"missing: {', '.join(missing)}. Run ./quickstart or ./test first, it makes them.", returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = (
            f"skipped, which CI=true forbids: {report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr}"
        )
    if report.when == "call" and report.failed and "wb" in item.fixturenames:
        bench = item.funcargs["wb"]
        for log in [bench.home / "logs" / "server.log", *sorted(bench.home.rglob("runner.log"))[:3]]:
            if log.exists():
                report.sections.append((str(log.name), log.read_text(errors="replace")[-4000:]))


@pytest.fixture
def wb(tmp_path):
    """A fresh Werkbank. At the end its server is stopped, and nothing may be left running."""
    home = tempfile.mkdtemp(prefix="wb-")
    bench = Workbench(home, tmp_path)
    yield bench
    left = bench.close()
    assert not left, f"processes were left behind: {left}"


@pytest.fixture(scope="module")
def shared_wb(tmp_path_factory):
    """One Werkbank for a whole file of quick requests that do not disturb each other."""
    home = tempfile.mkdtemp(prefix="wb-")
    bench = Workbench(home, tmp_path_factory.mktemp("shared"))
    bench.start()
    yield bench
    bench.close()


@pytest.fixture
def gate(tmp_path):
    """gate('name') makes a pipe a script can wait at."""
    return lambda name: Gate(tmp_path / f"gate-{name}")


@pytest.fixture
def digits(tmp_path):
    """A copy of the example, so that a run leaves nothing in the clone."""
    folder = tmp_path / "digits"
    shutil.copytree(ROOT / "examples" / "digits", folder)
    return folder
