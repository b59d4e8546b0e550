"""Run: one execution, as seen from outside, from inside the job, and offline.

This module and what it imports at the top also parse on Python 3.5, since training scripts bring their own interpreter.
"""

import os

from azureml._werkbank.lazy import make_lazy
from azureml._werkbank.offline import _OfflineRun
from azureml._werkbank.run_files import RunFiles
from azureml._werkbank.run_metrics import RunMetrics
from azureml._werkbank.run_record import FINAL_STATES, RunFamily, RunRecord
from azureml._werkbank.version import VERSION
from azureml.core._portal import HasRunPortal
from azureml.exceptions import (  # the exception names are importable from here, as in v1
    ActivityFailedException,
    ExperimentExecutionException,
    RunEnvironmentException,
    SnapshotException,
    UserErrorException,
)

__all__ = ["Run", "get_run"]

OUTPUTS_DIR = "outputs"
RUNNING_STATES = ["NotStarted", "Queued", "Preparing", "Provisioning", "Starting", "Running"]
POST_PROCESSING_STATES = ["CancelRequested", "Finalizing"]

_JOB_VARIABLES = (
    "AZUREML_RUN_ID",
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_RESOURCEGROUP",
    "AZUREML_ARM_WORKSPACE_NAME",
    "AZUREML_ARM_PROJECT_NAME",
    "AZUREML_RUN_TOKEN",
    "AZUREML_SERVICE_ENDPOINT",
)


class Run(RunRecord, RunMetrics, RunFiles, RunFamily, HasRunPortal):
    """One execution of a script, or a parent of others. Made by Experiment.submit, start_logging, get_context; fetched by its
    id."""

    def __init__(self, experiment, run_id, outputs=None, **kwargs):
        self._experiment = experiment
        self._run_id = run_id
        self._outputs = outputs
        self._client = experiment.workspace._client
        self._writer = None
        self._document = kwargs.pop("_document", None)
        lazy = kwargs.pop("_lazy", False)
        if kwargs:
            raise TypeError("Run() got an unexpected keyword argument '{}'".format(sorted(kwargs)[0]))
        if self._document is None and not lazy:
            self._record()
        HasRunPortal.__init__(self, experiment, run_id)

    @classmethod
    def get_context(cls, allow_offline=True, used_for_context_manager=False, **kwargs):
        """The run this process belongs to; outside of a job one that prints (or RunEnvironmentException with
        allow_offline=False)."""
        missing = [name for name in _JOB_VARIABLES if name not in os.environ]
        if not missing:
            return _submitted_run(dict(os.environ))
        if not allow_offline:
            raise RunEnvironmentException()
        return _OfflineRun(**kwargs)

    @classmethod
    def get_submitted_run(cls, **kwargs):
        """Deprecated name of get_context()."""
        return cls.get_context(**kwargs)

    @staticmethod
    def get(workspace, run_id):
        """A run of a workspace by its id."""
        from azureml._werkbank.run_factory import make_run
        from azureml.core.experiment import Experiment

        document = workspace._client.get("runs", run_id)
        experiment = Experiment(workspace, document["experiment"], _skip_name_validation=True, _create_in_cloud=False)
        return make_run(experiment, document)

    @staticmethod
    def list(experiment, type=None, tags=None, properties=None, status=None, include_children=False, _rehydrate_runs=True):
        """The runs of an experiment that match, newest first, fetched as they are asked for."""
        from azureml._werkbank.run_factory import list_runs

        return list_runs(experiment, type, tags, properties, status, include_children, rehydrate=_rehydrate_runs)

    @staticmethod
    def list_by_compute(compute, type=None, tags=None, properties=None, status=None):
        """The runs on a compute target that match."""
        from azureml._werkbank.run_factory import make_run, matches
        from azureml.core.experiment import Experiment

        workspace = compute.workspace
        for document in workspace._client.items("runs", target=compute.name, order="newest"):
            if matches(document, type, tags, properties, status):
                experiment = Experiment(workspace, document["experiment"], _skip_name_validation=True, _create_in_cloud=False)
                yield make_run(experiment, document)

    @staticmethod
    def add_type_provider(runtype, run_factory):
        """Have `run_factory(experiment, document)` make the Run objects of a type."""
        from azureml._werkbank.run_factory import add_provider

        add_provider(runtype, run_factory)

    @classmethod
    def get_docs_url(cls):
        """Where this class is described."""
        return "docs/guide/sdk.md"

    def start(self):
        """Mark the run as running."""
        self._set_status("Running")

    def complete(self, _set_status=True):
        """Send what was logged, keep the outputs folder, and mark the run as completed."""
        self._finish()
        if _set_status:
            self._set_status("Completed")

    def fail(self, error_details=None, error_code=None, _set_status=True):
        """Mark the run as failed, for a reason: text or an exception."""
        self._finish()
        if _set_status:
            self._set_status("Failed", _error_document(error_details, error_code))

    def cancel(self):
        """End the run; what was logged stays."""
        if self._writer is not None:
            self._writer.flush(300)
        if self._record().get("managed"):
            self._client.post(("runs", self._run_id, "cancel"), {}, repeatable=True)
            self._document = None
        else:
            self._set_status("Canceled")

    def clean(self):
        """Remove what a submission left on this machine: nothing, here."""
        return []

    def wait_for_completion(self, show_output=False, wait_post_processing=False, raise_on_error=True):
        """Wait for the end, with `show_output` printing the log as it grows; the run's details.

        The wait always includes the last uploads: whoever returns from here sees all outputs.
        """
        from azureml._werkbank.waiting import wait_for_run

        return wait_for_run(self, show_output, raise_on_error)

    def register_model(
        self,
        model_name,
        model_path=None,
        tags=None,
        properties=None,
        model_framework=None,
        model_framework_version=None,
        description=None,
        datasets=None,
        sample_input_dataset=None,
        sample_output_dataset=None,
        resource_configuration=None,
        **kwargs,
    ):
        """Register a file or folder of the run (by default the one of the model's name) as the next version of a model.

        The files have to be with the run: those of a job's outputs/ are, once it has ended; upload_file brings them earlier.
        """
        from azureml._werkbank import model_wire
        from azureml.core.model import Model

        if kwargs:
            raise TypeError("register_model() got an unexpected keyword argument '{}'".format(sorted(kwargs)[0]))
        body = model_wire.described(
            tags,
            properties,
            description,
            datasets,
            model_framework,
            model_framework_version,
            sample_input_dataset,
            sample_output_dataset,
            resource_configuration,
        )
        body.update(runId=self._run_id, path="{}".format(model_path or model_name))
        return Model(self._experiment.workspace, _document=model_wire.register(self._client, model_name, body))

    def __enter__(self):
        return self

    def __exit__(self, exit_type, value, traceback):
        if exit_type is None or (exit_type is SystemExit and value.code in (None, 0)):
            self.complete()
        else:
            self.fail(error_details=value)
        return False

    def _finish(self):
        """Everything of this process that the run should have."""
        if self._writer is not None:
            self._writer.flush(300)
        folder = self._outputs
        if folder and os.path.isdir(folder):
            from azureml._werkbank.run_files import files_below

            prefix = os.path.basename(os.path.normpath(folder))
            have = set(self.get_file_names())
            for relative, path in files_below(folder):
                name = "{}/{}".format(prefix, relative)
                if name not in have:
                    self.upload_file(name, path)

    def _set_status(self, status, error=None):
        body = {"status": status}
        if error is not None:
            body["error"] = error
        self._client.post(("runs", self._run_id, "status"), body, repeatable=True)
        self._document = None


class _SubmittedRun(Run):
    """The run of this process, in a job: its end is the launcher's business."""

    def __init__(self, *args, **kwargs):
        Run.__init__(self, *args, **kwargs)

    @property
    def input_datasets(self):
        """The inputs by name."""
        from azureml._werkbank.job_data import input_datasets

        return input_datasets(self._experiment.workspace)

    @property
    def output_datasets(self):
        """The outputs by name."""
        from azureml._werkbank.job_data import output_datasets

        return output_datasets(self._experiment.workspace)

    def complete(self):
        """Send what was logged; the run is over when the script is."""
        self.flush()

    def fail(self, error_details=None, error_code=None):
        """Send what was logged; the run's end is decided by how the script ends."""
        self.flush()

    def cancel(self):
        """Send what was logged; the run's end is decided by how the script ends."""
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.flush()
        return False

    def _open_writer(self):
        spool = os.environ.get("WERKBANK_SPOOL")
        if not spool or os.environ.get("AZUREML_RUN_ID") != self._run_id:
            return Run._open_writer(self)
        from azureml._werkbank.spool import spool_writer

        self._writer = spool_writer(os.path.join(spool, "metrics"), self._accepted)
        return self._writer

    def _accepted(self, writer, sequence, wait_s):
        """How far the server has got with a spool file of this run."""
        attempt = os.environ.get("WERKBANK_ATTEMPT") or self._record().get("attempt") or 1
        answer = self._client.server.request(
            "GET",
            self._client.path(("runs", self._run_id, "metrics", "accepted")),
            query={
                "writer": writer,
                "attempt": attempt,
                "rank": os.environ.get("WERKBANK_RANK", "0"),
                "sequence": sequence,
                "wait": int(wait_s),
            },
        )
        return answer.json()["accepted"]


def _submitted_run(environment):
    """The run that the AZUREML_* variables name. Nothing is asked of the server yet."""
    from azureml._werkbank.connection import Server
    from azureml.core.experiment import Experiment
    from azureml.core.workspace import Workspace

    server = Server(
        url=environment.get("WERKBANK_URL"),
        token=environment.get("WERKBANK_TOKEN") or environment["AZUREML_RUN_TOKEN"],
        in_job=True,
    )
    workspace = Workspace._known(
        server,
        environment["AZUREML_ARM_WORKSPACE_NAME"],
        environment["AZUREML_ARM_SUBSCRIPTION"],
        environment["AZUREML_ARM_RESOURCEGROUP"],
    )
    experiment = Experiment(
        workspace,
        environment["AZUREML_ARM_PROJECT_NAME"],
        _skip_name_validation=True,
        _create_in_cloud=False,
        _id=environment.get("AZUREML_EXPERIMENT_ID"),
    )
    return _SubmittedRun(experiment, environment["AZUREML_RUN_ID"], _lazy=True)


def _error_document(error_details, error_code):
    """v1's error document for run.fail."""
    document = {"code": error_code or "UserError", "message": "{}".format(error_details) if error_details is not None else ""}
    if isinstance(error_details, BaseException):
        import traceback

        document["message"] = (
            getattr(error_details, "message", None) or "{}".format(error_details) or type(error_details).__name__
        )
        document["debug_type"] = type(error_details).__name__
        document["debug_message"] = "{}".format(error_details)
        document["debug_stack_trace"] = "".join(
            traceback.format_exception(type(error_details), error_details, error_details.__traceback__)
        )
    return document


def get_run(experiment, run_id, rehydrate=True, clean_up=True):
    """A run of an experiment by its id."""
    from azureml._werkbank.run_factory import make_run

    return make_run(experiment, experiment.workspace._client.get("runs", run_id), rehydrate=rehydrate)


make_lazy(  # data classes of the job and neighbours, importable from here as in v1
    __name__,
    {
        "Datastore": "azureml.core.datastore",
        "Environment": "azureml.core.environment",
        "InputDatasets": "azureml._werkbank.job_data",
        "Keyvault": "azureml.core.keyvault",
        "LinkOutput": "azureml._werkbank.job_data",
        "OutputDatasets": "azureml._werkbank.job_data",
        "RunStatus": "azureml._restclient.constants",
    },
)
