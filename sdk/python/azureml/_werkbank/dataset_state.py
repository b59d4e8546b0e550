"""What stands behind a dataset object: what it is made of, and what the server has of it. Everything is asked for when it is
needed: listing files, saving, fetching."""

import os

from azureml._werkbank import dataset_wire as wire
from azureml._werkbank.dataset_paths import refused, url_names
from azureml.exceptions import UserErrorException


class DatasetState(object):
    """The definition of a dataset: sources, reader, steps. Sources are those of the server's document, or {"file": path}: a file
    of this machine, which goes to the default datastore when the dataset is saved in a workspace.

    `parent` and `select`: the files are a selection of another dataset's.
    """

    def __init__(self, definition, workspace=None, document=None, parent=None, select=None):
        self.definition = definition
        self.workspace = workspace
        self.document = document
        self._parent = parent
        self._select = select
        self._files = None
        self._fetched = None
        self.listed_here = False  # not registered yet: registering looks at the files again, and hashes them where it can

    @staticmethod
    def new(kind, sources, workspace, reader=None):
        """Of sources whose files are not known yet."""
        return DatasetState({"kind": kind, "sources": sources, "reader": reader or {}, "steps": []}, workspace)

    @staticmethod
    def of_document(workspace, document):
        """Of what the server has."""
        definition = dict({"reader": {}, "steps": []}, **document["definition"])
        definition["kind"] = document["kind"]
        return DatasetState(definition, workspace, document)

    def derived(self, step=None, select=None, reader=None):
        """A dataset made of this one."""
        definition = dict(self.definition)
        if step is not None:
            definition["steps"] = list(definition["steps"]) + [step]
        if reader is not None:
            definition["reader"] = reader
        return DatasetState(definition, self.workspace, parent=self, select=select)

    def files(self):
        """The documents of all files: source, path, name, sizeBytes, etag."""
        found = self._fixed_files()
        if found is None and self.workspace is not None:
            self.saved(self.workspace)
            found = self._fixed_files()
        if found is None:
            found = self._files = self._look_up()
        return found

    def _fixed_files(self):
        """The files, where they are known without looking at the sources; else None."""
        if self._files is None and self.document is not None:
            self._files = wire.content(self.workspace, self.document["id"])["files"]
        if self._files is None and self._parent is not None:
            fixed = self._parent._fixed_files()
            if self._select is not None:
                self._files = self._select(self._parent.files() if fixed is None else fixed)
            else:
                self._files = fixed
        return self._files

    def saved(self, workspace):
        """The document of it in a workspace, which keeps it from then on."""
        if self.document is not None and self.workspace.name == workspace.name:
            return self.document
        self.document, self._files = self.create(workspace), None
        self.workspace = workspace
        self.definition = DatasetState.of_document(workspace, self.document).definition
        return self.document

    def create(self, workspace, validate=False, register=None):
        """Save it, and register it where `register` says how; the document."""
        self._check_home(workspace)
        spec = dict(self.definition, validate=validate)
        files = None if register is not None and self.listed_here else self._fixed_files()
        if files is not None:
            spec["files"] = files
        if any("file" in source for source in spec["sources"]):
            _move_to_datastore(spec, workspace)
        if register is not None:
            spec["register"] = register
        return wire.create(workspace, spec)

    def _check_home(self, workspace):
        here = self.workspace
        stored = [source["datastore"] for source in self.definition["sources"] if "datastore" in source]
        if here is not None and stored and here.name != workspace.name:
            raise UserErrorException(
                "The dataset lies in the datastore {!r} of workspace {!r}, and cannot be used in {!r}.".format(
                    stored[0], here.name, workspace.name
                ),
                werkbank_code="dataset_elsewhere",
                hint="Register the storage there, too, and make the dataset with that datastore.",
            )

    def _look_up(self):
        """What the addresses and files of this machine are, without a workspace."""
        from azureml._werkbank.url_files import head

        sources = self.definition["sources"]
        urls = [source["url"] for source in sources if "url" in source]
        names = iter(url_names(urls)) if urls else iter(())
        local = iter(local_names([source["file"] for source in sources if "file" in source]))
        found = []
        for index, source in enumerate(sources):
            if "url" in source:
                size, etag = head(source["url"])
                found.append(_file(index, source["url"], next(names), size or 0, etag))
            else:
                found.append(_file(index, source["file"], next(local), _size_of(source["file"]), ""))
        return found

    def local_files(self):
        """[(document of the file, path)]: all files, where they can be read on this machine."""
        files = self.files()
        if self.workspace is not None:
            places = dict(wire.local_files(self.workspace, self.saved(self.workspace)["id"]))
            return [(each, places[each["name"]]) for each in files]
        folder = self._folder_for_fetched(files)
        return [(each, self._fetch(each, folder, False)) for each in files]

    def download(self, folder, overwrite):
        """Copy all files below a folder; their paths."""
        folder = os.path.abspath(folder)
        files = self.files()
        targets = [os.path.join(folder, *each["name"].split("/")) for each in files]
        there = [target for target in targets if os.path.exists(target)]
        if there and not overwrite:
            raise UserErrorException(
                "{} is there already.".format(there[0]),
                werkbank_code="already_exists",
                hint="Pass overwrite=True to replace it, or choose another target_path.",
            )
        os.makedirs(folder, exist_ok=True)
        if self.workspace is not None:
            wire.download(self.workspace, self.saved(self.workspace)["id"], folder, overwrite)
        else:
            for each in files:
                self._fetch(each, folder, True)
        return targets

    def _folder_for_fetched(self, files):
        if self._fetched is None and any("url" in self.definition["sources"][each["source"]] for each in files):
            import atexit
            import shutil
            import tempfile

            self._fetched = tempfile.mkdtemp(prefix="azureml-")
            atexit.register(shutil.rmtree, self._fetched, True)
        return self._fetched

    def _fetch(self, file, folder, copy):
        import shutil
        from azureml._werkbank.url_files import fetch

        source = self.definition["sources"][file["source"]]
        if "file" in source and not copy:
            return file["path"]
        target = os.path.join(folder, *file["name"].split("/"))
        if "file" in source:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(file["path"], target)
        elif copy or not os.path.exists(target):
            fetch(source["url"], target)
        return target


def _file(source, path, name, size, etag):
    return {"source": source, "path": path, "name": name, "sizeBytes": size, "etag": etag, "hash": ""}


def _size_of(path):
    try:
        return os.stat(path).st_size
    except OSError as error:
        raise refused(
            "{} cannot be read: {}.".format(path, error.strerror), hint="`werkbank mirror list` shows where mirrors lie."
        )


def local_names(paths):
    """The names of files of this machine below the folder that all of them have in common."""
    if not paths:
        return []
    folder = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])
    return [os.path.relpath(os.path.abspath(path), folder).replace(os.sep, "/") for path in paths]


def _move_to_datastore(spec, workspace):
    """Upload the files of this machine that a spec names, and name them where they are then."""
    import hashlib

    sources = spec["sources"]
    local = [index for index, source in enumerate(sources) if "file" in source]
    paths = [sources[index]["file"] for index in local]
    names = local_names(paths)
    described = "\n".join("{} {}".format(name, _stamp(path)) for name, path in zip(names, paths))
    prefix = "datasets/{}".format(hashlib.md5(described.encode("utf-8", "surrogateescape")).hexdigest()[:16])
    place = wire.upload_files(workspace, paths, prefix)
    kept = [index for index in range(len(sources)) if index not in local]
    spec["sources"] = [sources[index] for index in kept] + [place]
    if "files" in spec:
        moved = dict(zip(local, names))
        files = []
        for each in spec["files"]:
            if each["source"] in moved:
                path = "{}/{}".format(prefix, moved[each["source"]])
                files.append(dict(each, source=len(kept), path=path))
            else:
                files.append(dict(each, source=kept.index(each["source"])))
        spec["files"] = files
        if local and not kept and len(files) == len(local):
            del spec["files"]  # all of them: listing the place gives their etags, too


def _stamp(path):
    facts = os.stat(path)
    return "{} {} {}".format(os.path.abspath(path), facts.st_size, facts.st_mtime)
