"""Tables as files: DataFrames that become datasets."""

import os

from azureml._werkbank.dataset_paths import clean_path, place_of
from azureml._werkbank.table_reader import find_pyarrow
from azureml.exceptions import UserErrorException


def require_spark():
    """SparkSession; UserErrorException with what to install."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UserErrorException(
            "Spark DataFrames need the package pyspark, and it is not there: {}.".format(error),
            werkbank_code="package_missing",
            hint="pip install pyspark, or work with to_pandas_dataframe().",
        )
    return SparkSession


def _temporary_folder():
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="azureml-")
    atexit.register(shutil.rmtree, folder, True)
    return folder


def _write(frame, path_without_ending, kind, separator=",", row_group_size=None):
    path = "{}.{}".format(path_without_ending, kind)
    if kind == "csv":
        frame.to_csv(path, sep=separator, index=False)
        return path
    if find_pyarrow() is None:
        raise UserErrorException(
            "Parquet files need the package pyarrow.",
            werkbank_code="package_missing",
            hint="pip install 'azureml-dataset-runtime[pandas]', or pyarrow.",
        )
    more = {} if row_group_size is None else {"row_group_size": row_group_size}
    frame.to_parquet(path, engine="pyarrow", index=False, **more)
    return path


def frame_as_dataset(frame, kind, separator):
    """A FileDataset of one file on this machine; it goes to the default datastore when the dataset is saved in a workspace."""
    from azureml._werkbank.dataset_state import DatasetState
    from azureml.data.file_dataset import FileDataset

    path = _write(frame, os.path.join(_temporary_folder(), "part-00000"), kind, separator or ",")
    return FileDataset._of(DatasetState.new("file", [{"file": path}], None))


def register_frame(frame, target, unique, name, description, tags, show_progress, row_group_size):
    """Upload a DataFrame, and register it as a TabularDataset."""
    import uuid
    from azureml.data.dataset_factory import TabularDatasetFactory

    if not hasattr(frame, "to_csv"):
        raise UserErrorException(
            "A pandas DataFrame is needed, and this is a {}.".format(type(frame).__name__), werkbank_code="argument_invalid"
        )
    datastore, place = place_of(target)
    place = clean_path(place)
    if unique:
        place = "/".join(part for part in (place, "{}".format(uuid.uuid4())) if part)
    kind = "parquet" if find_pyarrow() is not None else "csv"
    if show_progress:
        print("Validating arguments.\nArguments validated.\nUploading file to {}".format(place or "/"))
    path = _write(frame, os.path.join(_temporary_folder(), "part-00000"), kind, row_group_size=row_group_size)
    datastore.upload_files([path], target_path=place, overwrite=True, show_progress=False)
    if show_progress:
        print("Successfully uploaded file to datastore.\nCreating and registering a new dataset.")
    where = (datastore, "/".join(part for part in (place, os.path.basename(path)) if part))
    make = TabularDatasetFactory.from_parquet_files if kind == "parquet" else TabularDatasetFactory.from_delimited_files
    made = make(where).register(datastore.workspace, name, description, tags, create_new_version=True)
    if show_progress:
        print("Successfully created and registered a new dataset.")
    return made


def write_partitions(dataset, keys, target, name, show_progress, as_files):
    """One folder for each combination of values of the keys; the dataset of it."""
    import uuid
    from urllib.parse import quote
    from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory

    frame = dataset.to_pandas_dataframe()
    missing = [key for key in keys if key not in frame.columns]
    if missing:
        raise UserErrorException("There is no column {!r} to partition by.".format(missing[0]), werkbank_code="column_unknown")
    datastore, place = place_of(target)
    place = "/".join(part for part in (clean_path(place), "{}".format(uuid.uuid4())) if part)
    folder = _temporary_folder()
    kind = "parquet" if find_pyarrow() is not None else "csv"
    for values, part in frame.groupby(keys if len(keys) > 1 else keys[0], sort=True, dropna=False):
        values = values if isinstance(values, tuple) else (values,)
        below = os.path.join(folder, *[quote("{}".format(value), safe=" ,=+@:") or "_" for value in values])
        os.makedirs(below)
        _write(part.drop(columns=keys), os.path.join(below, "part-00000"), kind)
    datastore.upload(folder, place, overwrite=True, show_progress=show_progress)
    form = "/".join("{" + key + "}" for key in keys) + "/*." + kind
    where = (datastore, "{}/**/*.{}".format(place, kind))
    if as_files:
        made = FileDatasetFactory.from_files(where, partition_format=form)
    elif kind == "parquet":
        made = TabularDatasetFactory.from_parquet_files(where, partition_format=form)
    else:
        made = TabularDatasetFactory.from_delimited_files(where, partition_format=form)
    return made if name is None else made.register(datastore.workspace, name, create_new_version=True)
