"""Datastore: named places for data."""

from azureml._werkbank.later import raise_later
from azureml._werkbank.lazy import make_lazy

__all__ = ["Datastore"]


class Datastore(object):
    """Datastore(workspace, name) is the datastore of that name, as an object of its kind's class; without a name, the default."""

    def __new__(cls, workspace, name=None):
        return Datastore.get(workspace, name) if name is not None else Datastore.get_default(workspace)

    def __init__(self, workspace, name=None):
        self.workspace = workspace
        self.name = name

    @staticmethod
    def get(workspace, datastore_name):
        """The datastore of that name."""
        from azureml.data.werkbank_datastore import datastore_of

        return datastore_of(workspace, workspace._client.get("datastores", datastore_name))

    @staticmethod
    def get_default(workspace):
        """The workspace's default datastore."""
        from azureml.data.werkbank_datastore import datastore_of

        return datastore_of(workspace, workspace._client.get("default-datastore"))

    def set_as_default(self):
        """Make it the workspace's default datastore."""
        self.workspace.set_default_datastore(self.name)

    def unregister(self):
        """Forget the datastore; the data stays where it is."""
        self.workspace._client.delete("datastores", self.name)

    @staticmethod
    def register_folder(workspace, datastore_name, folder, overwrite=False, create_if_not_exists=False, skip_validation=False):
        """Werkbank's own: a folder of the server's machine."""
        import os

        body = {"kind": "folder", "settings": {"path": os.path.abspath("{}".format(folder))}}
        return _register(workspace, datastore_name, body, overwrite, create_if_not_exists, skip_validation)

    @staticmethod
    def register_s3(
        workspace,
        datastore_name,
        bucket_name,
        access_key_id=None,
        secret_access_key=None,
        region=None,
        endpoint=None,
        session_token=None,
        overwrite=False,
        create_if_not_exists=False,
        skip_validation=False,
    ):
        """Werkbank's own: a bucket of Amazon S3, or of what speaks its protocol; without a key, a public one."""
        settings = {"bucket": bucket_name, "accessKeyId": access_key_id, "region": region, "endpoint": endpoint}
        credential = {"secretAccessKey": secret_access_key, "sessionToken": session_token}
        body = {
            "kind": "s3",
            "settings": dict((key, value) for key, value in settings.items() if value),
            "credential": dict((key, value) for key, value in credential.items() if value),
        }
        return _register(workspace, datastore_name, body, overwrite, create_if_not_exists, skip_validation)

    @staticmethod
    def register_http(
        workspace,
        datastore_name,
        url,
        token=None,
        user=None,
        password=None,
        overwrite=False,
        skip_validation=False,
    ):
        """Werkbank's own: the files below a web address, to read only; a bearer token, or a user with a password."""
        credential = {"token": token, "password": password}
        body = {
            "kind": "http",
            "settings": dict((key, value) for key, value in {"url": url, "user": user}.items() if value),
            "credential": dict((key, value) for key, value in credential.items() if value),
        }
        return _register(workspace, datastore_name, body, overwrite, False, skip_validation)

    @staticmethod
    def register_azure_blob_container(
        workspace,
        datastore_name,
        container_name,
        account_name,
        sas_token=None,
        account_key=None,
        protocol=None,
        endpoint=None,
        overwrite=False,
        create_if_not_exists=False,
        skip_validation=False,
        blob_cache_timeout=None,
        grant_workspace_access=False,
        subscription_id=None,
        resource_group=None,
    ):
        """A blob container of an Azure storage account, or of what speaks the same protocol."""
        settings = {"container": container_name, "account": account_name, "protocol": protocol, "endpoint": endpoint}
        body = {
            "kind": "azureBlob",
            "settings": dict((key, value) for key, value in settings.items() if value),
            "credential": _credential(account_key, sas_token),
        }
        return _register(workspace, datastore_name, body, overwrite, create_if_not_exists, skip_validation)

    @staticmethod
    def register_azure_file_share(
        workspace,
        datastore_name,
        file_share_name,
        account_name,
        sas_token=None,
        account_key=None,
        protocol=None,
        endpoint=None,
        overwrite=False,
        create_if_not_exists=False,
        skip_validation=False,
    ):
        """An Azure file share."""
        raise_later("Datastore.register_azure_file_share")

    @staticmethod
    def register_azure_data_lake(
        workspace,
        datastore_name,
        store_name,
        tenant_id=None,
        client_id=None,
        client_secret=None,
        resource_url=None,
        authority_url=None,
        subscription_id=None,
        resource_group=None,
        overwrite=False,
        grant_workspace_access=False,
    ):
        """Azure Data Lake, first generation."""
        raise_later("Datastore.register_azure_data_lake")

    @staticmethod
    def register_azure_data_lake_gen2(
        workspace,
        datastore_name,
        filesystem,
        account_name,
        tenant_id=None,
        client_id=None,
        client_secret=None,
        resource_url=None,
        authority_url=None,
        protocol=None,
        endpoint=None,
        overwrite=False,
        subscription_id=None,
        resource_group=None,
        grant_workspace_access=False,
    ):
        """Azure Data Lake, second generation."""
        raise_later("Datastore.register_azure_data_lake_gen2")

    @staticmethod
    def register_azure_sql_database(
        workspace,
        datastore_name,
        server_name,
        database_name,
        tenant_id=None,
        client_id=None,
        client_secret=None,
        resource_url=None,
        authority_url=None,
        endpoint=None,
        overwrite=False,
        username=None,
        password=None,
        subscription_id=None,
        resource_group=None,
        grant_workspace_access=False,
        **kwargs,
    ):
        """An Azure SQL database."""
        raise_later("Datastore.register_azure_sql_database")

    @staticmethod
    def register_azure_postgre_sql(
        workspace,
        datastore_name,
        server_name,
        database_name,
        user_id,
        user_password,
        port_number=None,
        endpoint=None,
        overwrite=False,
        enforce_ssl=True,
        **kwargs,
    ):
        """A PostgreSQL database."""
        raise_later("Datastore.register_azure_postgre_sql")

    @staticmethod
    def register_azure_my_sql(
        workspace,
        datastore_name,
        server_name,
        database_name,
        user_id,
        user_password,
        port_number=None,
        endpoint=None,
        overwrite=False,
        **kwargs,
    ):
        """A MySQL database."""
        raise_later("Datastore.register_azure_my_sql")

    @staticmethod
    def register_dbfs(workspace, datastore_name):
        """The file system of Databricks."""
        raise_later("Datastore.register_dbfs")

    @staticmethod
    def register_hdfs(
        workspace,
        datastore_name,
        protocol,
        namenode_address,
        hdfs_server_certificate,
        kerberos_realm,
        kerberos_kdc_address,
        kerberos_principal,
        kerberos_keytab=None,
        kerberos_password=None,
        overwrite=False,
    ):
        """A Hadoop file system."""
        raise_later("Datastore.register_hdfs")


def _credential(account_key, sas_token):
    if account_key:
        return {"accountKey": account_key}
    return {"sasToken": sas_token.lstrip("?")} if sas_token else {}


def _register(workspace, name, body, overwrite, create_if_not_exists, skip_validation):
    from azureml.data.werkbank_datastore import datastore_of

    body = dict(body, name=name, overwrite=overwrite, createIfNotExists=create_if_not_exists, skipValidation=skip_validation)
    return datastore_of(workspace, workspace._client.post(("datastores",), body, repeatable=overwrite))


make_lazy(  # importable from here, as in v1
    __name__,
    {
        "UserErrorException": "azureml.exceptions",
    },
)
