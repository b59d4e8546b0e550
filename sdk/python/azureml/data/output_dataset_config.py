"""What a run leaves behind as datasets."""

from azureml._werkbank.lazy import make_lazy
from azureml.data.constants import HDFS_MODE, LINK_MODE, MOUNT_MODE, UPLOAD_MODE
from azureml.data.dataset_consumption_config import checked_port_name
from azureml.exceptions import UserErrorException

__all__ = [
    "HDFSOutputDatasetConfig",
    "LinkFileOutputDatasetConfig",
    "LinkTabularOutputDatasetConfig",
    "MountOptions",
    "OutputDatasetConfig",
    "OutputFileDatasetConfig",
    "OutputTabularDatasetConfig",
    "RegistrationConfiguration",
    "TransformationMixin",
    "UploadOptions",
]


class RegistrationConfiguration(object):
    """The name under which an output is registered."""

    def __init__(self, name, description, tags):
        self.name = name
        self.description = description
        self.tags = tags


class MountOptions(object):
    """How an output is mounted."""

    def __init__(self, disable_metadata_cache=False):
        self.disable_metadata_cache = disable_metadata_cache


class UploadOptions(object):
    """How an output is uploaded."""

    def __init__(self, overwrite=False, source_globs=None):
        self.overwrite = overwrite
        self.source_globs = source_globs


class OutputDatasetConfig(object):
    """An output of a run. In a list of arguments it becomes the path that the script is given."""

    def __init__(self, mode, name=None, **kwargs):
        import uuid

        self.mode = mode
        self._name = checked_port_name(name or "output_{}".format(uuid.uuid4().hex[:8]), "output")
        self._registration = None
        self._reader = {}

    @property
    def name(self):
        """The name of the output."""
        return self._name

    @name.setter
    def name(self, name):
        self._name = checked_port_name(name, "output")

    @property
    def arg_val(self):
        """What stands for it in arguments."""
        return "DatasetOutputConfig:{}".format(self._name)

    def register_on_complete(self, name, description=None, tags=None):
        """Register the output when the run has ended: each time as the next version of this name."""
        from copy import copy

        if not name:
            raise UserErrorException("An output is registered under a name.", werkbank_code="argument_invalid")
        made = copy(self)
        made._registration = RegistrationConfiguration("{}".format(name), description, dict(tags or {}))
        return made

    def as_input(self, name=None):
        """The output as an input of a later step of a pipeline."""
        from azureml._werkbank.later import raise_later

        raise_later("An output as the input of another step, which needs pipelines,")

    def __str__(self):
        return self.arg_val

    def __repr__(self):
        return "{}(name={!r}, mode={!r})".format(type(self).__name__, self._name, self.mode)


class TransformationMixin(object):
    """How the files of an output are read as a table."""

    def read_delimited_files(
        self,
        include_path=False,
        separator=',',
        header=3,
        partition_format=None,
        path_glob=None,
        set_column_types=None,
    ):
        """As CSV and the like: the dataset is a tabular one."""
        from azureml.data.dataset_factory import header_document

        reader = {
            "format": "delimited",
            "separator": separator,
            "header": header_document(header),
            "inferTypes": True,
            "multiLine": False,
            "emptyAsString": False,
            "encoding": "utf8",
        }
        return self._read_as(reader, include_path, partition_format, path_glob, set_column_types)

    def read_parquet_files(self, include_path=False, partition_format=None, path_glob=None, set_column_types=None):
        """As Parquet: the dataset is a tabular one."""
        return self._read_as({"format": "parquet"}, include_path, partition_format, path_glob, set_column_types)

    def _read_as(self, reader, include_path, partition_format, path_glob, types):
        from copy import copy
        from azureml._werkbank.partitions import check_format
        from azureml.data.dataset_factory import types_document

        reader = dict(reader, includePath=bool(include_path), types=types_document(types))
        if partition_format:
            reader["partitionFormat"] = check_format(partition_format)
        if path_glob:
            reader["pathGlob"] = "{}".format(path_glob)
        made = copy(self)
        made._reader = reader
        made.__class__ = OutputTabularDatasetConfig
        return made


class OutputFileDatasetConfig(OutputDatasetConfig, TransformationMixin):
    """A folder that the script fills; its files go to a datastore and are a dataset from then on.

    `destination` is (datastore, path); {run-id} and {output-name} in the path are filled in. Without one:
    dataset/{run-id}/{output-name} in the workspace's default datastore.
    """

    def __init__(self, name=None, destination=None, source=None, partition_format=None):
        OutputDatasetConfig.__init__(self, MOUNT_MODE, name)
        self.destination = _checked_destination(destination)
        self.source = None if source is None else "{}".format(source)
        self._upload = UploadOptions()
        if partition_format:
            from azureml._werkbank.partitions import check_format

            self._reader = {"partitionFormat": check_format(partition_format)}

    def as_mount(self, disable_metadata_cache=False):
        """What the script writes is in the datastore when it has ended."""
        from copy import copy

        made = copy(self)
        made.mode = MOUNT_MODE
        return made

    def as_upload(self, overwrite=False, source_globs=None):
        """The same; with `source_globs` only files whose paths match."""
        from copy import copy

        made = copy(self)
        made.mode = UPLOAD_MODE
        globs = [source_globs] if isinstance(source_globs, str) else source_globs
        made._upload = UploadOptions(bool(overwrite), None if globs is None else list(globs))
        return made

    def as_input(self, name=None):
        """The output as an input of a later step of a pipeline."""
        return OutputDatasetConfig.as_input(self, name)


class OutputTabularDatasetConfig(OutputFileDatasetConfig):
    """An output whose files are read as a table. Made by read_delimited_files and read_parquet_files."""

    def __init__(self, **kwargs):
        raise UserErrorException(
            "An output that is a table is made by OutputFileDatasetConfig(…).read_delimited_files() or read_parquet_files().",
            werkbank_code="output_invalid",
        )

    def as_input(self, name=None):
        """The output as an input of a later step of a pipeline."""
        return OutputDatasetConfig.as_input(self, name)

    def as_mount(self):
        """What the script writes is in the datastore when it has ended."""
        return OutputFileDatasetConfig.as_mount(self)

    def as_upload(self, overwrite=False, source_globs=None):
        """The same; with `source_globs` only files whose paths match."""
        return OutputFileDatasetConfig.as_upload(self, overwrite, source_globs)

    def keep_columns(self, columns):
        """Only these columns."""
        return self._shaped("keepColumns", columns)

    def drop_columns(self, columns):
        """All but these columns."""
        return self._shaped("dropColumns", columns)

    def random_split(self, percentage, seed=None):
        """Not there: two outputs of one."""
        raise UserErrorException(
            "An output is not split while it is made.",
            werkbank_code="not_supported",
            hint="Split the registered dataset: Dataset.get_by_name(…).random_split(0.8).",
        )

    def _shaped(self, key, columns):
        from copy import copy

        made = copy(self)
        names = [columns] if isinstance(columns, str) else list(columns)
        made._reader = dict(self._reader, **{key: names})
        return made


class HDFSOutputDatasetConfig(OutputDatasetConfig, TransformationMixin):
    """Not there: an output on the Hadoop file system of v1's clusters."""

    def __init__(self, name=None, destination=None):
        OutputDatasetConfig.__init__(self, HDFS_MODE, name)
        self.destination = _checked_destination(destination)
        self.source = None

    def as_input(self, name=None):
        """The output as an input of a later step of a pipeline."""
        return OutputDatasetConfig.as_input(self, name)


class LinkFileOutputDatasetConfig(OutputDatasetConfig):
    """An output that the script links to a dataset of files: run.output_datasets['name'].link(dataset)."""

    _kind = "file"

    def __init__(self, name=None):
        OutputDatasetConfig.__init__(self, LINK_MODE, name)

    def as_input(self, name=None):
        """The output as an input of a later step of a pipeline."""
        return OutputDatasetConfig.as_input(self, name)


class LinkTabularOutputDatasetConfig(OutputDatasetConfig):
    """An output that the script links to a tabular dataset: run.output_datasets['name'].link(dataset)."""

    _kind = "tabular"

    def __init__(self, name=None):
        OutputDatasetConfig.__init__(self, LINK_MODE, name)

    def as_input(self, name=None):
        """The output as an input of a later step of a pipeline."""
        return OutputDatasetConfig.as_input(self, name)


def _checked_destination(destination):
    """(datastore, path) or None."""
    if destination is None:
        return None
    from azureml._werkbank.dataset_paths import clean_path, place_of

    datastore, place = place_of(destination)
    return datastore, clean_path(place)


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "AbstractDataset": "azureml.data.abstract_dataset",
        "DIRECT_MODE": "azureml.data.constants",
        "PromoteHeadersBehavior": "azureml.data.dataset_type_definitions",
    },
)
