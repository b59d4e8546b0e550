"""Datasets in the fake server, and what stands in for the program: `werkbank dataset …` and `datastore upload`. Datastores are
folders below WERKBANK_HOME/stores. Written from docs/reference/datasets.md."""

import fnmatch
import hashlib
import json
import os
import shutil
import sys


class DatasetRoutes(object):
    """Mixed into the fake server's Handler."""

    def _default_datastore(self, state, rest, query, data, body):
        self._answer(200, {"name": "store", "kind": "folder", "settings": {"path": "/"}, "ours": False})

    def _datastores(self, state, rest, query, data, body):
        items = [{"name": name, "kind": "folder", "settings": {"path": "/"}, "ours": False} for name in ("store", "other")]
        if rest:
            return self._answer(200, items[("store", "other").index(rest[0])])
        self._answer(200, {"items": items, "next": ""})

    def _datasets(self, state, rest, query, data, body):
        from fake_server import Problem

        if self.command == "POST":
            return self._answer(201, self._save_dataset(state, data))
        if not rest:
            newest = dict((each["name"], each) for each in state.dataset_versions)
            return self._answer(200, {"items": list(newest.values()), "next": ""})
        document = self._find_dataset(state, rest[0])
        if document is None:
            raise Problem(404, "dataset_not_found", "there is no dataset {}".format(rest[0]), "look at the list")
        if rest[1:] == ["content"]:
            return self._answer(200, state.dataset_contents[document["id"]])
        if self.command == "PATCH":
            for key, value in (data.pop("tags", None) or {}).items():
                document["tags"].pop(key, None) if value is None else document["tags"].update({key: value})
            document.update(data)
        if self.command == "DELETE":
            state.dataset_versions[:] = [each for each in state.dataset_versions if each["name"] != rest[0]]
            return self._answer(204, b"")
        self._answer(200, document)

    def _find_dataset(self, state, reference):
        name, _, version = reference.partition(":")
        for each in reversed(state.dataset_versions):
            if each["name"] == name and version in ("", "latest", str(each["version"])):
                return each
        return state.datasets.get(reference)

    def _save_dataset(self, state, data):
        from fake_server import Problem

        register = data.pop("register", None)
        text = json.dumps(data, sort_keys=True)
        digest = hashlib.md5(text.encode("utf-8")).hexdigest()
        identity = "{}-{}-{}-{}-{}".format(digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:])
        state.dataset_contents[identity] = data
        saved = state.datasets.setdefault(
            identity,
            {
                "id": identity,
                "workspace": "default",
                "kind": data["kind"],
                "name": None,
                "version": None,
                "description": "",
                "tags": {},
                "definition": dict((key, value) for key, value in data.items() if key not in ("files", "kind")),
                "fileCount": len(data["files"]),
                "sizeBytes": sum(each["sizeBytes"] for each in data["files"]),
            },
        )
        if register is None:
            return saved
        versions = [each for each in state.dataset_versions if each["name"] == register["name"]]
        same = [each for each in versions if each["id"] == identity]
        if same and not register["createNewVersion"]:
            return same[-1]
        if versions and not register["createNewVersion"]:
            raise Problem(409, "dataset_exists", "dataset {} is there".format(register["name"]), "register a new version")
        made = dict(saved, version=len(versions) + 1, **dict((key, register[key]) for key in ("name", "description", "tags")))
        state.dataset_versions.append(made)
        return made


def stand_in(arguments):
    """The program; exit code."""
    words = list(arguments)
    if words[:1] == ["mount"]:
        sys.stderr.write("werkbank: there is no FUSE here [mount_unavailable]\n  Install fuse3.\n")
        return 1
    if words[:2] == ["datastore", "upload"]:
        return _upload(words)
    verb = words[1]
    if verb == "create":
        return _create(json.load(open(_option(words, "--spec"))))
    content = json.loads(_request("GET", "datasets/{}/content".format(words[2])).decode("utf-8"))
    files = [(each["name"], _place(content, each)) for each in content["files"]]
    if verb == "local-files":
        print(json.dumps([{"name": name, "file": path, "sizeBytes": os.path.getsize(path)} for name, path in files]))
    elif verb == "download":
        for name, path in files:
            target = os.path.join(_option(words, "--target"), name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, target)
    return 0


def _option(words, name):
    return words[words.index(name) + 1]


def _stores():
    return os.path.join(os.environ["WERKBANK_HOME"], "stores")


def _upload(words):
    if "--src" in words:
        root = _option(words, "--src")
        paths = [os.path.join(parent, name) for parent, _, names in os.walk(root) for name in names]
    else:
        with open(_option(words, "--files-from"), "rb") as stream:
            paths = [os.fsdecode(each) for each in stream.read().split(b"\0")]
        root = _option(words, "--relative-root") if "--relative-root" in words else os.path.dirname(paths[0])
    for path in paths:
        target = os.path.join(_stores(), words[2], _option(words, "--target"), os.path.relpath(path, root))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(path, target)
        print(json.dumps({"event": "done", "file": path, "path": path}))
    print(json.dumps({"event": "end"}))
    return 0


def _place(content, file):
    source = content["sources"][file["source"]]
    if "url" in source:
        return os.path.join(_stores(), "urls", file["name"])
    return os.path.join(_stores(), source["datastore"], file["path"])


def _create(spec):
    validate = spec.pop("validate")
    if "files" not in spec:
        spec["files"] = []
        for index, source in enumerate(spec["sources"]):
            assert set(source) in ({"url"}, {"datastore", "path"}), source
            if "url" in source:
                name = source["url"].rsplit("/", 1)[1]
                spec["files"].append(
                    {"source": index, "path": source["url"], "name": name, "sizeBytes": 1, "etag": "", "hash": ""}
                )
            else:
                spec["files"] += _listed(index, source)
    if validate and not spec["files"]:
        sys.stderr.write("werkbank: nothing matches [dataset_empty]\n  The nearest name is a.csv.\n")
        return 2
    answer = _request("POST", "datasets", spec)
    sys.stdout.write(answer.decode("utf-8"))
    return 0 if not answer.startswith(b'{"type"') else _refuse(json.loads(answer.decode("utf-8")))


def _refuse(problem):
    sys.stderr.write("werkbank: {} [{}]\n  {}\n".format(problem["detail"], problem["code"], problem["hint"]))
    return 2


def _listed(index, source):
    root, found = os.path.join(_stores(), source["datastore"]), []
    base = source["path"].split("*")[0].rpartition("/")[0] if "*" in source["path"] else source["path"]
    for parent, _, names in os.walk(root):
        for name in names:
            path = os.path.relpath(os.path.join(parent, name), root)
            if "*" in source["path"]:
                inside = fnmatch.fnmatch(path, source["path"].replace("**/", "*"))
            else:
                inside = not base or path == base or path.startswith(base + "/")
            if inside:
                below = os.path.basename(path) if path == base else os.path.relpath(path, base) if base else path
                size = os.path.getsize(os.path.join(root, path))
                found.append({"source": index, "path": path, "name": below, "sizeBytes": size, "etag": "e", "hash": ""})
    return sorted(found, key=lambda each: each["path"])


def _request(method, path, body=None):
    from azureml._werkbank.connection import Server

    server = Server(url=os.environ["WERKBANK_URL"], token="t", in_job=True)
    connection = server._new_connection(10)
    content = json.dumps(body).encode("utf-8") if body is not None else None
    headers = {"Content-Type": "application/json"}
    connection.request(method, "/api/v1/workspaces/default/" + path, body=content, headers=headers)
    return connection.getresponse().read()
