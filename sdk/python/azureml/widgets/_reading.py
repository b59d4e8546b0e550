"""Brings what is known about a run up to date from the server."""

import json

from azureml.widgets._state import TAIL_CHARACTERS, RunState

_POINTS_AT_ONCE = 10000
_CHILDREN = 200
# Logs up to this size together are read whole, so that every rank's is there; of larger ones the end is.
_WHOLE_LOGS_BYTES = 4000000
BEFORE_RUNNING = ("NotStarted", "Queued", "Provisioning", "Preparing", "Starting")


def state_of(run):
    """The state of a Run object, with what it knows itself."""
    from azureml.core._portal import web_view

    shown = web_view(run)
    is_link = shown.startswith(("http://", "https://"))
    return RunState(run._record(), link=shown if is_link else "", command="" if is_link else shown)


def refresh_record(client, state, lock):
    """The run document."""
    record = client.get("runs", state.record["runId"])
    with lock:
        state.set_record(record)


def refresh_note(client, state, lock):
    """Why a run that is not running yet is where it is."""
    note = ""
    if state.record.get("status") in BEFORE_RUNNING:
        note = client.get("runs", state.record["runId"], "why").get("summary") or ""
    with lock:
        state.set_note(note)


def refresh_children(client, state, lock):
    """The run's children, the first of them where there are very many."""
    page = client.get("runs", state.record["runId"], "children", limit=_CHILDREN)
    with lock:
        state.set_children(page.get("items") or ())


def refresh_metrics(client, state, lock):
    """The points that are new."""
    run_id = state.record["runId"]
    document = client.get("runs", run_id, "metrics", values="false")
    for metric in document["metrics"]:
        for column in metric["columns"]:
            with lock:
                series = state.column(metric["name"], metric["kind"], column["name"])
            while series.count < column["count"]:
                page = client.get(
                    "runs",
                    run_id,
                    "metrics",
                    "points",
                    name=metric["name"],
                    column=column["name"],
                    limit=_POINTS_AT_ONCE,
                    **{"from": series.count},
                )
                if not page["points"]:
                    break
                with lock:
                    for point in page["points"]:
                        series.add(point.get("step"), _decoded(point["value"]))


def _decoded(value):
    return float(value["special"]) if isinstance(value, dict) else value


def read_logs(client, state, lock):
    """The logs as they are now."""
    run_id = state.record["runId"]
    logs = set(client.get("runs", run_id, "details").get("logFiles") or ())
    if not logs:
        return
    sizes = dict((item["path"], item.get("sizeBytes") or 0) for item in client.items("runs", run_id, "files"))
    if sum(sizes.get(path, 0) for path in logs) <= _WHOLE_LOGS_BYTES:
        query = [("events", "run:" + run_id), ("log", run_id + ":*"), ("follow", "false")]
        for name, data in read_stream(client, query):
            if name == "log" and data.get("run") == run_id:
                with lock:
                    state.feed_log(data)
        return
    for path in sorted(logs):
        first = max(0, sizes.get(path, 0) - TAIL_CHARACTERS)
        answer = client.server.request(
            "GET", client.path(client.file_segments(run_id, path)), headers={"Range": "bytes={}-".format(first)}
        )
        content = answer.body[-TAIL_CHARACTERS:]
        with lock:
            text = content.decode("utf-8", "replace")
            state.feed_log({"path": path, "offset": first, "text": text, "size": len(content)})


def read_stream(client, query):
    """(event, data) of a stream that ends by itself."""
    from azureml._werkbank.client import read_events

    response = client.server.open(client.path(("events",)), query=query, headers={"Accept": "text/event-stream"})
    try:
        for name, data, _ in read_events(response):
            yield name, json.loads(data)
    finally:
        response.close()
        response.werkbank_connection.close()
