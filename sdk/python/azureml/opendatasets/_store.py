"""Where public data lie: containers of Azure's open storage accounts, or their mirrors."""

import os
import urllib.error
import urllib.request
from urllib.parse import quote

from azureml._werkbank.mirrors import mirrored, mirrors
from azureml.exceptions import UserErrorException

ACCOUNT = "azureopendatastorage"
_PAGE_BYTES_MAX = 64 << 20


def address_of(account, container, path):
    """The address of a file."""
    return "https://{}.blob.core.windows.net/{}/{}".format(account, container, quote(path))


def sources_of_names(name, account, container, paths):
    """The sources of files that are known by their names."""
    return [mirrored(address_of(account, container, path), name) for path in paths]


def sources_below(name, account, container, prefix, ends, wanted):
    """The sources of all files below a folder whose names end so, and whose path `wanted` takes."""
    place = mirrors().get(name.lower())
    if place is None:
        place = mirrored("https://{}.blob.core.windows.net/{}/".format(account, container))
        folder, address = place.get("file"), place.get("url")
        folder = folder and os.path.join(folder, *prefix.strip("/").split("/"))
    else:
        folder, address = (None, place) if place.startswith(("http://", "https://")) else (place, None)
    if folder is not None:
        found = [{"file": path} for path in _files_below(folder, ends, wanted)]
    else:
        base = address.rstrip("/")
        found = [{"url": "{}/{}".format(base, quote(path))} for path in _listed(base, prefix, ends, wanted)]
    if not found:
        raise UserErrorException(
            "No file of the open dataset {} matches in {}.".format(name, folder or address),
            werkbank_code="dataset_empty",
            hint="Ask for another time, or look at `werkbank mirror list`.",
        )
    return found


def _files_below(folder, ends, wanted):
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(parent, name)
            if name.endswith(ends) and wanted(os.path.relpath(path, folder).replace(os.sep, "/")):
                found.append(path)
    return found


def _listed(base, prefix, ends, wanted):
    """The paths in a container, page after page, as its own protocol lists them."""
    import xml.etree.ElementTree as tree

    marker, found = "", []
    while True:
        query = "?restype=container&comp=list&prefix={}&marker={}".format(quote(prefix), quote(marker))
        try:
            with urllib.request.urlopen(base + query, timeout=60) as answer:
                root = tree.fromstring(answer.read(_PAGE_BYTES_MAX))
        except (OSError, ValueError, tree.ParseError) as error:
            raise UserErrorException(
                "What lies in {} cannot be listed: {}.".format(base, getattr(error, "reason", error)),
                werkbank_code="url_failed",
                hint="Where there is no way to the internet: werkbank mirror add NAME FOLDER, with the dataset's files in it.",
            )
        paths = [each.text or "" for each in root.iter("Name")]
        found += [path for path in paths if path.endswith(ends) and wanted(path)]
        marker = root.findtext("NextMarker") or ""
        if not marker:
            return sorted(found)


def file_dataset(sources):
    """A FileDataset of sources."""
    from azureml._werkbank.dataset_state import DatasetState
    from azureml.data.file_dataset import FileDataset

    return FileDataset._of(DatasetState.new("file", sources, None))


def table_dataset(sources, reader):
    """A TabularDataset of sources."""
    from azureml._werkbank.dataset_state import DatasetState
    from azureml.data.tabular_dataset import TabularDataset

    return TabularDataset._of(DatasetState.new("tabular", sources, None, dict({"includePath": False, "types": {}}, **reader)))


PARQUET = {"format": "parquet"}
CSV = {
    "format": "delimited",
    "separator": ",",
    "header": "same",
    "inferTypes": True,
    "multiLine": False,
    "emptyAsString": False,
    "encoding": "utf8",
}
