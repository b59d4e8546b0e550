"""MNIST: handwritten digits, 28×28."""

from azureml.exceptions import UserErrorException
from azureml.opendatasets._store import ACCOUNT, CSV, file_dataset, sources_of_names, table_dataset
from azureml.opendatasets.accessories.open_dataset_base import ClassMethodOpenDatasetBase

__all__ = ["MNIST"]

_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
_TABLES = {"train": ("mnist_train.csv",), "test": ("mnist_test.csv",)}


class MNIST(ClassMethodOpenDatasetBase):
    """Handwritten digits: 60,000 to learn from and 10,000 to test with."""

    _name = "mnist"

    @classmethod
    def get_file_dataset(cls, dataset_filter='all', enable_telemetry=True):
        """The four files with images and labels (IDX, gzip); with 'train' or 'test' two of them."""
        return file_dataset(sources_of_names("mnist", ACCOUNT, "mnist", _chosen(_FILES, dataset_filter)))

    @classmethod
    def get_tabular_dataset(cls, dataset_filter='all', enable_telemetry=True):
        """The same as a table: one row for each image, with its label and the 784 pixels."""
        paths = ["processed/" + name for name in _chosen(_TABLES, dataset_filter)]
        return table_dataset(sources_of_names("mnist", ACCOUNT, "mnist", paths), CSV)


def _chosen(files, dataset_filter):
    parts = ("train", "test") if dataset_filter == "all" else (dataset_filter,)
    if parts[0] not in files:
        raise UserErrorException(
            "dataset_filter is 'all', 'train' or 'test', and not {!r}.".format(dataset_filter), werkbank_code="argument_invalid"
        )
    return [name for part in parts for name in files[part]]
