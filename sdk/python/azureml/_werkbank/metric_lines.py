"""Metric lines (docs/reference/metric-lines.md): from Python values to text, formatted by hand because this is the hot path of
Run.log."""

import json

from azureml.exceptions import AzureMLException, UserErrorException

_LINE_BYTES_MAX = 15 * 1024 * 1024
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_SPECIAL = {"nan": '{"x":"nan"}', "inf": '{"x":"inf"}', "-inf": '{"x":"-inf"}'}


def encode_text(text):
    """A JSON string; what cannot be UTF-8 (lone surrogates) is replaced."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(text)


def encode_float(value):
    text = float.__repr__(value)
    return _SPECIAL[text] if text[-1] in "fn" else text


def encode_int(value):
    """int64, or the nearest double beyond it."""
    if _INT64_MIN <= value <= _INT64_MAX:
        return "%d" % value
    try:
        return encode_float(float(value))
    except OverflowError:
        return _SPECIAL["inf" if value > 0 else "-inf"]


def plain_scalar(value):
    """numpy, torch and other scalars as Python ones; anything unknown as its repr, with a warning."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "shape", None) in ((), None):
        plain = item()
        if plain is None or isinstance(plain, (bool, int, float, str)):
            return plain
    import logging

    logging.getLogger("azureml").warning("A metric value of type %s is recorded as text.", type(value).__name__)
    return repr(value)


def encode_scalar(value):
    """One metric value as JSON."""
    value = plain_scalar(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return encode_int(value)
    if isinstance(value, float):
        return encode_float(value)
    return encode_text(value)


def is_listlike(value):
    """Whether a value holds several: what log() refuses, and log_list() takes."""
    if isinstance(value, (str, bytes, dict)):
        return False
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return True
    shape = getattr(value, "shape", None)
    if shape is not None:
        return shape != ()
    return hasattr(value, "__iter__")


def encode_column(values, what):
    """The values of a list or column, each as JSON. Integers among floats become floats."""
    plain = []
    for value in values:
        if isinstance(value, dict) or is_listlike(value):
            raise AzureMLException(
                "{} holds a {}; only numbers, text, booleans and None can be recorded.".format(what, type(value).__name__),
                werkbank_code="metric_not_scalar",
            )
        plain.append(plain_scalar(value))
    kinds = set(type(value) for value in plain)
    if float in kinds and int in kinds:
        plain = [float(value) if type(value) is int and abs(value) < 2**1000 else value for value in plain]
    return [encode_scalar(value) for value in plain]


def cut_rows(columns):
    """Encoded columns of equal length, in pieces that each fit into one line."""
    count = len(columns[0][1])
    size = sum(len(text) + 1 for _, texts in columns for text in texts)
    if size <= _LINE_BYTES_MAX or count <= 1:
        return [columns]
    middle = count // 2
    first = [(name, texts[:middle]) for name, texts in columns]
    second = [(name, texts[middle:]) for name, texts in columns]
    return cut_rows(first) + cut_rows(second)


class MetricWriter(object):
    """Turns logging calls into lines and hands each to `_append`, which numbers and keeps it."""

    def __init__(self):
        self._heads = {}

    def scalar(self, name, value, step=None):
        head = self._heads.get(name)
        if head is None:
            head = self._make_head(name)
        kind = type(value)
        if kind is float:
            text = repr(value)
            if text[-1] in "fn":
                text = _SPECIAL[text]
        else:
            text = encode_scalar(value)
        if step is None:
            self._append(head + ',"v":' + text + "}\n")
        else:
            if type(step) is not int or not _INT64_MIN <= step <= _INT64_MAX:
                step = _checked_step(step)
            self._append('%s,"v":%s,"p":%d}\n' % (head, text, step))

    def values(self, name, values):
        """log_list."""
        encoded = encode_column(values, "The list {!r}".format(name))
        if not encoded:
            raise _empty("list", name)
        head = self._make_head(name)
        for piece in cut_rows([("", encoded)]):
            self._append('%s,"l":[%s]}\n' % (head, ",".join(piece[0][1])))

    def row(self, name, values):
        """log_row; `values`: (column, value) in order."""
        parts = []
        for column, value in values:
            parts.append(
                "%s:%s" % (encode_text(column), encode_column([value], "The column {!r} of {!r}".format(column, name))[0])
            )
        if not parts:
            raise _empty("row", name)
        self._append('%s,"r":{%s}}\n' % (self._make_head(name), ",".join(parts)))

    def table(self, name, columns):
        """log_table; `columns`: (column, values) in order, values of equal length."""
        encoded = [
            ("%s" % column, encode_column(values, "The column {!r} of {!r}".format(column, name))) for column, values in columns
        ]
        lengths = sorted(set(len(texts) for _, texts in encoded))
        if len(lengths) > 1:
            raise AzureMLException(
                "The columns of the table {!r} differ in length: {}.".format(name, ", ".join(str(n) for n in lengths)),
                werkbank_code="metric_columns_differ",
            )
        if not encoded or lengths == [0]:
            raise _empty("table", name)
        head = self._make_head(name)
        for piece in cut_rows(encoded):
            body = ",".join("%s:[%s]" % (encode_text(column), ",".join(texts)) for column, texts in piece)
            self._append('%s,"c":{%s}}\n' % (head, body))

    def artifact(self, name, kind, path):
        """A metric whose content is a file of the run."""
        self._append('%s,"k":%s,"v":%s}\n' % (self._make_head(name), encode_text(kind), encode_text(path)))

    def _make_head(self, name):
        head = self._heads.get(name)
        if head is None:
            text = name if isinstance(name, str) else "{}".format(name)
            if not 1 <= len(text.encode("utf-8", "replace")) <= 512:
                raise UserErrorException(
                    "A metric's name has 1 to 512 bytes; this one has {}.".format(len(text.encode("utf-8", "replace"))),
                    werkbank_code="metric_name_invalid",
                )
            head = ',"n":' + encode_text(text)
            if len(self._heads) < 10000:
                self._heads[name] = head
        return head

    def _append(self, tail):
        """Keep one line; `tail` is what follows its number and time, with the newline."""
        raise NotImplementedError

    def flush(self, timeout_s):
        """Wait until the server has accepted everything appended so far."""
        raise NotImplementedError

    def close(self):
        """Nothing more will come."""


def _checked_step(step):
    import operator

    try:
        number = operator.index(step)
    except TypeError:
        number = int(step) if isinstance(step, float) and step == int(step) else None
    if number is None or not _INT64_MIN <= number <= _INT64_MAX:
        raise UserErrorException(
            "The step of a metric has to be a 64-bit integer; it is {!r}.".format(step), werkbank_code="metric_step_invalid"
        )
    return number


class EmptyMetricException(UserErrorException, AttributeError):
    """Nothing to record. v1 fails with an AttributeError here; code that expects it goes on working."""


def _empty(kind, name):
    return EmptyMetricException(
        "The {} {!r} is empty: there is nothing to record.".format(kind, name), werkbank_code="metric_empty"
    )


def check_line(data):
    """UserErrorException for a line that is longer than the format allows."""
    if len(data) > _LINE_BYTES_MAX + 1024 * 1024:
        raise UserErrorException(
            "One metric value takes {} bytes; at most 16 MiB can be recorded at once.".format(len(data)),
            werkbank_code="metric_too_large",
            hint="Keep large content as a file: Run.upload_file.",
        )
