"""The spool file of a job: its format, forks, threads, signals, interrupts."""

import json
import os
import signal
import threading

import pytest

from azureml._werkbank.metric_lines import cut_rows
from azureml._werkbank.spool import SpoolWriter
from azureml.core import Run
from azureml.exceptions import AzureMLException, UserErrorException


def spool_files(folder):
    metrics = os.path.join(str(folder), "metrics")
    return [os.path.join(metrics, name) for name in sorted(os.listdir(metrics))] if os.path.isdir(metrics) else []


def lines_of(path):
    with open(path, "rb") as stream:
        content = stream.read()
    assert content.endswith(b"\n")
    return [json.loads(line) for line in content.decode("ascii").splitlines()]


def logged(folder):
    (path,) = spool_files(folder)
    header, *lines = lines_of(path)
    assert header["werkbank-spool"] == 1 and header["pid"] == os.getpid()
    assert [line["s"] for line in lines] == list(range(1, len(lines) + 1))
    return [dict((key, value) for key, value in line.items() if key not in "st") for line in lines]


@pytest.fixture
def run(job):
    return Run.get_context(allow_offline=False)


def test_get_context_in_a_job_asks_the_server_nothing(job, server):
    run = Run.get_context()
    assert (run.id, run.experiment.name, run.experiment.workspace.name) == ("r1", "digits", "default")
    run.log("accuracy", 0.5)
    assert server.state.requests == []


@pytest.mark.parametrize(
    "value, text",
    [
        (0.97, "0.97"),
        (1.0, "1.0"),
        (1e-7, "1e-07"),
        (1e300, "1e+300"),
        (-0.0, "-0.0"),
        (3, "3"),
        (-(2**63), str(-(2**63))),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ("a\"ü\n", '"a\\"\\u00fc\\n"'),
        (float("nan"), '{"x":"nan"}'),
        (float("inf"), '{"x":"inf"}'),
        (float("-inf"), '{"x":"-inf"}'),
        (2**63, "9.223372036854776e+18"),
        (10**400, '{"x":"inf"}'),
        ("\ud800", '"?"'),
    ],
)
def test_scalar_texts(run, job, value, text):
    run.log("m", value)
    (path,) = spool_files(job)
    with open(path) as stream:
        line = stream.read().splitlines()[1]
    assert line.endswith(',"n":"m","v":' + text + "}")


def test_every_kind_of_line(run, job):
    run.log("loss", 0.3, step=7)
    run.log_list("fib", [1, 1, 2, 3])
    run.log_list("mixed", [1, 2.5])
    run.log_row("row", a=1, b=2.5)
    run.log_table("table", {"a": [1, 2], "b": ["x", "y"]})
    assert logged(job) == [
        {"n": "loss", "v": 0.3, "p": 7},
        {"n": "fib", "l": [1, 1, 2, 3]},
        {"n": "mixed", "l": [1.0, 2.5]},
        {"n": "row", "r": {"a": 1, "b": 2.5}},
        {"n": "table", "c": {"a": [1, 2], "b": ["x", "y"]}},
    ]


def test_scalars_of_other_libraries_become_plain(run, job, caplog):
    class Scalar(object):
        shape = ()

        def item(self):
            return 0.25

    run.log("np", Scalar())
    run.log("odd", complex(1, 2))
    assert logged(job) == [{"n": "np", "v": 0.25}, {"n": "odd", "v": "(1+2j)"}]
    assert "complex" in caplog.text


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda run: run.log("m", [1, 2]), UserErrorException),
        (lambda run: run.log("m", range(3)), UserErrorException),
        (lambda run: run.log("m", (x for x in [1])), UserErrorException),
        (lambda run: run.log_list("m", 3), UserErrorException),
        (lambda run: run.log_list("m", []), AttributeError),
        (lambda run: run.log_table("m", {"a": []}), AttributeError),
        (lambda run: run.log_list("m", [[1]]), AzureMLException),
        (lambda run: run.log_row("m", a=[1]), AzureMLException),
        (lambda run: run.log_table("m", {"a": [1], "b": [1, 2]}), AzureMLException),
        (lambda run: run.log_table("m", [1]), AzureMLException),
        (lambda run: run.log("", 1), UserErrorException),
        (lambda run: run.log("x" * 513, 1), UserErrorException),
        (lambda run: run.log("m", 1, step="later"), UserErrorException),
        (lambda run: run.log("m", 1, step=2**63), UserErrorException),
    ],
)
def test_refused_values_leave_no_trace(run, job, call, error):
    with pytest.raises(error):
        call(run)
    assert spool_files(job) == []


def test_the_message_for_a_list_names_log_list(run):
    with pytest.raises(UserErrorException) as caught:
        run.log("m", [1])
    assert "log_list" in str(caught.value)


def test_long_lists_and_tables_are_cut_into_lines():
    texts = ["1" * 1000] * 40000
    pieces = cut_rows([("a", texts), ("b", texts)])
    assert len(pieces) > 1 and [len(a[1]) for a, _ in pieces] == [len(b[1]) for _, b in pieces]
    assert sum((a[1] for a, _ in pieces), []) == texts
    assert all(sum(len(text) for _, column in piece for text in column) < 16 * 1024 * 1024 for piece in pieces)


def test_a_forked_process_has_its_own_file(run, job):
    run.log("before", 1)
    child = os.fork()
    if child == 0:
        try:
            run.log("child", 2)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    run.log("after", 3)
    files = [lines_of(path) for path in spool_files(job)]
    by_pid = dict((lines[0]["pid"], [(line["s"], line["n"]) for line in lines[1:]]) for lines in files)
    assert by_pid == {os.getpid(): [(1, "before"), (2, "after")], child: [(1, "child")]}


def test_threads_share_one_file_without_gaps(run, job):
    def work(name):
        for index in range(500):
            run.log(name, index)

    threads = [threading.Thread(target=work, args=("t%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = logged(job)
    for n in range(8):
        assert [line["v"] for line in lines if line["n"] == "t%d" % n] == list(range(500))


def test_several_contexts_share_one_file(job):
    for index in range(3):
        Run.get_context().log("m", index)
    assert [line["v"] for line in logged(job)] == [0, 1, 2]


def test_logging_inside_a_signal_handler_during_logging(job):
    """The handler runs while the write of another line is under way in the same thread."""
    folder = str(job / "metrics")
    writer = SpoolWriter(folder)
    old = signal.signal(signal.SIGUSR1, lambda *_: writer.scalar("inner", 1))
    try:

        def write(fd, data, sent=[]):
            if not sent:
                sent.append(True)
                os.kill(os.getpid(), signal.SIGUSR1)
            return os.write(fd, data)

        writer._append(',"n":"outer","v":0}\n', _write=write)
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert sorted(line["n"] for path in spool_files(job) for line in lines_of(path)[1:]) == ["inner", "outer"]
    assert all(line["s"] == 1 for path in spool_files(job) for line in lines_of(path)[1:])


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_write_begins_a_new_file(job, failure):
    """A torn line may only be the last of its file, and numbers must have no gap."""
    writer = SpoolWriter(str(job / "metrics"))
    writer.scalar("m", 1)

    def torn(fd, data):
        os.write(fd, data[:5])
        raise failure

    with pytest.raises((KeyboardInterrupt, AzureMLException)):
        writer._append(',"n":"lost","v":0}\n', _write=torn)
    writer.scalar("m", 2)
    contents = []
    for path in spool_files(job):
        with open(path) as stream:
            contents.append([json.loads(line)["v"] for line in stream.read().split("\n")[1:] if line.endswith("}")])
    assert sorted(contents) == [[1], [2]]


def test_short_writes_are_continued(job):
    writer = SpoolWriter(str(job / "metrics"))
    writer._append(',"n":"m","v":12345}\n', _write=lambda fd, data: os.write(fd, data[:7]))
    assert logged(job) == [{"n": "m", "v": 12345}]


def test_flush_asks_how_far_the_server_is(run, job, server):
    run.log("m", 1)
    run.log("m", 2)
    writer = os.path.basename(spool_files(job)[0])[: -len(".ndjson")]
    server.state.accepted[writer] = 2
    run.flush()
    queries = [query for _, path, query, _, _ in server.state.requests if path.endswith("/metrics/accepted")]
    assert (
        queries[0]["writer"] == writer
        and queries[0]["sequence"] == "2"
        and queries[0]["attempt"] == "1"
        and queries[0]["rank"] == "0"
    )
    server.state.accepted[writer] = 1
    with pytest.raises(AzureMLException):
        run.flush(timeout_seconds=0)


def test_the_end_of_a_job_is_not_the_scripts_business(run, job, server):
    run.complete()
    run.fail("x")
    run.cancel()
    with run:
        pass
    assert not server.sent("POST", "/status") and not server.sent("POST", "/cancel")


def test_child_runs_of_a_job_are_sent_over_http(run, job, server):
    with run.child_run("fold") as child:
        child.log("m", 1)
    assert server.state.runs[child.id]["status"] == "Completed"
    assert child.get_metrics() == {"m": 1} and spool_files(job) == []


def test_inputs_and_outputs_by_name(run, monkeypatch):
    monkeypatch.setenv("AZUREML_DATASET_ENVIRONMENT_VARS", "images:mount,table:direct")
    monkeypatch.setenv("images", "/mnt/images")
    monkeypatch.setenv("AZUREML_DATASET_FILE_OUTPUTS", "out")
    monkeypatch.setenv("AZUREML_DATAREFERENCE_out", "/mnt/out")
    assert run.input_datasets["images"] == "/mnt/images" and run.output_datasets["out"] == "/mnt/out"
    with pytest.raises(UserErrorException):  # there is no such dataset
        run.input_datasets["table"]
