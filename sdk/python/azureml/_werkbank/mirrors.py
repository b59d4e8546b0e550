"""Mirrors of public addresses (`werkbank mirror add NAME|HOST FOLDER-OR-URL`): a site without the internet has the files of open
datasets in a folder, or on a server of its own. They are kept in WERKBANK_HOME/mirrors.json."""

import json
import os


def mirrors():
    """name of an open dataset, or host → folder or URL."""
    from azureml.exceptions import UserErrorException

    home = os.environ.get("WERKBANK_HOME") or os.path.join(os.path.expanduser("~"), ".werkbank")
    path = os.path.join(home, "mirrors.json")
    try:
        with open(path, "rb") as stream:
            listed = json.loads(stream.read().decode("utf-8"))["mirrors"]
        return dict((each["name"].lower(), each["target"]) for each in listed)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserErrorException(
            "{} cannot be read: {}".format(path, error),
            werkbank_code="mirrors_invalid",
            hint="`werkbank mirror list` shows it; remove the file and add the mirrors again.",
        )


def mirrored(url, name=None):
    """The source for an address: the same below the mirror of the open dataset `name` or of its host, where there is one. Below a
    mirror of a name lie the files themselves, below one of a host what lies there."""
    from urllib.parse import unquote, urlsplit

    known = mirrors()
    if not known:
        return {"url": url}
    parts = urlsplit(url)
    path = unquote(parts.path).lstrip("/")
    if name is not None and name.lower() in known:
        return _below(known[name.lower()], path.rsplit("/", 1)[-1], "")
    for host in (parts.netloc.lower(), (parts.hostname or "").lower()):
        if host in known:
            return _below(known[host], path, parts.query)
    return {"url": url}


def _below(target, path, query):
    from urllib.parse import quote

    if target.startswith(("http://", "https://")):
        return {"url": "{}/{}{}".format(target.rstrip("/"), quote(path), "?" + query if query else "")}
    segments = [part for part in path.split("/") if part not in ("", ".", "..")]
    return {"file": os.path.join(target, *segments)}
