"""The run of a script that was not submitted."""

import pytest

from azureml.core import Run
from azureml.exceptions import RunEnvironmentException


def test_it_prints_what_it_would_do(capsys):
    run = Run.get_context()
    run.log("loss", 0.3)
    run.log_list("l", [1, 2])
    run.log_row("r", a=1)
    run.tag("k", "v")
    run.upload_file("name", "path")
    run.complete()
    assert capsys.readouterr().out == (
        "Attempted to log scalar metric loss:\n0.3\nAttempted to log list metric l:\n[1, "
        "2]\nAttempted to log row metric r:\n{'a': 1}\n"
        "Attempted to add tag k with value v\nAttempted to track file name at path\n"
    )


def test_what_scripts_test_for():
    run = Run.get_context()
    assert run.id.startswith("OfflineRun_") and not hasattr(run, "experiment") and not hasattr(run, "get_metrics")
    assert run.child_run("a").id == run.id + ".a"
    with pytest.raises(TypeError):
        run.log("m", 1, step=1)


def test_context_manager(capsys):
    with Run.get_context() as run:
        pass
    assert capsys.readouterr().out == "[START] Run {0} context\n[STOP] Run {0} context\n".format(run.id)


def test_a_job_can_be_insisted_on():
    with pytest.raises(RunEnvironmentException):
        Run.get_context(allow_offline=False)


def test_one_missing_variable_is_offline(job, monkeypatch):
    monkeypatch.delenv("AZUREML_ARM_PROJECT_NAME")
    assert Run.get_context().id.startswith("OfflineRun_")


def test_the_logger_of_2017(capsys):
    from azureml.logging import get_azureml_logger

    logger = get_azureml_logger()
    logger.log("Accuracy", 0.75)
    logger.log("rates", [1, 2])
    printed = capsys.readouterr().out
    assert "Accuracy" in printed and "0.75" in printed and "rates" in printed
