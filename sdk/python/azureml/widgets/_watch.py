"""Follows runs in the background: one thread reads the live events, another fetches what they hint at and hands it on.

The reader never waits for a fetch, and what comes faster than it can be shown is handed on together.
"""

import json
import threading

from azureml._werkbank.client import WorkspaceClient, read_events
from azureml._werkbank.run_record import FINAL_STATES
from azureml.widgets import _reading

# Between two updates: at least so long, and longer where they are large (Jupyter drops what comes faster than 1 MB/s).
_PAUSE_S = 0.05
_BYTES_A_SECOND = 250000.0
_RETRY_S = 1.0
# What a run waits for can change without an event, and so does the list of children where there are many.
_LOOK_AGAIN_S = 5.0
_GONE = (401, 403, 404)

_PARTS = ("facts", "logs", "charts", "children")


class Watch(object):
    """Keeps the states of runs up to date until all have ended.

    `on_change({part: [that part of each run]})` is called from a thread of the watch, `on_end()` once, after the last change.
    """

    def __init__(self, runs, states, on_change, on_end):
        workspace = runs[0].experiment.workspace
        self._client = WorkspaceClient(workspace._server.without_starting(), workspace.name)
        self._states = states
        self._by_id = dict((state.record["runId"], state) for state in states)
        self._on_change = on_change
        self._on_end = on_end
        self._experiments = sorted(set(state.record["experiment"] for state in states))
        self._stale = dict((run_id, set()) for run_id in self._by_id)
        self._ended = set()  # runs whose last event was read: it comes after the last byte of their logs
        self._completed = set()  # of these, the ones that were fetched once more
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._over = threading.Event()
        self._response = None

    def start(self):
        """Begin. The threads carry the context of the caller: that is how a notebook knows which cell output belongs to."""
        for name, target in (("events", self._read), ("updates", self._bring)):
            thread = threading.Thread(target=_in_context(target), name="azureml-widget-" + name)
            thread.daemon = True
            thread.start()

    def stop(self):
        """Follow no longer."""
        self._stopped.set()
        self._wake.set()
        connection = getattr(self._response, "werkbank_connection", None)
        if connection is not None and connection.sock is not None:
            import socket

            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already

    def wait(self, seconds):
        """Wait for the end; whether it came."""
        return self._over.wait(seconds)

    # -- the reader

    def _query(self):
        query = [("events", "experiment:" + name) for name in self._experiments]
        for run_id in self._by_id:
            query += [("events", "run:" + run_id), ("log", run_id + ":*"), ("metrics", run_id)]
        return query

    def _read(self):
        from http.client import HTTPException

        cursor = None
        while not self._stopped.is_set():
            headers = {"Accept": "text/event-stream"}
            if cursor:
                headers["Last-Event-ID"] = cursor
            try:
                path = self._client.path(("events",))
                response = self._client.server.open(path, query=self._query(), headers=headers, timeout_s=45.0)
            except Exception as error:
                if getattr(error, "status_code", None) in _GONE or not self._pause_after(error):
                    return
                continue
            self._response = response
            self._trouble("")
            try:
                for name, data, identity in read_events(response):
                    cursor = identity or cursor
                    self._take(name, json.loads(data))
                    if self._stopped.is_set():
                        return
            except (OSError, HTTPException, ValueError, AttributeError):
                pass  # broken off; AttributeError: closed by stop() while it was read
            finally:
                self._response = None
                response.close()
                response.werkbank_connection.close()
            self._stopped.wait(_PAUSE_S)

    def _pause_after(self, error):
        """Tell what is wrong and wait a little; whether to go on."""
        self._trouble(getattr(error, "message", None) or "{}".format(error))
        return not self._stopped.wait(_RETRY_S)

    def _trouble(self, text):
        with self._lock:
            for state in self._states:
                state.set_trouble(text)
        self._wake.set()

    def _take(self, name, data):
        """One event."""
        with self._lock:
            if name == "log":
                if data.get("run") in self._by_id:
                    self._by_id[data["run"]].feed_log(data)
            elif name == "metrics":
                run_id = data.get("run")
                if run_id in self._by_id and data.get("points") != self._by_id[run_id].points():
                    self._stale[run_id].add("metrics")
            else:
                self._take_event(name, data)
        self._wake.set()

    def _take_event(self, name, data):
        state = self._by_id.get(data.get("runId"))
        if state is not None:
            status = (data.get("data") or {}).get("status")
            if name == "run.status" and status:
                state.set_status(status)
                (self._ended.add if status in FINAL_STATES else self._ended.discard)(data["runId"])
            self._stale[data["runId"]].update(("record", "note"))
        elif name.startswith("run."):
            for run_id, state in self._by_id.items():
                mine = [record["runId"] for record in state.children]
                if name in ("run.created", "run.deleted", "run.restored") or data.get("runId") in mine:
                    self._stale[run_id].add("children")

    # -- the one that brings

    def _bring(self):
        with self._lock:
            for stale in self._stale.values():
                stale.update(("record", "note", "metrics", "children"))
        self._wake.set()
        has_failed = False
        while not self._stopped.is_set():
            waits = any(state.record.get("status") in _reading.BEFORE_RUNNING for state in self._states)
            self._wake.wait(_LOOK_AGAIN_S if waits else None)
            if not self._wake.is_set():
                self._note_stale()
            self._wake.clear()
            try:
                self._refresh()
            except Exception as error:  # whatever it is: a notebook's background has nobody to raise to
                gone = getattr(error, "status_code", None) in _GONE
                self._trouble(getattr(error, "message", None) or "{}".format(error))
                self._push()
                has_failed = True
                if gone or self._stopped.wait(_RETRY_S):
                    break
                self._wake.set()
                continue
            if has_failed:
                has_failed = False
                self._trouble("")
            over = self._is_over()
            size = self._push()
            if over:
                break
            self._stopped.wait(max(_PAUSE_S, size / _BYTES_A_SECOND))
        self.stop()
        self._over.set()
        self._on_end()

    def _note_stale(self):
        with self._lock:
            for stale in self._stale.values():
                stale.add("note")

    def _is_over(self):
        """All have ended, and nothing is left to fetch; each is looked at once more after its end."""
        with self._lock:
            for run_id in self._ended - self._completed:
                self._completed.add(run_id)
                self._stale[run_id].update(("record", "metrics", "children"))
                self._wake.set()
            return len(self._ended) == len(self._by_id) and not any(self._stale.values())

    def _refresh(self):
        for run_id, state in self._by_id.items():
            with self._lock:
                stale, self._stale[run_id] = self._stale[run_id], set()
            left = set(stale)
            try:
                for part in ("record", "note", "metrics", "children"):
                    if part in stale:
                        getattr(_reading, "refresh_" + part)(self._client, state, self._lock)
                        left.discard(part)
            finally:
                with self._lock:
                    self._stale[run_id].update(left)

    def _push(self):
        """Hand on what has changed; its size."""
        with self._lock:
            touched = set()
            for state in self._states:
                touched |= state.take_changes()
            parts = dict((part, [state.part(part) for state in self._states]) for part in _PARTS if part in touched)
        if not parts:
            return 0
        self._on_change(parts)
        return len(json.dumps(parts))


def _in_context(target):
    """The function, to be called in the present context where Python has such."""
    try:
        from contextvars import copy_context
    except ImportError:  # before Python 3.7, where no live view exists
        return target
    context = copy_context()
    return lambda: context.run(target)
