"""Datastores and references to data, as far as they need no server."""

import json

import pytest
from azureml.core import Datastore, Workspace
from azureml.core.runconfig import RunConfiguration
from azureml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.werkbank_datastore import FolderDatastore, datastore_of
from azureml.exceptions import UserErrorException


@pytest.fixture
def datastore():
    return AzureBlobDatastore(None, "images", "data", "acme", account_key="TOPSECRET")


def test_references_are_named_and_copied_with_a_mode(datastore):
    whole = datastore.path()
    assert "{}".format(whole) == "$AZUREML_DATAREFERENCE_images" and whole.mode == "mount"
    part = datastore.path("train/", "mine").as_download("/tmp/x", overwrite=True)
    assert (part.mode, part.path_on_compute, part.overwrite) == ("download", "/tmp/x", True)
    assert "{}".format(part) == "$AZUREML_DATAREFERENCE_mine"
    below = part.path("a.csv")
    assert below.path_on_datastore == "train/a.csv" and below.mode == "download"
    assert datastore.path("a").data_reference_name != datastore.path("b").data_reference_name
    config = part.as_upload().to_config()
    assert (config.data_store_name, config.path_on_data_store, config.mode) == ("images", "train/", "upload")
    assert datastore.as_mount().mode == "mount" and datastore.as_upload("x").path_on_compute == "x"
    for wrong in (dict(mode="carry"), dict(data_reference_name="a b")):
        with pytest.raises(UserErrorException):
            DataReference(datastore, **wrong)


def test_paths_and_bindings_make_references(datastore):
    path = DataPath(datastore, "train", "name")
    reference = path.create_data_reference(datapath_compute_binding=DataPathComputeBinding("download", "/x"))
    assert (reference.data_reference_name, reference.mode, reference.path_on_compute) == ("name", "download", "/x")
    assert DataPath.create_from_data_reference(reference).path_on_datastore == "train"
    assert DataPathComputeBinding.create_from_data_reference(reference).mode == "download"
    assert path.datastore_name == "images"
    with pytest.raises(UserErrorException):
        DataReference.create("name", DataPath())


def test_a_datastore_shows_what_it_is_and_no_key(datastore):
    assert '"container_name": "data"' in repr(datastore) and "TOPSECRET" not in repr(datastore)
    assert datastore.account_key == "TOPSECRET" and datastore.credential_type == "AccountKey" and not datastore.is_sas
    with pytest.raises(UserErrorException) as caught:
        datastore.blob_service
    assert "azure-storage-blob" in caught.value.message


def test_documents_become_v1_classes():
    def made(name, kind="folder", **more):
        document = dict({"name": name, "kind": kind, "settings": {}, "ours": False, "credentialType": "none"}, **more)
        return datastore_of(None, document)

    assert type(made("workspaceblobstore", ours=True)) is AzureBlobDatastore
    assert type(made("workspacefilestore", ours=True)) is AzureFileDatastore
    assert type(made("images", settings={"path": "/data"})) is FolderDatastore
    settings = {"container": "c", "account": "acme", "endpoint": "core.example"}
    blob = made("b", "azureBlob", settings=settings, credentialType="sasToken")
    assert blob.is_sas and blob.endpoint == "core.example" and blob.protocol == "https"
    bucket = made("s", "s3", settings={"bucket": "b", "region": "eu-central-1"})
    assert (bucket.bucket_name, bucket.region, bucket.endpoint) == ("b", "eu-central-1", None)
    web = made("w", "http", settings={"url": "https://example.com/data", "user": "anna"}, credentialType="password")
    assert (web.datastore_type, web.url, web.user) == ("Http", "https://example.com/data", "anna")
    with pytest.raises(UserErrorException) as caught:
        made("x", "tape")
    assert "later" in caught.value.message


def test_registering_what_comes_later_says_so():
    for call in (
        lambda: Datastore.register_azure_file_share(None, "f", "share", "acme"),
        lambda: Datastore.register_azure_data_lake(None, "l", "store"),
        lambda: Datastore.register_dbfs(None, "d"),
    ):
        with pytest.raises(UserErrorException) as caught:
            call()
        assert "later" in caught.value.message


def test_references_become_inputs_and_outputs_of_a_run(datastore, tmp_path, server, program):
    from azureml.core import Experiment, ScriptRunConfig

    (tmp_path / "train.py").write_text("")
    run_config = RunConfiguration()
    run_config.environment.python.user_managed_dependencies = True
    result = datastore.path("result", "result").as_upload("out", overwrite=True)
    run_config.data_references = {"result": result.to_config()}
    arguments = ["--data", datastore.path("train/", "train").as_mount(), "--out", result]
    config = ScriptRunConfig(str(tmp_path), "train.py", arguments=arguments, run_config=run_config)
    Experiment(Workspace.get("default"), "e").submit(config)
    (body,) = server.sent("POST", "/runs")
    spec = json.loads(body.decode("utf-8"))["spec"]
    assert spec["arguments"] == ["--data", "$AZUREML_DATAREFERENCE_train", "--out", "$AZUREML_DATAREFERENCE_result"]
    place = {"datastore": "images", "pathOnCompute": "", "overwrite": False}
    assert spec["inputs"] == [dict(place, name="train", mode="mount", path="train")]
    place.update(name="result", mode="upload", path="result", pathOnCompute="out", overwrite=True)
    assert spec["outputs"] == [place]
