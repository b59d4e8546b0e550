"""Reading a tabular dataset: its files by pyarrow (or, without it, pandas), then its steps by pandas."""

from azureml.data.dataset_error_handling import DatasetExecutionError
from azureml.exceptions import UserErrorException

_ENCODINGS = {"utf8": "utf-8", "utf8bom": "utf-8-sig", "iso88591": "iso-8859-1", "windows1252": "cp1252", "utf16": "utf-16"}
_ENCODINGS.update({"utf32": "utf-32", "latin1": "latin-1", "ascii": "ascii"})


# What a reader means that does not say more (`werkbank dataset register`).
_DEFAULTS = {
    "separator": ",",
    "header": "same",
    "inferTypes": True,
    "multiLine": False,
    "emptyAsString": False,
    "encoding": "utf8",
    "invalidLines": "error",
}


def require_pandas():
    """The module; UserErrorException with what to install."""
    try:
        import pandas
    except ImportError as error:
        raise UserErrorException(
            "Tables need the package pandas, and it is not there: {}.".format(error),
            werkbank_code="package_missing",
            hint="pip install 'azureml-dataset-runtime[pandas]', or pandas and pyarrow.",
        )
    return pandas


def find_pyarrow():
    """The module, or None."""
    try:
        import pyarrow
    except ImportError:
        return None
    return pyarrow


def read_table(state, on_error, out_of_range):
    """The table of a dataset's state as a DataFrame."""
    pandas = require_pandas()
    reader = dict(_DEFAULTS, **state.definition["reader"])
    if reader.get("format") not in _READERS:
        raise UserErrorException(
            "Tables of the format {!r} cannot be read here.".format(reader.get("format")), werkbank_code="not_supported"
        )
    files = state.local_files()
    if reader.get("pathGlob"):
        import fnmatch

        files = [each for each in files if fnmatch.fnmatch(each[0]["name"], reader["pathGlob"].lstrip("/"))]
    frame = _read_files(pandas, reader, files, _rows_needed(state.definition["steps"]))
    frame = _with_types(pandas, frame, reader.get("types") or {}, on_error, out_of_range)
    for key, op in (("keepColumns", "keep"), ("dropColumns", "drop")):  # of outputs: OutputTabularDatasetConfig
        if reader.get(key):
            frame = _STEPS[op](frame, {"columns": reader[key]})
    for step in state.definition["steps"]:
        frame = _STEPS[step["op"]](frame, step)
    return frame.reset_index(drop=True) if len(state.definition["steps"]) else frame


def _rows_needed(steps):
    """How many rows are enough: where the first step takes some; None: all."""
    return steps[0]["count"] if steps and steps[0]["op"] == "take" else None


def _read_files(pandas, reader, files, rows):
    read = _READERS[reader["format"]]
    frames, names, have = [], None, 0
    for index, (file, path) in enumerate(files):
        try:
            frame = read(pandas, reader, path, index, names)
        except (UserErrorException, MemoryError):
            raise
        except Exception as error:  # the readers' own errors are of many classes
            raise DatasetExecutionError("{} cannot be read as {}: {}".format(file["path"], reader["format"], error), error)
        if names is None and reader.get("header") != "combine":
            names = list(frame.columns)
        frames.append(_with_path(frame, reader, file))
        have += len(frame)
        if rows is not None and have >= rows:
            break
    if not frames:
        return pandas.DataFrame()
    return frames[0] if len(frames) == 1 else pandas.concat(frames, ignore_index=True, sort=False)


def _with_path(frame, reader, file):
    form = reader.get("partitionFormat")
    if form:
        from azureml._werkbank.partitions import partition_values

        for name, value in partition_values(form, file["path"]).items():
            frame[name] = value
    if reader.get("includePath"):
        frame.insert(0, "Path", "/" + file["name"])
    return frame


def _read_delimited(pandas, reader, path, index, names):
    header = reader["header"]
    has_header = header in ("same", "combine") or (header == "first" and index == 0)
    if not has_header and names is None:
        names = None
    pyarrow = find_pyarrow()
    if pyarrow is not None and len(reader["separator"]) == 1:
        frame = _by_pyarrow(pyarrow, reader, path, has_header, None if has_header else names)
    else:
        frame = _by_pandas(pandas, reader, path, has_header, None if has_header else names)
    if not has_header and names is None:
        frame.columns = ["Column{}".format(number + 1) for number in range(len(frame.columns))]
    return frame


def _by_pyarrow(pyarrow, reader, path, has_header, names):
    import pyarrow.csv as csv

    as_text = _text_columns(reader)
    types = dict((name, pyarrow.string()) for name in as_text)
    if not reader["inferTypes"]:
        found = _column_names(csv, reader, path, has_header, names)
        types = dict((name, pyarrow.string()) for name in found)
    table = csv.read_csv(
        path,
        read_options=csv.ReadOptions(
            encoding=_ENCODINGS[reader["encoding"]],
            column_names=names,
            autogenerate_column_names=not has_header and names is None,
        ),
        parse_options=csv.ParseOptions(delimiter=reader["separator"], newlines_in_values=reader["multiLine"]),
        convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=not reader["emptyAsString"]),
    )
    empty = [field.name for field in table.schema if reader["emptyAsString"] and pyarrow.types.is_null(field.type)]
    frame = table.to_pandas(split_blocks=True, self_destruct=True)
    for name in empty:  # nothing in it but empty texts
        frame[name] = ""
    return frame


def _column_names(csv, reader, path, has_header, names):
    """The columns' names, without reading the file."""
    if names is not None:
        return names
    options = csv.ReadOptions(
        encoding=_ENCODINGS[reader["encoding"]], autogenerate_column_names=not has_header, block_size=1 << 16
    )
    parse = csv.ParseOptions(delimiter=reader["separator"], newlines_in_values=reader["multiLine"])
    with csv.open_csv(path, read_options=options, parse_options=parse) as stream:
        return stream.schema.names


def _by_pandas(pandas, reader, path, has_header, names):
    as_text = dict((name, str) for name in _text_columns(reader))
    options = {"sep": reader["separator"], "encoding": _ENCODINGS[reader["encoding"]]}
    options["header"] = 0 if has_header else None
    options["dtype"] = as_text if reader["inferTypes"] else str
    if names is not None:
        options["names"] = names
    if reader["emptyAsString"]:
        options["keep_default_na"] = False
    if len(reader["separator"]) > 1:
        import re

        options.update(sep=re.escape(reader["separator"]), engine="python")
    return pandas.read_csv(path, **options)


def _text_columns(reader):
    """Columns that are converted afterwards: the reader leaves their text as it is."""
    return [name for name, kind in (reader.get("types") or {}).items()]


def _read_parquet(pandas, reader, path, index, names):
    if find_pyarrow() is not None:
        import pyarrow.parquet

        return pyarrow.parquet.read_table(path).to_pandas(split_blocks=True, self_destruct=True)
    try:
        return pandas.read_parquet(path)
    except ImportError as error:
        raise UserErrorException(
            "Parquet files need the package pyarrow: {}.".format(error),
            werkbank_code="package_missing",
            hint="pip install 'azureml-dataset-runtime[pandas]', or pyarrow.",
        )


def _read_json_lines(pandas, reader, path, index, names):
    import gzip
    import io
    import json

    opener = gzip.open if path.endswith(".gz") else open
    rows = []
    with opener(path, "rb") as raw:
        for number, line in enumerate(io.TextIOWrapper(raw, encoding=_ENCODINGS[reader["encoding"]])):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("it is no object")
                rows.append(row)
            except ValueError as error:
                if reader["invalidLines"] != "drop":
                    raise ValueError("line {}: {}".format(number + 1, error))
    return pandas.DataFrame.from_records(rows)


_READERS = {"delimited": _read_delimited, "parquet": _read_parquet, "jsonLines": _read_json_lines}


def _with_types(pandas, frame, types, on_error, out_of_range):
    for name, kind in types.items():
        if name not in frame.columns:
            continue
        frame[name] = _CONVERT[kind["type"]](pandas, frame[name], kind, on_error, out_of_range)
    return frame


def _failed(on_error, name, error):
    if on_error == "fail":
        raise DatasetExecutionError("The column {!r} has a value of another type: {}".format(name, error), error)


def _to_number(pandas, series, kind, on_error, whole):
    if kind.get("decimalMark") == ",":
        series = series.astype(str).str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    try:
        found = pandas.to_numeric(series, errors="raise")
    except (ValueError, TypeError) as error:
        _failed(on_error, series.name, error)
        found = pandas.to_numeric(series, errors="coerce")
    if whole and not found.isnull().any() and (found == found.round()).all():
        return found.astype("int64")
    return found if whole else found.astype("float64")


def _to_times(pandas, series, kind, on_error, out_of_range):
    found = None
    for form in kind.get("formats") or [None]:
        part = pandas.to_datetime(series, format=form, errors="coerce")
        found = part if found is None else found.fillna(part)
    lost = series[found.isnull() & series.notnull()]
    if len(lost) and "fail" in (on_error, out_of_range):
        error = ValueError("{!r} is no time".format(lost.iloc[0]))
        raise DatasetExecutionError("The column {!r} has a value of another type: {}".format(series.name, error), error)
    return found


def _to_bool(pandas, series, kind, on_error, out_of_range):
    words = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
    found = series.map(lambda value: value if value is None or value != value else words.get("{}".format(value).lower()))
    lost = series[found.isnull() & series.notnull()]
    if len(lost):
        _failed(on_error, series.name, ValueError("{!r} is neither true nor false".format(lost.iloc[0])))
    return found if found.isnull().any() else found.astype(bool)


def _to_text(pandas, series, kind, on_error, out_of_range):
    return series.map(lambda value: value if value is None or value != value else "{}".format(value))


_CONVERT = {
    "string": _to_text,
    "stream": _to_text,
    "long": lambda pandas, series, kind, on_error, _: _to_number(pandas, series, kind, on_error, True),
    "float": lambda pandas, series, kind, on_error, _: _to_number(pandas, series, kind, on_error, False),
    "bool": _to_bool,
    "datetime": _to_times,
}


def _sample(frame, step):
    import random

    draw = random.Random(step["seed"])
    return frame[[(draw.random() < step["probability"]) == step["taken"] for _ in range(len(frame))]]


def _filter(frame, step):
    from azureml._werkbank.expressions import evaluate

    holds = evaluate(step["expression"], lambda name: _column(frame, name))
    if not hasattr(holds, "dtype") or holds.dtype.kind not in "bO":
        raise UserErrorException(
            "The filter says neither true nor false of a row.",
            werkbank_code="expression_invalid",
            hint="For example: dataset['age'] > 30.",
        )
    return frame[holds.fillna(False).astype(bool)]


def _column(frame, name):
    if name not in frame.columns:
        raise UserErrorException(
            "There is no column {!r}; the columns are: {}.".format(name, ", ".join("{}".format(each) for each in frame.columns)),
            werkbank_code="column_unknown",
        )
    return frame[name]


def _keep(frame, step):
    for name in step["columns"]:
        _column(frame, name)
    return frame[[name for name in frame.columns if name in step["columns"]]]


_STEPS = {
    "take": lambda frame, step: frame.head(step["count"]),
    "skip": lambda frame, step: frame.iloc[step["count"] :],
    "sample": _sample,
    "filter": _filter,
    "keep": _keep,
    "drop": lambda frame, step: frame.drop(columns=[name for name in step["columns"] if _column(frame, name) is not None]),
    "timestamps": lambda frame, step: frame,
}
