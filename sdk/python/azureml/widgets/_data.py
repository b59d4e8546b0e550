"""What get_widget_data() answers: the document that v1's widget was drawn from."""

from azureml._werkbank.metric_shapes import decode_value
from azureml._werkbank.version import VERSION
from azureml.widgets._state import duration_text


def _properties(run, facts, details):
    record, logs = run._record(), details.get("logFiles") or {}
    return {
        "run_id": facts["id"],
        "created_utc": facts["created"],
        "properties": run.properties,
        "tags": run.tags,
        "script_name": record.get("script") or None,
        "arguments": (details.get("runDefinition") or {}).get("arguments"),
        "end_time_utc": record.get("endTimeUtc"),
        "status": facts["status"],
        "log_files": logs,
        "log_groups": [sorted(logs)] if logs else [],
        "run_duration": duration_text(facts["ran"]),
        "run_number": str(facts["number"]) if facts["number"] is not None else "",
    }


def _metrics(run):
    """[{"name", "run_id", "categories", "series"}]: a list has one series without a name, a table one per column."""
    found = []
    for metric in run._all_metrics(run.id, None)["metrics"]:
        series = []
        for column in metric["columns"]:
            one = {"data": [decode_value(value) for value in column["values"]]}
            if column["name"]:
                one["name"] = column["name"]
            series.append(one)
        length = max([len(each["data"]) for each in series] or [0])
        found.append({"name": metric["name"], "run_id": run.id, "categories": list(range(length)), "series": series})
    return found


def _child(record, row):
    return {
        "run_id": row["id"],
        "name": row["name"],
        "status": row["status"],
        "run_number": record.get("runNumber"),
        "run_type": record.get("runType"),
        "created_time": row["created"],
        "end_time": record.get("endTimeUtc") or "",
        "duration": row["duration"],
        "tags": record.get("tags") or {},
    }


def widget_data(run, state, settings):
    """The document of one run."""
    facts, logs = state.facts(), state.logs()
    details = run.get_details()
    of_family = run.get_metrics(recursive=True) if state.children else {}
    return {
        "status": facts["status"],
        "workbench_run_details_uri": run.get_portal_url(),
        "run_id": facts["id"],
        "run_properties": _properties(run, facts, details),
        "child_runs": [_child(record, row) for record, row in zip(state.children, state.child_rows())],
        "children_metrics": dict((run_id, metrics) for run_id, metrics in of_family.items() if run_id != run.id),
        "run_metrics": _metrics(run),
        "run_logs": logs[-1]["text"] if logs else "",
        "graph": {},
        "widget_settings": dict({"sdk_version": VERSION}, **settings),
        "loading": False,
    }
