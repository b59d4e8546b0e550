"""Datasets on the wire: the server's documents, and what the program does for them (docs/reference/datasets.md)."""

import json
import os
import re
import tempfile

from azureml._werkbank.binary import problem_text, run_binary
from azureml.exceptions import ServiceException, UserErrorException

# What the program prints: "werkbank: message [code]", and advice below it.
_PROBLEM = re.compile(r"^(?:werkbank: )?(.*) \[([a-z0-9_]+)\]$")


def call(workspace, words, purpose, timeout_s=None):
    """`werkbank WORDS --workspace …`; what it printed. Its refusal is raised with its code."""
    words = list(words) + ["--workspace", workspace.name]
    code, out, err = run_binary(words, purpose, variables=workspace._server.variables(), timeout_s=timeout_s)
    if code == 0:
        return out
    raise refusal(code, err, purpose)


def refusal(code, err, purpose):
    """The exception for what the program printed before it failed."""
    lines = [line.rstrip() for line in err.splitlines() if line.strip()]
    for index, line in enumerate(lines):
        found = _PROBLEM.match(line)
        if found:
            hint = " ".join(each.strip() for each in lines[index + 1 :])
            return UserErrorException(found.group(1), werkbank_code=found.group(2), hint=hint)
    return UserErrorException(
        "The program could not {}: {}".format(purpose, problem_text(code, err)), werkbank_code="dataset_failed"
    )


def create(workspace, spec):
    """Save a dataset (and register it, where the spec says so); its document."""
    with tempfile.NamedTemporaryFile(mode="wb", suffix=".json") as stream:  # a command line has a limit
        stream.write(json.dumps(spec).encode("utf-8"))
        stream.flush()
        out = call(workspace, ["dataset", "create", "--spec", stream.name, "-o", "json"], "save a dataset")
    return json.loads(out)


def document(workspace, *reference):
    """The document of an id, a NAME or a NAME:VERSION; UserErrorException where there is none."""
    try:
        return workspace._client.get("datasets", *reference)
    except ServiceException as error:
        if error.status_code != 404:
            raise
        raise UserErrorException(error.message, inner_exception=error, werkbank_code=error.werkbank_code, hint=error.hint)


def content(workspace, dataset_id):
    """The whole document: sources, reader, steps, and each file."""
    return document(workspace, dataset_id, "content")


def local_files(workspace, dataset_id):
    """[(name, path)] of all files: paths that can be read on this machine."""
    out = call(workspace, ["dataset", "local-files", dataset_id, "-o", "json"], "read the files of a dataset")
    return [(each["name"], each["file"]) for each in json.loads(out)]


def download(workspace, dataset_id, target, overwrite):
    """Copy all files below a folder."""
    words = ["dataset", "download", dataset_id, "--target", target] + (["--overwrite"] if overwrite else [])
    call(workspace, words, "download a dataset")


def runs_of(workspace, dataset_id):
    """What used it: [{"runId", "direction", "port", "mode", "datasetId"}]."""
    return list(workspace._client.items("datasets", dataset_id, "runs"))


def upload_files(workspace, paths, prefix):
    """Bring files of this machine to the default datastore; the source that they are from then on."""
    from azureml._werkbank.data_transfer import upload

    datastore = workspace.get_default_datastore()
    root = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])
    words = ["--relative-root", root, "--target", prefix, "--overwrite"]
    upload(datastore, words, paths, False)
    return {"datastore": datastore.name, "path": prefix}
