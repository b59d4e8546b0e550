"""Values in the paths of files: a partition format like '{region}/{day:yyyy/MM/dd}/*.csv' is the end of a path."""

import datetime
import re

from azureml.exceptions import UserErrorException

_FIELD = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")
_UNITS = {"yyyy": ("year", r"\d{4}"), "MM": ("month", r"\d{1,2}"), "dd": ("day", r"\d{1,2}")}
_UNITS.update({"HH": ("hour", r"\d{1,2}"), "mm": ("minute", r"\d{1,2}"), "ss": ("second", r"\d{1,2}")})
_UNIT = re.compile("yyyy|MM|dd|HH|mm|ss")


def partition_names(form):
    """The names in a format, in their order."""
    return [name for name, _ in _FIELD.findall(form or "")]


def check_format(form):
    """Refuse a format that names nothing, or something twice."""
    names = partition_names(form)
    if not names or len(names) != len(set(names)):
        raise UserErrorException(
            "The partition format {!r} has to name each key once, in braces.".format(form),
            werkbank_code="partition_format_invalid",
            hint="For example: '{region}/{day:yyyy/MM/dd}/data.csv'.",
        )
    return form


def partition_values(form, path):
    """name → value for one path; UserErrorException where it does not end as the format says."""
    pattern, groups = _pattern(form)
    found = re.search(pattern, "/" + path.lstrip("/"))
    if found is None:
        raise UserErrorException(
            "The path {!r} does not end like the partition format {!r}.".format(path, form),
            werkbank_code="partition_format_mismatch",
        )
    values = {}
    for name, units in groups:
        if units is None:
            values[name] = found.group("f_{}".format(len(values)))
        else:
            parts = dict((unit, int(found.group("f_{}_{}".format(len(values), unit)))) for unit in units)
            moment = dict(dict(year=1970, month=1, day=1), **parts)
            try:
                values[name] = datetime.datetime(**moment)
            except ValueError as error:
                raise UserErrorException(
                    "The path {!r} has no time where the partition format {!r} says so: {}.".format(path, form, error),
                    werkbank_code="partition_format_mismatch",
                )
    return values


def _pattern(form):
    """The regular expression, and (name, units of time or None) of each field."""
    text, groups, position = "", [], 0
    for match in _FIELD.finditer(form):
        text += _literal(form[position : match.start()])
        name, time = match.group(1), match.group(2)
        if time is None:
            text += "(?P<f_{}>[^/]+)".format(len(groups))
            groups.append((name, None))
        else:
            units, at = [], 0
            for unit in _UNIT.finditer(time):
                word, digits = _UNITS[unit.group(0)]
                text += _literal(time[at : unit.start()]) + "(?P<f_{}_{}>{})".format(len(groups), word, digits)
                units.append(word)
                at = unit.end()
            text += _literal(time[at:])
            groups.append((name, units))
        position = match.end()
    start = "" if form.startswith(("/", "{")) else "(?:^|/)"
    if form.startswith("{"):
        start = "/"
    return start + text + _literal(form[position:]) + "$", groups


def _literal(text):
    return "".join("[^/]*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", text))
