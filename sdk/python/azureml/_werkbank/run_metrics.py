"""The logging methods of Run, and get_metrics()."""

import os

from azureml._werkbank.metric_lines import is_listlike
from azureml.exceptions import AzureMLException, UserErrorException


_VALUES_AT_ONCE = 200000


def _join_metric(metrics, metric):
    """Add the next page's part of a metric: a page may end within it, and within a column."""
    if not metrics or metrics[-1]["name"] != metric["name"]:
        metrics.append(metric)
        return
    columns = metrics[-1]["columns"]
    for column in metric["columns"]:
        if columns[-1]["name"] == column["name"]:
            columns[-1]["values"].extend(column["values"])
        else:
            columns.append(column)


class MetricArtifact(object):
    """A metric that is a file of the run, fetched: `content` is the parsed JSON, or the image's bytes."""

    def __init__(self, path, content):
        self.path = path
        self.content = content

    def __repr__(self):
        return "MetricArtifact({!r})".format(self.path)


class RunMetrics(object):
    """Mixed into Run; uses its `_writer`, `_client`, `_run_id` and `upload_file`."""

    def log(self, name, value, description='', step=None):
        """Record one value: a number, text, a boolean or None. Called again under the same name it makes a series."""
        if value.__class__ not in _SCALARS and is_listlike(value):
            raise UserErrorException(
                "log({!r}) takes one value, and got a {}.".format(name, type(value).__name__),
                werkbank_code="metric_not_scalar",
                hint="Use log_list for several values.",
            )
        (self._writer or self._open_writer()).scalar(name, value, step)

    def log_list(self, name, value, description=''):
        """Record the values of a list, in order."""
        if isinstance(value, (str, bytes, dict)) or not is_listlike(value):
            raise UserErrorException(
                "log_list({!r}) takes a list, and got a {}.".format(name, type(value).__name__),
                werkbank_code="metric_not_list",
                hint="Use log for one value.",
            )
        (self._writer or self._open_writer()).values(name, value)

    def log_row(self, name, description=None, **kwargs):
        """Record one row of a table: a value per keyword."""
        (self._writer or self._open_writer()).row(name, kwargs.items())

    def log_table(self, name, value, description=''):
        """Record a table: a dict of columns, each a list of the same length or a single value."""
        if not isinstance(value, dict):
            raise AzureMLException(
                "log_table({!r}) takes a dict of columns, and got a {}.".format(name, type(value).__name__),
                werkbank_code="metric_not_table",
            )
        columns = [(column, values if is_listlike(values) else [values]) for column, values in value.items()]
        (self._writer or self._open_writer()).table(name, columns)

    def log_image(self, name, path=None, plot=None, description=''):
        """Record an image: a file, or a matplotlib figure (or pyplot itself)."""
        if (path is None) == (plot is None):
            raise UserErrorException(
                "log_image({!r}) needs exactly one of path and plot.".format(name), werkbank_code="metric_image_invalid"
            )
        if plot is not None:
            import io

            if not hasattr(plot, "savefig"):
                raise UserErrorException(
                    "log_image({!r}): plot has to be a matplotlib figure or module; it is a {}.".format(
                        name, type(plot).__name__
                    ),
                    werkbank_code="metric_image_invalid",
                )
            stream = io.BytesIO()
            plot.savefig(stream, format="png")
            target = self._upload_figure(name, stream.getvalue())
        else:
            from azureml._werkbank.metric_shapes import is_image

            try:
                with open(path, "rb") as stream:
                    start = stream.read(64)
            except OSError as error:
                raise UserErrorException(
                    "log_image({!r}): {} cannot be read: {}".format(name, path, error.strerror),
                    werkbank_code="metric_image_invalid",
                )
            if not is_image(start):
                raise UserErrorException(
                    "log_image({!r}): {} is not an image.".format(name, path), werkbank_code="metric_image_invalid"
                )
            target = os.path.normpath(path).replace(os.sep, "/").lstrip("/")
            self.upload_file(target, path)
        (self._writer or self._open_writer()).artifact(name, "azureml.v2.image", target)

    def _upload_figure(self, name, content):
        """Keep a figure under v1's name, which has whole seconds: the next free one where several come within a second."""
        import io
        import time

        second = int(time.time())
        while True:
            target = "{}_{}.png".format(name, second)
            try:
                self.upload_file(target, io.BytesIO(content))
                return target
            except UserErrorException as error:
                if error.werkbank_code != "already_exists":
                    raise
            second += 1

    def log_confusion_matrix(self, name, value, description=''):
        """Record a confusion matrix: a dict or JSON text with schema_type, schema_version and data."""
        self._log_json("confusion_matrix", name, value)

    def log_accuracy_table(self, name, value, description=''):
        """Record an accuracy table (ROC, precision and recall curves)."""
        self._log_json("accuracy_table", name, value)

    def log_residuals(self, name, value, description=''):
        """Record the residuals of a regression."""
        self._log_json("residuals", name, value)

    def log_predictions(self, name, value, description=''):
        """Record predicted against true values of a regression."""
        self._log_json("predictions", name, value)

    def _log_json(self, kind, name, value):
        import io
        from azureml._werkbank.metric_shapes import json_metric

        self.upload_file(name, io.BytesIO(json_metric(kind, name, value)))
        (self._writer or self._open_writer()).artifact(name, "azureml.v2." + kind, name)

    def get_metrics(self, name=None, recursive=False, run_type=None, populate=False):
        """What was logged: {name: value}; with `recursive` {run id: {name: value}} of this run and its descendants."""
        if self._writer is not None:
            self.flush()
        if not recursive:
            return self._metrics_of(self._run_id, name, populate)
        family = [self._run_id] + [
            record["runId"]
            for record in self._client.items("runs", self._run_id, "children", recursive="true")
            if run_type is None or record.get("runType") == run_type
        ]
        found = ((run_id, self._metrics_of(run_id, name, populate)) for run_id in family)
        return dict((run_id, metrics) for run_id, metrics in found if metrics)

    def _metrics_of(self, run_id, name, populate):
        from azureml._werkbank.metric_shapes import shape_metrics

        def artifact(path):
            if populate:
                return self._fetch_metric_artifact(run_id, path)
            return "aml://artifactId/ExperimentRun/dcid.{}/{}".format(run_id, path)

        return shape_metrics(self._all_metrics(run_id, name), artifact)

    def _all_metrics(self, run_id, name):
        """The metrics document, fetched page by page: a run may have millions of values."""
        whole, cursor = {"metrics": []}, None
        while True:
            page = self._client.get("runs", run_id, "metrics", name=name, limit=_VALUES_AT_ONCE, cursor=cursor)
            for metric in page["metrics"]:
                _join_metric(whole["metrics"], metric)
            cursor = page.get("next")
            if not cursor:
                return whole

    def _fetch_metric_artifact(self, run_id, path):
        import json

        client = self._client
        content = client.server.request("GET", client.path(client.file_segments(run_id, path))).body
        try:
            return MetricArtifact(path, json.loads(content.decode("utf-8")))
        except ValueError:
            return MetricArtifact(path, content)

    def flush(self, timeout_seconds=300):
        """Wait until everything that was logged is on the server."""
        if self._writer is not None:
            self._writer.flush(timeout_seconds)

    def _open_writer(self):
        """The writer for this run, made at its first metric."""
        from azureml._werkbank.metric_post import PostingWriter

        client, run_id = self._client, self._run_id

        def post(writer, body):
            answer = client.server.request(
                "POST",
                client.path(("runs", run_id, "metrics")),
                query={"writer": writer},
                body=body,
                headers={"Content-Type": "application/x-ndjson"},
                repeatable=True,
                patience_s=600.0,
            )
            return answer.json()["accepted"]

        self._writer = PostingWriter(post)
        return self._writer


_SCALARS = frozenset((float, int, str, bool, type(None)))
