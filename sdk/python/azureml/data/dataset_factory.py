"""Making datasets: Dataset.File and Dataset.Tabular."""

from azureml._werkbank.dataset_paths import clean_path, place_of, sources_of
from azureml._werkbank.dataset_state import DatasetState
from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.partitions import check_format
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.exceptions import UserErrorException

__all__ = ["DataType", "FileDatasetFactory", "TabularDatasetFactory"]

_HEADERS = {
    PromoteHeadersBehavior.NO_HEADERS: "none",
    PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS: "first",
    PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS: "combine",
    PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS: "same",
}
ENCODINGS = ("utf8", "iso88591", "latin1", "ascii", "utf16", "utf32", "utf8bom", "windows1252")


class DataType(object):
    """The type of a column, for set_column_types."""

    def __init__(self, document):
        self._document = document

    @staticmethod
    def to_string():
        """Text."""
        return DataType({"type": "string"})

    @staticmethod
    def to_long():
        """Whole numbers."""
        return DataType({"type": "long"})

    @staticmethod
    def to_float(decimal_mark='.'):
        """Numbers, with this mark before the fraction."""
        if decimal_mark not in (".", ","):
            raise UserErrorException(
                "decimal_mark is '.' or ',', and not {!r}.".format(decimal_mark), werkbank_code="argument_invalid"
            )
        return DataType({"type": "float", "decimalMark": decimal_mark})

    @staticmethod
    def to_bool():
        """True or false."""
        return DataType({"type": "bool"})

    @staticmethod
    def to_datetime(formats=None):
        """Times, in one of these formats (as strftime has them); without one the usual ones."""
        formats = [formats] if isinstance(formats, str) else list(formats or ())
        return DataType({"type": "datetime", "formats": formats})

    @staticmethod
    def to_stream(workspace, escaped=False):
        """Paths of files in datastores or URLs, for mount and download of a column."""
        return DataType({"type": "stream"})


class FileDatasetFactory(object):
    """Makes datasets of files."""

    @staticmethod
    def from_files(path, validate=True, partition_format=None, is_file=False):
        """Of files in datastores and at URLs: a path, pattern ('images/**/*.png') or folder, or a list of them."""
        from azureml.data.file_dataset import FileDataset

        reader = {"partitionFormat": check_format(partition_format)} if partition_format else {}
        return FileDataset._of(_checked(path, "file", reader, validate))

    @staticmethod
    def upload_directory(src_dir, target, pattern=None, overwrite=False, show_progress=True):
        """Of a folder of this machine: uploaded to (datastore, path), and a dataset of what lies there then."""
        import fnmatch
        import os

        datastore, place = place_of(target)
        if not os.path.isdir("{}".format(src_dir)):
            raise UserErrorException("There is no folder {!r} to upload.".format(src_dir), werkbank_code="not_found")
        if pattern is None:
            datastore.upload("{}".format(src_dir), clean_path(place), overwrite, show_progress)
            return FileDatasetFactory.from_files((datastore, place))
        from azureml._werkbank.run_files import files_below

        found = [full for relative, full in files_below(src_dir) if fnmatch.fnmatch(relative, pattern.lstrip("/"))]
        if not found:
            raise UserErrorException("No file below {} matches {!r}.".format(src_dir, pattern), werkbank_code="dataset_empty")
        datastore.upload_files(found, "{}".format(src_dir), clean_path(place), overwrite, show_progress)
        below = [os.path.relpath(full, "{}".format(src_dir)).replace(os.sep, "/") for full in found]
        return FileDatasetFactory.from_files([(datastore, "/".join((clean_path(place), each)).lstrip("/")) for each in below])


class TabularDatasetFactory(object):
    """Makes datasets of tables."""

    @staticmethod
    def from_delimited_files(
        path,
        validate=True,
        include_path=False,
        infer_column_types=True,
        set_column_types=None,
        separator=',',
        header=True,
        partition_format=None,
        support_multi_line=False,
        empty_as_string=False,
        encoding='utf8',
    ):
        """Of CSV and the like."""
        if not isinstance(separator, str) or not separator:
            raise UserErrorException("separator is a text, and not {!r}.".format(separator), werkbank_code="argument_invalid")
        reader = {
            "format": "delimited",
            "separator": separator,
            "header": header_document(header),
            "inferTypes": bool(infer_column_types),
            "multiLine": bool(support_multi_line),
            "emptyAsString": bool(empty_as_string),
            "encoding": _encoding(encoding),
        }
        return _table(path, reader, validate, include_path, set_column_types, partition_format)

    @staticmethod
    def from_json_lines_files(
        path,
        validate=True,
        include_path=False,
        set_column_types=None,
        partition_format=None,
        invalid_lines='error',
        encoding='utf8',
    ):
        """Of files with one JSON object in each line."""
        if invalid_lines not in ("error", "drop"):
            raise UserErrorException(
                "invalid_lines is 'error' or 'drop', and not {!r}.".format(invalid_lines), werkbank_code="argument_invalid"
            )
        reader = {"format": "jsonLines", "invalidLines": invalid_lines, "encoding": _encoding(encoding)}
        return _table(path, reader, validate, include_path, set_column_types, partition_format)

    @staticmethod
    def from_parquet_files(path, validate=True, include_path=False, set_column_types=None, partition_format=None):
        """Of Parquet files."""
        return _table(path, {"format": "parquet"}, validate, include_path, set_column_types, partition_format)

    @staticmethod
    def from_sql_query(query, validate=True, set_column_types=None, query_timeout=30):
        """Not there: no datastore of Werkbank answers SQL."""
        raise UserErrorException(
            "No datastore here answers SQL queries: databases as datastores are not part of this version of Werkbank.",
            werkbank_code="not_available_yet",
            hint="Read the table with pandas.read_sql, and keep it with Dataset.Tabular.register_pandas_dataframe.",
        )

    @staticmethod
    def register_pandas_dataframe(
        dataframe,
        target,
        name,
        description=None,
        tags=None,
        show_progress=True,
        row_group_size=None,
        make_target_path_unique=True,
    ):
        """Write a DataFrame below (datastore, path), as Parquet (without pyarrow as CSV), and register it; the dataset."""
        from azureml._werkbank.table_files import register_frame

        return register_frame(dataframe, target, make_target_path_unique, name, description, tags, show_progress, row_group_size)

    @staticmethod
    def register_spark_dataframe(dataframe, target, name, description=None, tags=None, show_progress=True):
        """Write a Spark DataFrame as Parquet, and register it; the dataset."""
        from azureml._werkbank.table_files import register_frame, require_spark

        require_spark()
        return register_frame(dataframe.toPandas(), target, True, name, description, tags, show_progress, None)

    @staticmethod
    def register_dask_dataframe(dataframe, target, name, description=None, tags=None, show_progress=True):
        """Write a Dask DataFrame as Parquet, and register it; the dataset."""
        from azureml._werkbank.table_files import register_frame

        return register_frame(dataframe.compute(), target, True, name, description, tags, show_progress, None)


def header_document(header):
    """How the column names are given: v1's True and False, or a PromoteHeadersBehavior."""
    if header is True or header is False:
        return "same" if header else "none"
    if isinstance(header, int) and 0 <= header <= 3:
        header = PromoteHeadersBehavior(header)
    if isinstance(header, PromoteHeadersBehavior):
        return _HEADERS[header]
    raise UserErrorException(
        "header is True, False or a PromoteHeadersBehavior, and not {!r}.".format(header), werkbank_code="argument_invalid"
    )


def types_document(types):
    """set_column_types as JSON."""
    if types is None:
        return {}
    if not isinstance(types, dict) or not all(isinstance(each, DataType) for each in types.values()):
        raise UserErrorException(
            "set_column_types is a dict of column names and DataType, for example {'age': DataType.to_long()}.",
            werkbank_code="argument_invalid",
        )
    return dict((_column_name(key), dict(each._document)) for key, each in types.items())


def _column_name(key):
    if not isinstance(key, str):
        raise UserErrorException("A column is named by a text, and not by {!r}.".format(key), werkbank_code="argument_invalid")
    return key


def _encoding(encoding):
    if encoding not in ENCODINGS:
        raise UserErrorException(
            "encoding is one of {}, and not {!r}.".format(", ".join(ENCODINGS), encoding), werkbank_code="argument_invalid"
        )
    return encoding


def _table(path, reader, validate, include_path, types, partition_format):
    from azureml.data.tabular_dataset import TabularDataset

    reader = dict(reader, includePath=bool(include_path), types=types_document(types))
    if partition_format:
        reader["partitionFormat"] = check_format(partition_format)
    return TabularDataset._of(_checked(path, "tabular", reader, validate))


def _checked(path, kind, reader, validate):
    """The state of a new dataset; with `validate` there has to be at least one file."""
    sources, workspace = sources_of(path)
    state = DatasetState.new(kind, sources, workspace, reader)
    if not validate:
        return state
    if workspace is not None:
        state = DatasetState.of_document(workspace, state.create(workspace, validate=True))
        state.listed_here = True
        return state
    state.files()
    return state


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "AbstractDatastore": "azureml.data.abstract_datastore",
        "DataPath": "azureml.data.datapath",
        "DataReference": "azureml.data.data_reference",
    },
)
