"""TabularDataset: a table in files. What is done to it is noted, and done when it is read."""

import datetime

from azureml._werkbank.lazy import make_lazy
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.file_dataset import checked_seed, checked_share, whole_number
from azureml.exceptions import (  # noqa: F401 (importable from here, as in v1)
    AzureMLException,
    DatasetTimestampMissingError,
    UserErrorException,
)

__all__ = ["TabularDataset"]


class TabularDataset(AbstractDataset):
    """A table in delimited, Parquet or JSON lines files. Reading it needs pandas, and for Parquet pyarrow, too."""

    def __init__(self):
        AbstractDataset.__init__(self)

    def to_pandas_dataframe(self, on_error='null', out_of_range_datetime='null'):
        """The whole table. Values that have not their column's type are missing ones, or with 'fail' an error."""
        from azureml._werkbank.table_reader import read_table

        for name, value in (("on_error", on_error), ("out_of_range_datetime", out_of_range_datetime)):
            if value not in ("null", "fail"):
                raise _wrong("{} is 'null' or 'fail', and not {!r}.".format(name, value))
        return read_table(self._state, on_error, out_of_range_datetime)

    def to_spark_dataframe(self):
        """The whole table as a Spark DataFrame; needs pyspark."""
        from azureml._werkbank.table_files import require_spark

        spark = require_spark().builder.getOrCreate()
        return spark.createDataFrame(self.to_pandas_dataframe())

    def to_dask_dataframe(self, sample_size=10000, dtypes=None, on_error='null', out_of_range_datetime='null'):
        """The whole table as a Dask DataFrame; needs dask."""
        try:
            import dask.dataframe
        except ImportError as error:
            raise UserErrorException(
                "to_dask_dataframe needs the package dask: {}.".format(error),
                werkbank_code="package_missing",
                hint="pip install 'dask[dataframe]'",
            )
        frame = self.to_pandas_dataframe(on_error, out_of_range_datetime)
        return dask.dataframe.from_pandas(frame if dtypes is None else frame.astype(dtypes), npartitions=1)

    def to_csv_files(self, separator=','):
        """A FileDataset: the table as a CSV file."""
        from azureml._werkbank.table_files import frame_as_dataset

        return frame_as_dataset(self.to_pandas_dataframe(), "csv", separator)

    def to_parquet_files(self):
        """A FileDataset: the table as a Parquet file; needs pyarrow."""
        from azureml._werkbank.table_files import frame_as_dataset

        return frame_as_dataset(self.to_pandas_dataframe(), "parquet", None)

    def take(self, count):
        """The first rows."""
        return self._step({"op": "take", "count": whole_number(count)})

    def skip(self, count):
        """All but the first rows."""
        return self._step({"op": "skip", "count": whole_number(count)})

    def take_sample(self, probability, seed=None):
        """Some rows: each is taken with this probability."""
        return self._step(_draw(checked_share(probability, "probability"), checked_seed(seed), True))

    def random_split(self, percentage, seed=None):
        """Two datasets: about this share of the rows, and the others."""
        share, seed = checked_share(percentage, "percentage"), checked_seed(seed)
        return self._step(_draw(share, seed, True)), self._step(_draw(share, seed, False))

    def filter(self, expression):
        """The rows for which it holds: dataset.filter(dataset['age'] > 30)."""
        from azureml._werkbank.expressions import checked

        return self._step({"op": "filter", "expression": checked(expression)})

    def keep_columns(self, columns, validate=False):
        """Only these columns, in the order of the table."""
        names = _names(columns)
        if validate:
            self._need_columns(names)
        lost = [name for name in self._timestamps().values() if name and name not in names]
        kept = self._step({"op": "keep", "columns": names})
        return kept if not lost else kept._step({"op": "timestamps", "fine": None, "partition": None})

    def drop_columns(self, columns):
        """All but these columns."""
        names = _names(columns)
        lost = [name for name in self._timestamps().values() if name in names]
        kept = self._step({"op": "drop", "columns": names})
        return kept if not lost else kept._step({"op": "timestamps", "fine": None, "partition": None})

    def with_timestamp_columns(self, timestamp=None, partition_timestamp=None, validate=False, **kwargs):
        """Say which column is the time of a row, and which one, coarser, is read from the paths."""
        timestamp = timestamp or kwargs.pop("fine_grain_timestamp", None)
        partition_timestamp = partition_timestamp or kwargs.pop("coarse_grain_timestamp", None)
        if kwargs:
            raise TypeError("with_timestamp_columns() got an unexpected keyword argument '{}'".format(sorted(kwargs)[0]))
        if partition_timestamp and not timestamp:
            raise _wrong("partition_timestamp needs a timestamp.")
        if timestamp and timestamp == partition_timestamp:
            raise _wrong("timestamp and partition_timestamp are two columns.")
        if validate:
            self._need_columns([name for name in (timestamp, partition_timestamp) if name])
        return self._step({"op": "timestamps", "fine": timestamp, "partition": partition_timestamp})

    @property
    def timestamp_columns(self):
        """(timestamp, partition_timestamp) as they were set; None where not."""
        found = self._timestamps()
        return found["fine"], found["partition"]

    def time_before(self, end_time, include_boundary=True, validate=True):
        """The rows before a time."""
        return self._between("time_before", None, end_time, include_boundary)

    def time_after(self, start_time, include_boundary=True, validate=True):
        """The rows after a time."""
        return self._between("time_after", start_time, None, include_boundary)

    def time_between(self, start_time, end_time, include_boundary=True, validate=True):
        """The rows between two times."""
        if start_time > end_time:
            raise _wrong("start_time {} is after end_time {}.".format(start_time, end_time))
        return self._between("time_between", start_time, end_time, include_boundary)

    def time_recent(self, time_delta, include_boundary=True, validate=True):
        """The rows of the last time, counted from now."""
        if not isinstance(time_delta, datetime.timedelta):
            raise _wrong("time_delta is a datetime.timedelta, and not {!r}.".format(time_delta))
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        return self._between("time_recent", now - time_delta, None, include_boundary)

    def partition_by(self, partition_keys, target, name=None, show_progress=True, partition_as_file_dataset=False):
        """Write the table below (datastore, path), one folder for each combination of values of the keys; a dataset of it."""
        from azureml._werkbank.table_files import write_partitions

        return write_partitions(self, _names(partition_keys), target, name, show_progress, partition_as_file_dataset)

    def download(self, stream_column, target_path=None, overwrite=False, ignore_not_found=True):
        """Copy the files that a column names: paths of URLs, or 'DATASTORE/PATH'."""
        return self._files_of(stream_column).download(target_path, overwrite, ignore_not_found)

    def mount(self, stream_column, mount_point=None):
        """The files that a column names as a folder."""
        return self._files_of(stream_column).mount(mount_point)

    def get_profile(self, workspace=None):
        """What the columns hold: counts, missing values, extremes, quantiles; worked out here and now."""
        from azureml.data.dataset_profile import DatasetProfile

        return DatasetProfile._of_frame(self, workspace or self._state.workspace)

    def get_profile_runs(self, workspace=None):
        """The runs that made profiles: none, since get_profile works them out."""
        return iter(())

    def submit_profile_run(self, compute_target, experiment, cache_datastore_name=None):
        """Not there: a run that makes a profile."""
        raise UserErrorException(
            "Profiles are not made by runs here.", werkbank_code="not_supported", hint="dataset.get_profile() makes one at once."
        )

    def _step(self, step):
        return TabularDataset._of(self._state.derived(step=step))

    def _timestamps(self):
        found = {"fine": None, "partition": None}
        for step in self._state.definition["steps"]:
            if step["op"] == "timestamps":
                found = {"fine": step["fine"], "partition": step["partition"]}
        return found

    def _between(self, what, start, end, include):
        fine = self._timestamps()["fine"]
        if fine is None:
            raise DatasetTimestampMissingError("{} needs with_timestamp_columns first.".format(what))
        from azureml._werkbank.expressions import column

        times, holds = column(fine), None
        if start is not None:
            holds = times >= start if include else times > start
        if end is not None:
            before = times <= end if include else times < end
            holds = before if holds is None else holds & before
        return self.filter(holds)

    def _need_columns(self, names):
        have = list(self.take(1).to_pandas_dataframe().columns)
        missing = [name for name in names if name not in have]
        if missing:
            raise UserErrorException(
                "There is no column {!r}; the columns are: {}.".format(missing[0], ", ".join("{}".format(each) for each in have)),
                werkbank_code="column_unknown",
            )

    def _files_of(self, stream_column):
        from azureml.data.dataset_factory import FileDatasetFactory

        self._need_columns([stream_column])
        paths = []
        for value in self.keep_columns([stream_column]).to_pandas_dataframe()[stream_column]:
            text = "{}".format(value)
            if text.startswith(("http://", "https://")):
                paths.append(text)
                continue
            if self._state.workspace is None:
                raise _wrong("The column {!r} names files in datastores, and the dataset has no workspace.".format(stream_column))
            name, _, below = text.lstrip("/").partition("/")
            paths.append((self._state.workspace.datastores[name], below))
        return FileDatasetFactory.from_files(paths)


def _draw(share, seed, taken):
    return {"op": "sample", "probability": share, "seed": seed, "taken": taken}


def _wrong(message):
    return UserErrorException(message, werkbank_code="argument_invalid")


def _names(columns):
    names = [columns] if isinstance(columns, str) else list(columns or ())
    if not names or not all(isinstance(name, str) for name in names):
        raise _wrong("Columns are given as a name or a list of names, and not as {!r}.".format(columns))
    return names


make_lazy(__name__, {"FileDataset": "azureml.data.file_dataset"})
