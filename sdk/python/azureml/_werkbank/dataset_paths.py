"""What users give as the path of a dataset, as the sources of the server's document: URLs, and places in datastores."""

import os
import re

from azureml.exceptions import UserErrorException

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")


def refused(message, hint=""):
    """The exception for a path that cannot be one."""
    return UserErrorException(message, werkbank_code="dataset_path_invalid", hint=hint)


def sources_of(path):
    """(sources, workspace or None) of a path, or a list of them: URL, (datastore, path), DataPath, DataReference."""
    given = path if isinstance(path, list) else [path]
    if not given:
        raise refused("A dataset needs at least one path.")
    sources, workspace = [], None
    for each in given:
        source, owner = _source_of(each)
        sources.append(source)
        if owner is None:
            continue
        if workspace is not None and owner.name != workspace.name:
            raise refused(
                "The paths of a dataset lie in datastores of one workspace; these are of {!r} and {!r}.".format(
                    workspace.name, owner.name
                )
            )
        workspace = owner
    return sources, workspace


def _source_of(each):
    if isinstance(each, str):
        return _url_source(each), None
    datastore, place = place_of(each)
    return {"datastore": datastore.name, "path": clean_path(place)}, datastore.workspace


def place_of(each):
    """(datastore, path) of a tuple, DataPath, DataReference, or a datastore itself."""
    if isinstance(each, tuple) and len(each) == 2:
        datastore, place = each
    elif hasattr(each, "path_on_datastore"):
        datastore, place = getattr(each, "datastore", None) or getattr(each, "_datastore", None), each.path_on_datastore
    else:
        datastore, place = each, ""
    if not hasattr(datastore, "datastore_type") or not hasattr(datastore, "workspace"):
        raise refused(
            "A path is a URL, (datastore, path), a DataPath or a DataReference, and no {!r}.".format(each),
            hint="For example: (workspace.get_default_datastore(), 'train/**/*.csv').",
        )
    return datastore, place


def clean_path(path):
    """A path in a datastore in its plain form: no '/' at the ends, no '.' parts; what leads out of it is refused."""
    text = os.fspath(path) if hasattr(path, "__fspath__") else "{}".format("" if path is None else path)
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise refused("The path {!r} leads out of the datastore.".format(text))
    return "/".join(parts)


def _url_source(text):
    from azureml._werkbank.mirrors import mirrored

    scheme = _SCHEME.match(text)
    if scheme is None:
        raise refused(
            "{!r} is no URL. Files of this machine become part of a dataset once they are in a datastore.".format(text),
            hint="Upload them first: datastore.upload(folder, 'data'), then from_files((datastore, 'data')).",
        )
    if scheme.group(1).lower() not in ("http", "https"):
        raise refused(
            "Addresses begin with http:// or https://; {!r} does not.".format(text),
            hint="Register the storage as a datastore, and give (datastore, path).",
        )
    if "*" in text:
        raise refused("An address holds no pattern, and {!r} does: a web server lists no files.".format(text))
    return mirrored(text)


def url_names(urls):
    """The names of addresses below the folder that all of them have in common."""
    from urllib.parse import unquote, urlsplit

    parts = []
    for url in urls:
        split = urlsplit(url)
        segments = [part for part in map(unquote, split.path.split("/")) if part not in ("", ".", "..")]
        parts.append([split.netloc] + (segments or ["index"]))
    common = 0
    shortest = min(len(each) for each in parts) - 1
    while common < shortest and len(set(each[common] for each in parts)) == 1:
        common += 1
    return ["/".join(part.replace("/", "_").replace(":", "_") for part in each[common:]) for each in parts]
