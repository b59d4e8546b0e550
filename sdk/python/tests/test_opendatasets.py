"""Open datasets, from mirrors: nothing here goes to the internet."""

import datetime
import gzip
import importlib
import json
import os
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pandas
import pytest

import azureml.opendatasets
from azureml.exceptions import UserErrorException
from azureml.opendatasets import MNIST, Diabetes, NycTlcGreen, OjSalesSimulated, PublicHolidays, PublicHolidaysOffline, UsLaborCPI

TUTORIAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "examples", "tutorial")
FILES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


def mirror(tmp_path, **targets):
    listed = [{"name": name.replace("_", "."), "target": str(target)} for name, target in targets.items()]
    (tmp_path / "home" / "mirrors.json").write_text(json.dumps({"mirrors": listed}))


@pytest.fixture
def digits(tmp_path):
    """A mirror of MNIST: 3 images to learn from, 2 to test with."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name in FILES:
        count = 3 if name.startswith("train") else 2
        if "images" in name:
            content = struct.pack(">HBBIII", 0, 8, 3, count, 28, 28) + bytes(range(count)) * 784
        else:
            content = struct.pack(">HBBI", 0, 8, 1, count) + bytes(range(count))
        (folder / name).write_bytes(gzip.compress(content))
    for name in ("mnist_train.csv", "mnist_test.csv"):
        (folder / name).write_text("label,1x1\n7,0\n")
    mirror(tmp_path, mnist=folder)
    return folder


def test_mnist(digits, tmp_path):
    dataset = MNIST.get_file_dataset()
    paths = dataset.download(str(tmp_path / "data"), overwrite=True)
    assert sorted(os.path.basename(path) for path in paths) == sorted(FILES)
    assert sorted(MNIST.get_file_dataset("test").to_path()) == ["/" + name for name in sorted(FILES) if "t10k" in name]
    assert MNIST.get_tabular_dataset("train").to_pandas_dataframe()["label"].tolist() == [7]
    assert len(MNIST.get_tabular_dataset().to_pandas_dataframe()) == 2
    with pytest.raises(UserErrorException):
        MNIST.get_file_dataset("all of it")
    (digits / FILES[0]).unlink()
    with pytest.raises(UserErrorException) as caught:
        MNIST.get_file_dataset().to_path()
    assert FILES[0] in caught.value.message and "mirror" in caught.value.hint


def test_the_reader_of_the_tutorial(digits, monkeypatch):
    monkeypatch.syspath_prepend(TUTORIAL)
    load_data = importlib.import_module("utils").load_data
    try:
        images = load_data(str(digits / FILES[0]), False)
        labels = load_data(str(digits / FILES[1]), True)
        assert images.shape == (3, 784) and labels.shape == (3, 1) and labels.reshape(-1).tolist() == [0, 1, 2]
        with pytest.raises(ValueError):
            load_data(str(digits / FILES[0]), True)
        cut = gzip.decompress((digits / FILES[1]).read_bytes())[:-1]
        (digits / FILES[1]).write_bytes(gzip.compress(cut))
        with pytest.raises(ValueError) as caught:
            load_data(str(digits / FILES[1]), True)
        assert "whole" in str(caught.value)
    finally:
        sys.modules.pop("utils", None)


def test_data_by_time(tmp_path):
    for month, day in ((1, 5), (2, 6), (3, 7)):
        folder = tmp_path / "green" / "puYear=2018" / "puMonth={}".format(month)
        folder.mkdir(parents=True)
        frame = pandas.DataFrame({"lpepPickupDatetime": [datetime.datetime(2018, month, day)], "fare": [month], "tip": [1]})
        frame.to_parquet(str(folder / "part.parquet"))
    mirror(tmp_path, nyctlcgreen=tmp_path / "green")
    frame = NycTlcGreen(datetime.datetime(2018, 2, 1), "2018-03-08", cols=["fare"]).to_pandas_dataframe()
    assert frame["fare"].tolist() == [2, 3] and list(frame.columns) == ["lpepPickupDatetime", "fare"]
    assert len(NycTlcGreen("2018-01-01", "2018-12-31", limit=1).to_pandas_dataframe()) == 1
    made = NycTlcGreen.get_tabular_dataset(start_date="2018-01-01", end_date="2018-01-31")
    assert made.to_pandas_dataframe()["fare"].tolist() == [1] and made.timestamp_columns[0] == "lpepPickupDatetime"
    assert len(NycTlcGreen.get_file_dataset("2018-02-01").to_path()) == 2
    for wrong in (dict(start_date="yesterday"), dict(start_date="2019-01-01", end_date="2018-01-01")):
        with pytest.raises(UserErrorException):
            NycTlcGreen.get_tabular_dataset(**wrong)
    with pytest.raises(UserErrorException) as caught:
        NycTlcGreen.get_file_dataset("2030-01-01")
    assert caught.value.werkbank_code == "dataset_empty"


def test_samples_and_holidays(tmp_path):
    for name in ("a", "b", "c", "d"):
        (tmp_path / name).mkdir()
    pandas.DataFrame({"Y": [1.5]}).to_parquet(str(tmp_path / "a" / "x.parquet"))
    (tmp_path / "b" / "x.csv").write_text("Store\n2\n")
    days = {"date": [datetime.datetime(2020, 1, 1)] * 2, "countryOrRegion": ["Norway", "Sweden"]}
    pandas.DataFrame(dict(days, countryRegionCode=["NO", "SE"])).to_parquet(str(tmp_path / "c" / "x.parquet"))
    pandas.DataFrame({"cpi": [3]}).to_parquet(str(tmp_path / "d" / "x.parquet"))
    mirror(
        tmp_path,
        diabetes=tmp_path / "a",
        ojsalessimulated=tmp_path / "b",
        publicholidays=tmp_path / "c",
        uslaborcpi=tmp_path / "d",
    )
    assert Diabetes.get_tabular_dataset().to_pandas_dataframe()["Y"].tolist() == [1.5]
    assert OjSalesSimulated.get_file_dataset().to_path() == ["/x.csv"]
    assert PublicHolidays("NO", start_date="2019-01-01").to_pandas_dataframe()["countryOrRegion"].tolist() == ["Norway"]
    offline = PublicHolidaysOffline()
    assert offline.is_holiday(datetime.datetime(2020, 1, 1, 12), "SE")
    assert not offline.is_holiday_by_country_or_region(datetime.datetime(2020, 1, 2), "Norway")
    assert UsLaborCPI().to_pandas_dataframe()["cpi"].tolist() == [3] and UsLaborCPI().id == "uslaborcpi"


def test_a_container_behind_a_mirror_of_its_host_is_listed(tmp_path):
    pages = {
        "": "<R><Blobs><Blob><Name>cpi/a.parquet</Name></Blob></Blobs><NextMarker>2</NextMarker></R>",
        "2": "<R><Blobs><Blob><Name>cpi/b c.parquet</Name></Blob><Blob><Name>cpi/readme</Name></Blob></Blobs></R>",
    }

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            body = pages[query["marker"][0]].encode("utf-8") if query["prefix"] == ["cpi/"] else b"<R/>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = "http://127.0.0.1:{}".format(server.server_address[1])
    try:
        mirror(tmp_path, azureopendatastorage_blob_core_windows_net=address)
        sources = UsLaborCPI._sources(None, None)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    base = address + "/laborstatisticscontainer/cpi/"
    assert sources == [{"url": base + "a.parquet"}, {"url": base + "b%20c.parquet"}]
    with pytest.raises(UserErrorException) as caught:
        UsLaborCPI._sources(None, None)
    assert caught.value.werkbank_code == "url_failed"


def test_every_class_is_there():
    for name in azureml.opendatasets.__all__:
        made = getattr(azureml.opendatasets, name)
        assert made.__name__ == name and made.__doc__
        if hasattr(made, "_container") and made._prefix:
            assert made._container and name.lower().startswith(made._name)
