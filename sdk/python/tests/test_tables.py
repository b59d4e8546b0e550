"""Tabular datasets: read by the true pandas and pyarrow."""

import datetime
import gzip
import os
import subprocess
import sys

import pandas
import pytest

from azureml._werkbank import table_reader
from azureml._werkbank.dataset_state import DatasetState
from azureml.core import Dataset
from azureml.data import DataType, TabularDataset
from azureml.data.dataset_error_handling import DatasetExecutionError
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.exceptions import DatasetTimestampMissingError, UserErrorException
from test_datasets import put, store  # noqa: F401 (a fixture)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEOPLE = "name,age,when\nAnna,31,2020-01-01T10:00:00\nBert,,2020-06-01T00:00:00\nCleo,45,2021-01-01T00:00:00\n"


@pytest.fixture(params=["pyarrow", "pandas"])
def reader(request, monkeypatch):
    """Both ways of reading."""
    if request.param == "pandas":
        monkeypatch.setattr(table_reader, "find_pyarrow", lambda: None)
    return request.param


def table(tmp_path, text=PEOPLE, name="people.csv", **options):
    """A dataset of one file of this machine."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(options.pop("as_bytes", "utf-8")))
    made = Dataset.Tabular.from_delimited_files("https://example.com/" + name, validate=False, **options)
    made._state = DatasetState.new("tabular", [{"file": str(path)}], None, made._state.definition["reader"])
    return made


def test_types_are_found(tmp_path, reader):
    frame = table(tmp_path).to_pandas_dataframe()
    assert list(frame.columns) == ["name", "age", "when"] and frame["age"].sum() == 76 and frame["age"].isnull().sum() == 1
    if reader == "pyarrow":
        assert frame["when"].dtype.kind == "M"
    frame = table(tmp_path, infer_column_types=False).to_pandas_dataframe()
    assert list(frame["age"])[0] == "31" and list(frame["when"])[0] == "2020-01-01T10:00:00"


def test_columns_have_the_types_that_are_set(tmp_path, reader):
    text = "a;b;c;d;e\n1;1,5;yes;03.02.2020;007\nx;2,25;true;2020/02/04;8\n"
    types = {
        "a": DataType.to_long(),
        "b": DataType.to_float(decimal_mark=","),
        "c": DataType.to_bool(),
        "d": DataType.to_datetime(["%d.%m.%Y", "%Y/%m/%d"]),
        "e": DataType.to_string(),
    }
    made = table(tmp_path, text, separator=";", set_column_types=types)
    frame = made.to_pandas_dataframe()
    assert frame["a"][0] == 1 and pandas.isnull(frame["a"][1]) and list(frame["b"]) == [1.5, 2.25]
    assert pandas.isnull(frame["c"][0]) and frame["c"][1] and list(frame["e"]) == ["007", "8"]
    assert list(frame["d"]) == [pandas.Timestamp(2020, 2, 3), pandas.Timestamp(2020, 2, 4)]
    with pytest.raises(DatasetExecutionError) as caught:
        made.to_pandas_dataframe(on_error="fail")
    assert "'a'" in caught.value.message
    for wrong in (dict(set_column_types={"a": int}), dict(encoding="ebcdic"), dict(separator=""), dict(header="yes")):
        with pytest.raises(UserErrorException):
            table(tmp_path, **wrong)
    with pytest.raises(UserErrorException):
        made.to_pandas_dataframe(on_error="ignore")


def test_headers_and_encodings(tmp_path, reader):
    assert list(table(tmp_path, "1,2\n3,4\n", header=False).to_pandas_dataframe().columns) == ["Column1", "Column2"]
    frame = table(tmp_path, "größe\n1\n", encoding="latin1", as_bytes="latin-1").to_pandas_dataframe()
    assert list(frame.columns) == ["größe"]
    frame = table(tmp_path, 'a,b\n"x\ny",2\n', support_multi_line=True).to_pandas_dataframe()
    assert frame["a"][0] == "x\ny"
    frame = table(tmp_path, 'a,b\n"",2\n', empty_as_string=True).to_pandas_dataframe()
    assert frame["a"][0] == ""
    packed = table(tmp_path, gzip.compress(PEOPLE.encode("ascii")), name="people.csv.gz")
    assert len(packed.to_pandas_dataframe()) == 3
    broken = table(tmp_path, gzip.compress(PEOPLE.encode("ascii") * 100)[:60], name="people.csv.gz")
    with pytest.raises(DatasetExecutionError) as caught:
        broken.to_pandas_dataframe()
    assert "people.csv.gz" in caught.value.message


def test_several_files_are_one_table(tmp_path, store):  # noqa: F811
    put(tmp_path, "parts/x=1/a.csv", "a,b\n1,2\n")
    put(tmp_path, "parts/x=2/b.csv", "a,b\n3,4\n")
    put(tmp_path, "plain/a.csv", "a,b\n1,2\n")
    put(tmp_path, "plain/b.csv", "3,4\n")
    put(tmp_path, "mixed/a.csv", "a,b\n1,2\n")
    put(tmp_path, "mixed/b.csv", "a,c\n3,4\n")
    make = Dataset.Tabular.from_delimited_files
    frame = make((store, "parts/**/*.csv"), include_path=True, partition_format="x={x}/*.csv").to_pandas_dataframe()
    assert frame.values.tolist() == [["/x=1/a.csv", 1, 2, "1"], ["/x=2/b.csv", 3, 4, "2"]] and list(frame.columns)[3] == "x"
    frame = make((store, "plain"), header=PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS).to_pandas_dataframe()
    assert frame["a"].tolist() == [1, 3]
    frame = make((store, "mixed"), header=PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS).to_pandas_dataframe()
    assert list(frame.columns) == ["a", "b", "c"] and frame["a"].tolist() == [1, 3]


def test_steps(tmp_path, reader):
    people = table(tmp_path)
    assert list(people.take(2).to_pandas_dataframe()["name"]) == ["Anna", "Bert"]
    assert list(people.skip(2).to_pandas_dataframe().index) == [0]
    assert list(people.filter(people["age"] > 40).keep_columns(["name"]).to_pandas_dataframe()["name"]) == ["Cleo"]
    old = (people["age"] + 10 > 50) | people["name"].starts_with("B") | people["age"].is_null()
    assert list(people.filter(old).to_pandas_dataframe()["name"]) == ["Bert", "Cleo"]
    assert list(people.filter(~people["name"].is_in(["Anna"])).to_pandas_dataframe()["name"]) == ["Bert", "Cleo"]
    assert list(people.filter(people["name"].contains("e")).drop_columns("age").to_pandas_dataframe().columns) == [
        "name",
        "when",
    ]
    one, two = people.random_split(0.5, seed=1)
    names = list(one.to_pandas_dataframe()["name"]) + list(two.to_pandas_dataframe()["name"])
    assert sorted(names) == ["Anna", "Bert", "Cleo"]
    assert len(people.take_sample(1.0).to_pandas_dataframe()) == 3
    for wrong in (
        lambda: people.keep_columns(["nothing"], validate=True),
        lambda: people.drop_columns("nothing").to_pandas_dataframe(),
        lambda: people.filter(people["nothing"] > 3).to_pandas_dataframe(),
        lambda: people.filter(people["age"] + 1).to_pandas_dataframe(),
        lambda: people.filter(3),
        lambda: people.keep_columns([]),
        lambda: bool(people["age"] > 3),
        lambda: people[3],
    ):
        with pytest.raises(UserErrorException):
            wrong()


def test_times(tmp_path):
    people = table(tmp_path).with_timestamp_columns("when", validate=True)
    assert people.timestamp_columns == ("when", None)
    names = lambda made: list(made.to_pandas_dataframe()["name"])  # noqa: E731
    middle = datetime.datetime(2020, 6, 1)
    assert names(people.time_after(middle)) == ["Bert", "Cleo"]
    assert names(people.time_after(middle, include_boundary=False)) == ["Cleo"]
    assert names(people.time_before(middle, include_boundary=False)) == ["Anna"]
    assert names(people.time_between(datetime.datetime(2020, 1, 1), middle)) == ["Anna", "Bert"]
    assert names(people.time_recent(datetime.timedelta(days=1))) == []
    assert people.keep_columns(["name"]).timestamp_columns == (None, None)
    with pytest.raises(DatasetTimestampMissingError):
        table(tmp_path).time_after(middle)
    for wrong in (
        lambda: people.with_timestamp_columns("nothing", validate=True),
        lambda: people.with_timestamp_columns(None, "when"),
        lambda: people.with_timestamp_columns("when", "when"),
        lambda: people.time_between(middle, datetime.datetime(2020, 1, 1)),
        lambda: people.time_recent(3),
    ):
        with pytest.raises(UserErrorException):
            wrong()


def test_json_lines(tmp_path, store):  # noqa: F811
    put(tmp_path, "lines/a.jsonl", '{"a": 1, "b": "x"}\n\n{"a": 2}\n')
    put(tmp_path, "lines/b.jsonl", 'nonsense\n{"a": 3}\n')
    first = Dataset.Tabular.from_json_lines_files((store, "lines/a.jsonl"))
    assert first.to_pandas_dataframe()["a"].tolist() == [1, 2]
    both = Dataset.Tabular.from_json_lines_files((store, "lines"), invalid_lines="drop")
    assert both.to_pandas_dataframe()["a"].tolist() == [1, 2, 3]
    with pytest.raises(DatasetExecutionError) as caught:
        Dataset.Tabular.from_json_lines_files((store, "lines")).to_pandas_dataframe()
    assert "lines/b.jsonl" in caught.value.message and "line 1" in caught.value.message


def test_data_frames_become_datasets(store, workspace, monkeypatch, capsys):  # noqa: F811
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "x"]})
    made = Dataset.Tabular.register_pandas_dataframe(frame, (store, "frames"), "frames", tags={"k": "v"})
    assert type(made) is TabularDataset and made.version == 1 and made.tags == {"k": "v"}
    assert "Successfully created and registered" in capsys.readouterr().out
    assert made._state.files()[0]["path"].endswith(".parquet")
    assert Dataset.get_by_name(workspace, "frames").to_pandas_dataframe().equals(frame)
    parts = made.partition_by(["b"], (store, "parts"), name="parts", show_progress=False)
    assert parts.partition_keys == ["b"] and parts.get_partition_key_values() == [{"b": "x"}, {"b": "y"}]
    assert sorted(parts.to_pandas_dataframe()["a"].tolist()) == [1, 2, 3]
    assert parts.filter(parts["b"] == "y").to_pandas_dataframe()["a"].tolist() == [2]
    monkeypatch.setattr("azureml._werkbank.table_files.find_pyarrow", lambda: None)
    again = Dataset.Tabular.register_pandas_dataframe(frame, store, "frames", show_progress=False)
    assert again.version == 2 and again._state.files()[0]["path"].endswith(".csv")
    assert again.to_pandas_dataframe().equals(frame)
    for wrong in (lambda: Dataset.Tabular.register_pandas_dataframe({"a": 1}, store, "x"), made.to_parquet_files):
        with pytest.raises(UserErrorException):
            wrong()


def test_tables_become_files(store, workspace, tmp_path):  # noqa: F811
    frame = pandas.DataFrame({"a": [1, 2]})
    made = Dataset.Tabular.register_pandas_dataframe(frame, store, "frame", show_progress=False)
    (path,) = made.to_csv_files(separator=";").download(str(tmp_path / "csv"))
    assert open(path).read() == "a\n1\n2\n"
    kept = made.to_parquet_files().register(workspace, "as-files")
    assert kept.to_path() == ["/part-00000.parquet"]
    again = Dataset.Tabular.from_parquet_files([(store, kept._state.files()[0]["path"])])
    assert again.to_pandas_dataframe().equals(frame)


def test_a_profile(tmp_path):
    profile = table(tmp_path).get_profile().profile
    assert profile["row_count"] == 3 and profile["columns"]["age"]["missing_count"] == 1
    assert profile["columns"]["age"]["min"] == 31 and profile["columns"]["age"]["quantiles"][0.5] == 38
    with pytest.raises(UserErrorException):
        table(tmp_path).submit_profile_run("local", None)


def test_readers_that_say_little(tmp_path):
    """As `werkbank dataset register` and outputs write them."""
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    for reader, columns in (
        ({"format": "delimited"}, ["name", "age", "when"]),
        ({"format": "delimited", "keepColumns": ["age"]}, ["age"]),
        ({"format": "delimited", "dropColumns": ["age"], "pathGlob": "/*.csv"}, ["name", "when"]),
        ({"format": "delimited", "pathGlob": "*.tsv"}, []),
    ):
        made = TabularDataset._of(DatasetState.new("tabular", [{"file": str(path)}], None, reader))
        assert list(made.to_pandas_dataframe().columns) == columns
    with pytest.raises(UserErrorException):
        TabularDataset._of(DatasetState.new("tabular", [{"file": str(path)}], None, {"format": "sql"})).to_pandas_dataframe()


def test_what_is_missing_is_named(tmp_path):
    """Without pandas, pyspark and SQL."""
    code = (
        "import sys; sys.modules['pandas'] = None; sys.modules['pyspark'] = None\n"
        "from azureml.core import Dataset\n"
        "made = Dataset.Tabular.from_delimited_files('https://example.com/a.csv', validate=False)\n"
        "for use in (made.to_pandas_dataframe, made.to_spark_dataframe):\n"
        "    try:\n"
        "        use()\n"
        "    except Exception as error:\n"
        "        print(error.werkbank_code, error.hint)\n"
    )
    out = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT).decode()
    assert out.count("package_missing") == 2 and "azureml-dataset-runtime[pandas]" in out and "pip install pyspark" in out
    with pytest.raises(UserErrorException) as caught:
        Dataset.Tabular.from_sql_query((None, "select 1"))
    assert "SQL" in caught.value.message
