"""The package: exceptions' form, imports, old syntax, the wheel."""

import ast
import glob
import json
import os
import subprocess
import sys
import zipfile

import pytest

from azureml.exceptions import AuthenticationException, AzureMLException, UserErrorException, WebserviceException
import azureml.exceptions

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = sorted(glob.glob(os.path.join(ROOT, "azureml", "**", "*.py"), recursive=True))


def test_the_text_of_an_exception():
    error = UserErrorException("wrong name")
    head, rest = str(error).split("\tErrorResponse \n")
    assert head == "UserErrorException:\n\tMessage: wrong name\n\tInnerException None\n"
    assert json.loads(rest) == {"error": {"code": "UserError", "message": "wrong name"}} and repr(error) == str(error)
    assert error.message == "wrong name" and isinstance(AuthenticationException("x"), UserErrorException)
    assert WebserviceException("x", status_code=404).status_code == 404


def test_every_exception_has_a_message():
    special = {"RunEnvironmentException": (), "AzureMLAggregatedException": (["text"],)}
    for name in azureml.exceptions.__all__:
        error = getattr(azureml.exceptions, name)(*special.get(name, ("text",)))
        assert isinstance(error, AzureMLException) and error.message


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: os.path.relpath(path, ROOT))
def test_sources_are_old_enough_and_short_enough(path):
    with open(path) as stream:
        text = stream.read()
    ast.parse(text, feature_version=(3, 5))
    tree = ast.parse(text)
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, (ast.JoinedStr, ast.AnnAssign))]
    assert text.count("\n") <= 500
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not [node.name for node in functions if node.end_lineno - node.lineno > 70]


def test_importing_the_package_imports_little():
    """Its time is measured in bench/; what makes it long is checked here."""
    code = (
        "import sys; before = set(sys.modules); import azureml.core; first = set(sys.modules) - "
        "before; from azureml.core import Run; "
        "Run.get_context(); print(len(first)); "
        "print([name for name in ('http.client', 'ssl', 'subprocess', 'typing', 'socket', "
        "'logging') if name in set(sys.modules) - before])"
    )
    count, heavy = subprocess.check_output([sys.executable, "-S", "-c", code], cwd=ROOT).decode().splitlines()[-2:]
    assert int(count) < 60 and heavy == "[]"


def test_the_wheel(tmp_path):
    def build(folder):
        return subprocess.check_output([sys.executable, os.path.join(ROOT, "build_wheel.py"), str(folder)]).decode().strip()

    one, two = build(tmp_path / "a"), build(tmp_path / "b")
    assert (
        open(one, "rb").read() == open(two, "rb").read()
        and one.endswith("-py3-none-any.whl")
        and os.listdir(str(tmp_path / "a")) == [os.path.basename(one)]
    )
    with zipfile.ZipFile(one) as wheel:
        names = wheel.namelist()
        assert sorted(name for name in names if name.endswith(".py")) == sorted(os.path.relpath(path, ROOT) for path in SOURCES)
        assert "__pycache__" not in "".join(names)
        assert {"azureml/widgets/live.js", "azureml/widgets/live.css"} <= set(names)
        (metadata,) = [wheel.read(name).decode() for name in names if name.endswith("/METADATA")]
        assert "Provides-Extra: notebooks\nRequires-Dist: anywidget" in metadata
        wheel.extractall(str(tmp_path / "site"))
    code = "import azureml.core; from azureml.core import Workspace; print(azureml.core.__file__)"
    out = subprocess.check_output(
        [sys.executable, "-c", code], cwd=str(tmp_path), env=dict(os.environ, PYTHONPATH=str(tmp_path / "site"))
    )
    assert out.decode().startswith(str(tmp_path / "site"))


def test_other_distributions_can_add_to_the_namespace(tmp_path):
    other = tmp_path / "azureml" / "other"
    other.mkdir(parents=True)
    (tmp_path / "azureml" / "__init__.py").write_text("")
    (other / "__init__.py").write_text("here = True")
    code = "import azureml.core, azureml.other; print(azureml.other.here)"
    out = subprocess.check_output(
        [sys.executable, "-c", code], env=dict(os.environ, PYTHONPATH=os.pathsep.join((ROOT, str(tmp_path))))
    )
    assert out.decode().strip() == "True"
