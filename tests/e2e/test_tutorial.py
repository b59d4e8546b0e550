"""examples/tutorial from an empty workspace to the model. MNIST is scikit-learn's digits, drawn larger, behind a mirror."""

import ast
import json
import shutil

import pytest
from test_environments import BUILD_S, python36
from workbench import PYTHON, ROOT

DIGITS = """
import gzip, pathlib, struct, sys
import numpy
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = numpy.kron(images.reshape(-1, 8, 8), numpy.ones((3, 3))) * 255 / 16
images = numpy.pad(images, ((0, 0), (2, 2), (2, 2))).astype(numpy.uint8)
folder = pathlib.Path(sys.argv[1])
folder.mkdir()
for part, chosen in (('train', slice(0, 600)), ('t10k', slice(600, 800))):
    shape = images[chosen].shape
    content = struct.pack('>HBBIII', 0, 8, 3, *shape) + images[chosen].tobytes()
    (folder / (part + '-images-idx3-ubyte.gz')).write_bytes(gzip.compress(content))
    content = struct.pack('>HBBI', 0, 8, 1, shape[0]) + labels[chosen].astype(numpy.uint8).tobytes()
    (folder / (part + '-labels-idx1-ubyte.gz')).write_bytes(gzip.compress(content))
"""


@pytest.fixture
def tutorial(wb, tmp_path):
    project = tmp_path / "tutorial"
    shutil.copytree(ROOT / "examples" / "tutorial", project)
    wb.python(DIGITS, tmp_path / "digits")
    wb.werkbank("mirror", "add", "MNIST", tmp_path / "digits")
    assert "mnist" in wb.werkbank("mirror", "list").stdout
    wb.werkbank("init", cwd=project)
    return project


@pytest.mark.skipif(not python36(), reason="no Python 3.6 is here (pyenv install 3.6)")
def test_the_script(wb, tutorial):
    done = wb.run(PYTHON, "tutorial.py", cwd=tutorial, limit=BUILD_S)
    out = done.stdout
    for line in (
        "Version of the SDK: ",
        "A new pool: cpu-cluster",
        "'vmSize': 'STANDARD_D2_V2'",
        "Found cpu-cluster of type AmlCompute",
        "A dataset: True",
        "mnist_opendataset version 1",
        "Images to learn from: (600, 784) to test with: (200, 784)",
        "Run(Experiment: Tutorial-sklearn-mnist,",
        "train (600, 784) (600,)",
        "t10k (200, 784) (200,)",
        "Accuracy 0.",
        "'regularization rate': 0.5",
        "'outputs/sklearn_mnist_model.pkl'",
        "sklearn_mnist\tsklearn_mnist:1\t1",
    ):
        assert line in out, (line, out, done.stderr)
    (run,) = wb.get("runs")["items"]
    assert run["status"] == "Completed" and wb.series(run["runId"], "accuracy")[0] > 0.8
    assert "azureml-logs/20_image_build_log.txt" in wb.files(run["runId"])
    (use,) = wb.get(f"runs/{run['runId']}/datasets")["items"]
    assert use["direction"] == "input" and use["mode"] == "mount"
    assert "cpu-cluster" not in wb.werkbank("compute", "list").stdout


def test_notebook_and_script_are_the_same():
    """What the notebook does is what the story above runs."""
    folder = ROOT / "examples" / "tutorial"
    cells = json.loads((folder / "tutorial.ipynb").read_text())["cells"]
    source = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    script = [ast.dump(statement) for statement in ast.parse((folder / "tutorial.py").read_text()).body]
    statements = [ast.dump(statement) for statement in ast.parse(source.replace("\nrun\n", "\nprint(run)\n")).body]
    assert len(statements) > 40 and not [statement for statement in statements if statement not in script]
