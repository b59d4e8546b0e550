"""Services, which come later: the names are here so that scripts which do not use them run."""

from azureml._werkbank.later import declare_later

__all__ = ["AciWebservice", "AksEndpoint", "AksWebservice", "LocalWebservice", "UnknownWebservice", "Webservice"]

declare_later(globals(), "AciWebservice AksEndpoint AksWebservice LocalWebservice UnknownWebservice Webservice")
