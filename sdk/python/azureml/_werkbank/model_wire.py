"""Models on the wire: their files up and down, v1's arguments as the server's documents, and its refusals as v1's exceptions."""

import os
from contextlib import contextmanager

from azureml.exceptions import ModelPathNotFoundException, ServiceException, UserErrorException, WebserviceException

_PIECE_BYTES = 1 << 20


@contextmanager
def model_errors():
    """What the server refuses about models, in v1's exceptions."""
    try:
        yield
    except (ServiceException, UserErrorException) as error:
        code, message = error.werkbank_code, error.message
        extra = {"inner_exception": error, "werkbank_code": code, "hint": error.hint}
        if code == "model_path_not_found":
            raise ModelPathNotFoundException(message, **extra)
        if code == "model_not_found":
            raise WebserviceException("ModelNotFound: {}".format(message), status_code=404, **extra)
        if code in ("name_refused", "invalid_request", "path_refused", "snapshot_refused"):
            raise WebserviceException(message, status_code=400, **extra)
        if code in ("model_in_use", "property_exists"):
            raise WebserviceException(message, status_code=409, **extra)
        raise


def invalid(message, **extra):
    """The exception for arguments that cannot be meant."""
    return WebserviceException(message, werkbank_code="model_invalid", **extra)


def parse_time(text):
    """The server's time as v1's datetime, which has a zone; None stays."""
    import datetime

    if not text:
        return None
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ"
    return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)


def labels(value, what):
    """Tags or properties as texts."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid("{} must be a dict, and is a {}.".format(what, type(value).__name__))
    return dict(("{}".format(key), "" if each is None else "{}".format(each)) for key, each in value.items())


def label_filters(value, what):
    """v1's filters, ['key', ['key2', 'value']] or a dict, as the server's: 'key', 'key2=value'."""
    if not value:
        return None
    if isinstance(value, dict):
        value = [[key, each] for key, each in value.items()]
    if isinstance(value, str):
        value = [value]
    filters = []
    for each in value:
        if isinstance(each, str):
            filters.append(each)
        elif isinstance(each, (list, tuple)) and len(each) == 2:
            filters.append("{}={}".format(each[0], "" if each[1] is None else each[1]))
        else:
            raise invalid("{} is a list of 'key' and ['key', 'value'], not of {!r}.".format(what, each))
    return filters


def dataset_id(dataset):
    """The id of a dataset, or of what is one already; None stays."""
    if dataset is None or isinstance(dataset, str):
        return dataset
    found = getattr(dataset, "id", None)
    if not found:
        raise invalid("{!r} is not a registered dataset: it has no id.".format(dataset), hint="Register the dataset first.")
    return "{}".format(found)


def dataset_links(datasets):
    """v1's [(scenario, dataset)] as documents."""
    links = []
    for pair in datasets or ():
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise invalid("datasets is a list of (scenario, dataset), and has {!r} in it.".format(pair))
        links.append({"name": "{}".format(pair[0]), "id": dataset_id(pair[1])})
    return links


def resources(configuration):
    """A ResourceConfiguration as a document; None stays."""
    if configuration is None:
        return None
    for name in ("cpu", "memory_in_gb", "gpu"):
        if not hasattr(configuration, name):
            raise invalid("resource_configuration must be a ResourceConfiguration, and is {!r}.".format(configuration))
    return {"cpu": configuration.cpu, "memoryInGb": configuration.memory_in_gb, "gpu": configuration.gpu}


def described(
    tags=None,
    properties=None,
    description=None,
    datasets=None,
    model_framework=None,
    model_framework_version=None,
    sample_input_dataset=None,
    sample_output_dataset=None,
    resource_configuration=None,
):
    """What is said of a new model; only what is said."""
    if model_framework_version and not model_framework:
        raise invalid("model_framework_version needs model_framework.")
    body = {
        "tags": labels(tags, "tags"),
        "properties": labels(properties, "properties"),
        "description": description,
        "datasets": dataset_links(datasets),
        "framework": model_framework,
        "frameworkVersion": None if model_framework_version is None else "{}".format(model_framework_version),
        "sampleInputDatasetId": dataset_id(sample_input_dataset),
        "sampleOutputDatasetId": dataset_id(sample_output_dataset),
        "resourceConfiguration": resources(resource_configuration),
    }
    return dict((key, value) for key, value in body.items() if value not in (None, {}, []))


def register(client, name, body):
    """The document of the new version. A connection that breaks does not make two."""
    import uuid

    if not isinstance(name, str) or not name:
        raise invalid("The name of a model is a text that is not empty; it is {!r}.".format(name))
    print("Registering model {}".format(name))
    headers = {"Idempotency-Key": "{}".format(uuid.uuid4())}
    with model_errors():
        return client.post(("models",), dict(body, name=name), headers=headers, repeatable=True)


def local_files(path, child_paths=None):
    """(path with '/', below the path's own name; place) of a model's files, sorted."""
    path = os.path.abspath(path)
    top = os.path.basename(path)
    if child_paths and not os.path.isdir(path):
        raise invalid("child_paths are below a folder, and {} is none.".format(path))
    starts = [path]
    if child_paths:
        starts = []
        for child in child_paths:
            start = os.path.normpath(os.path.join(path, child))
            if start != path and not start.startswith(path + os.sep):
                raise invalid("{!r} of child_paths is not below {}.".format(child, path))
            starts.append(start)
    found = {}
    for start in starts:
        if not os.path.exists(start):
            raise invalid("{} is not there.".format(start), hint="Name an existing file or folder.")
        for place in _files_at(start):
            relative = os.path.relpath(place, path)
            parts = [top] if relative == "." else [top] + relative.split(os.sep)
            found["/".join(parts)] = place
    if not found:
        raise invalid("{} holds no files.".format(path))
    return sorted(found.items(), key=lambda each: each[0].encode("utf-8", "surrogateescape"))


def _files_at(start):
    if os.path.isfile(start):
        return [start]
    found = []
    for parent, _, names in os.walk(start):
        found += [os.path.join(parent, name) for name in names if os.path.isfile(os.path.join(parent, name))]
    return found


def _hash_of(place):
    from hashlib import blake2b

    digest, size = blake2b(digest_size=32), 0
    with open(place, "rb") as stream:
        while True:
            piece = stream.read(_PIECE_BYTES)
            if not piece:
                return digest.hexdigest(), size
            digest.update(piece)
            size += len(piece)


def _escaped(path):
    """A path in a manifest (docs/reference/snapshot-format.md). Names that JSON cannot hold are no files of a model."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise invalid("The name {!r} is not valid UTF-8.".format(path), hint="Rename the file.")
    if any(ord(each) < 32 or ord(each) == 127 for each in path):
        raise invalid("The name {!r} holds a control character.".format(path), hint="Rename the file.")
    path = path.replace("%", "%25")
    inner = path.strip(" ")
    start = len(path) - len(path.lstrip(" "))
    return "%20" * start + inner + "%20" * (len(path) - start - len(inner))


def upload(client, files):
    """Send what the server does not have of these files, and answer the id of their snapshot."""
    places, lines = {}, ["werkbank-snapshot 1\n"]
    for path, place in files:
        digest, size = _hash_of(place)
        places[digest] = (place, size)
        lines.append("{} {} - {}\n".format(digest, size, _escaped(path)))
    manifest = "".join(lines).encode("utf-8")
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    for _ in range(3):
        answer = client.server.request(
            "POST", client.path(("snapshots",)), body=manifest, headers=headers, repeatable=True
        ).json()
        if not answer["missing"]:
            return answer["snapshotId"]
        for digest in answer["missing"]:
            place, size = places[digest]
            client.server.send_file("PUT", client.path(("blobs", digest)), _opener(place), size)
    raise WebserviceException(
        "Files that were uploaded are missing again.",
        werkbank_code="upload_incomplete",
        hint="`werkbank doctor` checks the server.",
    )


def _opener(place):
    return lambda: open(place, "rb")


def download(client, model_id, folder, exist_ok):
    """Fetch a model's files below a folder; what they have in common: the one entry at the top, or the folder."""
    from azureml._werkbank.run_files import checked_name, local_path

    with model_errors():
        paths = [item["path"] for item in client.items("models", model_id, "files")]
    targets = [(path, local_path(folder, path)) for path in paths]
    if not exist_ok:
        for _, target in targets:
            if os.path.exists(target):
                raise WebserviceException(
                    "{} is there already.".format(target),
                    werkbank_code="already_exists",
                    hint="Pass exist_ok=True to replace it, or choose another target_dir.",
                )
    for path, target in targets:
        _fetch(client, ["models", model_id, "files"] + checked_name(path).split("/"), target)
    tops = set(path.split("/")[0] for path in paths)
    return os.path.join(folder, tops.pop()) if len(tops) == 1 else folder


def _fetch(client, segments, target):
    """Fetch one file; it appears under its name only when it is whole."""
    response = client.server.open(client.path(segments))
    part = "{}.{}.part".format(target, os.getpid())
    try:
        if os.path.dirname(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(part, "wb") as stream:
            while True:
                piece = response.read(_PIECE_BYTES)
                if not piece:
                    break
                stream.write(piece)
            if response.length:
                raise WebserviceException("The download of {} broke off.".format(target), werkbank_code="download_incomplete")
        os.replace(part, target)
    finally:
        response.close()
        response.werkbank_connection.close()
        if os.path.exists(part):
            os.remove(part)
