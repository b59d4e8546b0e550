"""Model, run.register_model, ws.models."""

import os

import pytest

from azureml.core import Model, Run
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
    WebserviceException,
)


def write(path, content=b"weights"):
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as stream:
        stream.write(content)


@pytest.fixture
def registered(workspace):
    write("net/weights.bin", b"0123")
    write("net/deep/config.json", b"{}")
    return Model.register(workspace, model_path="net", model_name="net", tags={"area": "mnist"}, properties={"p": 1})


def test_a_run_registers_its_file(experiment, server, capsys):
    run = experiment.start_logging(snapshot_directory=None)
    write("m.pkl")
    run.upload_file("outputs/sklearn_mnist_model.pkl", "m.pkl")
    model = run.register_model(model_name="sklearn_mnist", model_path="outputs/sklearn_mnist_model.pkl")
    assert "Registering model sklearn_mnist" in capsys.readouterr().out
    print(model.name, model.id, model.version, sep="\t")
    assert capsys.readouterr().out == "sklearn_mnist\tsklearn_mnist:1\t1\n"
    assert (model.run_id, model.experiment_name, model.run.id) == (run.id, "digits", run.id)
    assert model.created_time.year == 2026 and model.created_time.tzinfo is not None
    assert [each.id for each in Model.list(experiment.workspace, run_id=run.id)] == ["sklearn_mnist:1"]
    with pytest.raises(ModelPathNotFoundException) as caught:
        run.register_model("sklearn_mnist", "outputs/nothing.pkl")
    assert "outputs/m" in caught.value.message
    with pytest.raises(ModelPathNotFoundException):
        run.register_model("m.pkl")  # the path is the name where none is given
    with pytest.raises(TypeError):
        run.register_model("m", "outputs", color="red")


def test_a_folder_is_registered_as_it_is(registered, workspace, server, capsys):
    assert sorted(server.state.model_files["net:1"]) == ["net/deep/config.json", "net/weights.bin"]
    assert registered.tags == {"area": "mnist"} and registered.properties == {"p": "1"}
    sent = len(server.sent("PUT", ""))
    model = Model.register(workspace, "net/", "net", child_paths=["weights.bin"])
    assert model.version == 2 and sorted(server.state.model_files["net:2"]) == ["net/weights.bin"]
    assert len(server.sent("PUT", "")) == sent  # what is there does not travel again
    write("odd % name ", b"x")
    assert Model.register(workspace, "odd % name ", "odd").version == 1
    assert list(server.state.model_files["odd:1"]) == ["odd % name "]


def test_everything_that_can_be_said_travels(workspace, server):
    write("m.pkl")
    model = Model.register(
        workspace,
        "m.pkl",
        "m",
        description="digits",
        datasets=[("training", "d1"), ("training", "d2")],
        model_framework=Model.Framework.SCIKITLEARN,
        model_framework_version="0.22.1",
        sample_input_dataset="d3",
        resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
    )
    assert (model.model_framework, model.model_framework_version) == ("ScikitLearn", "0.22.1")
    assert model.resource_configuration.serialize() == {"cpu": 1, "memoryInGB": 0.5, "gpu": None}
    payload = model.serialize()
    again = Model.deserialize(workspace, payload)
    assert again.serialize() == payload and payload["id"] == "m:1" and payload["runId"] is None
    assert [link["id"] for link in payload["datasets"]] == ["d1", "d2"]
    with pytest.raises(WebserviceException):
        Model.deserialize(workspace, {"name": "m"})


def test_a_registration_that_is_repeated_makes_one_version(workspace, server):
    write("m.pkl")
    server.state.failures = [None, None, None, 503, "drop"]  # the last ones hit the POST of the model
    assert Model.register(workspace, "m.pkl", "m").version == 1
    keys = [headers["Idempotency-Key"] for method, path, _, headers, _ in server.state.requests if path.endswith("/models")]
    assert len(keys) == 3 and len(set(keys)) == 1
    assert len(server.state.models) == 1


def test_models_are_found(registered, workspace):
    write("m.pkl")
    Model.register(workspace, "m.pkl", "net", tags={"area": "other", "k": "v"})
    assert Model(workspace, "net").version == 2
    assert Model(workspace, "net", version=1).id == Model(workspace, id="net:1").id == "net:1"
    assert Model(workspace, "net", tags=[["area", "mnist"]]).version == 1
    assert [model.id for model in Model.list(workspace)] == ["net:2", "net:1"]
    assert [model.id for model in Model.list(workspace, page_count=1)] == ["net:2", "net:1"]
    assert [model.id for model in Model.list(workspace, tags=["k", ["area", "other"]])] == ["net:2"]
    assert [model.id for model in Model.list(workspace, properties={"p": 1})] == ["net:1"]
    assert [model.id for model in Model.list(workspace, latest=True)] == ["net:2"]
    assert dict((name, model.id) for name, model in workspace.models.items()) == {"net": "net:2"}
    for find in (
        lambda: Model(workspace, "nothing"),
        lambda: Model(workspace, id="net:9"),
        lambda: Model(workspace, "net", version=9),
    ):
        with pytest.raises(WebserviceException) as caught:
            find()
        assert "ModelNotFound" in caught.value.message
    with pytest.raises(WebserviceException):
        Model(workspace)


def test_what_is_said_of_a_model_changes(registered):
    registered.add_tags({"stage": "live"})
    registered.remove_tags(["area"])
    registered.add_properties({"q": "2"})
    assert registered.tags == {"stage": "live"} and registered.properties == {"p": "1", "q": "2"}
    registered.update(tags={"only": "this"}, description="good", resource_configuration=ResourceConfiguration(gpu=1))
    assert registered.tags == {"only": "this"} and registered.description == "good"
    assert registered.resource_configuration.gpu == 1
    registered.update_tags_properties(add_tags={"a": "b"}, remove_tags="only")
    assert registered.tags == {"a": "b"}
    registered.add_dataset_references([("training", "d1")])
    assert registered.serialize()["datasets"] == [{"name": "training", "id": "d1"}]
    with pytest.raises(WebserviceException):
        registered.add_properties({"p": "other"})


def test_a_model_is_deleted_unless_it_is_used(registered, workspace):
    registered.add_tags({"used": "yes"})
    with pytest.raises(WebserviceException) as caught:
        registered.delete()
    assert "service x" in caught.value.message and caught.value.status_code == 409
    registered.remove_tags(["used"])
    registered.delete()
    assert workspace.models == {}


def test_download(registered, workspace):
    assert registered.download("to") == os.path.join("to", "net")
    with open("to/net/weights.bin", "rb") as stream:
        assert stream.read() == b"0123"
    with pytest.raises(WebserviceException):
        registered.download("to")
    write("to/net/weights.bin", b"changed")
    assert registered.download("to", exist_ok=True) == os.path.join("to", "net")
    with open("to/net/weights.bin", "rb") as stream:
        assert stream.read() == b"0123"
    write("m.pkl")
    assert Model.register(workspace, "m.pkl", "m").download(target_dir="to") == os.path.join("to", "m.pkl")


def test_the_path_of_a_model_in_a_job(registered, job):
    path = Model.get_model_path("net")
    assert path == os.path.join("azureml-models", "net", "1", "net")
    assert sorted(os.listdir(path)) == ["deep", "weights.bin"]
    assert os.listdir(os.path.join("azureml-models", "net")) == ["1"]
    assert Model.get_model_path("net", version=1) == Model.get_model_path("net:1") == path
    assert Run.get_context().id == "r1"


def test_the_path_of_a_model_in_a_service(monkeypatch, tmp_path):
    write("app/azureml-models/net/9/net.pkl")
    write("app/azureml-models/net/10/net.pkl")
    monkeypatch.setenv("AML_APP_ROOT", "app")
    assert Model.get_model_path("net") == os.path.join("app", "azureml-models", "net", "10", "net.pkl")
    assert Model.get_model_path("net", 9) == os.path.join("app", "azureml-models", "net", "9", "net.pkl")
    monkeypatch.delenv("AML_APP_ROOT")
    monkeypatch.setenv("AZUREML_MODEL_DIR", os.path.join("app", "azureml-models", "net", "10"))
    assert Model.get_model_path("net").endswith(os.path.join("10", "net.pkl"))
    write("beside.pkl")
    assert Model.get_model_path("beside.pkl") == "beside.pkl"
    with pytest.raises(ModelNotFoundException):
        Model.get_model_path("nothing")


@pytest.mark.parametrize(
    "arguments",
    [
        {"model_path": "nothing"},
        {"model_path": "empty"},
        {"model_path": "net", "child_paths": ["../m.pkl"]},
        {"model_path": "net", "child_paths": ["nothing"]},
        {"model_path": "m.pkl", "child_paths": ["x"]},
        {"model_path": "m.pkl", "model_framework_version": "1"},
        {"model_path": "m.pkl", "tags": ["a"]},
        {"model_path": "m.pkl", "datasets": ["d1"]},
        {"model_path": "m.pkl", "datasets": [("training", object())]},
        {"model_path": "m.pkl", "resource_configuration": {"cpu": 1}},
        {"model_path": "m.pkl", "model_name": "-m"},
    ],
)
def test_wrong_arguments_register_nothing(workspace, server, arguments):
    write("m.pkl")
    write("net/x")
    os.makedirs("empty")
    with pytest.raises(WebserviceException):
        Model.register(workspace, **dict({"model_name": "m"}, **arguments))
    assert server.state.models == []


def test_what_needs_images_and_services_says_that_it_comes_later(registered, workspace):
    for use in (
        lambda: Model.deploy(workspace, "service", [registered]),
        lambda: Model.package(workspace, [registered]),
        lambda: Model.profile(workspace, "p", [registered], None, None),
        lambda: Model.print_configuration([registered], None, None, None),
        registered.get_sas_urls,
    ):
        with pytest.raises(UserErrorException) as caught:
            use()
        assert caught.value.werkbank_code == "not_available_yet"
