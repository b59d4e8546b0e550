"""azureml.data: datastores and references to what lies in them. Each name is imported when it is first used."""

from azureml._werkbank.later import declare_later
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

declare_later(globals(), " ".join(__all__))
