"""wait_for_completion: v1's printed layout, fed by events; broken streams; interrupts."""

import pytest

from azureml.exceptions import ActivityFailedException, ExperimentExecutionException

LOG = "azureml-logs/70_driver_log.txt"


def log(run, text, offset, path=LOG):
    return "log", {
        "run": run,
        "path": path,
        "attempt": 1,
        "rank": 0,
        "offset": offset,
        "text": text,
        "size": len(text.encode("utf-8")),
    }


def status(word):
    return "run.status", {"runId": "r", "type": "run.status", "data": {"status": word}}


@pytest.fixture
def run(experiment):
    return experiment.start_logging(run_id="r", snapshot_directory=None)


def frame(body):
    url = "werkbank run show r"
    return "RunId: r\nWeb View: {0}\n{1}\nExecution Summary\n=================\nRunId: r\nWeb View: {0}\n\n".format(url, body)


def block(path, text):
    return "\nStreaming {}\n{}\n\n{}".format(path, "=" * (len(path) + 10), text)


def test_the_layout(run, server, capsys):
    server.state.events["r"] = [
        status("Running"),
        log("r", "one\n", 0),
        log("r", u"z\u00fc", 4),
        log("r", "ei\n", 7),
        status("Completed"),
    ]
    details = run.wait_for_completion(show_output=True)
    assert details["status"] == "Completed"
    assert capsys.readouterr().out == frame(block(LOG, u"one\nz\u00fcei\n"))


def test_the_link_of_a_server_that_a_browser_reaches(run, server, capsys):
    server.state.web_address = "http://127.0.0.1:7331"
    server.state.events["r"] = [status("Completed")]
    run.wait_for_completion(show_output=True)
    link = "http://127.0.0.1:7331/runs/r?wsid=/subscriptions//resourcegroups//workspaces/default"
    assert capsys.readouterr().out.count("Web View: " + link) == 2 and run.get_portal_url() == link


def test_a_newer_log_gets_a_heading_and_others_are_not_shown(run, server, capsys):
    build = "azureml-logs/20_image_build_log.txt"
    server.state.events["r"] = [
        log("r", "building", 0, build),
        log("r", "x\n", 0, "logs/own.txt"),
        log("r", "hello\n", 0),
        log("r", "late\n", 8, build),
        log("r", "other rank\n", 0, "azureml-logs/70_driver_log_1.txt"),
        status("Completed"),
    ]
    run.wait_for_completion(show_output=True)
    assert capsys.readouterr().out == frame(block(build, "building\n") + block(LOG, "hello\n"))


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_broken_stream_is_taken_up_without_loss_or_repetition(run, server, capsys, cut):
    server.state.events["r"] = [
        log("r", "a\n", 0),
        log("r", "b\n", 2),
        log("r", "c\n", 4),
        log("r", "d\n", 6),
        status("Completed"),
    ]
    server.state.cut_after = cut
    run.wait_for_completion(show_output=True)
    assert capsys.readouterr().out == frame(block(LOG, "a\nb\nc\nd\n"))


def test_repeated_bytes_are_not_printed_again(run, server, capsys):
    server.state.events["r"] = [log("r", "abc", 0), log("r", "bcde\n", 1), status("Completed")]
    run.wait_for_completion(show_output=True)
    assert capsys.readouterr().out == frame(block(LOG, "abcde\n"))


def test_failure_raises_and_can_be_printed(run, server, capsys):
    server.state.runs["r"]["error"] = {"code": "UserError", "message": "exit code 3"}
    server.state.events["r"] = [status("Failed")]
    with pytest.raises(ActivityFailedException) as caught:
        run.wait_for_completion(show_output=True)
    assert '"message": "exit code 3"' in caught.value.message
    assert "\nError:\n{\n    \"code\"" in capsys.readouterr().out
    run.wait_for_completion(raise_on_error=False)
    assert "exit code 3" in capsys.readouterr().out


def test_an_old_end_of_a_run_that_was_opened_again_is_no_end(run, server, capsys, monkeypatch):
    monkeypatch.setattr(run, "_record", lambda refresh=False, left=[{"status": "Running"}, {"status": "Completed"}]: left.pop(0))
    server.state.events["r"] = [status("Completed"), log("r", "again\n", 0), status("Completed")]
    run.wait_for_completion(show_output=True)
    assert "again" in capsys.readouterr().out


def test_waiting_quietly(run, server, capsys):
    assert run.wait_for_completion()["status"] == "Completed"
    assert capsys.readouterr().out == ""
    waits = [query for method, path, query, _, _ in server.state.requests if "wait" in query]
    assert waits == [{"wait": "60", "revision": "1"}]


def test_an_interrupt_leaves_the_run_alone(run, server, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt()

    monkeypatch.setattr(run._client, "wait_for_change", interrupted)
    with pytest.raises(ExperimentExecutionException) as caught:
        run.wait_for_completion()
    assert "goes on" in caught.value.message and not server.sent("POST", "/status")
