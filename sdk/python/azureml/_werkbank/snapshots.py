"""Snapshots: taken by the program, fetched as a zip file."""

import json
import os


def take_snapshot(folder, workspace):
    """The id of a snapshot of a folder, after its new files are on the server."""
    from azureml._werkbank.binary import problem_text, run_binary
    from azureml.exceptions import SnapshotException

    arguments = ["snapshot", "create", os.path.abspath(folder), "--workspace", workspace.name, "-o", "json"]
    code, out, _ = run_binary(
        arguments, "take a snapshot of {}".format(folder), variables=workspace._server.variables(), pass_stderr=True
    )
    if code != 0:
        raise SnapshotException(
            "No snapshot of {} could be taken ({}); the reason was printed above.".format(folder, problem_text(code, "")),
            werkbank_code="snapshot_failed",
        )
    try:
        return json.loads(out)["snapshotId"]
    except (ValueError, KeyError):
        raise SnapshotException(
            "`werkbank snapshot create` answered something else than a snapshot: {!r}".format(out[:200]),
            werkbank_code="snapshot_failed",
            hint="Do the SDK and the program `werkbank` have the same version?",
        )


def is_small_folder(folder, file_count_max=2000, size_bytes_max=300 * 1024 * 1024):
    """Whether a folder is within v1's limits for a snapshot; looks at no more files than that."""
    count, size = 0, 0
    for parent, _, names in os.walk(folder):
        for name in names:
            count += 1
            try:
                size += os.lstat(os.path.join(parent, name)).st_size
            except OSError:
                continue
            if count > file_count_max or size > size_bytes_max:
                return False
    return True


def parse_manifest(text):
    """(path, executable) of every file of a manifest (docs/reference/snapshot-format.md)."""
    from urllib.parse import unquote

    files = []
    for line in text.split("\n")[1:]:
        if line:
            _, _, mode, path = line.split(" ", 3)
            files.append((unquote(path), mode == "x"))
    return files


def fetch_snapshot(client, snapshot_id, folder):
    """Write a snapshot as <folder>/<id>.zip, and answer that path."""
    import zipfile

    from azureml._werkbank.run_files import check_content, new_digest

    manifest = client.server.request("GET", client.path(("snapshots", snapshot_id))).body.decode("utf-8")
    if not os.path.isdir(folder):
        os.makedirs(folder)
    target = os.path.join(folder, snapshot_id + ".zip")
    with zipfile.ZipFile(target + ".part", "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        for path, executable in parse_manifest(manifest):
            answer = client.server.request("GET", client.path(["snapshots", snapshot_id, "files"] + path.split("/")))
            content, digest = answer.body, new_digest()
            if digest is not None:
                digest.update(content)
            check_content(answer.headers, digest, path)
            entry = zipfile.ZipInfo(path)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if executable else 0o644) << 16
            archive.writestr(entry, content)
    os.replace(target + ".part", target)
    return target
