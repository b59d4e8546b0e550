"""RunDetails: what is known of a run, how it is followed, what is shown without a notebook. In a browser: tests/notebooks."""

import os
import re
import sys
import threading
import types
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from azureml.exceptions import UserErrorException
from azureml.widgets import ParallelRunStepDetails, RunDetails, _page, _reading, run_details
from azureml.widgets._series import BUCKETS, Series
from azureml.widgets._state import TAIL_CHARACTERS, Log, RunState, phases_of
from azureml.widgets._watch import Watch

LOG = "azureml-logs/70_driver_log.txt"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;"


@pytest.fixture
def run(experiment):
    return experiment.start_logging(snapshot_directory=None)


def log_event(run, text, offset=0, **more):
    return ("log", dict({"run": run.id, "path": LOG, "attempt": 1, "offset": offset, "text": text}, **more))


def status_event(run, status):
    return ("run.status", {"runId": run.id, "data": {"status": status}})


# -- metrics as curves


def test_a_short_series_keeps_every_point():
    series = Series("")
    for value in (3, 1.5, 2):
        series.add(None, value)
    assert series.points() == [[0.0, 3.0], [1.0, 1.5], [2.0, 2.0]] and series.count == 3 and series.last == 2


def test_a_long_series_keeps_its_extremes_and_its_end():
    series = Series("")
    for index in range(100000):
        series.add(None, {40000: 900.0, 70001: -900.0}.get(index, index % 7))
    points = series.points()
    assert len(points) <= 2 * BUCKETS + 1 and series.count == 100000
    assert [40000.0, 900.0] in points and [70001.0, -900.0] in points and points[-1] == [99999.0, 99999 % 7]
    assert [point[0] for point in points] == sorted(point[0] for point in points)


def test_steps_are_places_and_what_is_no_number_is_not_drawn():
    series = Series("")
    for step, value in ((5, 1.0), (7, float("nan")), (9, float("inf")), (11, None), (13, True)):
        series.add(step, value)
    assert series.points() == [[5.0, 1.0], [13.0, 1.0]] and series.is_numeric
    series.add(15, "text")
    assert not series.is_numeric and series.last == "text"


# -- logs


def test_what_comes_twice_is_shown_once():
    log = Log("a")
    log.feed(1, 0, "h\u00e4\n", 4)
    log.feed(1, 0, "h\u00e4\nb\n", 6)
    log.feed(1, 6, "c\n", 2)
    assert log.text == "h\u00e4\nb\nc\n" and not log.is_cut


def test_a_new_attempt_begins_anew_and_the_old_one_is_over():
    log = Log("a")
    log.feed(1, 0, "one\n", 4)
    log.feed(2, 0, "two\n", 4)
    log.feed(1, 4, "late\n", 5)
    assert log.text == "two\n" and log.attempt == 2


def test_of_a_long_log_the_end_is_kept_from_a_whole_line_on():
    log, offset = Log("a"), 0
    for number in range(20000):
        line = "line {}\n".format(number)
        log.feed(1, offset, line, len(line))
        offset += len(line)
    assert len(log.text) <= TAIL_CHARACTERS and log.is_cut
    assert log.text.endswith("line 19999\n") and re.match(r"line \d+\n", log.text)


# -- phases


@pytest.mark.parametrize(
    "record, states",
    [
        ({"status": "Preparing"}, "now todo todo todo"),
        ({"status": "Queued"}, "done now todo todo"),
        ({"status": "Running"}, "done done now todo"),
        ({"status": "Finalizing"}, "done done done now"),
        ({"status": "Completed"}, "done done done done"),
        ({"status": "Failed", "error": {"reason": "environment"}}, "failed todo todo todo"),
        ({"status": "Failed", "startTimeUtc": "2026-11-22T00:00:00Z"}, "done done failed todo"),
        ({"status": "Canceled"}, "done failed todo todo"),
    ],
)
def test_phases(record, states):
    assert " ".join(phase["state"] for phase in phases_of(dict(record, managed=True))) == states


def test_a_run_that_was_opened_by_its_script_has_no_phases():
    assert phases_of({"status": "Running", "managed": False}) == []


# -- the page


class Tags(HTMLParser):
    def __init__(self, text):
        HTMLParser.__init__(self)
        self.found, self.open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("img", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def hostile_state():
    record = {
        "runId": HOSTILE,
        "displayName": HOSTILE,
        "experiment": HOSTILE,
        "status": HOSTILE,
        "target": HOSTILE,
        "managed": True,
        "startTimeUtc": "2026-11-22T00:00:00.5Z",
        "endTimeUtc": "2026-11-22T01:01:01.5Z",
        "tags": {HOSTILE: HOSTILE},
        "warnings": [{"message": HOSTILE}, HOSTILE],
        "error": {"message": HOSTILE, "hint": HOSTILE},
    }
    state = RunState(record, link="javascript:alert(1)", command=HOSTILE)
    state.set_note(HOSTILE)
    state.set_trouble(HOSTILE)
    state.set_children([dict(record)])
    state.feed_log({"path": HOSTILE, "rank": 1, "text": HOSTILE})
    for value in (1, 2):
        state.column(HOSTILE, "azureml.v1.scalar", HOSTILE).add(None, value)
    state.column("text", "azureml.v1.scalar", "").add(None, HOSTILE)
    return state


def test_everything_in_the_page_is_text():
    html = _page.page([hostile_state().whole(), hostile_state().whole()], HOSTILE)
    tags = Tags(html)
    assert not tags.open and not {"script", "a"} & set(tag for tag, _ in tags.found)
    for tag, attributes in tags.found:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert tag != "img" or attributes["src"].startswith("data:image/svg+xml;base64,")
    assert HOSTILE not in html and "&lt;script&gt;alert(1)" in html and "1:01:01" in html


def test_a_link_is_one_only_where_a_browser_can_open_it():
    state = RunState({"runId": "r", "status": "Running"}, link="https://wb/runs/r?a=1&b=2")
    links = [attributes for tag, attributes in Tags(_page.page([state.whole()])).found if tag == "a"]
    assert [each["href"] for each in links] == ["https://wb/runs/r?a=1&b=2"]


def test_a_chart_is_a_picture_with_a_text():
    chart, _ = hostile_state().charts()
    drawing = ElementTree.fromstring(_page.chart_svg(chart))
    (line,) = drawing.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(line.get("points").split()) == 2
    assert "2 values" in _page.chart_text(chart) and "from 1 to 2" in _page.chart_text(chart)


def test_a_flat_curve_can_be_drawn():
    state = RunState({"runId": "r", "status": "Running"})
    for _ in range(3):
        state.column("flat", "azureml.v1.scalar", "").add(1, 5.0)
    assert "nan" not in _page.chart_svg(state.charts()[0]).lower()


# -- show() without a notebook


def test_a_script_gets_text(run, server, capsys):
    server.state.web_address = "http://wb:8080"
    assert RunDetails(run).show() is None
    out = capsys.readouterr().out
    assert out.startswith("RunId: {}\nExperiment: digits\nStatus: Running\n".format(run.id))
    assert "Web View: http://wb:8080/runs/{}?wsid=".format(run.id) in out


def test_what_waits_says_why(experiment, server, capsys):
    run = experiment.start_logging(snapshot_directory=None)
    server.state.runs[run.id]["status"] = "Queued"
    RunDetails([run]).show(render_lib=None, widget_settings={"debug": True})
    assert "Status: Queued\nwaits for a slot\n" in capsys.readouterr().out


def test_a_server_that_is_away_does_not_stop_the_script(run, server, capsys, monkeypatch):
    monkeypatch.setattr("azureml._werkbank.connection.PATIENCE_S", 0.0)
    server.__exit__()
    os.remove(os.path.join(os.environ["WERKBANK_HOME"], "server.sock"))
    RunDetails(run).show()
    out = capsys.readouterr().out
    assert "RunId: " + run.id in out and "could not be made" in out


def test_an_offline_run(capsys):
    from azureml.core import Run

    RunDetails(Run.get_context()).show()
    assert "RunId: OfflineRun_" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["text", 3, None, [], [None]])
def test_what_is_no_run_is_refused(wrong):
    with pytest.raises(UserErrorException) as caught:
        RunDetails(wrong)
    assert "RunDetails shows" in caught.value.message and caught.value.hint


def test_runs_of_two_workspaces_are_refused(run, server):
    from azureml.core import Experiment, Workspace

    other = Experiment(Workspace.create("other"), "digits").start_logging(snapshot_directory=None)
    with pytest.raises(UserErrorException):
        RunDetails([run, other])
    with pytest.raises(UserErrorException):
        RunDetails(run).show(widget_settings="wide")


# -- show() in a notebook without anywidget


def pretend_notebook(monkeypatch):
    shown = []
    module = types.ModuleType("IPython.display")
    module.display = lambda bundle, raw: shown.append(bundle)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(run_details, "_is_notebook", lambda: True)
    monkeypatch.setattr(run_details, "_live_view", lambda: None)
    return shown


def test_a_notebook_without_the_extra_gets_a_page(run, monkeypatch, server, capsys):
    shown = pretend_notebook(monkeypatch)
    for value in (1, 0.5, 0.25):
        run.log("loss", value)
    run.flush()
    server.state.files[run.id, LOG] = b"hello\n"
    server.state.events[run.id] = [log_event(run, "hello\n")]
    run.child_run("part").complete()
    RunDetails(run).show()
    (bundle,) = shown
    html = bundle["text/html"]
    assert "hello" in html and "Chart of loss, 3 values" in html and "Child runs" in html and "pip install" in html
    assert bundle["text/plain"].startswith("RunId: ") and capsys.readouterr().out == ""


def test_outside_of_ipython_there_is_no_notebook():
    assert run_details._is_notebook() is False


# -- data


def test_widget_data_have_v1s_form(run, server):
    for value in (1, 0.5):
        run.log("loss", value)
    run.log_row("curve", x=1, y=2)
    run.flush()
    run.tag("k", "v")
    child = run.child_run("part")
    child.log("deep", 3)
    child.complete()
    server.state.files[run.id, LOG] = b"hello\n"
    server.state.events[run.id] = [log_event(run, "hello\n")]
    data = RunDetails(run).get_widget_data({"debug": True})
    assert data["status"] == "Running" and data["run_id"] == run.id and data["loading"] is False
    assert data["workbench_run_details_uri"] == run.get_portal_url()
    assert data["run_properties"]["tags"] == {"k": "v"} and list(data["run_properties"]["log_files"]) == [LOG]
    assert data["run_metrics"][0] == {"name": "loss", "run_id": run.id, "categories": [0, 1], "series": [{"data": [1, 0.5]}]}
    assert data["run_metrics"][1]["series"] == [{"name": "x", "data": [1]}, {"name": "y", "data": [2]}]
    assert [each["run_id"] for each in data["child_runs"]] == [child.id] and data["child_runs"][0]["status"] == "Completed"
    assert data["children_metrics"] == {child.id: {"deep": 3}}
    assert data["run_logs"] == "hello\n" and data["widget_settings"]["debug"] is True
    assert [each["run_id"] for each in RunDetails([run, child]).get_widget_data()] == [run.id, child.id]


# -- following


class Follower(object):
    """Keeps what a watch hands on."""

    def __init__(self, *runs):
        self.changes, self.ends = [], 0
        self.states = [_reading.state_of(run) for run in runs]
        self.watch = Watch(list(runs), self.states, self.changes.append, self._end)
        self._is_at_end = threading.Event()

    def _end(self):
        self.ends += 1
        self._is_at_end.set()

    def follow(self):
        self.watch.start()
        assert self._is_at_end.wait(30)
        assert self.ends == 1 and self.watch.wait(0)
        return self

    def last(self, part):
        return [change[part] for change in self.changes if part in change][-1]


def test_a_run_is_followed_to_its_end(run, server):
    for value in (1, 0.5, 0.25):
        run.log("loss", value)
    run.flush()
    server.state.events[run.id] = [
        status_event(run, "Running"),
        ("metrics", {"run": run.id, "points": 3}),
        log_event(run, "one\n"),
        log_event(run, "two\n", 4),
        status_event(run, "Completed"),
    ]
    follower = Follower(run).follow()
    assert follower.last("logs") == [[{"label": LOG, "text": "one\ntwo\n", "cut": False, "attempt": 1}]]
    assert follower.last("facts")[0]["status"] == "Completed" and follower.last("facts")[0]["isFinal"]
    (chart,) = follower.last("charts")[0]
    assert chart["name"] == "loss" and chart["series"][0]["points"] == [[0.0, 1.0], [1.0, 0.5], [2.0, 0.25]]
    assert chart["last"] == [["", "0.25"]]


def test_a_broken_stream_is_taken_up_where_it_broke(run, server):
    server.state.cut_after = 2
    server.state.events[run.id] = [
        log_event(run, "one\n"),
        log_event(run, "two\n", 4),
        log_event(run, "three\n", 8),
        status_event(run, "Failed"),
    ]
    follower = Follower(run).follow()
    assert follower.last("logs")[0][0]["text"] == "one\ntwo\nthree\n"
    cursors = [headers.get("Last-Event-ID") for _, path, _, headers, _ in server.state.requests if path.endswith("/events")]
    assert cursors[:2] == [None, "2"]


def test_several_runs_are_followed_together(experiment, server):
    runs = [experiment.start_logging(snapshot_directory=None) for _ in range(2)]
    for number, run in enumerate(runs):
        server.state.events[run.id] = [log_event(run, "run {}\n".format(number)), status_event(run, "Completed")]
    follower = Follower(*runs).follow()
    assert [logs[0]["text"] for logs in follower.last("logs")] == ["run 0\n", "run 1\n"]
    asked = [query["log"] for _, path, query, _, _ in server.state.requests if path.endswith("/events")]
    assert asked[0] == [run.id + ":*" for run in runs]


def test_children_are_listed_as_they_come(run, server):
    child = run.child_run("part")
    server.state.events[run.id] = [
        ("run.created", {"runId": child.id, "data": {"status": "Running"}}),
        status_event(run, "Completed"),
    ]
    follower = Follower(run).follow()
    assert [(row["id"], row["status"]) for row in follower.last("children")[0]] == [(child.id, "Running")]


def test_a_run_that_is_gone_is_not_asked_for_again(run, server):
    follower = Follower(run)
    del server.state.runs[run.id]
    follower.follow()
    assert "no run" in follower.last("facts")[0]["trouble"]


def test_a_server_that_comes_back_is_followed_on(run, server, program, tmp_path):
    from fake_server import FakeServer

    follower = Follower(run)
    server.__exit__()
    heard = threading.Event()
    follower.watch._on_change = lambda parts: (follower.changes.append(parts), heard.set())
    follower.watch.start()
    assert heard.wait(30) and "does not answer" in follower.last("facts")[0]["trouble"]
    server.state.events[run.id] = [status_event(run, "Completed")]
    with FakeServer(str(tmp_path / "home" / "server.sock"), server.state):
        assert follower.watch.wait(30)
    assert follower.last("facts")[0]["trouble"] == "" and follower.states[0].is_final
    assert not program.exists()  # who only looks on starts no server


# -- steps


def test_the_view_of_a_step(run, workspace, server, capsys):
    child = run.child_run("step one")
    name = server.state.runs[child.id]["displayName"]
    assert ParallelRunStepDetails(run, name).step_run.id == child.id
    assert ParallelRunStepDetails(workspace=workspace, run_id=run.id, step_run_id=child.id).step_run.id == child.id
    ParallelRunStepDetails(run).show()
    assert "RunId: " + run.id in capsys.readouterr().out
    with pytest.raises(UserErrorException) as caught:
        ParallelRunStepDetails(run, "nonsense")
    assert name in caught.value.hint
    with pytest.raises(UserErrorException):
        ParallelRunStepDetails()


# -- tables


def test_the_tables_of_notebooks(run, experiment, server):
    html = run._repr_html_()
    assert re.findall("<th[^>]*>([^<]+)</th>", html) == ["Experiment", "Id", "Type", "Status", "Details Page", "Docs Page"]
    assert "<code>werkbank run show {}</code>".format(run.id) in html and "<a " not in html
    server.state.web_address = "http://wb:1"
    run.experiment.workspace._server._web_address = None
    assert 'href="http://wb:1/runs/{}'.format(run.id) in run._repr_html_()
    assert re.findall("<th[^>]*>([^<]+)</th>", experiment._repr_html_()) == ["Name", "Workspace", "Report Page", "Docs Page"]
    server.state.runs[run.id]["status"] = HOSTILE
    run._record(refresh=True)
    Tags(run._repr_html_())
    assert "<script" not in run._repr_html_()
