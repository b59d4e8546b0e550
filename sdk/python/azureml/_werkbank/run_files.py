"""The file methods of Run: upload, download, logs, snapshots."""

import os

from azureml._werkbank.problems import is_problem
from azureml.exceptions import AzureMLException, ServiceException, SnapshotException, UserErrorException

_PIECE_BYTES = 1 << 20


def checked_name(name):
    """A file's path in the run, as sent: relative, without '..'."""
    parts = [part for part in "{}".format(name).replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in "{}".format(name):
        raise UserErrorException("{!r} cannot be the name of a run's file.".format(name), werkbank_code="file_name_invalid")
    return "/".join(parts)


def local_path(folder, name):
    """Where a run's file goes below a folder; refuses names that lead out of it."""
    return os.path.join(folder, *checked_name(name).split("/"))


def files_below(folder):
    """(relative path with '/', path) of every file below a folder, sorted."""
    found = []
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in names:
            path = os.path.join(parent, name)
            found.append((os.path.relpath(path, folder).replace(os.sep, "/"), path))
    return sorted(found)


def check_content(headers, digest, name):
    """Refuse a file whose bytes are not what was stored; `digest` is a hash of all of them, or None."""
    stored = (headers.get("ETag") or "").strip('"')
    if digest is None or len(stored) != 64 or digest.hexdigest() == stored:
        return
    raise AzureMLException(
        "The file {!r} is damaged: stored was {}, and its bytes have {} now.".format(name, stored, digest.hexdigest()),
        werkbank_code="hash_mismatch",
        hint="`werkbank doctor --verify` on the server's machine finds all that is damaged there; take the file from a backup.",
    )


def new_digest():
    """The hash that ETags of stored files are; None where this Python has none."""
    import hashlib

    return hashlib.blake2b(digest_size=32) if hasattr(hashlib, "blake2b") else None


class RunFiles(object):
    """Mixed into Run; uses its `_client` and `_run_id`."""

    def get_file_names(self):
        """The paths of the run's files, sorted."""
        return sorted(item["path"] for item in self._client.items("runs", self._run_id, "files"))

    def upload_file(self, name, path_or_stream, datastore_name=None):
        """Keep a file (a path, or an open stream) with the run under `name`, which must be new."""
        _no_datastore(datastore_name)
        name = checked_name(name)
        client = self._client
        path = client.path(client.file_segments(self._run_id, name))
        try:
            if hasattr(path_or_stream, "read"):
                content = path_or_stream.read()
                body = content.encode("utf-8") if isinstance(content, str) else bytes(content)
                answer = client.server.request(
                    "PUT", path, body=body, headers={"Content-Type": "application/octet-stream"}, timeout_s=600.0
                )
            else:
                try:
                    size = os.stat(path_or_stream).st_size
                    open(path_or_stream, "rb").close()
                except OSError as error:
                    raise UserErrorException(
                        "{} cannot be read: {}".format(path_or_stream, error.strerror), werkbank_code="file_not_readable"
                    )
                answer = client.server.send_file("PUT", path, lambda: open(path_or_stream, "rb"), size)
        except ServiceException as error:
            if is_problem(error, 409):
                raise UserErrorException(
                    "The run {} already has a file {!r}, or one above or below it.".format(self._run_id, name),
                    inner_exception=error,
                    werkbank_code="already_exists",
                    hint="Choose another name: a run's files are not replaced, and none lies below another one.",
                )
            raise
        return {"artifacts": {name: answer.json() if answer.body else {"path": name}}}

    def upload_files(self, names, paths, return_artifacts=False, timeout_seconds=None, datastore_name=None):
        """Keep several files with the run; `names` and `paths` belong together."""
        if len(names) != len(paths):
            raise UserErrorException("{} names for {} paths.".format(len(names), len(paths)), werkbank_code="file_names_differ")
        artifacts = {}
        for name, path in zip(names, paths):
            artifacts.update(self.upload_file(name, path, datastore_name)["artifacts"])
        return {"artifacts": artifacts} if return_artifacts else None

    def upload_folder(self, name, path, datastore_name=None):
        """Keep every file below a folder with the run, under `name`."""
        if not os.path.isdir(path):
            raise UserErrorException("{} is not a folder.".format(path), werkbank_code="folder_not_found")
        found = files_below(path)
        prefix = "{}/".format(name) if name else ""
        return self.upload_files(
            [prefix + relative for relative, _ in found],
            [each for _, each in found],
            return_artifacts=True,
            datastore_name=datastore_name,
        )

    def download_file(self, name, output_file_path=None, _validate_checksum=False):
        """Fetch a file of the run, by default to its own name in the working directory."""
        target = output_file_path or os.path.basename(name)
        if os.path.isdir(target) or target.endswith(("/", os.sep)):
            target = os.path.join(target, os.path.basename(name))
        self._fetch(name, target)

    def download_files(
        self, prefix=None, output_directory=None, output_paths=None, batch_size=100, append_prefix=True, timeout_seconds=None
    ):
        """Fetch all files whose names start with `prefix`, below `output_directory` or to `output_paths`."""
        names = [item["path"] for item in self._client.items("runs", self._run_id, "files", prefix=prefix)]
        if output_paths is not None:
            paths = output_paths if isinstance(output_paths, list) else [output_paths]
            if len(paths) != len(names):
                raise UserErrorException(
                    "{} output paths for {} files.".format(len(paths), len(names)), werkbank_code="file_names_differ"
                )
            targets = paths if output_directory is None else [os.path.join(output_directory, path) for path in paths]
        else:
            cut = len(prefix) if prefix and not append_prefix else 0
            targets = [local_path(output_directory or ".", name[cut:].lstrip("/") or os.path.basename(name)) for name in names]
        for name, target in zip(names, targets):
            self._fetch(name, target)

    def _fetch(self, name, target):
        """Fetch one file; the target appears only when it is whole."""
        client = self._client
        segments = client.file_segments(self._run_id, checked_name(name))
        try:
            response = client.server.open(client.path(segments))
        except ServiceException as error:
            if is_problem(error, 404):
                raise UserErrorException(
                    "The run {} has no file {!r}.".format(self._run_id, name),
                    inner_exception=error,
                    werkbank_code=error.werkbank_code,
                    hint="get_file_names() lists what there is.",
                )
            raise
        folder = os.path.dirname(target)
        if folder:
            os.makedirs(folder, exist_ok=True)
        part = "{}.{}.part".format(target, os.getpid())
        digest = new_digest()
        try:
            with open(part, "wb") as stream:
                while True:
                    piece = response.read(_PIECE_BYTES)
                    if not piece:
                        break
                    stream.write(piece)
                    if digest is not None:
                        digest.update(piece)
                if response.length:
                    raise AzureMLException("The download of {!r} broke off.".format(name), werkbank_code="download_incomplete")
            check_content(response.headers, digest, name)
            os.replace(part, target)
        finally:
            response.close()
            response.werkbank_connection.close()
            if os.path.exists(part):
                os.remove(part)

    def get_details_with_logs(self):
        """get_details() with the logs' text in place of their addresses."""
        details = self.get_details()
        client = self._client
        for name in details.get("logFiles") or {}:
            content = client.server.request("GET", client.path(client.file_segments(self._run_id, name))).body
            details["logFiles"][name] = content.decode("utf-8", "replace")
        return details

    def get_all_logs(self, destination=None):
        """Write all logs below a folder (by default assets/<run id>), and answer their paths."""
        destination = destination or os.path.join("assets", self._run_id)
        paths = []
        for name in sorted(self.get_details().get("logFiles") or {}):
            target = local_path(destination, name)
            self._fetch(name, target)
            paths.append(target)
        return paths

    def get_snapshot_id(self):
        """The id of the run's snapshot; None where it has none."""
        return self._record().get("snapshotId") or self.get_properties().get("ContentSnapshotId") or None

    def restore_snapshot(self, snapshot_id=None, path=None):
        """Fetch a snapshot (by default the run's) as a zip file below `path`, and answer its path."""
        from azureml._werkbank.snapshots import fetch_snapshot

        snapshot_id = snapshot_id or self.get_snapshot_id()
        if not snapshot_id:
            raise SnapshotException("The run {} has no snapshot.".format(self._run_id), werkbank_code="snapshot_missing")
        return fetch_snapshot(self._client, snapshot_id, path or ".")

    def take_snapshot(self, file_or_folder_path):
        """Keep the state of a folder with the run; once per run."""
        from azureml._werkbank.snapshots import take_snapshot

        if self.get_snapshot_id():
            raise SnapshotException("The run {} already has a snapshot.".format(self._run_id), werkbank_code="snapshot_exists")
        snapshot_id = take_snapshot(file_or_folder_path, self._experiment.workspace)
        self.add_properties({"ContentSnapshotId": snapshot_id})
        return snapshot_id


def _no_datastore(datastore_name):
    if datastore_name is not None:
        from azureml._werkbank.later import raise_later

        raise_later("Uploading a run's file to the datastore {!r}".format(datastore_name))
