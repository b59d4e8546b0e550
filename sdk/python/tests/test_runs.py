"""Runs over the wire: client-tracked runs, families, files, tags, metrics, listing."""

import hashlib
import io
import os

import pytest

from azureml.core import Experiment, Run, ScriptRun, Workspace, get_run
from azureml.exceptions import AzureMLException, ServiceException, SnapshotException, UserErrorException


@pytest.fixture
def run(experiment):
    return experiment.start_logging(snapshot_directory=None)


def test_start_logging_and_complete(experiment, server):
    os.makedirs("outputs/deep")
    with open("outputs/deep/model.txt", "w") as stream:
        stream.write("weights")
    run = experiment.start_logging(snapshot_directory=None)
    assert run.get_status() == "Running" and run.number == 1 and run.name == "run_" + run.id
    run.log("accuracy", 0.9)
    run.complete()
    assert run.get_status() == "Completed"
    assert run.get_file_names() == ["outputs/deep/model.txt"]
    assert server.state.files[(run.id, "outputs/deep/model.txt")] == b"weights"


def test_start_logging_takes_a_snapshot_of_a_small_folder(experiment, program, server):
    run = experiment.start_logging()
    assert run.get_snapshot_id() == "f" * 64 and run.properties["ContentSnapshotId"] == "f" * 64
    with pytest.raises(SnapshotException):
        run.take_snapshot(".")


def test_start_logging_without_the_program_works(experiment, monkeypatch, caplog):
    monkeypatch.setenv("PATH", "")
    assert experiment.start_logging().get_snapshot_id() is None
    assert "snapshot" in caplog.text


def test_context_manager_completes_or_fails(experiment, server):
    with experiment.start_logging(snapshot_directory=None) as run:
        pass
    assert run.status == "Completed"
    with pytest.raises(ValueError):
        with experiment.start_logging(snapshot_directory=None) as run:
            raise ValueError("bad data")
    error = server.state.runs[run.id]["error"]
    assert run.status == "Failed" and error["code"] == "UserError" and error["message"] == "bad data"
    assert error["debug_type"] == "ValueError" and "test_runs.py" in error["debug_stack_trace"]
    with pytest.raises(SystemExit):
        with experiment.start_logging(snapshot_directory=None) as run:
            raise SystemExit()
    assert run.status == "Completed"


def test_metric_shapes(run):
    run.log("once", 0.5)
    for value in (1, 2, 3):
        run.log("series", value, step=value)
    run.log_list("list", [1, 1, 2])
    run.log_list("single", [4])
    run.log_row("row", a=1, b="x")
    for index in range(2):
        run.log_row("rows", a=index, b=index * 2)
    run.log_table("table", {"a": [1, 2], "b": [0.5, float("inf")]})
    run.log_table("flat", {"a": 1})
    assert run.get_metrics() == {
        "once": 0.5,
        "series": [1, 2, 3],
        "list": [1, 1, 2],
        "single": 4,
        "row": {"a": 1, "b": "x"},
        "rows": {"a": [0, 1], "b": [0, 2]},
        "table": {"a": [1, 2], "b": [0.5, float("inf")]},
        "flat": {"a": 1},
    }
    assert run.get_metrics(name="once") == {"once": 0.5}


def test_metrics_of_a_family(run):
    child = run.child_run("fold")
    child.log("m", 1)
    child.complete()
    run.create_children(count=1)
    assert run.get_metrics() == {} and run.get_metrics(recursive=True) == {child.id: {"m": 1}}


def test_many_points_arrive_once_although_answers_are_lost(run, server):
    for index in range(1000):
        if index == 500:
            server.state.failures += ["drop", 503, "drop"]
        run.log("m", index)
    run.flush()
    assert run.get_metrics()["m"] == list(range(1000))


def test_refused_metrics_are_told_at_the_next_call(run, server):
    server.state.failures.append(400)
    run.log("m", 1)
    with pytest.raises(AzureMLException):
        run.flush()


def test_json_metrics(run, server):
    value = {
        "schema_type": "confusion_matrix",
        "schema_version": "1.0.0",
        "data": {"class_labels": ["0", "1"], "matrix": [[3, 1], [0, 4]]},
    }
    run.log_confusion_matrix("confusion", value)
    address = "aml://artifactId/ExperimentRun/dcid.{}/confusion".format(run.id)
    assert run.get_metrics() == {"confusion": address}
    assert run.get_metrics(populate=True)["confusion"].content == value
    for wrong in ("not json", {"data": {}}, dict(value, data={"matrix": []}), 3):
        with pytest.raises(UserErrorException):
            run.log_confusion_matrix("wrong", wrong)
    assert "wrong" not in run.get_file_names()


def test_images(run):
    class Figure(object):
        def savefig(self, stream, format):
            stream.write(b"\x89PNG\r\n\x1a\n....")

    with open("plot.png", "wb") as stream:
        stream.write(b"\x89PNG\r\n\x1a\n....")
    with open("plot.txt", "w") as stream:
        stream.write("text")
    run.log_image("file", path="./plot.png")
    run.log_image("figure", plot=Figure())
    metrics = run.get_metrics()
    assert metrics["file"].endswith("/plot.png") and "/figure_" in metrics["figure"] and metrics["figure"].endswith(".png")
    for arguments in ({}, {"path": "plot.png", "plot": Figure()}, {"path": "plot.txt"}, {"path": "none.png"}, {"plot": 3}):
        with pytest.raises(UserErrorException):
            run.log_image("wrong", **arguments)


def test_files_up_and_down(run):
    with open("a b.txt", "w") as stream:
        stream.write("content")
    run.upload_file("data/a b.txt", "a b.txt")
    run.upload_file("stream.bin", io.BytesIO(b"\x00\xff"))
    os.makedirs("folder/sub")
    for name in ("x", "sub/y"):
        with open("folder/" + name, "w") as stream:
            stream.write(name)
    run.upload_folder("up", "folder")
    assert run.get_file_names() == ["data/a b.txt", "stream.bin", "up/sub/y", "up/x"]
    run.download_file("data/a b.txt", "down/")
    assert open("down/a b.txt").read() == "content"
    run.download_file("stream.bin")
    assert open("stream.bin", "rb").read() == b"\x00\xff"
    run.download_files(prefix="up", output_directory="all")
    assert open("all/up/sub/y").read() == "sub/y"
    run.download_files(prefix="up", output_directory="bare", append_prefix=False)
    assert open("bare/sub/y").read() == "sub/y"


@pytest.mark.parametrize("name", ["../out", "a/../../b", "", "/", "a\0b"])
def test_file_names_that_lead_elsewhere_are_refused(run, name):
    with pytest.raises(UserErrorException):
        run.upload_file(name, io.BytesIO(b"x"))


def test_a_files_name_is_used_once(run):
    run.upload_file("a", io.BytesIO(b"1"))
    with pytest.raises(UserErrorException) as caught:
        run.upload_file("a", io.BytesIO(b"2"))
    assert "already" in caught.value.message


def test_a_file_that_is_not_there(run):
    with pytest.raises(UserErrorException):
        run.download_file("none.txt")
    assert os.listdir(".") == []
    with pytest.raises(UserErrorException):
        run.upload_file("a", "none.txt")


@pytest.mark.skipif(not hasattr(hashlib, "blake2b"), reason="this Python has no BLAKE2b")
def test_a_file_that_is_not_what_was_stored_is_not_kept(run, server):
    server.state.files[(run.id, "a.bin")] = b"bytes"
    server.state.etags[(run.id, "a.bin")] = '"{}"'.format(hashlib.blake2b(b"bytes", digest_size=32).hexdigest())
    run.download_file("a.bin")
    assert open("a.bin", "rb").read() == b"bytes"
    server.state.files[(run.id, "a.bin")] = b"BYTES"
    with pytest.raises(AzureMLException) as caught:
        run.download_file("a.bin", "down/b.bin")
    assert caught.value.werkbank_code == "hash_mismatch" and "'a.bin'" in caught.value.message
    assert os.listdir("down") == []


def test_hostile_file_names_stay_below_the_folder(run, server):
    server.state.files[(run.id, "../../evil")] = b"x"
    with pytest.raises(UserErrorException):
        run.download_files(output_directory="down")


def test_logs_and_details(run, server):
    server.state.files[(run.id, "azureml-logs/70_driver_log.txt")] = u"übung\n".encode("utf-8")
    details = run.get_details()
    assert (
        details["runId"] == run.id
        and details["inputDatasets"] == []
        and list(details["logFiles"]) == ["azureml-logs/70_driver_log.txt"]
    )
    url = details["logFiles"]["azureml-logs/70_driver_log.txt"]
    assert url.endswith("/files/azureml-logs/70_driver_log.txt") and url.startswith(("http://", "/"))
    assert run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"] == u"übung\n"
    (path,) = run.get_all_logs()
    assert path == os.path.join("assets", run.id, "azureml-logs", "70_driver_log.txt") and open(
        path, "rb"
    ).read() == u"übung\n".encode("utf-8")


def test_tags_properties_names(run):
    run.tag("a", 1)
    run.set_tags({"b": True, "c": None})
    run.remove_tags(["a"])
    assert run.get_tags() == {"b": "True", "c": ""} == run.tags
    run.add_properties({"p": 1})
    with pytest.raises(UserErrorException):
        run.add_properties({"p": 2})
    assert run.get_properties() == {"p": "1"}
    run.display_name = "nice"
    run.description = "text"
    assert (run.name, run.display_name, run.description) == ("nice", "nice", "text")


def test_families(run, experiment):
    child = run.child_run("fold 1")
    assert child.parent.id == run.id and child.name == "run_{}>fold 1".format(run.id) and run.parent is None
    batch = run.create_children(count=3)
    assert [each.tags["azureml.batch_child_number"] for each in batch] == ["0", "1", "2"]
    named = run.create_children(tag_key="rate", tag_values=[0.1, 0.2])
    assert [each.tags["rate"] for each in named] == ["0.1", "0.2"]
    assert len(list(run.get_children())) == 6
    assert [each.id for each in run.get_children(tags={"rate": 0.2})] == [named[1].id]
    assert [each.id for each in run.get_children(status="Running")] == [child.id]
    for arguments in ({}, {"count": 0}, {"count": 1, "tag_key": "a"}, {"tag_key": "a"}):
        with pytest.raises(UserErrorException):
            run.create_children(**arguments)


def test_more_than_a_hundred_children(run, server):
    assert len(run.create_children(count=250)) == 250
    assert len(server.sent("POST", "/children")) == 3


def test_lists(experiment, workspace, run):
    runs = [experiment.start_logging(snapshot_directory=None) for _ in range(5)]
    runs[1].tag("good")
    assert [each.id for each in experiment.get_runs()] == [each.id for each in runs[::-1]] + [run.id]
    assert [each.id for each in experiment.get_runs(tags="good")] == [runs[1].id]
    assert [each.id for each in Run.list(experiment, status="Completed")] == []
    run.child_run()
    assert len(list(experiment.get_runs())) == 6 and len(list(experiment.get_runs(include_children=True))) == 7
    other = Experiment(workspace, "other")
    assert list(other.get_runs()) == [] and list(Run.list(other)) == []
    only = other.start_logging(snapshot_directory=None)
    assert [each.id for each in other.get_runs()] == [only.id] and len(list(experiment.get_runs())) == 6
    assert Run.get(workspace, run.id).id == workspace.get_run(run.id).id == get_run(experiment, run.id).id == run.id
    assert get_run(experiment, run.id).get_status() == "Running"


def test_an_unknown_run(experiment):
    with pytest.raises(ServiceException) as caught:
        Run(experiment, "none")
    assert caught.value.status_code == 404 and caught.value.hint == "look at the list"


def test_status_is_not_asked_after_the_end(run, server):
    run.complete()
    run.get_status()
    count = len(server.state.requests)
    run.get_status()
    assert len(server.state.requests) == count


def test_cancel(run, experiment, server):
    run.cancel()
    assert run.get_status() == "Canceled" and server.sent("POST", "/status")
    assert run.get_detailed_status()["details"].startswith("waits for a slot")


def test_texts(run, experiment):
    assert repr(run) == "Run(Experiment: digits,\nId: {},\nType: None,\nStatus: Running)".format(run.id)
    assert run.get_portal_url() == "werkbank://local/runs/{}?wsid=/subscriptions//resourcegroups//workspaces/default".format(
        run.id
    )
    assert "<table" in run._repr_html_() and "<table" in experiment._repr_html_()


def test_types_make_classes(experiment, server):
    run = experiment.start_logging(snapshot_directory=None)
    server.state.runs[run.id]["runType"] = "azureml.scriptrun"
    assert isinstance(next(experiment.get_runs()), ScriptRun)
    assert type(get_run(experiment, run.id, rehydrate=False)) is Run


def test_experiments(workspace):
    experiment = Experiment(workspace, "one")
    experiment.tag("k", "v")
    experiment.archive()
    assert [each.name for each in Experiment.list(workspace)] == [] and experiment.tags == {"k": "v"}
    assert (
        [each.name for each in Experiment.list(workspace, view_type="ArchivedOnly")]
        == ["one"]
        == list(each.name for each in Experiment.list(workspace, view_type="All"))
    )
    experiment.reactivate()
    assert list(workspace.experiments) == ["one"] and experiment.archived_time is None
    for name in ("", "-a", "a b", "a/b", "x" * 256, None, u"\u00fc"):
        with pytest.raises(UserErrorException):
            Experiment(workspace, name)
    assert isinstance(Workspace.get("default").experiments["one"], Experiment)


def test_an_image_of_a_figure(run):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3])
    run.log_image("curve", plot=figure)
    run.log_image("current", plot=pyplot)
    metrics = run.get_metrics(populate=True)
    for name in ("curve", "current"):
        assert metrics[name].content.startswith(b"\x89PNG") and metrics[name].path.startswith(name + "_")
    pyplot.close(figure)


def test_figures_of_one_name_are_all_kept(run):
    class Figure(object):
        def __init__(self, number):
            self.number = number

        def savefig(self, stream, format):
            stream.write(b"\x89PNG\r\n\x1a\n%d" % self.number)

    for number in range(4):
        run.log_image("roc", plot=Figure(number))
    assert len([name for name in run.get_file_names() if name.startswith("roc_")]) == 4


def test_other_distributions_provide_classes_for_their_types_of_runs(tmp_path, experiment, server, monkeypatch):
    from azureml._werkbank import run_factory
    from azureml.core import Run

    info = tmp_path / "site" / "other-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text("[azureml_run_type_providers]\nother.Run = other_runs:OtherRun.made_of\n")
    (tmp_path / "site" / "other_runs.py").write_text(
        "from azureml.core import Run\n\n\nclass OtherRun(Run):\n    @classmethod\n    def made_of(cls, experiment, document):\n"
        "        return cls(experiment, document['runId'], _document=document)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(run_factory, "_searched", [])
    monkeypatch.setattr(run_factory, "_providers", {})
    run = experiment.start_logging(snapshot_directory=None)
    server.state.runs[run.id]["runType"] = "other.Run"
    assert type(Run.get(experiment.workspace, run.id)).__name__ == "OtherRun"
    server.state.runs[run.id]["runType"] = "unknown.Run"
    assert type(Run.get(experiment.workspace, run.id)) is Run
