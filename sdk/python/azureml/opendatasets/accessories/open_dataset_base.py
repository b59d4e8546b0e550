"""What open datasets have in common: a place, and for most of them a time."""

import datetime

from azureml._werkbank.lazy import make_lazy
from azureml.exceptions import UserErrorException
from azureml.opendatasets._store import ACCOUNT, PARQUET, file_dataset, sources_below, table_dataset

__all__ = ["ClassMethodOpenDatasetBase", "OpenDatasetBase"]


class ClassMethodOpenDatasetBase(object):
    """Data without parameters: get_file_dataset and get_tabular_dataset."""


class OpenDatasetBase(object):
    """Data in Parquet files of a public container, some of them in folders by year and month."""

    _name = ""  # of its mirror
    _account = ACCOUNT
    _container = ""
    _prefix = ""
    _year, _month = None, None  # how the folders are called
    _time = None  # the column with the time of a row
    default_start_date = datetime.datetime(2018, 1, 1)
    default_end_date = datetime.datetime(2018, 1, 31)

    def __init__(self, cols=None, enable_telemetry=True, **kwargs):
        self.cols = cols
        self.enable_telemetry = False
        self.start_date = _day(kwargs.pop("start_date", None), "start_date")
        self.end_date = _day(kwargs.pop("end_date", None), "end_date")
        self.limit = kwargs.pop("limit", -1)
        if kwargs:
            raise TypeError("{}() got an unexpected keyword argument '{}'".format(type(self).__name__, sorted(kwargs)[0]))
        _check_order(self.start_date, self.end_date)

    @property
    def id(self):
        """The name of the dataset."""
        return self._name

    @property
    def registry_id(self):
        """The name of the dataset."""
        return self._name

    @property
    def time_column_name(self):
        """The column with the time of a row; None where there is none."""
        return self._time

    @property
    def data(self):
        """The table."""
        return self.to_pandas_dataframe()

    @property
    def log_properties(self):
        """What v1 would tell: nothing is sent anywhere."""
        return {}

    def to_pandas_dataframe(self):
        """The table as a pandas DataFrame."""
        frame = self._table(self.start_date, self.end_date, self.cols).to_pandas_dataframe()
        return frame if self.limit < 0 else frame.head(self.limit)

    def to_spark_dataframe(self):
        """The table as a Spark DataFrame; needs pyspark."""
        return self._table(self.start_date, self.end_date, self.cols).to_spark_dataframe()

    @classmethod
    def get_tabular_dataset(cls, start_date=None, end_date=None, cols=None, enable_telemetry=True, **kwargs):
        """The table between two days, as a dataset."""
        start, end = _day(start_date, "start_date"), _day(end_date, "end_date")
        _check_order(start, end)
        return cls._table(start, end, cols)

    @classmethod
    def get_file_dataset(cls, start_date=None, end_date=None, enable_telemetry=True, **kwargs):
        """The files between two days, as a dataset."""
        start, end = _day(start_date, "start_date"), _day(end_date, "end_date")
        _check_order(start, end)
        return file_dataset(cls._sources(start, end))

    @classmethod
    def _sources(cls, start, end):
        def wanted(path):
            return _in_time(path, cls._year, cls._month, start, end)

        return sources_below(cls._name, cls._account, cls._container, cls._prefix, ".parquet", wanted)

    @classmethod
    def _table(cls, start, end, cols):
        made = table_dataset(cls._sources(start, end), PARQUET)
        if cls._time is not None:
            made = made.with_timestamp_columns(cls._time)
            if start is not None:
                made = made.time_after(start)
            if end is not None:
                made = made.time_before(end)
        if cols:
            made = made.keep_columns(list(cols) + ([cls._time] if cls._time and cls._time not in cols else []))
        return made


def _day(value, name):
    if value is None or isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.datetime.strptime("{}".format(value), form)
        except ValueError:
            pass
    raise UserErrorException(
        "{} is a datetime or a text like '2018-05-01', and not {!r}.".format(name, value), werkbank_code="argument_invalid"
    )


def _check_order(start, end):
    if start is not None and end is not None and start > end:
        raise UserErrorException("start_date {} is after end_date {}.".format(start, end), werkbank_code="argument_invalid")


def _in_time(path, year_key, month_key, start, end):
    """Whether a folder like puYear=2018/puMonth=5/ can hold something of the time."""
    if year_key is None:
        return True
    values = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
    if not values.get(year_key, "").isdigit():
        return True
    year = int(values[year_key])
    month = int(values[month_key]) if month_key and values.get(month_key, "").isdigit() else None
    first = (year, month or 1)
    last = (year, month or 12)
    return (end is None or first <= (end.year, end.month)) and (start is None or last >= (start.year, start.month))


make_lazy(  # importable from here, as in v1
    __name__,
    {"FileDataset": "azureml.data.file_dataset", "TabularDataset": "azureml.data.tabular_dataset"},
)
