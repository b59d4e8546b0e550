"""Names of v1 around datastores."""

AZURE_BLOB = "AzureBlob"
AZURE_FILE = "AzureFile"
MOUNT_MODE = "mount"
DOWNLOAD_MODE = "download"
UPLOAD_MODE = "upload"
WORKSPACE_BLOB_DATASTORE = "workspaceblobstore"
WORKSPACE_FILE_DATASTORE = "workspacefilestore"
