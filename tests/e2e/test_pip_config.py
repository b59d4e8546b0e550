"""`werkbank pip-config`: a plain `pip install azureml-…` brings Werkbank's SDK, also where another index has the genuine ones."""

import venv

import pytest
from wheelhouse import make_wheel

INSTALL_S = 240
INSTALLED = """
import json, sys
from importlib.metadata import distributions
import azureml.core
names = {d.metadata["Name"].lower(): d.version for d in distributions()}
print(json.dumps([azureml.core.__file__, azureml.core.VERSION, names]))
"""


@pytest.fixture
def elsewhere(tmp_path):
    """An index as the public one is: it has the genuine packages in their newest versions, and what they bring."""
    site = tmp_path / "elsewhere"
    wheels = [("azureml-sdk", "1.62.0.post6"), ("azureml-core", "1.61.0.post4"), ("azureml-core", "1.48.0"), ("pandas", "1.0")]
    for name, version in [*wheels, ("pyarrow", "2.0"), ("anywidget", "0.9.1"), ("ipywidgets", "8.0"), ("numpy", "1.0")]:
        wheel = make_wheel(site / name, name, version)
        with (site / name / "index.html").open("a") as page:
            page.write(f'<a href="{wheel.name}">{wheel.name}</a><br>\n')
    return site.as_uri() + "/"


@pytest.fixture
def user(wb, tmp_path, elsewhere, monkeypatch):
    """Runs programs as somebody in an active virtual environment whose pip knows that index alone."""
    folder = tmp_path / "mine"
    venv.create(folder, with_pip=True)
    wb.extra = {
        "VIRTUAL_ENV": str(folder),
        "PATH": f"{folder}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PIP_INDEX_URL": elsewhere,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)  # pip takes it in place of what the configuration says
    return folder


def pip(wb, user, *words, **options):
    return wb.run(user / "bin/python", "-m", "pip", "-q", *words, limit=INSTALL_S, **options)


def installed(wb, user):
    import json

    return json.loads(wb.run(user / "bin/python", "-c", INSTALLED).stdout)


def test_a_plain_install_brings_ours(wb, user, tmp_path):
    shown = wb.werkbank("pip-config")
    assert f"find-links = {(wb.home / 'packages').as_uri()}/" in shown.stdout
    assert not (user / "pip.conf").exists()
    (user / "pip.conf").write_text("[global]\ntimeout = 60\n")
    wb.werkbank("pip-config", "--write")
    assert "has it" in wb.werkbank("pip-config", "--write").stderr
    assert not wb.pids(" serve")  # no server has to run

    pip(wb, user, "install", "azureml-sdk[notebooks,automl]", "azureml-opendatasets")
    place, version, names = installed(wb, user)
    assert place.startswith(str(user)) and version == "1.61.0"
    assert names["azureml-sdk"].endswith("+werkbank")
    assert "werkbank-azureml" in names and names["pandas"] == "1.0" and names["pyarrow"] == "2.0"
    # A pin, a range, and extras.
    pip(wb, user, "install", "azureml-core==1.48.0", "azureml-widgets~=1.35.0", "azureml-dataset-runtime[pandas,fuse]")
    names = installed(wb, user)[2]
    assert names["azureml-core"] == "1.48.0+werkbank" and names["azureml-widgets"] == "1.35.0.post1+werkbank"

    wb.werkbank("pip-config", "--undo")
    assert (user / "pip.conf").read_text() == "[global]\ntimeout = 60\n"
    assert "nothing was changed" in wb.werkbank("pip-config", "--undo").stderr
    pip(wb, user, "install", "--force-reinstall", "--no-deps", "azureml-core")
    assert pip(wb, user, "freeze").stdout.count("azureml-core==1.61.0.post4") == 1  # the other index's again


def test_what_cannot_be_written_is_said(wb, user):
    refused = wb.werkbank("pip-config", "--write", code=2, env={"PIP_CONFIG_FILE": "/dev/null"})
    assert "PIP_CONFIG_FILE" in refused.stderr
    assert wb.werkbank("pip-config", "--write", "--undo", code=2).stderr
    server = {"WERKBANK_URL": "https://bench.example.org/"}
    assert "extra-index-url = https://bench.example.org/simple/" in wb.werkbank("pip-config", env=server).stdout
    wb.werkbank("pip-config", "--write", "--file", wb.folder / "own" / "pip.conf")
    assert "/packages/" in (wb.folder / "own" / "pip.conf").read_text()
    wb.werkbank("pip-config", "--undo", "--file", wb.folder / "own" / "pip.conf")
    assert not (wb.folder / "own" / "pip.conf").exists()
