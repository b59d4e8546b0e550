"""Waiting for a run, and v1's printed layout of it. Nothing is polled: logs and the end arrive as events."""

import json
import re
import sys

from azureml._werkbank.run_record import FINAL_STATES
from azureml.exceptions import ActivityFailedException, ExperimentExecutionException

_STREAMED = re.compile(r"^(user_logs/std_log[\w.-]*\.txt|azureml-logs/[0-9]{2}.*\.txt)$")
_OTHER_RANK = re.compile(r"_(?:process_|worker_)?([1-9][0-9]*)\.txt$")


def wait_for_run(run, show_output, raise_on_error):
    """Wait for the end of a run; its details."""
    try:
        if show_output:
            details = _stream(run)
        else:
            _wait_quietly(run)
            details = run.get_details()
    except KeyboardInterrupt:
        raise ExperimentExecutionException(
            "Waiting was interrupted; the run {} goes on. Follow it again with wait_for_completion(show_output=True), "
            "or end it with cancel().".format(run.id),
            werkbank_code="waiting_interrupted",
        )
    if details.get("status") == "Failed":
        text = _error_text(details)
        if raise_on_error:
            raise ActivityFailedException(error_details=text)
        if not show_output:
            print(text)
    return details


def _wait_quietly(run):
    document = run._record(refresh=True)
    while document["status"] not in FINAL_STATES:
        document = run._client.wait_for_change(run.id, document.get("revision", 0))
    run._document = document


def _error_text(details):
    error = details.get("error")
    return json.dumps(error, indent=4) if error else "The run failed without telling why; its logs may say more."


def _status_of(run, data):
    """The status that a run.status event carries; the document's where it carries none."""
    inner = data.get("data")
    status = data.get("status") or (inner.get("status") if isinstance(inner, dict) else None)
    return status or run._record(refresh=True)["status"]


class LogPrinter(object):
    """Prints the newest log as it grows, with a heading whenever another one becomes the newest."""

    def __init__(self, out):
        self._out = out
        self._current = None
        self._printed = {}  # path → bytes of it that were printed
        self._at_line_start = True

    def feed(self, path, offset, text, size, attempt=1):
        if not _STREAMED.match(path) or _OTHER_RANK.search(path):
            return
        if self._current is not None and path < self._current:
            return
        if path != self._current:
            self._current = path
            self._end_line()
            self._out.write("\nStreaming {}\n{}\n\n".format(path, "=" * (len(path) + 10)))
        key = (path, attempt)
        done = self._printed.get(key, 0)
        if offset < done:  # repeated after a broken connection
            text = text.encode("utf-8")[done - offset :].decode("utf-8", "replace")
        if offset + size > done:
            self._printed[key] = offset + size
        if text:
            self._out.write(text)
            self._at_line_start = text.endswith("\n")
        self._out.flush()

    def _end_line(self):
        if not self._at_line_start:
            self._out.write("\n")
            self._at_line_start = True

    def finish(self):
        self._end_line()


def _stream(run):
    out = sys.stdout
    from azureml.core._portal import web_view

    url = web_view(run)
    out.write("RunId: {}\nWeb View: {}\n".format(run.id, url))
    out.flush()
    printer = LogPrinter(out)
    query = [("events", "run:" + run.id), ("log", run.id + ":*"), ("from", "start")]
    events = run._client.follow(query)
    try:
        for name, data in events:
            if name == "log" and data.get("run") == run.id:
                text = data.get("text", "")
                size = data["size"] if "size" in data else len(text.encode("utf-8"))
                printer.feed(data["path"], data.get("offset", 0), text, size, data.get("attempt", 1))
            elif name == "run.status" and _status_of(run, data) in FINAL_STATES:
                if run._record(refresh=True)["status"] in FINAL_STATES:  # a client-tracked run may have been opened again since
                    break
    finally:
        events.close()
        printer.finish()
    details = run.get_details()
    _print_summary(out, run, url, details)
    return details


def _print_summary(out, run, url, details):
    out.write("\nExecution Summary\n=================\nRunId: {}\nWeb View: {}\n".format(run.id, url))
    if details.get("warnings"):
        out.write("\nWarnings:\n{}\n".format("\n".join(_warning_text(each) for each in details["warnings"])))
    if details.get("error"):
        out.write("\nError:\n{}\n".format(json.dumps(details["error"], indent=4)))
    out.write("\n")
    out.flush()


def _warning_text(warning):
    return warning.get("message", "") if isinstance(warning, dict) else "{}".format(warning)
