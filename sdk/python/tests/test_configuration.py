"""Run configurations, environments, conda files: files written and read back, and wrong ones."""

import json
import os

import pytest

pytest.importorskip("yaml")  # the stand-in program reads YAML with it; the true one has its own parser

import yaml  # noqa: E402

from azureml._werkbank.environment_wire import environment_from_wire, environment_to_wire  # noqa: E402
from azureml._werkbank.yaml_text import dump_yaml  # noqa: E402
from azureml.core import Environment, RunConfiguration  # noqa: E402
from azureml.core.conda_dependencies import CondaDependencies  # noqa: E402
from azureml.core.runconfig import DockerConfiguration, PyTorchConfiguration  # noqa: E402
from azureml.exceptions import RunConfigurationException, UserErrorException  # noqa: E402

# v1's file, key by key (v1_behaviour section 6).
KEYS = (
    "script arguments target framework communicator maxRunDurationSeconds nodeCount priority environment history spark docker "
    "hdi tensorflow "
    "mpi pytorch paralleltask dataReferences data datacaches outputData sourceDirectoryDataStore amlcompute "
    "autoClusterComputeSpecification "
    "kubernetescompute credentialPassthrough command environmentVariables applicationEndpoints"
).split()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1,
        -2.5,
        1e-7,
        1e300,
        float("inf"),
        "",
        "a",
        "a b",
        " a",
        "a ",
        "yes",
        "No",
        "null",
        "~",
        "1",
        "1.5",
        "0x1F",
        "1e3",
        "12:30",
        "2020-01-01",
        "a: b",
        "a #b",
        "#b",
        "- a",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'a'",
        '"a"',
        "it's",
        "a\nb",
        "\t",
        "{}",
        "[a]",
        "a,b",
        "numpy>=1.2,<2",
        "--index-url x",
        u"\u00fcber",
        u"\U0001f600",
        ".5",
        "+1",
        "=",
        "<<",
        "a\\b",
        "?",
        "? a",
        "|",
        ">",
        "on",
        "\x07",
        "x" * 300,
        {},
        [],
        {"a": {}},
        {"a": []},
        [[]],
        [[1, 2], [3]],
        [{"a": 1, "b": [1, {"c": "d"}]}],
        {"a b": 1, "yes": 2, "1": 3, "": 4, "x": {"y": {"z": [1, None, "q"]}}},
    ],
)
def test_yaml_text_reads_back(value):
    read = yaml.safe_load(dump_yaml({"key": value, "list": [value], "nested": {"key": value}}))
    assert read == {"key": value, "list": [value], "nested": {"key": value}}


def test_a_new_configuration_has_v1s_keys_and_defaults(program):
    os.mkdir(".azureml")
    RunConfiguration().save(name="mine")
    assert sorted(os.listdir(".azureml")) == ["conda_dependencies.yml", "mine"]
    content = yaml.safe_load(open(".azureml/mine"))
    assert list(content) == KEYS
    assert content["environment"]["python"] == {
        "userManagedDependencies": False,
        "interpreterPath": "python",
        "condaDependenciesFile": ".azureml/conda_dependencies.yml",
        "baseCondaEnvironment": None,
    }
    assert content["docker"] == {"useDocker": False, "sharedVolumes": True, "arguments": [], "shmSize": "2g"}
    assert content["history"]["directoriesToWatch"] == ["logs"] and content["pytorch"]["communicationBackend"] == "nccl"
    assert content["environment"]["environmentVariables"] == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}


def test_saved_and_loaded(program):
    os.mkdir(".azureml")
    one = RunConfiguration(
        script="train.py",
        arguments=["--rate", "0.1", "yes"],
        framework="pytorch",
        communicator="nccl",
        conda_dependencies=CondaDependencies.create(conda_packages=["scikit-learn==0.22.1"], python_version="3.6.2"),
    )
    one.environment.environment_variables = {"A": "b: c"}
    one.docker = DockerConfiguration(use_docker=True, arguments=["--cpus", "2"])
    one.max_run_duration_seconds = 60
    one.save(name="mine")
    two = RunConfiguration.load(".", "mine")
    assert (two.script, two.arguments, two.framework, two.communicator) == (
        "train.py",
        ["--rate", "0.1", "yes"],
        "PyTorch",
        "Nccl",
    )
    assert two.environment.environment_variables == {"A": "b: c"} and two.docker.use_docker and two.max_run_duration_seconds == 60
    conda = two.environment.python.conda_dependencies
    assert conda.get_python_version() == "3.6.2" and "scikit-learn==0.22.1" in list(conda.conda_packages)
    two.save(".azureml/again")
    assert yaml.safe_load(open(".azureml/again")) == yaml.safe_load(open(".azureml/mine"))
    one.save(name="apart", separate_environment_yaml=True)
    assert RunConfiguration.load(".", "apart").environment.environment_variables == {"A": "b: c"}
    RunConfiguration.delete(".", "mine")
    assert not os.path.exists(".azureml/mine")


@pytest.mark.parametrize(
    "text, said",
    [
        ("script: [", "not valid YAML"),
        ("- a", "mapping"),
        ("scirpt: a.py", "Did you mean 'script'"),
        ("nodeCount: two", "whole number"),
        ("nodeCount: true", "whole number"),
        ("arguments: text", "a list"),
        ("framework: Pyton", "Did you mean 'Python'"),
        ("environment: {python: {userManagedDependencies: maybe}}", "true or false"),
        ("environment: {pyhton: {}}", "Did you mean 'python'"),
        ("environment: {python: {condaDependenciesFile: none.yml}}", "does not exist"),
        ("data: []", "mapping"),
    ],
)
def test_wrong_files_are_refused_with_the_reason(program, text, said):
    with open("wrong.runconfig", "w") as stream:
        stream.write(text)
    with pytest.raises((RunConfigurationException, UserErrorException)) as caught:
        RunConfiguration.load("wrong.runconfig")
    assert said in caught.value.message


def test_misspelt_attributes_and_values_are_refused():
    configuration = RunConfiguration()
    with pytest.raises(AttributeError) as caught:
        configuration.enviroment = 3
    assert "environment" in str(caught.value)
    for wrong in (lambda: RunConfiguration(framework="Rust"), lambda: setattr(configuration, "target", 3)):
        with pytest.raises((RunConfigurationException, UserErrorException)):
            wrong()
    with pytest.raises(UserErrorException):
        PyTorchConfiguration("mpi")
    with pytest.raises(RunConfigurationException):
        RunConfiguration.load(".", "none")


def test_conda_dependencies_edit(program):
    conda = CondaDependencies()
    assert conda.get_python_version() == "3.8.13" and list(conda.pip_packages) == ["azureml-defaults"]
    conda.add_pip_package("numpy==1.2")
    conda.add_pip_package("NumPy>=1.3")
    conda.add_conda_package("scikit-learn=0.22")
    conda.add_conda_package("scikit-learn")
    conda.set_python_version("3.6.2")
    conda.add_channel("extra")
    conda.remove_channel("anaconda")
    conda.set_pip_index_url("http://a")
    conda.set_pip_index_url("http://b")
    conda.remove_pip_package("azureml_defaults")
    assert list(conda.pip_packages) == ["NumPy>=1.3"] and list(conda.pip_options) == ["--index-url http://b"]
    assert list(conda.conda_packages) == ["python=3.6.2", "scikit-learn"] and list(conda.conda_channels) == [
        "conda-forge",
        "extra",
    ]
    path = conda.save()
    assert CondaDependencies(path) == conda and yaml.safe_load(open(path)) == conda.as_dict()
    conda.remove_pip_option("--index-url")
    conda.set_pip_requirements(["a", "b"])
    assert list(conda.pip_packages) == ["a", "b"] and list(conda.pip_options) == []
    assert CondaDependencies.merge_requirements(["a>=1", "b", "a<2"]) == ["a>=1,<2", "b"]


def test_conda_create():
    conda = CondaDependencies.create(pip_packages=["azureml-sdk", "pandas"], conda_packages=["numpy"])
    assert conda.get_python_version() == "3.10.18" and list(conda.pip_packages) == ["azureml-sdk~=1.61.0", "pandas"]
    assert list(CondaDependencies.create(pin_sdk_version=False).pip_packages) == ["azureml-defaults"]
    with pytest.raises(UserErrorException):
        CondaDependencies.create(pip_packages="numpy")


@pytest.mark.parametrize(
    "text", ["[]", "{\"dependencies\": 3}", "{\"dependencies\": [3]}", "{\"dependencies\": [{\"pip\": \"a\"}]}"]
)
def test_wrong_conda_files(text):
    with open("conda.yml", "w") as stream:
        stream.write(text)
    for path in ("conda.yml", "none.yml"):
        with pytest.raises(UserErrorException) as caught:
            CondaDependencies(path)
        assert path in caught.value.message


def test_environments_from_files(program):
    with open("conda.yml", "w") as stream:
        stream.write("name: x\nchannels: [conda-forge]\ndependencies:\n  - numpy=1.2\n  - pip:\n    - pandas\n")
    with open("requirements.txt", "w") as stream:
        stream.write("# all of it\nnumpy==1.2  # pinned\n\n-r other.txt\n")
    conda = Environment.from_conda_specification("e", "conda.yml").python.conda_dependencies
    assert conda.get_python_version() == "3.10.18" and list(conda.pip_packages) == ["pandas"]
    pip = Environment.from_pip_requirements("e", "requirements.txt").python.conda_dependencies
    assert (
        list(pip.pip_packages) == ["numpy==1.2"]
        and list(pip.pip_options) == ["-r other.txt"]
        and "pip" in list(pip.conda_packages)
    )
    image = Environment.from_docker_image("e", "ubuntu:22.04")
    assert image.docker.base_image == "ubuntu:22.04" and image.python.user_managed_dependencies
    clone = image.clone("f")
    clone.docker.base_image = "other"
    assert (clone.name, image.docker.base_image) == ("f", "ubuntu:22.04")


def test_save_to_directory(program):
    environment = Environment("e")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
    environment.docker.base_dockerfile = "FROM x\n"
    environment.save_to_directory("saved")
    assert sorted(os.listdir("saved")) == ["BaseDockerfile", "azureml_environment.json", "conda_dependencies.yml"]
    assert "condaDependencies" not in json.load(open("saved/azureml_environment.json"))["python"]
    with pytest.raises(OSError):
        environment.save_to_directory("saved")
    environment.save_to_directory("saved", overwrite=True)
    assert str(Environment.load_from_directory("saved")) == str(environment)
    assert list(json.loads(str(environment))) == sorted(json.loads(str(environment)))


def test_registered_environments(workspace, program):
    environment = Environment("e")
    environment.python.conda_dependencies = CondaDependencies.create(conda_packages=["numpy=1.2"], pip_packages=["pandas"])
    environment.docker.base_image_registry.password = "secret"
    first = environment.register(workspace)
    assert first.version == "1" and environment.register(workspace).version == "1"
    environment.python.conda_dependencies.add_pip_package("scipy")
    assert environment.register(workspace).version == "2"
    found = Environment.get(workspace, "e", version="1")
    assert (
        list(found.python.conda_dependencies.pip_packages) == ["pandas"]
        and found.python.conda_dependencies.get_python_version() == "3.10.18"
    )
    assert list(workspace.environments) == ["e"] and workspace.environments["e"].version == "2"
    with pytest.raises(UserErrorException):
        Environment.get(workspace, "none")
    with pytest.raises(UserErrorException):
        Environment.get(workspace, "e", version="1", label="latest")
    Environment.label(workspace, "e", "1", ["stable"])
    assert Environment.get(workspace, "e", label="stable").version == "1"
    assert Environment.get(workspace, "e", label="latest").version == "2"
    with pytest.raises(UserErrorException, match="with the label new"):
        Environment.get(workspace, "e", label="new")
    with pytest.raises(UserErrorException):
        Environment.label(workspace, "e", "1", "stable")


def environments_to_send():
    yield Environment("untouched")
    environment = Environment("own interpreter")
    environment.python.user_managed_dependencies = True
    environment.docker.base_image = "image"
    environment.environment_variables = {"A": "1"}
    yield environment
    environment = Environment("own interpreter, and packages")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = "/opt/python"
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["six"])
    yield environment
    environment = Environment("packages")
    environment.python.conda_dependencies = CondaDependencies.create(["numpy=1.2"], ["six"], python_version="3.7")
    environment.python.conda_dependencies.add_channel("other")
    environment.docker.shm_size = "4g"
    environment.policy = "nearest"
    yield environment
    environment = Environment("image")
    environment.docker.base_image = None
    environment.docker.base_dockerfile = "FROM x"
    environment.inferencing_stack_version = "latest"
    yield environment


def test_an_environment_that_comes_back_is_the_same():
    for environment in environments_to_send():
        sent = json.loads(json.dumps(environment_to_wire(environment)))
        assert json.loads(json.dumps(environment_to_wire(environment_from_wire(dict(sent))))) == sent


def test_a_registrys_password_is_not_sent(workspace, server, program):
    environment = Environment("e")
    environment.docker.base_image_registry.password = "hunter2"
    environment.register(workspace)
    assert b"hunter2" not in server.sent("POST", "/environments")[0]


def test_a_configuration_of_2017(program):
    os.mkdir("aml_config")
    with open("aml_config/Docker.runconfig", "w") as stream:
        stream.write(
            "ArgumentVector:\n- $file\n- --alpha\n- '0.10'\nTarget: docker\nFramework: python\nPrepareEnvironment: true\n"
            "EnvironmentVariables:\n  A: '1'\nTrackedRun: true\n"
        )
    with open("aml_config/docker.compute", "w") as stream:
        stream.write("type: localdocker\nbaseDockerImage: image:1\nsharedVolumes: false\n")
    with open("aml_config/Conda_dependencies.yml", "w") as stream:
        stream.write("dependencies:\n- python=3.6\n- pip:\n  - numpy\n")
    configuration = RunConfiguration.load(".", "docker")
    assert (configuration.script, configuration.arguments, configuration.framework) == (None, ["--alpha", "0.10"], "Python")
    assert configuration.prepare_environment is True and configuration.environment.environment_variables == {"A": "1"}
    assert configuration.docker.use_docker and configuration.environment.docker.base_image == "image:1"
    assert list(configuration.environment.python.conda_dependencies.pip_packages) == ["numpy"]
    with open("aml_config/docker.runconfig", "w") as stream:
        stream.write("Target: docker\n")
    with pytest.raises(UserErrorException) as caught:
        RunConfiguration.load(".", "docker")
    assert "Docker.runconfig and docker.runconfig" in caught.value.message


def test_a_local_configuration_of_2017_takes_the_interpreter_of_its_compute_file(program):
    os.mkdir("aml_config")
    with open("aml_config/local.runconfig", "w") as stream:
        stream.write("ArgumentVector:\n- train.py\nTarget: local\nFramework: Python\nTracked: 1\n")
    with open("aml_config/local.compute", "w") as stream:
        stream.write("type: local\npythonLocation: /opt/python\n")
    with pytest.raises(RunConfigurationException) as caught:
        RunConfiguration.load(".", "local")
    assert "TrackedRun" in caught.value.message
    with open("aml_config/local.runconfig", "w") as stream:
        stream.write("ArgumentVector:\n- train.py\nTarget: local\nFramework: Python\n")
    configuration = RunConfiguration.load(".", "local")
    python = configuration.environment.python
    assert (configuration.script, python.user_managed_dependencies, python.interpreter_path) == ("train.py", True, "/opt/python")


def test_where_a_project_is_can_be_said_in_several_ways(program, workspace, tmp_path):
    class Project(object):
        project_directory = os.getcwd()

    class Folder(object):
        path = os.getcwd()

    os.mkdir(".azureml")
    configuration = RunConfiguration(script="train.py")
    configuration.amlcompute.max_nodes = 3
    configuration.save(name="myhdi")
    for project in (Project(), Folder(), workspace, os.getcwd(), tmp_path / "project"):
        assert RunConfiguration.load(project_object=project, run_config_name="myhdi").amlcompute.max_nodes == 3
        assert RunConfiguration.load(project, "myhdi").script == "train.py"
    with pytest.raises(UserErrorException):
        RunConfiguration.load(project_object=3, run_config_name="myhdi")


def test_a_registered_environment_comes_back_whole(workspace):
    from azureml.core.environment import RSection

    environment = Environment("e")
    environment.python.conda_dependencies = CondaDependencies.create(conda_packages=["numpy"], pip_packages=["pandas"])
    environment.docker.base_dockerfile = "FROM ubuntu:22.04\nRUN true\n"
    environment.docker.base_image = None
    environment.inferencing_stack_version = "latest"
    environment.spark.repositories = ["https://example.org"]
    environment.r = RSection()
    environment.r.r_version = "4.2"
    found = environment.register(workspace)
    assert found.docker.base_dockerfile == environment.docker.base_dockerfile and found.docker.base_image is None
    assert (found.inferencing_stack_version, found.r.r_version, found.spark.repositories) == (
        "latest",
        "4.2",
        ["https://example.org"],
    )
    assert list(found.python.conda_dependencies.pip_packages) == ["pandas"] and found.version == "1"
    environment.python.user_managed_dependencies = True
    found = environment.register(workspace)
    assert list(found.python.conda_dependencies.pip_packages) == ["pandas"] and found.python.user_managed_dependencies


def test_building_ahead_of_a_run(workspace, server, capsys):
    environment = Environment("e")
    details = environment.build(workspace).wait_for_completion(show_output=True)
    assert (details.status, details.get_log()) == ("Succeeded", "one\ntwo\n")
    assert capsys.readouterr().out == "one\ntwo\nThe environment is ready.\n"
    assert server.state.builds[0]["target"] == "local" and server.state.builds[0]["environment"]["name"] == "e"
    environment.build_local(workspace, useDocker=False)
    assert capsys.readouterr().out == "one\ntwo\n"
    server.state.build_events[2:] = [("problem", {"code": "environment_failed", "detail": "no such package", "hint": "look"})]
    details = environment.build(workspace).wait_for_completion(show_output=False)
    assert details.status == "Failed" and "no such package" in capsys.readouterr().out
    with pytest.raises(UserErrorException) as caught:
        environment.build_local(workspace)
    assert (caught.value.message, caught.value.werkbank_code) == ("no such package", "environment_failed")
    del server.state.build_events[2:]
    assert environment.build(workspace).wait_for_completion(show_output=False).status == "Failed"


def test_an_existing_conda_environment_needs_conda(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UserErrorException) as caught:
        Environment.from_existing_conda_environment("e", "base")
    assert caught.value.werkbank_code == "conda_not_found"
