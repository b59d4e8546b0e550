"""A Werkbank, a Jupyter server whose kernels have our wheel, and a browser. With CI=true a skipped test is a failed one."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from workbench import ROOT, WERKBANK, Workbench  # noqa: E402

from jupyter_process import CHROMIUM, PATIENCE_S, Jupyter, chromium  # noqa: E402
from notebooks import Classic, Lab  # noqa: E402

SHOTS = ROOT / "build" / "screenshots"


def pytest_configure():
    if not WERKBANK.exists():
        pytest.exit(f"missing: {WERKBANK.relative_to(ROOT)}. Run ./quickstart or ./test first, it makes it.", returncode=2)
    if CHROMIUM is None:  # `./test notebooks` would have said so
        pytest.exit("missing: chromium. `./test notebooks` installs it.", returncode=2)
    SHOTS.mkdir(parents=True, exist_ok=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call" and report.failed and "page" in item.funcargs:
        item.funcargs["page"].screenshot(path=str(SHOTS / "failed.png"))
        report.sections.append(("page", item.funcargs["page"].inner_text("body")[-4000:]))


@pytest.fixture(scope="session")
def wb(tmp_path_factory):
    bench = Workbench(tempfile.mkdtemp(prefix="wb-"), tmp_path_factory.mktemp("wb"))
    bench.start()
    yield bench
    left = bench.close()
    assert not left, f"processes were left behind: {left}"


@pytest.fixture(scope="session")
def jupyter(wb, tmp_path_factory):
    server = Jupyter(wb, tmp_path_factory.mktemp("jupyter"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser):
    """A page of a browser that no other test has used; nothing but this machine can be reached from it."""
    context = browser.new_context(viewport={"width": 1200, "height": 1400})
    context.set_default_timeout(PATIENCE_S * 1000)
    context.asked = []
    context.on("request", lambda request: context.asked.append(request.url))
    context.route(lambda url: not url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:")), lambda route: route.abort())
    yield context.new_page()
    context.close()


@pytest.fixture(params=[Lab, Classic], ids=["lab", "classic"])
def notebook(request, page, jupyter):
    """A notebook of each kind."""
    return request.param(page, jupyter)


@pytest.fixture
def shot(request):
    """shot(page, 'name') keeps what the page looks like in build/screenshots."""
    prefix = request.node.name.replace("test_", "", 1).replace("[", "-").replace("]", "")
    return lambda page, name: page.screenshot(path=str(SHOTS / f"{prefix}-{name}.png"))
