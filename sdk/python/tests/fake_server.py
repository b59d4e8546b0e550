"""A small server with the wire behaviour the SDK relies on (docs/reference/http-api.md), in this process, on a Unix socket or
TCP.

It keeps workspaces, experiments, runs, files and metrics in dictionaries, records every request, and can be told to fail. It is
written
from the contract, not from the SDK; the true server is tested against the SDK in tests/e2e.
"""

import json
import os
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

from fake_datasets import DatasetRoutes
from fake_models import ModelRoutes

PREFIX = "/api/v1/workspaces"


class Problem(Exception):
    def __init__(self, status, code, detail, hint=""):
        Exception.__init__(self, detail)
        self.status = status
        self.document = {"type": "/errors/" + code, "title": code, "status": status, "code": code, "detail": detail, "hint": hint}


class State(object):
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = []  # (method, path, query, headers, body)
        self.workspaces = {
            "default": {
                "name": "default",
                "subscriptionId": "",
                "resourceGroup": "",
                "location": "",
                "description": "",
                "tags": {},
            }
        }
        self.quotas = {}
        self.experiments = {}
        self.runs = {}
        self.files = {}  # (run, path) → bytes
        self.etags = {}  # (run, path) → what the server says the file's hash is; without: none
        self.lines = {}  # (run, writer) → [line documents]
        self.secrets = {}
        self.blobs = {}  # hash → bytes
        self.snapshots = {}  # id → {path: bytes}
        self.datasets = {}  # id → document
        self.dataset_contents = {}  # id → content document
        self.dataset_uses = {}  # run → [use documents]
        self.dataset_versions = []  # documents, in the order of registration
        self.models = []  # the last registered first
        self.model_files = {}  # id → {path: bytes}
        self.registered = {}  # idempotency key → model
        self.environments = {}
        self.targets = {}
        self.targets_in_use = False
        self.labels = {}  # (environment, label) → version document
        self.builds = []  # the bodies of environments/prepare
        self.build_events = [("log", {"text": "one\n"}), ("log", {"text": "two\n"}), ("ready", {"interpreter": "/x/python"})]
        self.events = {}  # run → [(event name, data)], sent in this order
        self.cut_after = None  # close the event stream after so many events, once
        self.failures = []  # statuses to answer with before anything else
        self.web_address = ""
        self.accepted = {}  # writer → number, for the flush of a job


class Handler(ModelRoutes, DatasetRoutes, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def address_string(self):
        return "local"

    def _handle(self):
        state = self.server.state
        parts = urlsplit(self.path)
        query = dict((key, values if len(values) > 1 else values[0]) for key, values in parse_qs(parts.query).items())
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with state.lock:
            state.requests.append((self.command, parts.path, query, dict(self.headers), body))
            failure = state.failures.pop(0) if state.failures else None
        try:
            if failure == "drop":
                self.close_connection = True
                return
            if failure:
                raise Problem(failure, "told_to_fail", "told to fail")
            self._route(state, [unquote(part) for part in parts.path.split("/")[3:]], query, body)
        except Problem as problem:
            self._answer(problem.status, problem.document, "application/problem+json")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _answer(self, status, document, kind="application/json", etag=None):
        content = document if isinstance(document, bytes) else json.dumps(document).encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if etag:
            self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(content)

    def _route(self, state, path, query, body):
        data = (
            json.loads(body.decode("utf-8"))
            if body and "json" in (self.headers.get("Content-Type") or "") and not ("ndjson" in self.headers["Content-Type"])
            else None
        )
        if not path:
            return self._answer(200, {"product": "werkbank", "apiVersion": 1, "webAddress": state.web_address})
        if path == ["workspaces"]:
            return self._workspaces(state, data)
        if path == ["compute-sizes"]:
            size = {"name": "STANDARD_D2_V2", "vCPUs": 2, "gpus": 0, "memoryGB": 7.0, "nodesMax": 2}
            return self._answer(200, {"items": [size], "next": ""})
        if path[0] == "quotas":
            state.quotas.update(data["workspace"])
            return self._answer(200, {})
        name, rest = path[1], path[2:]
        if name not in state.workspaces:
            raise Problem(404, "workspace_not_found", "no workspace {}".format(name))
        if not rest:
            if self.command == "PATCH":
                state.workspaces[name].update(data)
            return self._answer(200, state.workspaces[name])
        return getattr(self, "_" + rest[0].replace("-", "_"))(state, rest[1:], query, data, body)

    def _quota(self, state, rest, query, data, body):
        use = {"cores": 2, "gpus": 0, "memoryMib": 0, "diskMib": 0, "runs": 1}
        limits = dict((name, state.quotas.get(name)) for name in use)
        return self._answer(200, {"limits": {"workspace": limits}, "use": {"workspace": use}})

    def _compute(self, state, rest, query, data, body):
        local = {"name": "local", "kind": "local", "state": "Succeeded", "isOfInstallation": True, "capabilities": {}}
        if not rest and self.command == "GET":
            return self._answer(200, {"items": [local] + list(state.targets.values()), "next": ""})
        if not rest:
            if data["settings"]["vmSize"] == "STANDARD_NC6":
                raise Problem(400, "never_fits", "a node of vm_size STANDARD_NC6 needs 1 GPUs, and this machine has 0")
            counts = ("preparing", "running", "idle", "unusable", "leaving", "preempted")
            settings = dict({"maxNodes": 4}, **data["settings"])
            settings = {name: int(value) if "Nodes" in name or "Seconds" in name else value for name, value in settings.items()}
            state.targets[data["name"]] = dict(
                data,
                settings=settings,
                state="Succeeded",
                isOfInstallation=False,
                createdUtc="2026-11-21T08:00:00.000000Z",
                modifiedUtc="2026-11-21T08:00:00.000000Z",
                status={
                    "currentNodeCount": settings["minNodes"],
                    "targetNodeCount": settings["minNodes"],
                    "nodeStateCounts": dict((name + "NodeCount", 0) for name in counts),
                    "allocationState": "Steady",
                    "allocationStateTransitionTime": "2026-11-21T08:00:00.000000Z",
                    "errors": [],
                },
            )
            return self._answer(201, state.targets[data["name"]])
        if rest[0] not in state.targets:
            raise Problem(400, "target_unknown", "there is no compute target {}".format(rest[0]))
        if rest[1:] == ["nodes"]:
            node = {"nodeId": rest[0] + "-1", "nodeState": "idle", "runId": None, "slice": {"cores": [0]}}
            return self._answer(200, {"items": [node], "next": ""})
        if self.command == "PATCH":
            state.targets[rest[0]]["settings"].update(data["settings"])
        if self.command == "DELETE":
            if state.targets_in_use:
                raise Problem(409, "target_in_use", "1 run(s) on compute target have not ended: a")
            del state.targets[rest[0]]
            return self._answer(204, b"")
        return self._answer(200, state.targets[rest[0]])

    def _workspaces(self, state, data):
        if self.command == "GET":
            return self._answer(200, {"items": list(state.workspaces.values()), "next": ""})
        exists = data["name"] in state.workspaces
        if exists and not data.get("existOk"):
            raise Problem(409, "already_exists", "workspace exists")
        if not exists:
            state.workspaces[data["name"]] = dict({"tags": {}}, **data)
        return self._answer(200 if exists else 201, state.workspaces[data["name"]])

    def _experiments(self, state, rest, query, data, body):
        if not rest and self.command == "GET":
            stage = query.get("stage", "active")
            return self._answer(
                200, {"items": [each for each in state.experiments.values() if each["stage"] == stage], "next": ""}
            )
        name = rest[0] if rest else data["name"]
        if self.command == "POST":
            new = name not in state.experiments
            document = state.experiments.setdefault(
                name, {"name": name, "id": len(state.experiments) + 1, "tags": {}, "stage": "active"}
            )
            return self._answer(201 if new else 200, document)
        document = state.experiments[name]
        if self.command == "PATCH":
            merge(document["tags"], data.pop("tags", {}))
            document.update(data)
        return self._answer(200, document)

    def _make_run(self, state, data, managed):
        run_id = data.get("runId") or "run-{}".format(len(state.runs) + 1)
        if run_id in state.runs:
            if managed:
                return state.runs[run_id]
            raise Problem(409, "run_exists", "run exists")
        state.runs[run_id] = {
            "runId": run_id,
            "experiment": data["experiment"],
            "runNumber": len(state.runs) + 1,
            "rootRunId": run_id,
            "parentRunId": data.get("parentRunId"),
            "displayName": data.get("displayName", ""),
            "description": "",
            "runType": data.get("runType"),
            "managed": managed,
            "status": data.get("status", "Queued" if managed else "NotStarted"),
            "tags": dict(data.get("tags") or {}),
            "properties": dict(data.get("properties") or {}),
            "revision": 1,
            "attempt": 1,
            "snapshotId": (data.get("spec") or data).get("snapshotId"),
            "spec": data.get("spec"),
            "error": None,
            "dataContainerId": "dcid." + run_id,
            "createdBy": {"userName": "tester"},
        }
        return state.runs[run_id]

    def _tracked_runs(self, state, rest, query, data, body):
        self._answer(201, self._make_run(state, data, False))

    def _runs(self, state, rest, query, data, body):
        if not rest:
            if self.command == "POST":
                return self._answer(202, self._make_run(state, data, True))
            by_id = {str(each["id"]): each["name"] for each in state.experiments.values()}
            name = by_id.get(query.get("experimentId"), query.get("experiment"))
            items = [run for run in state.runs.values() if name in (None, run["experiment"])][::-1]
            first = int(query.get("cursor") or 0)
            page = items[first : first + 2]  # small pages, so that every list has several
            return self._answer(200, {"items": page, "next": str(first + 2) if first + 2 < len(items) else ""})
        run = state.runs.get(rest[0])
        if run is None:
            raise Problem(404, "run_not_found", "no run {}".format(rest[0]), "look at the list")
        if len(rest) == 1:
            return self._one_run(run, query, data)
        return getattr(self, "_run_" + rest[1])(state, run, rest[2:], query, data, body)

    def _one_run(self, run, query, data):
        if self.command == "PATCH":
            for key, value in (data.get("properties") or {}).items():
                if run["properties"].get(key, value) != value:
                    raise Problem(409, "property_exists", "property {} is set".format(key))
            merge(run["tags"], data.get("tags") or {})
            run["properties"].update(data.get("properties") or {})
            for key in ("displayName", "description"):
                if key in data:
                    run[key] = data[key]
        if "wait" in query and run["status"] == "Running":
            run["status"], run["revision"] = "Completed", run["revision"] + 1
        self._answer(200, run)

    def _run_details(self, state, run, rest, query, data, body):
        logs = dict(
            (path, "/files/" + path) for owner, path in state.files if owner == run["runId"] and path.startswith("azureml-logs/")
        )
        details = {
            "runId": run["runId"],
            "target": "local",
            "status": run["status"],
            "properties": run["properties"],
            "logFiles": logs,
        }
        spec = run.get("spec") or {}
        ports = {"data": spec.get("inputs", ()), "outputData": spec.get("outputs", ())}
        details["runDefinition"] = dict(
            (section, dict((port["name"], port) for port in listed)) for section, listed in ports.items()
        )
        if run["error"]:
            details["error"] = run["error"]
        self._answer(200, details)

    def _run_datasets(self, state, run, rest, query, data, body):
        uses = state.dataset_uses.setdefault(run["runId"], [])
        if self.command == "POST":
            uses.append(dict(data, runId=run["runId"], direction="output", mode="link"))
            return self._answer(204, b"")
        self._answer(200, {"items": uses, "next": ""})

    def _run_spec(self, state, run, rest, query, data, body):
        self._answer(200, run["spec"])

    def _run_status(self, state, run, rest, query, data, body):
        run["status"] = data["status"]
        run["error"] = data.get("error")
        self._answer(200, run)

    def _run_cancel(self, state, run, rest, query, data, body):
        run["status"] = "Canceled"
        self._answer(202, run)

    def _run_why(self, state, run, rest, query, data, body):
        self._answer(200, {"status": run["status"], "summary": "waits for a slot", "reasons": ["2 of 2 busy"], "next": []})

    def _run_children(self, state, run, rest, query, data, body):
        if self.command == "POST":
            made = []
            for value in data["tagValues"]:
                made.append(
                    self._make_run(
                        state,
                        {"experiment": run["experiment"], "parentRunId": run["runId"], "tags": {data["tagKey"]: value}},
                        False,
                    )
                )
            return self._answer(200, {"items": made})
        items = [each for each in state.runs.values() if each["parentRunId"] == run["runId"]]
        self._answer(200, {"items": items, "next": ""})

    def _run_metrics(self, state, run, rest, query, data, body):
        if rest == ["accepted"]:
            return self._answer(200, {"accepted": state.accepted.get(query["writer"], 0)})
        if self.command == "POST":
            kept = state.lines.setdefault((run["runId"], query["writer"]), [])
            for text in body.decode("utf-8").splitlines():
                line = json.loads(text)
                if line["s"] == len(kept) + 1:
                    kept.append(line)
                elif line["s"] > len(kept) + 1:
                    raise Problem(409, "metric_gap", "a gap before {}".format(line["s"]))
            return self._answer(200, {"accepted": len(kept)})
        lines = [line for (owner, _), kept in state.lines.items() if owner == run["runId"] for line in kept]
        whole = series([line for line in lines if query.get("name") in (None, line["n"])])
        if rest == ["points"]:
            (values,) = [each["values"] for each in whole[0]["columns"] if each["name"] == query.get("column", "")]
            start = int(query["from"])
            points = [{"sequence": start + i, "step": None, "value": value} for i, value in enumerate(values[start : start + 2])]
            return self._answer(200, {"points": points, "next": start + len(points), "more": start + 2 < len(values)})
        if query.get("values") == "false":
            for column in (column for metric in whole for column in metric["columns"]):
                column["count"] = len(column.pop("values"))
            return self._answer(200, {"metrics": whole, "next": ""})
        self._answer(200, page_of(whole, int(query.get("cursor") or 0)))

    def _run_files(self, state, run, rest, query, data, body):
        path = "/".join(rest)
        key = (run["runId"], path)
        if not rest:
            items = [
                {"path": name, "sizeBytes": len(content)}
                for (owner, name), content in sorted(state.files.items())
                if owner == run["runId"] and name.startswith(query.get("prefix", ""))
            ]
            return self._answer(200, {"items": items, "next": ""})
        if self.command == "PUT":
            if key in state.files:
                raise Problem(409, "already_exists", "file exists")
            state.files[key] = body
            return self._answer(201, {"path": path, "sizeBytes": len(body)})
        if key not in state.files:
            raise Problem(404, "file_not_found", "no file {}".format(path))
        return self._answer(200, state.files[key], "application/octet-stream", state.etags.get(key))

    def _secrets(self, state, rest, query, data, body):
        if not rest:
            return self._answer(200, {"items": [{"name": name} for name in sorted(state.secrets)], "next": ""})
        if self.command == "PUT":
            state.secrets[rest[0]] = data["value"]
        elif rest[0] not in state.secrets:
            raise Problem(404, "secret_not_found", "no secret")
        elif self.command == "DELETE":
            del state.secrets[rest[0]]
        elif rest[1:] == ["value"]:
            return self._answer(200, {"value": state.secrets[rest[0]]})
        self._answer(200, {})

    def _prepare(self, state, data):
        state.builds.append(data)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for name, document in state.build_events:
            self.wfile.write("event: {}\ndata: {}\n\n".format(name, json.dumps(document)).encode("utf-8"))

    def _environments(self, state, rest, query, data, body):
        if rest == ["prepare"]:
            return self._prepare(state, data)
        if self.command == "POST":
            versions = state.environments.setdefault(data["name"], [])
            if not versions or dict(versions[-1], version=None) != dict(data, version=None):
                versions.append(dict(data, version=str(len(versions) + 1)))
            return self._answer(200, versions[-1])
        if not rest:
            return self._answer(200, {"items": [versions[-1] for versions in state.environments.values()], "next": ""})
        if rest[1:2] == ["labels"]:
            (version,) = [each for each in state.environments[rest[0]] if each["version"] == data["version"]]
            state.labels[rest[0], rest[2]] = version
            return self._answer(200, version)
        versions = [each for each in state.environments.get(rest[0], ()) if query.get("version") in (None, each["version"])]
        if query.get("label") not in (None, "latest"):
            versions = [state.labels[rest[0], query["label"]]] if (rest[0], query["label"]) in state.labels else []
        if not versions:
            raise Problem(404, "environment_not_found", "no environment")
        self._answer(200, versions[-1])

    def _events(self, state, rest, query, data, body):
        asked = query["events"] if isinstance(query["events"], list) else [query["events"]]
        runs = [name[len("run:") :] for name in asked if name.startswith("run:")]
        first = int(self.headers.get("Last-Event-ID") or 0)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        events = [(run, name, document) for run in runs for name, document in state.events.get(run, ())]
        for index, (run, name, document) in enumerate(events):
            if index < first:
                continue
            if state.cut_after is not None and index >= state.cut_after:
                state.cut_after = None
                return
            if name == "run.status":
                state.runs[run]["status"] = document["data"]["status"]
            self.wfile.write(
                ": comment\nid: {}\nevent: {}\ndata: {}\n\n".format(index + 1, name, json.dumps(document)).encode("utf-8")
            )
            self.wfile.flush()


def merge(have, changes):
    for key, value in changes.items():
        if value is None:
            have.pop(key, None)
        else:
            have[key] = value


def page_of(metrics, start, at_once=2):
    """`at_once` values of the metrics document from the `start`th on: pages end within metrics and columns."""
    page, seen, left = [], 0, at_once
    for metric in metrics:
        for column in metric["columns"]:
            first = max(0, start - seen)
            values = column["values"][first : first + left]
            seen += len(column["values"])
            if seen <= start or left == 0:
                continue
            left -= len(values)
            if not page or page[-1]["name"] != metric["name"]:
                page.append(dict(metric, columns=[]))
            page[-1]["columns"].append(dict(column, values=values))
    total = sum(len(column["values"]) for metric in metrics for column in metric["columns"])
    end = start + at_once - left
    return {"metrics": page, "next": str(end) if end < total else ""}


def series(lines):
    """Metric lines as the metric document."""
    found = {}
    for line in lines:
        metric = found.setdefault(line["n"], {"name": line["n"], "kind": line.get("k", "azureml.v1.scalar"), "columns": []})
        if "r" in line or "c" in line:
            metric["kind"] = "azureml.v1.table"
        columns = (
            {"": [line["v"]]}
            if "v" in line
            else {"": line["l"]} if "l" in line else line.get("c") or dict((key, [value]) for key, value in line["r"].items())
        )
        for name, values in columns.items():
            column = next((each for each in metric["columns"] if each["name"] == name), None)
            if column is None:
                column = {"name": name, "values": []}
                metric["columns"].append(column)
            column["values"].extend({"special": value["x"]} if isinstance(value, dict) else value for value in values)
    return list(found.values())


class _Connections(object):
    """Remembers open connections, so that a stopped server is really gone."""

    def process_request(self, request, client_address):
        self.__dict__.setdefault("open", []).append(request)
        socketserver.ThreadingMixIn.process_request(self, request, client_address)

    def cut(self):
        for request in self.__dict__.get("open", ()):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already


class _Tcp(_Connections, socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Unix(_Connections, socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class FakeServer(object):
    """`with FakeServer(socket_path) as server:`; without a path on a free TCP port. `server.state`, `server.url`."""

    def __init__(self, socket_path=None, state=None):
        if socket_path:
            if os.path.exists(socket_path):
                os.remove(socket_path)
            self._server = _Unix(socket_path, Handler)
            self.url = "unix://" + socket_path
        else:
            self._server = _Tcp(("127.0.0.1", 0), Handler)
            self.url = "http://127.0.0.1:{}".format(self._server.server_address[1])
        self.state = self._server.state = state or State()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.daemon = True

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *args):
        self._server.shutdown()
        self._server.server_close()
        self._server.cut()
        self._thread.join()

    def sent(self, method, path_end):
        """The bodies of the requests that were received."""
        return [body for command, path, _, _, body in self.state.requests if command == method and path.endswith(path_end)]
