"""Datasets of files: making, finding, fetching, and as inputs and outputs of runs."""

import datetime
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import azureml.core
from azureml.core import Dataset, Datastore, Run, RunConfiguration, ScriptRunConfig
from azureml.core.runconfig import Data, DataLocation, DataPath as PathSection, Dataset as DatasetSection
from azureml.data import FileDataset, HDFSOutputDatasetConfig, LinkFileOutputDatasetConfig, OutputFileDatasetConfig
from azureml.data import TabularDataset
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.exceptions import UserErrorException


@pytest.fixture
def store(workspace, program, tmp_path):
    """The default datastore with a few files."""
    for name in ("images/a.png", "images/b.png", "images/deep/c.png", "tables/2020/01.csv", "tables/2021/02.csv"):
        put(tmp_path, name, "x" * len(name))
    return workspace.get_default_datastore()


def put(tmp_path, name, text):
    path = tmp_path / "home" / "stores" / "store" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def site():
    """A web server with /data/a.txt and /data/b.txt; `cut`: how often it breaks off after half of a body."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def _head(self):
            body = self.server.files.get(self.path)
            if body is None:
                self.send_error(404)
                return None
            first = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
            self.send_response(206 if first else 200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(body) - first))
            if self.server.md5:
                self.send_header("Content-MD5", self.server.md5)
            self.end_headers()
            self.server.ranges.append(first)
            return body[first:]

        def do_HEAD(self):
            self._head()

        def do_GET(self):
            body = self._head()
            if body is not None and self.server.cut > 0:
                self.server.cut -= 1
                body = body[: len(body) // 2]
                self.close_connection = True
            self.wfile.write(body or b"")

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.files, server.cut, server.ranges, server.md5 = {"/data/a.txt": b"aaaa", "/data/b.txt": b"bb"}, 0, [], None
    server.url = "http://127.0.0.1:{}".format(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_files_of_a_datastore(store, workspace):
    dataset = Dataset.File.from_files((store, "images"))
    assert type(dataset) is FileDataset and isinstance(dataset, Dataset) and isinstance(dataset, azureml.core.Dataset)
    assert issubclass(TabularDataset, Dataset) and not isinstance(3, Dataset)
    assert dataset.to_path() == ["/a.png", "/b.png", "/deep/c.png"] and dataset.id and dataset.name is None
    assert Dataset.File.from_files((store, "images/*.png")).to_path() == ["/a.png", "/b.png", "/deep/c.png"]
    for path in (DataPath(store, "images"), store.path("images"), [(store, "./images/")], [DataReference(store, "x", "images")]):
        assert Dataset.File.from_files(path).id == dataset.id
    for wrong in ("images", "/tmp/x", "ftp://x/y", "https://x/*.csv", (store, "../x"), [], 3, ("store", "x"), (store, "a", "b")):
        with pytest.raises(UserErrorException):
            Dataset.File.from_files(wrong)
    with pytest.raises(UserErrorException) as caught:
        Dataset.File.from_files((store, "nothing/*.png"))
    assert caught.value.werkbank_code == "dataset_empty" and "nearest" in caught.value.hint
    assert Dataset.File.from_files((store, "nothing"), validate=False).to_path() == []
    with pytest.raises(UserErrorException):
        FileDataset()
    with pytest.raises(UserErrorException):
        Dataset("definition")


def test_names_versions_and_tags(store, workspace, tmp_path):
    first = Dataset.File.from_files((store, "images")).register(workspace, "images", "all of them", {"kind": "png"})
    assert (first.name, first.version, first.description, first.tags) == ("images", 1, "all of them", {"kind": "png"})
    assert '"version": 1' in repr(first) and "('store', 'images')" in str(first)
    put(tmp_path, "images/d.png", "d")
    grown = Dataset.File.from_files((store, "images"))
    with pytest.raises(UserErrorException) as caught:
        grown.register(workspace, "images")
    assert "create_new_version" in caught.value.hint
    second = grown.register(workspace=workspace, name="images", create_new_version=True)
    assert second.version == 2 and len(second.to_path()) == 4 and len(first.to_path()) == 3
    assert Dataset.get_by_name(workspace, "images").version == 2
    assert Dataset.get_by_name(workspace, "images", version="1").id == first.id == Dataset.get_by_id(workspace, first.id).id
    assert [(name, each.version) for name, each in Dataset.get_all(workspace).items()] == [("images", 2)]
    assert list(workspace.datasets) == ["images"] and Dataset.get(workspace, "images").version == 2
    assert second.add_tags({"a": 1}).tags == {"a": "1"} and second.remove_tags(["a"]).tags == {}
    assert second.update(description="new", tags={"b": "c"}).tags == {"b": "c"} and second.description == "new"
    for missing in (lambda: Dataset.get_by_name(workspace, "no"), lambda: Dataset.get_by_name(workspace, "images", 9)):
        with pytest.raises(UserErrorException) as caught:
            missing()
        assert caught.value.werkbank_code == "dataset_not_found"
    second.unregister_all_versions()
    assert workspace.datasets == {} and second.name is None
    with pytest.raises(UserErrorException):
        second.add_tags({"a": "b"})


def test_parts_of_the_files(store, workspace):
    dataset = Dataset.File.from_files((store, "images"))
    assert dataset.take(1).to_path() == ["/a.png"] and dataset.skip(1).to_path() == ["/b.png", "/deep/c.png"]
    one, two = dataset.random_split(0.5, seed=3)
    assert sorted(one.to_path() + two.to_path()) == dataset.to_path()
    assert dataset.take_sample(1.0).to_path() == dataset.to_path() and dataset.take_sample(0.0).to_path() == []
    size = dataset.file_metadata("Size")
    assert dataset.filter(size > 12).to_path() == ["/deep/c.png"]
    assert dataset.filter((size < 13) & ~(dataset.file_metadata("Path") == "/a.png")).to_path() == ["/b.png"]
    registered = dataset.skip(2).register(workspace, "rest")
    assert registered.to_path() == ["/deep/c.png"] and registered.take(1).skip(1).to_path() == []
    for wrong in (lambda: dataset.take(-1), lambda: dataset.take_sample(2), lambda: dataset.file_metadata("Owner")):
        with pytest.raises(UserErrorException):
            wrong()
    with pytest.raises(UserErrorException):
        dataset.filter("Size > 3")


def test_values_in_paths(store):
    dataset = Dataset.File.from_files((store, "tables"), partition_format="{year}/{month}.csv")
    assert dataset.partition_keys == ["year", "month"]
    assert dataset.get_partition_key_values() == [{"year": "2020", "month": "01"}, {"year": "2021", "month": "02"}]
    assert dataset.get_partition_key_values(["year"]) == [{"year": "2020"}, {"year": "2021"}]
    assert dataset.filter(dataset["year"] == "2021").to_path() == ["/2021/02.csv"]
    timed = Dataset.File.from_files((store, "tables"), partition_format="/{day:yyyy/MM}.csv")
    assert timed.get_partition_key_values() == [{"day": datetime.datetime(2020, 1, 1)}, {"day": datetime.datetime(2021, 2, 1)}]
    with pytest.raises(UserErrorException):
        Dataset.File.from_files((store, "tables"), partition_format="no names")
    with pytest.raises(UserErrorException):
        dataset.get_partition_key_values(["day"])
    with pytest.raises(UserErrorException):
        Dataset.File.from_files((store, "images"), partition_format="{year}/{month}.csv").get_partition_key_values()


def test_download_and_mount(store, tmp_path, caplog):
    dataset = Dataset.File.from_files((store, "images"))
    paths = dataset.download(str(tmp_path / "copy"))
    assert [os.path.relpath(path, str(tmp_path / "copy")) for path in paths] == ["a.png", "b.png", "deep/c.png"]
    assert all(os.path.getsize(path) for path in paths)
    with pytest.raises(UserErrorException) as caught:
        dataset.download(str(tmp_path / "copy"))
    assert caught.value.werkbank_code == "already_exists"
    assert dataset.download(str(tmp_path / "copy"), overwrite=True) == paths
    with dataset.mount() as context:  # there is no FUSE in the stand-in
        folder = context.mount_point
        assert sorted(os.listdir(folder)) == ["a.png", "b.png", "deep"]
    assert "FUSE" in caplog.text and not os.path.exists(folder)
    with pytest.raises(UserErrorException):
        dataset.mount(str(tmp_path / "copy")).start()


def test_addresses_without_a_workspace(site, tmp_path):
    dataset = Dataset.File.from_files([site.url + "/data/a.txt", site.url + "/data/b.txt"])
    assert dataset.to_path() == ["/a.txt", "/b.txt"] and dataset.id is None
    site.cut = 1
    paths = dataset.download(str(tmp_path / "copy"))
    assert [open(path).read() for path in paths] == ["aaaa", "bb"] and 2 in site.ranges
    site.cut = 100
    with pytest.raises(UserErrorException) as caught:
        dataset.download(str(tmp_path / "other"))
    assert caught.value.werkbank_code == "download_incomplete" and "mirror" in caught.value.hint
    site.cut, site.md5 = 0, "AAAA"
    with pytest.raises(UserErrorException) as caught:
        dataset.download(str(tmp_path / "other"))
    assert caught.value.werkbank_code == "data_changed"
    assert not [name for name in os.listdir(str(tmp_path / "other")) if name.endswith("a.txt")]
    for wrong in (site.url + "/data/none", "http://127.0.0.1:1/x"):
        with pytest.raises(UserErrorException) as caught:
            Dataset.File.from_files(wrong)
        assert caught.value.werkbank_code == "url_failed" and "mirror" in caught.value.hint


def test_mirrors(site, tmp_path, workspace, program):
    folder = tmp_path / "mirror"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.txt").write_text("from the mirror")
    mirrors = [{"name": "example.com", "target": str(folder)}, {"name": "www.example.com", "target": site.url}]
    (tmp_path / "home" / "mirrors.json").write_text(json.dumps({"mirrors": mirrors}))
    dataset = Dataset.File.from_files("https://example.com/data/a.txt")
    (path,) = dataset.download(str(tmp_path / "copy"))
    assert open(path).read() == "from the mirror"
    (path,) = Dataset.File.from_files("https://www.example.com/data/b.txt").download(str(tmp_path / "copy"))
    assert open(path).read() == "bb"
    registered = dataset.register(workspace, "mirrored")  # the files of a folder go to the default datastore
    assert registered._state.definition["sources"][0]["datastore"] == "store"
    (path,) = registered.download(str(tmp_path / "again"))
    assert open(path).read() == "from the mirror" and os.path.basename(path) == "a.txt"
    with pytest.raises(UserErrorException) as caught:
        Dataset.File.from_files("https://example.com/data/none.txt")
    assert "mirror" in caught.value.hint
    (tmp_path / "home" / "mirrors.json").write_text("{")
    with pytest.raises(UserErrorException) as caught:
        Dataset.File.from_files("https://example.com/data/a.txt")
    assert caught.value.werkbank_code == "mirrors_invalid"


def test_upload_directory(store, tmp_path):
    (tmp_path / "up" / "sub").mkdir(parents=True)
    for name in ("a.csv", "b.txt", "sub/c.csv"):
        (tmp_path / "up" / name).write_text(name)
    dataset = Dataset.File.upload_directory(str(tmp_path / "up"), (store, "new"), pattern="*.csv", show_progress=False)
    assert dataset.to_path() == ["/a.csv", "/c.csv"]
    for wrong in (dict(src_dir="nowhere", target=(store, "x")), dict(src_dir=str(tmp_path / "up"), target=store, pattern="*.x")):
        with pytest.raises(UserErrorException):
            Dataset.File.upload_directory(**wrong)


def submitted(server, experiment, tmp_path, **arguments):
    """The spec that the server got."""
    (tmp_path / "src").mkdir(exist_ok=True)
    (tmp_path / "src" / "train.py").write_text("")
    experiment.submit(ScriptRunConfig(str(tmp_path / "src"), **arguments))
    return json.loads(server.sent("POST", "/runs")[-1].decode("utf-8"))["spec"]


def test_datasets_in_arguments(store, server, experiment, tmp_path):
    images, table = Dataset.File.from_files((store, "images")), Dataset.Tabular.from_delimited_files((store, "tables"))
    mounted = images.as_mount()
    assert mounted.name == "input_" + images.id[:8] and mounted.mode == "mount"
    copied = images.as_named_input("copy").as_download("/data/copy")
    words = ["--a", mounted, "--b", mounted, "--c", copied, table.as_named_input("table"), 0.5]
    spec = submitted(server, experiment, tmp_path, script="train.py", arguments=words)
    mark = "DatasetConsumptionConfig:" + mounted.name
    assert spec["arguments"] == ["--a", mark, "--b", mark, "--c", "DatasetConsumptionConfig:copy"] + [
        "DatasetConsumptionConfig:table",
        "0.5",
    ]
    plain = {"pathOnCompute": "", "overwrite": False}
    assert spec["inputs"] == [
        dict(plain, name=mounted.name, mode="mount", datasetId=images.id),
        dict(plain, name="copy", mode="download", datasetId=images.id, pathOnCompute="/data/copy"),
        dict(plain, name="table", mode="direct", datasetId=table.id),
    ]
    spec = submitted(server, experiment, tmp_path, command=["ls", copied, "-l"])
    assert spec["command"] == "ls DatasetConsumptionConfig:copy -l" and len(spec["inputs"]) == 1
    for bare in (images, table):
        for where in (dict(script="train.py", arguments=[bare]), dict(command=["ls", bare])):
            with pytest.raises(UserErrorException):
                ScriptRunConfig(".", **where)
    with pytest.raises(UserErrorException) as caught:
        submitted(
            server, experiment, tmp_path, script="train.py", arguments=[images.as_named_input("x"), table.as_named_input("x")]
        )
    assert caught.value.werkbank_code == "input_name_taken"


def test_consumption():
    config = DatasetConsumptionConfig("name", object(), mode="mount", path_on_compute="/x")
    assert config.arg_val == "{}".format(config) == "DatasetConsumptionConfig:name" and config.path_on_compute == "/x"
    config.name = "other"
    assert config.as_download().arg_val == "DatasetConsumptionConfig:other" and config.as_download().mode == "download"
    for wrong in (lambda: DatasetConsumptionConfig("a b", None), lambda: DatasetConsumptionConfig("a", None, mode="carry")):
        with pytest.raises(UserErrorException):
            wrong()
    for hadoop in (config.as_hdfs, lambda: DatasetConsumptionConfig("a", None, mode="hdfs")):
        with pytest.raises(UserErrorException) as caught:
            hadoop()
        assert "as_mount" in caught.value.hint


def test_tables_are_passed_on_directly(store):
    table = Dataset.Tabular.from_delimited_files((store, "tables"))
    with pytest.raises(UserErrorException) as caught:
        table.as_named_input("t").as_mount()
    assert "input_datasets" in caught.value.hint


def test_sections_of_a_run_configuration(store, server, workspace, experiment, tmp_path):
    images = Dataset.File.from_files((store, "images")).register(workspace, "images")
    (tmp_path / "project" / ".azureml").mkdir()
    run_config = RunConfiguration()
    run_config.data["one"] = Data.create(images.as_named_input("one").as_mount())
    by_name = DatasetSection(dataset_name="images", dataset_version="1")
    run_config.data["two"] = Data(DataLocation(dataset=by_name), mechanism="download", path_on_compute="in")
    run_config.data["three"] = Data(DataLocation(data_path=PathSection("store", "tables/")), mechanism="mount")
    made = OutputFileDatasetConfig("made", destination=(store, "made/{run-id}")).as_upload(True, "*.csv")
    made = made.register_on_complete("result", "what was made", {"a": 1}).read_delimited_files()
    run_config.save(name="with-data")
    loaded = RunConfiguration.load(".", "with-data")
    spec = submitted(server, experiment, tmp_path, script="train.py", arguments=["--out", made], run_config=loaded)
    plain = {"pathOnCompute": "", "overwrite": False}
    assert spec["inputs"] == [
        dict(plain, name="one", mode="mount", datasetId=images.id),
        dict(plain, name="two", mode="download", datasetId=images.id, pathOnCompute="in"),
        dict(plain, name="three", mode="mount", datastore="store", path="tables"),
    ]
    (output,) = spec["outputs"]
    assert spec["arguments"] == ["--out", "DatasetOutputConfig:made"]
    assert output.pop("reader")["format"] == "delimited"
    assert output == {
        "name": "made",
        "mode": "upload",
        "datastore": "store",
        "path": "made/{run-id}",
        "overwrite": True,
        "sourceGlobs": ["*.csv"],
        "registerName": "result",
        "registerDescription": "what was made",
        "registerTags": {"a": "1"},
    }
    loaded.data["nowhere"] = Data()
    with pytest.raises(UserErrorException) as caught:
        submitted(server, experiment, tmp_path, script="train.py", run_config=loaded)
    assert "nowhere" in caught.value.message
    with pytest.raises(UserErrorException):
        Data.create(images)


def test_outputs(store, server, experiment, tmp_path):
    plain, linked = OutputFileDatasetConfig(source="results"), LinkFileOutputDatasetConfig("linked")
    spec = submitted(server, experiment, tmp_path, script="train.py", arguments=[plain, linked])
    assert spec["arguments"] == ["DatasetOutputConfig:" + plain.name, "DatasetOutputConfig:linked"]
    first, second = spec["outputs"]
    assert (first["datastore"], first["path"]) == ("workspaceblobstore", "dataset/{run-id}/{output-name}")
    assert (first["mode"], first["pathOnCompute"], second) == ("mount", "results", {"name": "linked", "mode": "link"})
    table = OutputFileDatasetConfig("t").read_parquet_files().keep_columns("a")
    assert table._reader["keepColumns"] == ["a"] and plain._reader == {}
    with pytest.raises(UserErrorException):
        submitted(server, experiment, tmp_path, script="train.py", arguments=[HDFSOutputDatasetConfig("h", (store, "x"))])
    with pytest.raises(UserErrorException) as caught:
        plain.as_input()
    assert "pipelines" in caught.value.message


def test_data_in_a_job(store, server, job, workspace, monkeypatch):
    images = Dataset.File.from_files((store, "images"))
    server.state.runs["r1"]["spec"] = {"outputs": [{"name": "linked", "registerName": "made"}]}
    for name, value in (
        ("AZUREML_DATASET_ENVIRONMENT_VARS", "there:mount,direct:direct"),
        ("there", "/mnt/there"),
        ("direct", images.id),
        ("AZUREML_LINK_DATASET_OUTPUTS", "linked"),
    ):
        monkeypatch.setenv(name, value)
    run = Run.get_context()
    inputs = run.input_datasets
    assert inputs["there"] == "/mnt/there" and inputs["direct"].to_path() == images.to_path() and inputs.get("x") is None
    assert [name for name, _ in inputs.items()] == ["there", "direct"]
    made = run.output_datasets["linked"].link(images.take(1))
    assert made.name == "made" and made.version == 1
    (use,) = server.state.dataset_uses["r1"]
    assert use["port"] == "linked" and use["datasetId"] == made.id


def test_data_in_the_details_of_a_run(store, server, experiment, tmp_path):
    images = Dataset.File.from_files((store, "images"))
    submitted(server, experiment, tmp_path, script="train.py", arguments=[images.as_mount()])
    (run,) = experiment.get_runs()
    use = {"runId": run.id, "port": "images", "mode": "mount", "datasetId": images.id}
    server.state.dataset_uses[run.id] = [dict(use, direction="input"), dict(use, direction="output", port="made")]
    details = run.get_details()
    assert details["inputDatasets"][0]["dataset"].id == images.id
    assert details["inputDatasets"][0]["consumptionDetails"] == {
        "type": "RunInput",
        "inputName": "images",
        "mechanism": "Mount",
    }
    (made,) = details["outputDatasets"]
    assert made["identifier"] == {"savedId": images.id} and made["outputDetails"] == {"outputName": "made"}


def test_what_v1_took_back_says_what_to_use():
    with pytest.raises(UserErrorException) as caught:
        Dataset.from_excel_files("x")
    assert "register_pandas_dataframe" in caught.value.hint
    assert Datastore and Dataset.Scenario.TRAINING == "training"
