"""Datastores on Azure Data Lake, which come later: the names are here so that scripts which do not use them run."""

from azureml._werkbank.later import declare_later
from azureml.data.abstract_datastore import AbstractDatastore  # noqa: F401 (importable from here, as in v1)

declare_later(globals(), "AbstractADLSDatastore AzureDataLakeDatastore AzureDataLakeGen2Datastore")
