"""The fake server's models, blobs and snapshots."""

from hashlib import blake2b
from urllib.parse import unquote


class ModelRoutes(object):
    """Mixed into the fake server's Handler."""

    def _blobs(self, state, rest, query, data, body):
        assert blake2b(body, digest_size=32).hexdigest() == rest[0]
        state.blobs[rest[0]] = body
        self._answer(201, {"hash": rest[0]})

    def _snapshots(self, state, rest, query, data, body):
        identity = blake2b(body, digest_size=32).hexdigest()
        head, *lines = body.decode("utf-8").splitlines()
        assert head == "werkbank-snapshot 1"
        files = dict((unquote(line.split(" ", 3)[3]), line.split(" ", 1)[0]) for line in lines)
        assert list(files) == sorted(files, key=lambda path: path.encode("utf-8"))
        missing = sorted(set(files.values()) - set(state.blobs))
        if not missing:
            state.snapshots[identity] = dict((path, state.blobs[digest]) for path, digest in files.items())
        self._answer(200, {"snapshotId": identity, "missing": missing})

    def _register(self, state, data, key):
        from fake_server import Problem

        if key in state.registered:
            return self._answer(200, state.registered[key])
        if data["name"].startswith("-"):
            raise Problem(400, "name_refused", "model name refused")
        files = state.snapshots.get(data.get("snapshotId"))
        if files is None:
            top = data["path"]
            files = dict(
                (name[len(top) - len(top.split("/")[-1]) :], content)
                for (run, name), content in state.files.items()
                if run == data["runId"] and (name == top or name.startswith(top + "/"))
            )
        if not files:
            raise Problem(404, "model_path_not_found", "run has no file {}; its files are: outputs/m".format(data["path"]))
        version = 1 + sum(1 for model in state.models if model["name"] == data["name"])
        model = {
            "name": data["name"],
            "version": version,
            "id": "{}:{}".format(data["name"], version),
            "description": data.get("description", ""),
            "framework": data.get("framework", ""),
            "frameworkVersion": data.get("frameworkVersion", ""),
            "tags": data.get("tags", {}),
            "properties": data.get("properties", {}),
            "runId": data.get("runId", ""),
            "experiment": "digits" if data.get("runId") else "",
            "datasets": data.get("datasets", []),
            "sampleInputDatasetId": data.get("sampleInputDatasetId", ""),
            "sampleOutputDatasetId": data.get("sampleOutputDatasetId", ""),
            "resourceConfiguration": data.get("resourceConfiguration"),
            "createdBy": "tester",
            "createdUtc": "2026-11-21T08:37:21.123456Z",
            "revision": 1,
        }
        state.models.insert(0, model)
        state.model_files[model["id"]] = files
        state.registered[key] = model
        self._answer(201, model)

    def _models(self, state, rest, query, data, body):
        from fake_server import Problem, merge

        if not rest and self.command == "POST":
            return self._register(state, data, self.headers["Idempotency-Key"])
        if not rest:
            return self._list_models(state, query)
        found = [model for model in state.models if rest[0] in (model["id"], model["name"])]
        if not found:
            raise Problem(404, "model_not_found", "there is no model {}".format(rest[0]))
        model = found[0]
        if self.command == "DELETE":
            if model["tags"].get("used"):
                raise Problem(409, "model_in_use", "the model is used by service x")
            state.models.remove(model)
            return self._answer(200, {})
        if self.command == "PATCH":
            if data.pop("replaceTags", False):
                model["tags"] = {}
            merge(model["tags"], data.pop("tags", {}))
            for key, value in data.pop("properties", {}).items():
                if model["properties"].setdefault(key, value) != value:
                    raise Problem(409, "property_exists", "the property is set")
            model["datasets"] += data.pop("addDatasets", [])
            model.update(data)
            return self._answer(200, model)
        files = state.model_files[model["id"]]
        if rest[1:] == ["files"]:
            items = [{"path": path, "sizeBytes": len(content)} for path, content in sorted(files.items())]
            return self._answer(200, {"items": items, "next": ""})
        if rest[1:2] == ["files"]:
            return self._answer(200, files["/".join(rest[2:])], "application/octet-stream")
        self._answer(200, model)

    def _list_models(self, state, query):
        def wanted(model):
            for name, labels in (("tag", model["tags"]), ("property", model["properties"])):
                filters = query.get(name, [])
                for each in [filters] if isinstance(filters, str) else filters:
                    key, equals, value = each.partition("=")
                    if key not in labels or (equals and labels[key] != value):
                        return False
            pairs = (("name", "name"), ("run", "runId"), ("framework", "framework"))
            return all(query.get(asked) in (None, model[field]) for asked, field in pairs)

        items, names = [], set()
        for model in filter(wanted, state.models):
            if query.get("latest") != "true" or model["name"] not in names:
                items.append(model)
            names.add(model["name"])
        first, size = int(query.get("cursor") or 0), int(query["limit"])
        page = items[first : first + size]
        self._answer(200, {"items": page, "next": str(first + size) if first + size < len(items) else ""})
