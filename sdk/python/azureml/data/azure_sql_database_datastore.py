"""Datastores on SQL databases, which come later: the name is here so that scripts which do not use it run."""

from azureml._werkbank.later import declare_later
from azureml.data.abstract_datastore import AbstractDatastore  # noqa: F401 (importable from here, as in v1)

declare_later(globals(), "AzureSqlDatabaseDatastore")
