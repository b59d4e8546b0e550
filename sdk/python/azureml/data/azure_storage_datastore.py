"""Datastores that hold files, under v1's names."""

from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.data_reference import DataReference
from azureml.exceptions import UserErrorException

__all__ = ["AbstractAzureStorageDatastore", "AzureBlobDatastore", "AzureFileDatastore"]


class AbstractAzureStorageDatastore(AbstractDatastore):
    """A datastore that holds files."""

    def __init__(
        self,
        workspace,
        name,
        datastore_type,
        container_name,
        account_name,
        sas_token=None,
        account_key=None,
        protocol=None,
        endpoint=None,
    ):
        AbstractDatastore.__init__(self, workspace, name, datastore_type)
        self.container_name = container_name
        self.account_name = account_name
        self.protocol = protocol or "https"
        self.endpoint = endpoint or "core.windows.net"
        self.credential_type = "AccountKey" if account_key else "Sas" if sas_token else None
        self._credential = {"accountKey": account_key, "sasToken": sas_token} if account_key or sas_token else None

    @property
    def account_key(self):
        """The account's key, fetched when it is asked for; None where there is none."""
        return self._fetch_credential().get("accountKey")

    @property
    def sas_token(self):
        """The SAS token, fetched when it is asked for; None where there is none."""
        return self._fetch_credential().get("sasToken")

    @property
    def is_sas(self):
        """Whether the credential is a SAS token."""
        return self.credential_type == "Sas"

    def upload(self, src_dir, target_path=None, overwrite=False, show_progress=True):
        """Upload a folder; files that are there are skipped unless `overwrite`."""
        if not _is_folder(src_dir):
            raise UserErrorException("There is no folder {!r} to upload.".format(src_dir), werkbank_code="not_found")
        self._upload(["--src", "{}".format(src_dir)], None, target_path, overwrite, show_progress)
        return self.path(target_path)

    def upload_files(self, files, relative_root=None, target_path=None, overwrite=False, show_progress=True):
        """Upload files. Their paths count from `relative_root`, by default the folder that they have in common."""
        files = ["{}".format(name) for name in files]
        words = ["--relative-root", "{}".format(relative_root)] if relative_root else []
        if files:
            self._upload(words, files, target_path, overwrite, show_progress)
        elif show_progress:
            print("Uploading an estimated of 0 files\nUploaded 0 files")
        return self.path(target_path)

    def download(self, target_path, prefix=None, overwrite=False, show_progress=True):
        """Download what lies at or below `prefix`; how many files were fetched."""
        from azureml._werkbank.data_transfer import download

        words = ["--target", "{}".format(target_path)]
        words += ["--path", "{}".format(prefix)] if prefix else []
        return download(self, words + (["--overwrite"] if overwrite else []), show_progress)

    def path(self, path=None, data_reference_name=None):
        """A reference to a path in this datastore."""
        return DataReference(self, data_reference_name, path)

    def as_mount(self):
        """A reference to all of it, as a folder of the file system."""
        return self.path().as_mount()

    def as_download(self, path_on_compute=None):
        """A reference to all of it, copied before the script starts."""
        return self.path().as_download(path_on_compute)

    def as_upload(self, path_on_compute=None):
        """A reference to it as a place to which a folder is copied when the script has ended."""
        return self.path().as_upload(path_on_compute)

    def _upload(self, words, files, target_path, overwrite, show_progress):
        from azureml._werkbank.data_transfer import upload

        words = words + (["--target", "{}".format(target_path)] if target_path else [])
        upload(self, words + (["--overwrite"] if overwrite else []), files, show_progress)

    def _fetch_credential(self):
        if self._credential is None:
            self._credential = self.workspace._client.get("datastores", self.name, "access")["credential"]
        return self._credential

    def _facts(self):
        return {
            "name": self.name,
            "container_name": self.container_name,
            "account_name": self.account_name,
            "protocol": self.protocol,
            "endpoint": self.endpoint,
        }

    def __str__(self):
        import json

        return json.dumps(self._facts(), indent=2)

    __repr__ = __str__


class AzureBlobDatastore(AbstractAzureStorageDatastore):
    """A datastore as v1 had it on a blob container; `workspaceblobstore` is one, although its files lie on the server."""

    def __init__(
        self,
        workspace,
        name,
        container_name,
        account_name,
        sas_token=None,
        account_key=None,
        protocol=None,
        endpoint=None,
        request_session=None,
        workspace_msi_has_access=False,
        subscription_id=None,
        resource_group=None,
        service_data_access_auth_identity=None,
    ):
        AbstractAzureStorageDatastore.__init__(
            self, workspace, name, "AzureBlob", container_name, account_name, sas_token, account_key, protocol, endpoint
        )
        self.workspace_msi_has_access = workspace_msi_has_access
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.service_data_access_auth_identity = service_data_access_auth_identity

    @property
    def blob_service(self):
        """Azure's own client for the account."""
        _no_client("blob_service", "azure-storage-blob")


class AzureFileDatastore(AbstractAzureStorageDatastore):
    """A datastore as v1 had it on a file share; `workspacefilestore` is one, although its files lie on the server."""

    def __init__(
        self,
        workspace,
        name,
        container_name,
        account_name,
        sas_token=None,
        account_key=None,
        protocol=None,
        endpoint='core.windows.net',
        request_session=None,
    ):
        AbstractAzureStorageDatastore.__init__(
            self, workspace, name, "AzureFile", container_name, account_name, sas_token, account_key, protocol, endpoint
        )

    @property
    def file_service(self):
        """Azure's own client for the account."""
        _no_client("file_service", "azure-storage-file-share")


def _no_client(attribute, package):
    raise UserErrorException(
        "{} would be an object of Azure's package {}, which Werkbank does not bring.".format(attribute, package),
        werkbank_code="not_applicable",
        hint="Make one with account_name, account_key and endpoint of this datastore.",
    )


def _is_folder(path):
    import os

    return os.path.isdir("{}".format(path))
