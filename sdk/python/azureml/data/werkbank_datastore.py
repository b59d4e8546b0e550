"""Datastores that v1 had no class for."""

from azureml.data.azure_storage_datastore import AbstractAzureStorageDatastore

__all__ = ["FolderDatastore", "HttpDatastore", "S3Datastore"]


class FolderDatastore(AbstractAzureStorageDatastore):
    """A folder of the server's machine."""

    def __init__(self, workspace, name, folder):
        AbstractAzureStorageDatastore.__init__(
            self, workspace, name, "Folder", folder, "local", protocol="file", endpoint="local"
        )
        self.folder = folder

    def _facts(self):
        return {"name": self.name, "folder": self.folder}


class S3Datastore(AbstractAzureStorageDatastore):
    """A bucket of Amazon S3, or of what speaks its protocol."""

    def __init__(self, workspace, name, bucket_name, access_key_id=None, region=None, endpoint=None):
        AbstractAzureStorageDatastore.__init__(self, workspace, name, "S3", bucket_name, access_key_id, endpoint=endpoint)
        self.bucket_name = bucket_name
        self.access_key_id = access_key_id
        self.region = region or "us-east-1"
        self.endpoint = endpoint

    def _facts(self):
        return {"name": self.name, "bucket_name": self.bucket_name, "region": self.region, "endpoint": self.endpoint}


class HttpDatastore(AbstractAzureStorageDatastore):
    """The files below a web address, to read only."""

    def __init__(self, workspace, name, url, user=None):
        AbstractAzureStorageDatastore.__init__(self, workspace, name, "Http", url, user, endpoint=url)
        self.url = url
        self.user = user

    def _facts(self):
        return {"name": self.name, "url": self.url}


def datastore_of(workspace, document):
    """The object for a datastore's document."""
    from azureml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore

    name, settings = document["name"], document["settings"]
    if document.get("ours"):  # v1's classes, so that scripts which ask for them find them
        kind = AzureFileDatastore if name == "workspacefilestore" else AzureBlobDatastore
        return kind(workspace, name, name, "local", protocol="file", endpoint="local")
    if document["kind"] == "folder":
        return FolderDatastore(workspace, name, settings.get("path"))
    if document["kind"] == "azureBlob":
        made = AzureBlobDatastore(
            workspace,
            name,
            settings["container"],
            settings["account"],
            protocol=settings.get("protocol"),
            endpoint=settings.get("endpoint"),
        )
        made.credential_type = {"accountKey": "AccountKey", "sasToken": "Sas"}.get(document["credentialType"])
        return made
    if document["kind"] == "s3":
        return S3Datastore(
            workspace, name, settings["bucket"], settings.get("accessKeyId"), settings.get("region"), settings.get("endpoint")
        )
    if document["kind"] == "http":
        return HttpDatastore(workspace, name, settings["url"], settings.get("user"))
    from azureml._werkbank.later import raise_later

    raise_later("A datastore of kind {}, like {},".format(document["kind"], name))
