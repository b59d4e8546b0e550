"""Requirement sets that cannot be met: for each one clear answer, kept in unsatisfiable.json.

WERKBANK_UPDATE=1 writes the answers anew; then read what has changed."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
from wheelhouse import make_broken_source, make_wheel
from workbench import parse_events

SNAPSHOTS = Path(__file__).resolve().parent / "unsatisfiable.json"
MINOR = "%d.%d" % sys.version_info[:2]
BUILD_S = 240

# name: (pip requirements, more of the definition). Without `python` it is the minor version of the interpreter that runs this.
CASES = {
    "unknown package": (["werk-nothing==1.0"], {}),
    "unknown package, a popular name misspelt": (["pandsa"], {}),
    "unknown package, the import's name": (["sklearn==0.22"], {}),
    "no such version": (["werk-alpha==9.9"], {}),
    "no such version in the range": (["werk-alpha>=3"], {}),
    "an empty range": (["werk-alpha>2,<1"], {}),
    "two pins of one package": (["werk-alpha==1.0", "werk-alpha==2.0"], {}),
    "two packages that need different versions": (["werk-beta", "werk-gamma"], {}),
    "a pin against what another package needs": (["werk-beta", "werk-alpha==2.0"], {}),
    "a wheel for another Python alone": (["werk-old==1.0"], {}),
    "a wheel for another machine alone": (["werk-windows==1.0"], {}),
    "a package for a Python to come": (["werk-new==1.0"], {}),
    "what it needs is not there": (["werk-deep==1.0"], {}),
    "source whose build fails": (["werk-source==1.0"], {}),
    "nearest, and there is nothing near": (["werk-alpha==9.9"], {"policy": "nearest"}),
    "a conda package that no wheel has": ([], {"condaPackages": ["werk-nothing=1.0"]}),
    "a conda pin that no wheel has": ([], {"condaPackages": ["werk-alpha=9.9"]}),
    "a Python that only a channel may have": ([], {"pythonVersion": "3.5.2"}),
    "malformed: one equals sign": (["scipy=1"], {}),
    "malformed: a version that is none": (["numpy==one.two"], {}),
    "malformed: a name that is none": (["nu mpy!!"], {}),
    "malformed: a marker without an end": (["numpy ; python_version <"], {}),
    "an address": (["git+https://example.org/numpy.git"], {}),
    "an editable folder": (["-e ."], {}),
    "another file": (["-r other.txt"], {}),
    "a file of this machine": (["./local-1.0-py3-none-any.whl"], {}),
    "an option that pip does not know": (["--frobnicate"], {}),
    "malformed: python": ([], {"pythonVersion": "three"}),
    "python 2": ([], {"pythonVersion": "2.7"}),
    "no such python": ([], {"pythonVersion": ">=4"}),
    "malformed: a conda package": ([], {"condaPackages": ["=1.0"]}),
    "a conda package of R": ([], {"condaPackages": ["r-base=3.6"]}),
    "a conda package with alternatives": ([], {"condaPackages": ["numpy=1.19|1.20"]}),
    "malformed: a channel": ([], {"condaPackages": ["numpy"], "condaChannels": ["--help"]}),
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "werk-alpha", "1.0")
    make_wheel(folder, "werk-alpha", "2.0")
    make_wheel(folder, "werk-beta", "1.0", needs=["werk-alpha<2"])
    make_wheel(folder, "werk-gamma", "1.0", needs=["werk-alpha>=2"])
    make_wheel(folder, "werk-old", "1.0", tag="cp33-cp33m-manylinux1_x86_64")
    make_wheel(folder, "werk-windows", "1.0", tag="cp311-cp311-win_amd64")
    make_wheel(folder, "werk-new", "1.0", python=">=3.99")
    make_wheel(folder, "werk-deep", "1.0", needs=["werk-missing>=1"])
    make_broken_source(folder, "werk-source", "1.0")
    return folder


def same_everywhere(text, wheels):
    """The answer without what depends on this machine."""
    text = text.replace(str(wheels), "WHEELS").replace(f"{MINOR}.{sys.version_info[2]}", "PYTHON").replace(MINOR, "PYTHON")
    text = re.sub(r"found: .*", "found: …", text)
    text = re.sub(r"would take [0-9.]+", "would take …", text)
    # uv's own sentences change with uv.
    text = re.sub(r"uv says: .+", "uv says: …", text)
    text = re.sub(r"(exclude each other \(.*?\)): .+", r"\1: …", text)
    return re.sub(r"/\S*/environments/", "CACHE/", text)


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_clear(shared_wb, wheels, name):
    requirements, more = CASES[name]
    asks_channels = more.get("condaPackages") or more.get("pythonVersion") == "3.5.2"
    definition = {
        "name": "wanted",
        "userManaged": False,
        "pythonVersion": MINOR,
        "pipRequirements": ["--no-index", f"--find-links={wheels}", *requirements],
        "condaChannels": ["file:///no/channel/is/here"] if asks_channels else [],
        **more,
    }
    body = {"environment": definition, "submitterEnvironment": {"PATH": shared_wb.environment()["PATH"]}}
    before = {folder.name for folder in (shared_wb.home / "environments").iterdir() if len(folder.name) == 64}
    answer = shared_wb.http("POST", "environments/prepare", body, timeout=BUILD_S)
    if answer.status == 200:
        ((kind, problem),) = [event for event in parse_events(answer.body.decode()) if event[0] != "log"]
        assert kind == "problem", (kind, problem)
    else:
        problem = answer.json
        assert answer.status == 400, answer
    found = {
        "refused": "when it is built" if answer.status == 200 else "before anything is tried",
        "code": problem["code"],
        "message": same_everywhere(problem["detail"], wheels),
        "hint": same_everywhere(problem["hint"], wheels),
    }
    after = {folder.name for folder in (shared_wb.home / "environments").iterdir() if len(folder.name) == 64}
    assert after == before, "a failed build leaves nothing behind"
    known = json.loads(SNAPSHOTS.read_text()) if SNAPSHOTS.exists() else {}
    if os.environ.get("WERKBANK_UPDATE"):
        SNAPSHOTS.write_text(json.dumps({**known, name: found}, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
        return
    assert found == known.get(name)


def test_the_snapshots_are_of_these_cases():
    assert sorted(json.loads(SNAPSHOTS.read_text())) == sorted(CASES)
