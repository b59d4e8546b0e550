"""Sections of a run configuration to plain data and back, with every key and type checked on the way in."""

from azureml._base_sdk_common.abstract_run_config_element import _AbstractRunConfigElement
from azureml.exceptions import RunConfigurationException

TEXT = str
FLAG = bool
NUMBER = int
LIST = list
MAP = dict
ANY = object


def suggestion(name, known):
    """' Did you mean …?' where a known name is near."""
    import difflib

    near = difflib.get_close_matches("{}".format(name), known, n=1, cutoff=0.6)
    return " Did you mean {!r}?".format(near[0]) if near else ""


def to_data(section):
    """A section as plain data, in the order of its fields."""
    from collections import OrderedDict

    data = OrderedDict()
    for attribute, key, _ in section._fields:
        data[key] = plain(getattr(section, attribute))
    for attribute, key, _, default in section._own_fields:
        if getattr(section, attribute) != default:
            data[key] = plain(getattr(section, attribute))
    return data


def plain(value):
    """Sections, and containers of them, as plain data."""
    if isinstance(value, _AbstractRunConfigElement):
        return to_data(value)
    if isinstance(value, dict):
        from collections import OrderedDict

        return OrderedDict((key, plain(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def fill(section, data, where):
    """Set a section's attributes from plain data; RunConfigurationException for an unknown key or a wrong type."""
    if data is None:
        return section
    if not isinstance(data, dict):
        raise RunConfigurationException(
            "{} has to be a mapping; it is {}.".format(where, _kind_name(data)), werkbank_code="runconfig_invalid"
        )
    own = tuple(field[:3] for field in section._own_fields)
    fields = dict((key.lower(), (attribute, key, kind)) for attribute, key, kind in section._fields + section._read_fields + own)
    for key, value in data.items():
        field = fields.get("{}".format(key).lower())
        if field is None:
            raise RunConfigurationException(
                "{} has no key {!r}.{}".format(where, key, suggestion(key, [name for _, name, _ in section._fields])),
                werkbank_code="runconfig_unknown_key",
            )
        attribute, name, kind = field
        setattr(section, attribute, _value(kind, value, "{}.{}".format(where, name), getattr(section, attribute)))
    return section


def _value(kind, value, where, current):
    if isinstance(kind, tuple) and kind and kind[0] in ("list of", "map of"):
        return _container(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, _AbstractRunConfigElement):
        if value is None:
            return current
        return fill(current if isinstance(current, kind) else kind(), value, where)
    if value is None or kind is ANY:
        return value if kind not in (LIST, MAP) else kind()
    if kind is TEXT and isinstance(value, (int, float)) and not isinstance(value, bool):
        return "{}".format(value)
    wrong_flag = kind is NUMBER and isinstance(value, bool)
    if not isinstance(value, kind) or wrong_flag:
        raise RunConfigurationException(
            "{} has to be {}; it is {}.".format(where, _NAMES[kind], _kind_name(value)), werkbank_code="runconfig_wrong_type"
        )
    return value


def _container(kind, value, where):
    container, section = kind
    if value is None:
        return [] if container == "list of" else {}
    if container == "list of":
        if not isinstance(value, list):
            raise RunConfigurationException(
                "{} has to be a list; it is {}.".format(where, _kind_name(value)), werkbank_code="runconfig_wrong_type"
            )
        return [fill(section(), item, "{}[{}]".format(where, index)) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        raise RunConfigurationException(
            "{} has to be a mapping; it is {}.".format(where, _kind_name(value)), werkbank_code="runconfig_wrong_type"
        )
    return dict((key, fill(section(), item, "{}.{}".format(where, key))) for key, item in value.items())


_NAMES = {TEXT: "text", FLAG: "true or false", NUMBER: "a whole number", LIST: "a list", MAP: "a mapping"}


def _kind_name(value):
    for kind in (FLAG, NUMBER, TEXT, LIST, MAP):
        if isinstance(value, kind):
            return "{} ({!r})".format(_NAMES[kind], value) if kind in (FLAG, NUMBER, TEXT) else _NAMES[kind]
    return "{!r}".format(value)
