"""config.json: which workspace a folder belongs to, found by v1's three sweeps."""

import json
import os
import re

from azureml.exceptions import UserErrorException, WorkspaceException

_NAME = re.compile(r"^[a-zA-Z0-9][\w\-]{2,32}$")
_FOLDERS = (".azureml", "aml_config", "")
_FILES = ("config.json", "project.json")
_KEYS = ("subscription_id", "resource_group", "workspace_name")
_CONTENT = "The file holds subscription_id, resource_group and workspace_name, all texts; `werkbank init` writes one."


def check_name(name):
    """v1's rule for a workspace's name."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise UserErrorException(
            "{!r} cannot be the name of a workspace: 3 to 33 letters, digits, '_' and '-', starting "
            "with a letter or digit.".format(name),
            werkbank_code="workspace_name_invalid",
        )


def find(path=None, file_name=None):
    """The configuration file for a folder (by default the working directory), or the file `path` itself."""
    start = os.path.abspath(path or os.getcwd())
    if os.path.isfile(start):
        return start
    names = (file_name,) if file_name else _FILES
    for folder in _FOLDERS:
        place = start
        while True:
            for name in names:
                candidate = file_of_any_case(os.path.join(place, folder), name)
                if candidate is not None:
                    return candidate
            above = os.path.dirname(place)
            if above == place:
                break
            place = above
    raise UserErrorException(
        "No workspace configuration ({}) was found in {} or the folders above it.".format(" or ".join(names), start),
        werkbank_code="config_not_found",
        hint="Make one with `werkbank init` in the project's folder, or with Workspace.create(NAME).write_config(); "
        "Workspace.get(NAME) needs none.",
    )


def file_of_any_case(folder, name):
    """The file of that name, in whatever case it is written; two spellings side by side are an error."""
    try:
        entries = os.listdir(folder)
    except OSError:
        return None
    wanted = name.lower()
    spellings = sorted(entry for entry in entries if entry.lower() == wanted and os.path.isfile(os.path.join(folder, entry)))
    if len(spellings) > 1:
        raise UserErrorException(
            "{} holds {}: which of them counts is not clear.".format(folder, " and ".join(spellings)),
            werkbank_code="config_ambiguous",
            hint="Remove or rename all but one.",
        )
    return os.path.join(folder, spellings[0]) if spellings else None


def read(path):
    """subscription_id, resource_group, workspace_name, and perhaps server (an address) of a configuration file."""
    try:
        with open(path, "rb") as stream:
            content = json.loads(stream.read().decode("utf-8-sig"))
    except OSError as error:
        raise UserErrorException("{} cannot be read: {}".format(path, error.strerror), werkbank_code="config_invalid")
    except ValueError as error:
        raise UserErrorException("{} is not valid JSON: {}".format(path, error), werkbank_code="config_invalid", hint=_CONTENT)
    if not isinstance(content, dict):
        raise UserErrorException("{} does not hold a JSON object.".format(path), werkbank_code="config_invalid", hint=_CONTENT)
    if "Scope" in content:
        parts = "{}".format(content["Scope"]).split("/")
        if len(parts) < 9:
            raise UserErrorException(
                "{}: Scope is not the full id of a workspace.".format(path), werkbank_code="config_invalid", hint=_CONTENT
            )
        config = dict(zip(_KEYS, (parts[2], parts[4], parts[8])))
    else:
        missing = [key for key in _KEYS if key not in content]
        if missing:
            raise UserErrorException(
                "{} lacks {}.".format(path, ", ".join(missing)), werkbank_code="config_invalid", hint=_CONTENT
            )
        config = dict((key, content[key]) for key in _KEYS)
    if content.get("server") is not None:
        config["server"] = content["server"]
    _check(config, path)
    return config


def _check(config, path):
    """Each value is a text, and those that have a form have it."""
    for key in _KEYS + ("server",):
        if not isinstance(config.get(key, ""), str):
            raise UserErrorException(
                "{}: {} has to be a text, and is {!r}.".format(path, key, config[key]),
                werkbank_code="config_invalid",
                hint=_CONTENT,
            )
    if not _NAME.match(config["workspace_name"]):
        raise UserErrorException(
            "{}: workspace_name {!r} cannot be the name of a workspace.".format(path, config["workspace_name"]),
            werkbank_code="config_invalid",
            hint="3 to 33 letters, digits, '_' and '-', starting with a letter or digit.",
        )
    if config.get("server") and not config["server"].startswith(("http://", "https://", "unix://")):
        raise UserErrorException(
            "{}: server {!r} is not an address.".format(path, config["server"]),
            werkbank_code="config_invalid",
            hint="Use http://HOST:PORT, https://HOST or unix:///PATH/server.sock.",
        )


def write(arm_id, path=None, file_name=None):
    """Write <path>/.azureml/<file_name> (or into aml_config where that folder exists)."""
    base = os.path.abspath(path or os.getcwd())
    folder = os.path.join(base, "aml_config")
    if not os.path.isdir(folder):
        folder = os.path.join(base, ".azureml")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, file_name or "config.json"), "w") as stream:
            stream.write(json.dumps({"Id": None, "Scope": arm_id}))
    except OSError as error:
        raise WorkspaceException(
            "The configuration cannot be written to {}: {}".format(folder, error.strerror), werkbank_code="config_not_written"
        )
