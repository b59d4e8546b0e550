"""Dataset: where datasets are made and found."""

from azureml._werkbank.lazy import make_lazy
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory
from azureml.exceptions import UserErrorException

__all__ = ["Dataset"]


class _DatasetType(type):
    """FileDataset and TabularDataset are datasets, although neither is made of this class."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, AbstractDataset) or type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass):
        return type.__subclasscheck__(AbstractDataset, subclass) or type.__subclasscheck__(cls, subclass)


def _gone(what, instead):
    """A member of v1's first preview, which v1 itself took back."""
    raise UserErrorException(
        "Dataset.{} was part of v1's first preview of datasets only.".format(what), werkbank_code="not_supported", hint=instead
    )


_MAKE = "Make datasets with Dataset.File.from_files and the methods of Dataset.Tabular."
_VERSIONS = "Register the data as a new version: dataset.register(workspace, name, create_new_version=True)."
_READ = "Read the table: dataset.to_pandas_dataframe()."


class Dataset(metaclass=_DatasetType):
    """Dataset.File and Dataset.Tabular make datasets, Dataset.get_by_name and its like find them."""

    File = FileDatasetFactory
    Tabular = TabularDatasetFactory
    get_by_name = staticmethod(AbstractDataset.get_by_name)
    get_by_id = staticmethod(AbstractDataset.get_by_id)
    get_all = staticmethod(AbstractDataset.get_all)

    class Scenario(object):
        """What a dataset of a model is for."""

        TRAINING = "training"
        VALIDATION = "validation"
        INFERENCING = "inferencing"

    def __init__(self, definition, workspace=None, name=None, id=None):
        _gone("__init__", _MAKE)

    @staticmethod
    def get(workspace, name=None, id=None):
        """Deprecated: a dataset by its name or id."""
        if id is not None:
            return AbstractDataset.get_by_id(workspace, id)
        return AbstractDataset.get_by_name(workspace, name)

    @staticmethod
    def list(workspace):
        """Deprecated: all registered datasets."""
        return [each for each in AbstractDataset.get_all(workspace).values()]

    @staticmethod
    def auto_read_files(path, include_path=False, partition_format=None):
        """Of v1's first preview."""
        _gone("auto_read_files", _MAKE)

    @staticmethod
    def from_binary_files(path):
        """Deprecated: Dataset.File.from_files."""
        return FileDatasetFactory.from_files(path)

    @staticmethod
    def from_delimited_files(
        path,
        separator=',',
        header=3,
        encoding=0,
        quoting=False,
        infer_column_types=True,
        skip_rows=0,
        skip_mode=0,
        comment=None,
        include_path=False,
        archive_options=None,
        partition_format=None,
    ):
        """Deprecated: Dataset.Tabular.from_delimited_files."""
        from azureml.data.dataset_factory import ENCODINGS
        from azureml.data.dataset_type_definitions import FileEncoding, PromoteHeadersBehavior

        if skip_rows or comment is not None or archive_options is not None:
            _gone("from_delimited_files with skip_rows, comment or archive_options", _MAKE)
        name = FileEncoding(getattr(encoding, "value", encoding)).name.lower()
        return TabularDatasetFactory.from_delimited_files(
            path,
            include_path=include_path,
            infer_column_types=infer_column_types,
            separator=separator,
            header=PromoteHeadersBehavior(getattr(header, "value", header)),
            partition_format=partition_format,
            support_multi_line=bool(quoting),
            encoding=name if name in ENCODINGS else "utf8",
        )

    @staticmethod
    def from_excel_files(
        path,
        sheet_name=None,
        use_column_headers=False,
        skip_rows=0,
        include_path=False,
        infer_column_types=True,
        partition_format=None,
    ):
        """Of v1's first preview."""
        _gone("from_excel_files", "Read the sheet with pandas.read_excel, and use Dataset.Tabular.register_pandas_dataframe.")

    @staticmethod
    def from_json_files(path, encoding=0, flatten_nested_arrays=False, include_path=False, partition_format=None):
        """Of v1's first preview."""
        _gone("from_json_files", "Dataset.Tabular.from_json_lines_files reads files with one object in each line.")

    @staticmethod
    def from_pandas_dataframe(dataframe, path=None, in_memory=False):
        """Of v1's first preview."""
        _gone("from_pandas_dataframe", "Use Dataset.Tabular.register_pandas_dataframe.")

    @staticmethod
    def from_parquet_files(path, include_path=False, partition_format=None):
        """Deprecated: Dataset.Tabular.from_parquet_files."""
        return TabularDatasetFactory.from_parquet_files(path, include_path=include_path, partition_format=partition_format)

    @staticmethod
    def from_sql_query(data_source, query):
        """Deprecated: Dataset.Tabular.from_sql_query."""
        return TabularDatasetFactory.from_sql_query((data_source, query))

    # What an object of v1's first preview had. Nothing makes such an object any more.

    id = property(lambda self: _gone("id", _MAKE))
    name = property(lambda self: _gone("name", _MAKE))
    workspace = property(lambda self: _gone("workspace", _MAKE))
    definition = property(lambda self: _gone("definition", _MAKE))
    definition_version = property(lambda self: _gone("definition_version", _MAKE))
    description = property(lambda self: _gone("description", _MAKE))
    tags = property(lambda self: _gone("tags", _MAKE))
    state = property(lambda self: _gone("state", _MAKE))
    is_visible = property(lambda self: _gone("is_visible", _MAKE))

    def archive(self):
        """Of v1's first preview."""
        _gone("archive", _VERSIONS)

    def compare_profiles(
        self,
        rhs_dataset,
        profile_arguments=dict(),
        include_columns=None,
        exclude_columns=None,
        histogram_compare_method=0,
    ):
        """Of v1's first preview."""
        _gone("compare_profiles", _READ)

    def create_snapshot(self, snapshot_name, compute_target=None, create_data_snapshot=False, target_datastore=None):
        """Of v1's first preview."""
        _gone("create_snapshot", _VERSIONS)

    def delete_snapshot(self, snapshot_name):
        """Of v1's first preview."""
        _gone("delete_snapshot", _VERSIONS)

    def deprecate(self, deprecate_by_dataset_id):
        """Of v1's first preview."""
        _gone("deprecate", _VERSIONS)

    def diff(self, rhs_dataset, compute_target=None, columns=None):
        """Of v1's first preview."""
        _gone("diff", _READ)

    def generate_profile(self, compute_target=None, workspace=None, arguments=None):
        """Of v1's first preview."""
        _gone("generate_profile", _READ)

    def get_all_snapshots(self):
        """Of v1's first preview."""
        _gone("get_all_snapshots", _VERSIONS)

    def get_definition(self, version_id=None):
        """Of v1's first preview."""
        _gone("get_definition", _VERSIONS)

    def get_definitions(self):
        """Of v1's first preview."""
        _gone("get_definitions", _VERSIONS)

    def get_profile(self, arguments=None, generate_if_not_exist=True, workspace=None, compute_target=None):
        """Of v1's first preview."""
        _gone("get_profile", _READ)

    def get_snapshot(self, snapshot_name):
        """Of v1's first preview."""
        _gone("get_snapshot", _VERSIONS)

    def head(self, count):
        """Of v1's first preview."""
        _gone("head", _READ)

    def reactivate(self):
        """Of v1's first preview."""
        _gone("reactivate", _VERSIONS)

    def register(self, workspace, name, description=None, tags=None, visible=True, exist_ok=False, update_if_exist=False):
        """Of v1's first preview."""
        _gone("register", _MAKE)

    def sample(self, sample_strategy, arguments):
        """Of v1's first preview."""
        _gone("sample", _READ)

    def to_pandas_dataframe(self):
        """Of v1's first preview."""
        _gone("to_pandas_dataframe", _READ)

    def to_spark_dataframe(self):
        """Of v1's first preview."""
        _gone("to_spark_dataframe", _READ)

    def update(self, name=None, description=None, tags=None, visible=None):
        """Of v1's first preview."""
        _gone("update", _MAKE)

    def update_definition(self, definition, definition_update_message):
        """Of v1's first preview."""
        _gone("update_definition", _VERSIONS)

    def __getitem__(self, key):
        _gone("__getitem__", _READ)


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "FileEncoding": "azureml.data.dataset_type_definitions",
        "HistogramCompareMethod": "azureml.data.dataset_type_definitions",
        "PromoteHeadersBehavior": "azureml.data.dataset_type_definitions",
        "SkipLinesBehavior": "azureml.data.dataset_type_definitions",
    },
)
