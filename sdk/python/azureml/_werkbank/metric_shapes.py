"""From the server's metric document to what v1's get_metrics() answers, and the checks of v1's JSON metrics."""

import json

from azureml.exceptions import UserErrorException

_SPECIAL = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
_PLAIN_KINDS = ("azureml.v1.scalar", "azureml.v1.list", "azureml.v1.table")

# Kind → the keys its data must have.
JSON_KINDS = {
    "confusion_matrix": ("class_labels", "matrix"),
    "accuracy_table": (
        "probability_tables",
        "percentile_tables",
        "probability_thresholds",
        "percentile_thresholds",
        "class_labels",
    ),
    "residuals": ("bin_edges", "bin_counts"),
    "predictions": ("bin_averages", "bin_errors", "bin_counts", "bin_edges"),
}


def decode_value(value):
    """A value of the document: special doubles are objects."""
    if isinstance(value, dict):
        return _SPECIAL[value["special"]]
    return value


def _series(values):
    decoded = [decode_value(value) for value in values]
    return decoded[0] if len(decoded) == 1 else decoded


def shape_metrics(document, artifact):
    """{name: value} as v1 has it. `artifact(path)` makes the value of a metric that is a file."""
    shaped = {}
    for metric in document["metrics"]:
        columns = metric["columns"]
        if metric["kind"] not in _PLAIN_KINDS:
            values = [artifact(value) for value in columns[0]["values"]]
            shaped[metric["name"]] = values[0] if len(values) == 1 else values
        elif len(columns) == 1 and columns[0]["name"] == "":
            shaped[metric["name"]] = _series(columns[0]["values"])
        else:
            shaped[metric["name"]] = dict((column["name"], _series(column["values"])) for column in columns)
    return shaped


def json_metric(kind, name, value):
    """The content of a JSON metric, checked, as bytes."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise UserErrorException(
                "The {} {!r} is not valid JSON: {}".format(kind, name, error), werkbank_code="metric_json_invalid"
            )
    if not isinstance(value, dict):
        raise UserErrorException(
            "The {} {!r} has to be a dict or JSON text of one; it is a {}.".format(kind, name, type(value).__name__),
            werkbank_code="metric_json_invalid",
        )
    missing = [key for key in ("schema_type", "schema_version", "data") if key not in value]
    if missing:
        raise UserErrorException(
            "The {} {!r} lacks {}.".format(kind, name, ", ".join(missing)), werkbank_code="metric_json_invalid"
        )
    data = value["data"]
    missing = [key for key in JSON_KINDS[kind] if not isinstance(data, dict) or key not in data]
    if missing:
        raise UserErrorException(
            "The data of the {} {!r} lack {}.".format(kind, name, ", ".join(missing)), werkbank_code="metric_json_invalid"
        )
    return json.dumps(value, default=_plain).encode("utf-8")


def _plain(value):
    """numpy arrays and scalars inside a JSON metric."""
    for convert in ("tolist", "item"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    raise UserErrorException(
        "A {} cannot be part of a JSON metric.".format(type(value).__name__), werkbank_code="metric_json_invalid"
    )


_IMAGE_STARTS = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"P1",
    b"P2",
    b"P3",
    b"P4",
    b"P5",
    b"P6",
    b"\x59\xa6\x6a\x95",
    b"\x76\x2f\x31\x01",
    b"\x01\xda",
)


def is_image(start):
    """Whether a file is an image by its first bytes."""
    return start.startswith(_IMAGE_STARTS) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP") or start.lstrip()[:4] == b"<svg"
