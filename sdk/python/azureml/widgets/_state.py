"""What is known about one run: facts, logs, metrics and children, as plain data that both the live view and the page show."""

import time

from azureml._werkbank.run_record import FINAL_STATES
from azureml.widgets._series import Series

# So much of each log is kept, from its end; and so many logs.
TAIL_CHARACTERS = 24000
LOGS = 64

PHASES = ("Preparing", "Scaling", "Running", "Post-processing")
_PHASE_OF = {
    "NotStarted": 0,
    "Provisioning": 0,
    "Preparing": 0,
    "Queued": 1,
    "Starting": 1,
    "Running": 2,
    "NotResponding": 2,
    "CancelRequested": 2,
    "Finalizing": 3,
}


def phases_of(record):
    """[{"name", "state"}] with state done, now, failed or todo; none for a run that its script has opened itself."""
    if not record.get("managed"):
        return []
    status = record.get("status")
    if status == "Completed":
        at, word = len(PHASES), "done"
    elif status in FINAL_STATES:
        reason = (record.get("error") or {}).get("reason")
        at = 0 if reason == "environment" else 2 if record.get("startTimeUtc") else 1
        word = "failed"
    else:
        at, word = _PHASE_OF.get(status, 2), "now"
    return [
        {"name": name, "state": "done" if index < at else word if index == at else "todo"} for index, name in enumerate(PHASES)
    ]


def seconds_of(text):
    """Seconds since 1970 of a time of the server; None for none."""
    from calendar import timegm

    if not text:
        return None
    try:
        whole = timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None
    fraction = text[19:].rstrip("Z")
    return whole + (float("0" + fraction) if fraction.startswith(".") and fraction[1:].isdigit() else 0.0)


def duration_text(seconds):
    """1:02:03 as v1 writes a duration; empty for None."""
    if seconds is None:
        return ""
    whole = max(0, int(seconds))
    return "{}:{:02}:{:02}".format(whole // 3600, whole // 60 % 60, whole % 60)


def ran_for(record, now):
    """How long a run has been going on, in seconds; None before it runs."""
    start, end = seconds_of(record.get("startTimeUtc")), seconds_of(record.get("endTimeUtc"))
    return None if start is None else (end or now) - start


def value_text(value):
    """A metric's value for a table."""
    if isinstance(value, float):
        return "{:.6g}".format(value)
    return "{}".format(value)


class Log(object):
    """The end of one stream."""

    def __init__(self, label):
        self.label = label
        self.attempt = 0
        self.text = ""
        self.is_cut = False
        self._bytes = 0  # of the stream that were taken in

    def feed(self, attempt, offset, text, size):
        """The bytes from `offset` on; what was there before counts once. A new attempt begins anew."""
        if attempt < self.attempt:
            return
        if attempt > self.attempt:
            self.attempt, self.text, self.is_cut, self._bytes = attempt, "", False, 0
        if offset < self._bytes:  # repeated after a broken connection
            text = text.encode("utf-8")[self._bytes - offset :].decode("utf-8", "replace")
        elif offset > self._bytes:
            self.is_cut = True
        self._bytes = max(self._bytes, offset + size)
        whole = self.text + text
        if len(whole) > TAIL_CHARACTERS:
            whole = whole[-TAIL_CHARACTERS:]
            self.is_cut = True
            line = whole.find("\n", 0, 4000)
            whole = whole[line + 1 :]
        self.text = whole


class RunState(object):
    """One run. Not safe for threads; its owner has a lock. `changed` names the parts that were touched since take_changes()."""

    def __init__(self, record, link="", command=""):
        self.record = record
        self.link = link
        self.command = command
        self.note = ""  # why it is where it is
        self.trouble = ""  # why nothing new comes
        self.children = []
        self._logs = {}
        self._metrics = {}  # name → (kind, {column: Series}), in order
        self._order = []
        self.changed = {"facts", "logs", "charts", "children"}

    @property
    def is_final(self):
        return self.record.get("status") in FINAL_STATES

    def take_changes(self):
        changed, self.changed = self.changed, set()
        return changed

    def set_record(self, record):
        self.record = record
        self.changed.add("facts")

    def set_status(self, status):
        if self.record.get("status") != status:
            self.set_record(dict(self.record, status=status))

    def set_note(self, note):
        if note != self.note:
            self.note = note
            self.changed.add("facts")

    def set_trouble(self, trouble):
        if trouble != self.trouble:
            self.trouble = trouble
            self.changed.add("facts")

    def set_children(self, records):
        self.children = list(records)
        self.changed.add("children")

    def feed_log(self, data):
        """One `log` event."""
        key = (data["path"], data.get("rank", 0))
        if key not in self._logs:
            if len(self._logs) >= LOGS:
                return
            label = key[0] if not key[1] else "{} (rank {})".format(*key)
            self._logs[key] = Log(label)
        text = data.get("text", "")
        size = data["size"] if "size" in data else len(text.encode("utf-8"))
        self._logs[key].feed(data.get("attempt", 1), data.get("offset", 0), text, size)
        self.changed.add("logs")

    def columns(self, name, kind):
        """{column: Series} of a metric, to be filled."""
        if name not in self._metrics:
            self._metrics[name] = (kind, {})
            self._order.append(name)
        return self._metrics[name][1]

    def column(self, name, kind, column):
        """The series of one column."""
        columns = self.columns(name, kind)
        if column not in columns:
            columns[column] = Series(column)
        self.changed.add("charts")
        return columns[column]

    def points(self):
        """How many points were taken in."""
        return sum(series.count for _, columns in self._metrics.values() for series in columns.values())

    # -- as plain data

    def facts(self):
        record, now = self.record, time.time()
        error = record.get("error") or {}
        return {
            "id": record.get("runId", ""),
            "name": record.get("displayName") or record.get("runId", ""),
            "number": record.get("runNumber"),
            "experiment": record.get("experiment", ""),
            "type": record.get("runType") or "",
            "status": record.get("status", ""),
            "isFinal": self.is_final,
            "target": record.get("target") or "",
            "created": record.get("createdUtc") or "",
            "started": seconds_of(record.get("startTimeUtc")),
            "ran": ran_for(record, now),
            "ended": seconds_of(record.get("endTimeUtc")),
            "asOf": now,
            "link": self.link,
            "command": self.command,
            "phases": phases_of(record),
            "note": "" if self.is_final else self.note,
            "trouble": self.trouble,
            "error": {"message": error.get("message") or "", "hint": error.get("hint") or ""} if error else None,
            "warnings": [each.get("message", "") if isinstance(each, dict) else each for each in record.get("warnings") or ()],
            "tags": [[key, value] for key, value in sorted((record.get("tags") or {}).items())],
        }

    def logs(self):
        return [
            {"label": log.label, "text": log.text, "cut": log.is_cut, "attempt": log.attempt}
            for _, log in sorted(self._logs.items())
        ]

    def charts(self):
        """Each metric: its series where they can be drawn, and what stands in a table."""
        found = []
        for name in self._order:
            kind, columns = self._metrics[name]
            drawn = [series for series in columns.values() if series.is_numeric and len(series.points()) > 1]
            found.append(
                {
                    "name": name,
                    "kind": kind,
                    "count": max([series.count for series in columns.values()] or [0]),
                    "series": [{"name": series.name, "points": series.points()} for series in drawn],
                    "last": [[series.name, value_text(series.last)] for series in columns.values()],
                }
            )
        return found

    def child_rows(self):
        now = time.time()
        return [
            {
                "id": record.get("runId", ""),
                "name": record.get("displayName") or record.get("runId", ""),
                "status": record.get("status", ""),
                "duration": duration_text(ran_for(record, now)),
                "created": record.get("createdUtc") or "",
            }
            for record in self.children
        ]

    def part(self, name):
        """One of facts, logs, charts, children as plain data."""
        return {"facts": self.facts, "logs": self.logs, "charts": self.charts, "children": self.child_rows}[name]()

    def whole(self):
        return dict((name, self.part(name)) for name in ("facts", "logs", "charts", "children"))
