"""Estimators: what of a run configuration their arguments become, what is submitted, and what is refused."""

import json
import os

import pytest

from azureml.core import Dataset, Environment, ScriptRun
from azureml.core.runconfig import DEFAULT_GPU_IMAGE, RunConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath
from azureml.exceptions import UserErrorException
from azureml.train.dnn import Chainer, Gloo, Mpi, Nccl, ParameterServer, PyTorch, TensorFlow
from azureml.train.estimator import Estimator, MMLBaseEstimator, MMLBaseEstimatorRunConfig
from azureml.train.sklearn import SKLearn

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Store(object):
    name = "workspaceblobstore"


@pytest.fixture
def folder(program):
    os.mkdir("src")
    with open("src/train.py", "w") as stream:
        stream.write("print(1)\n")
    return "src"


def pip_of(estimator):
    return list(estimator.conda_dependencies.pip_packages)


def refused(code, make, *args, **kwargs):
    with pytest.raises(UserErrorException) as caught:
        make(*args, **kwargs)
    assert caught.value.werkbank_code == code
    return "{} {}".format(caught.value.message, caught.value.hint)


def test_an_estimator_is_submitted_as_a_script_run(experiment, folder, server):
    estimator = Estimator(
        source_directory=folder,
        compute_target="local",
        entry_script="train.py",
        script_params={"--rate": 0.1, "--verbose": "", "--layers": 3},
        pip_packages=["numpy"],
        conda_packages=["scikit-learn==0.22.1"],
        environment_variables={"GREETING": "hello"},
        max_run_duration_seconds=60,
    )
    assert isinstance(estimator, MMLBaseEstimator) and isinstance(estimator.run_config, RunConfiguration)
    run = experiment.submit(estimator, tags={"kind": "estimator"})
    assert type(run) is ScriptRun
    body = json.loads(server.sent("POST", "/runs")[-1].decode("utf-8"))
    spec = body["spec"]
    assert body["tags"] == {"kind": "estimator"} and spec["script"] == "train.py" and spec["target"] == "local"
    assert spec["arguments"] == ["--rate", "0.1", "--verbose", "--layers", "3"] and spec["timeoutSeconds"] == 60
    assert spec["environmentVariables"]["GREETING"] == "hello"
    environment = spec["environment"]
    assert not environment["userManaged"] and environment["condaPackages"] == ["scikit-learn==0.22.1"]
    assert environment["pipRequirements"] == ["numpy", "azureml-defaults"] and environment["pythonVersion"] == ""
    experiment.submit(estimator, script_params={"--rate": 0.2})
    assert json.loads(server.sent("POST", "/runs")[-1].decode("utf-8"))["spec"]["arguments"] == ["--rate", "0.2"]
    assert estimator.run_config.arguments[1] == 0.1


def test_an_estimator_without_packages_runs_with_the_interpreter_of_this_process(experiment, folder, server):
    import sys

    experiment.submit(Estimator(folder, compute_target="local", entry_script="train.py"))
    environment = json.loads(server.sent("POST", "/runs")[-1].decode("utf-8"))["spec"]["environment"]
    assert environment["userManaged"] and environment["interpreter"] == sys.executable


def test_a_vm_size_makes_a_pool_for_the_run(experiment, folder, server):
    estimator = Estimator(folder, vm_size="STANDARD_D2_V2", vm_priority="lowpriority", entry_script="train.py", node_count=2)
    experiment.submit(estimator)
    body = json.loads(server.sent("POST", "/runs")[-1].decode("utf-8"))
    assert body["spec"]["target"] == "amlcompute" and body["spec"]["nodeCount"] == 2
    assert body["pool"] == {"vmSize": "STANDARD_D2_V2", "vmPriority": "lowpriority", "maxNodes": 2, "retain": False}


def test_which_target():
    assert "local" in refused("target_invalid", Estimator, ".", entry_script="train.py")
    refused("target_invalid", Estimator, ".", compute_target="local", vm_size="STANDARD_D2_V2")
    refused("target_invalid", Estimator, ".", compute_target="local", vm_priority="lowpriority")
    assert Estimator(".", compute_target=Store(), entry_script="a.py").run_config.target == "workspaceblobstore"


@pytest.mark.parametrize("kind", (SKLearn, PyTorch, TensorFlow, Chainer))
def test_versions_of_a_framework(kind, caplog):
    known = kind.get_supported_versions()
    estimator = kind(".", compute_target="local", entry_script="train.py")
    assert estimator.framework_version == kind.DEFAULT_VERSION and kind.DEFAULT_VERSION in known
    assert kind.DEFAULT_VERSION in caplog.text
    for version in known:
        made = kind(".", compute_target="local", entry_script="train.py", framework_version=version)
        assert made.framework_version == version and version in pip_of(made)[0] and "azureml-defaults" in pip_of(made)
    text = refused("framework_version_unknown", kind, ".", compute_target="local", framework_version="0.0.1")
    assert all(version in text for version in known)
    with pytest.raises(TypeError):
        kind(".", compute_target="local", framwork_version=known[0])


def test_packages_of_a_framework():
    where = dict(compute_target="local", entry_script="train.py")
    assert pip_of(SKLearn(".", **where))[0] == "scikit-learn==0.20.3"
    own = SKLearn(".", pip_packages=["scikit-learn==0.21.2"], conda_packages=["scipy"], **where)
    assert [each for each in pip_of(own) if each.startswith(("scikit-learn", "scipy"))] == ["scikit-learn==0.21.2"]
    assert pip_of(TensorFlow(".", framework_version="2.2", **where))[0] == "tensorflow==2.2.*"
    gpu = TensorFlow(".", framework_version="2.2", use_gpu=True, **where)
    assert pip_of(gpu)[0] == "tensorflow-gpu==2.2.*" and gpu.run_config.environment.docker.base_image == DEFAULT_GPU_IMAGE
    assert "torchvision==0.5.*" in pip_of(PyTorch(".", **where))
    assert "cupy-cuda90==5.1.0" in pip_of(Chainer(".", use_gpu=True, **where))


def test_files_of_packages(folder, program):
    with open("src/packages.txt", "w") as stream:
        stream.write("# ours\nnumpy>=1.19\n\nscipy\n")
    with open("src/conda.yml", "w") as stream:
        stream.write("dependencies:\n- python=3.7\n- pandas\n- pip:\n  - tqdm\n")
    where = dict(compute_target="local", entry_script="train.py")
    assert pip_of(Estimator(folder, pip_requirements_file="packages.txt", **where)) == [
        "numpy>=1.19",
        "scipy",
        "azureml-defaults",
    ]
    older = Estimator(folder, pip_requirements_file_path="packages.txt", pip_packages=["joblib"], **where)
    assert pip_of(older) == ["joblib", "numpy>=1.19", "scipy", "azureml-defaults"]
    conda = SKLearn(folder, conda_dependencies_file="conda.yml", pip_packages=["joblib"], **where).conda_dependencies
    assert list(conda.pip_packages) == ["tqdm", "joblib"] and "pandas" in conda.conda_packages
    assert "missing.txt" in refused("estimator_invalid", Estimator, folder, pip_requirements_file="missing.txt", **where)
    refused("estimator_invalid", Estimator, folder, pip_requirements_file="a", pip_requirements_file_path="packages.txt", **where)


def test_images():
    where = dict(compute_target="local", entry_script="train.py")
    plain = Estimator(".", **where).run_config
    assert plain.environment.docker.enabled and not plain.docker.use_docker
    for name in ("custom_docker_image", "custom_docker_base_image"):
        config = Estimator(".", shm_size="4g", **dict(where, **{name: "mine:1"})).run_config
        assert config.environment.docker.base_image == "mine:1" and config.docker.use_docker and config.docker.shm_size == "4g"
    own = Estimator(".", user_managed=True, use_docker=False, **where).run_config
    assert own.environment.python.user_managed_dependencies and not own.environment.docker.enabled
    refused("environment_invalid", Estimator, ".", user_managed=True, pip_packages=["numpy"], **where)


def test_an_environment_of_its_own_wins(caplog):
    environment = Environment("mine")
    estimator = SKLearn(
        ".", compute_target="local", entry_script="a.py", environment_definition=environment, pip_packages=["numpy"]
    )
    assert estimator.run_config.environment is environment and "pip_packages" in caplog.text
    refused("environment_invalid", Estimator, ".", compute_target="local", environment_definition="mine")


@pytest.mark.parametrize(
    "kind, given, communicator, section",
    [
        (Estimator, {"distributed_training": Mpi(process_count_per_node=4)}, "IntelMpi", ("mpi", "process_count_per_node", 4)),
        (
            Estimator,
            {"distributed_backend": "mpi", "process_count_per_node": "2"},
            "IntelMpi",
            ("mpi", "process_count_per_node", 2),
        ),
        (PyTorch, {"distributed_training": Nccl()}, "Nccl", ("pytorch", "process_count", 2)),
        (PyTorch, {"distributed_training": Gloo(), "process_count_per_node": 3}, "Gloo", ("pytorch", "process_count", 6)),
        (PyTorch, {"distributed_backend": "gloo"}, "Gloo", ("pytorch", "communication_backend", "gloo")),
        (TensorFlow, {"distributed_training": ParameterServer(3, 2)}, "ParameterServer", ("tensorflow", "worker_count", 3)),
        (
            TensorFlow,
            {"distributed_backend": "ps", "worker_count": 2, "parameter_server_count": 2},
            "ParameterServer",
            ("tensorflow", "parameter_server_count", 2),
        ),
        (Chainer, {"distributed_backend": "MPI"}, "IntelMpi", ("mpi", "node_count", 2)),
    ],
)
def test_several_processes(kind, given, communicator, section):
    config = kind(".", compute_target="cpu", entry_script="train.py", node_count=2, **given).run_config
    assert config.communicator == communicator and config.node_count == 2
    assert getattr(getattr(config, section[0]), section[1]) == section[2]


def test_what_an_estimator_does_not_take():
    where = dict(compute_target="local", entry_script="train.py")
    assert "Mpi()" in refused("distributed_training_invalid", Estimator, ".", distributed_training=Nccl(), **where)
    assert "'mpi'" in refused("distributed_training_invalid", Chainer, ".", distributed_backend="nccl", **where)
    refused("distributed_training_invalid", PyTorch, ".", distributed_training="nccl", **where)
    assert "Mpi(" in refused("distributed_training_invalid", Estimator, ".", process_count_per_node=2, **where)
    refused("estimator_invalid", PyTorch, ".", distributed_training=Nccl(), distributed_backend="nccl", **where)
    for wrong in (0, -1, "two", 1.5, True):
        refused("estimator_invalid", Estimator, ".", node_count=wrong, **where)
    refused("estimator_invalid", Estimator, ".", script_params=["--rate", 1], **where)
    refused("argument_invalid", Estimator, ".", script_params={"--rate": [1, 2]}, **where)


def test_inputs():
    reference = DataReference(Store(), "digits", "mnist", mode="download")
    estimator = Estimator(
        ".", compute_target="local", entry_script="a.py", script_params={"--data": reference}, inputs=[reference]
    )
    config = estimator._script_run_config()
    assert config.arguments == ["--data", reference] and list(config.run_config.data_references) == ["digits"]
    assert config.run_config.data_references["digits"].path_on_data_store == "mnist"
    more = estimator._script_run_config(inputs=[DataReference(Store(), "more", "other")])
    assert sorted(more.run_config.data_references) == ["digits", "more"] and list(estimator.run_config.data_references) == [
        "digits"
    ]

    refused("dataset_argument", Estimator, ".", compute_target="local", inputs=["a path"])
    stored = Estimator(".", compute_target="local", source_directory_data_store=Store()).run_config
    assert stored.source_directory_data_store == "workspaceblobstore"


def test_datasets(experiment, folder, server, workspace):
    store = workspace.get_default_datastore()
    images = Dataset.File.from_files((store, "images"), validate=False)
    mounted, copied = images.as_named_input("mounted").as_mount(), images.as_named_input("copied").as_download()
    estimator = Estimator(
        folder,
        compute_target="local",
        entry_script="train.py",
        script_params={"--data": mounted, "--out": OutputFileDatasetConfig("made", destination=(store, "made"))},
        inputs=[copied],
        resume_from=DataPath(store, "checkpoints"),
    )
    experiment.submit(estimator)
    spec = json.loads(server.sent("POST", "/runs")[-1].decode("utf-8"))["spec"]
    assert spec["arguments"] == [
        "--data",
        "DatasetConsumptionConfig:mounted",
        "--out",
        "DatasetOutputConfig:made",
        "--resume-from",
        "$AZUREML_DATAREFERENCE_MODEL_LOCATION",
    ]
    assert sorted((each["name"], each["mode"]) for each in spec["inputs"]) == [
        ("MODEL_LOCATION", "mount"),
        ("copied", "download"),
        ("mounted", "mount"),
    ]
    assert [each["name"] for each in spec["outputs"]] == ["made"]
    refused("dataset_argument", Estimator, ".", compute_target="local", inputs=[images])
    refused("dataset_argument", Estimator, ".", compute_target="local", script_params={"--data": images})


def test_going_on_from_a_folder():
    estimator = Estimator(
        ".", compute_target="local", entry_script="a.py", script_params={"--a": 1}, resume_from=DataPath(Store(), "checkpoints")
    )
    words = estimator.run_config.arguments
    assert words[:3] == ["--a", 1, "--resume-from"] and words[3].data_reference_name == "MODEL_LOCATION"
    assert words[3].path_on_datastore == "checkpoints" and words[3].mode == "mount"
    refused("resume_from_invalid", Estimator, ".", compute_target="local", resume_from="checkpoints")


def test_the_run_configuration_alone():
    config = MMLBaseEstimatorRunConfig(
        "cpu", entry_script="a.py", node_count="2", process_count_per_node=2, distributed_backend="mpi"
    )
    assert config.target == "cpu" and config.mpi.process_count_per_node == 2 and config.node_count == 2
    refused("distributed_training_invalid", MMLBaseEstimatorRunConfig, "cpu", distributed_backend="carrier pigeons")


def test_what_of_azureml_train_comes_later():
    for name, what in (("azureml.train.automl", "machine learning"), ("azureml.train.hyperdrive", "HyperDrive")):
        with pytest.raises(ImportError, match=what):
            __import__(name)


def test_other_distributions_may_bring_parts_of_azureml_train(tmp_path):
    import subprocess
    import sys

    (tmp_path / "azureml" / "train" / "other").mkdir(parents=True)
    for package in ("azureml", "azureml/train", "azureml/train/other"):
        (tmp_path / package / "__init__.py").write_text("")
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    code = "import azureml.train.other, azureml.train.sklearn; print(azureml.train.other.__file__)"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join((ours, str(tmp_path))))
    assert str(tmp_path) in subprocess.check_output([sys.executable, "-c", code], env=environment).decode()
