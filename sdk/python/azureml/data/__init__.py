"""azureml.data: datastores, datasets, and references to what lies in them. Each name is imported when it is first used."""

from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.version import VERSION

__version__ = VERSION

__all__ = [
    "DataType",
    "DatacacheStore",
    "FileDataset",
    "HDFSOutputDatasetConfig",
    "LinkFileOutputDatasetConfig",
    "LinkTabularOutputDatasetConfig",
    "OutputFileDatasetConfig",
    "TabularDataset",
]

make_lazy(
    __name__,
    {
        "DataType": "azureml.data.dataset_factory",
        "DatacacheStore": "azureml.data.datacache",
        "FileDataset": "azureml.data.file_dataset",
        "HDFSOutputDatasetConfig": "azureml.data.output_dataset_config",
        "LinkFileOutputDatasetConfig": "azureml.data.output_dataset_config",
        "LinkTabularOutputDatasetConfig": "azureml.data.output_dataset_config",
        "OutputFileDatasetConfig": "azureml.data.output_dataset_config",
        "TabularDataset": "azureml.data.tabular_dataset",
    },
)
