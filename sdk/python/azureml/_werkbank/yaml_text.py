"""Writing YAML: block style, mappings in their own order, text quoted only where it has to be. Reading is the program's work."""

import json
import re

# Text that a YAML 1.1 or 1.2 reader takes for something else, or that needs no quotes.
_PLAIN = re.compile(r"^[A-Za-z0-9_./$(*][A-Za-z0-9_./$()*+=<>~^,;@ -]*$")
_RESERVED = re.compile(
    r"^(?:null|true|false|yes|no|on|off|y|n|~|\.nan|[-+]?\.inf|[-+]?[0-9][0-9_.,:eExXoObB+a-fA-F-]*|[-+]?\.[0-9].*)$",
    re.IGNORECASE,
)


def scalar_text(value):
    """One scalar."""
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value) if not isinstance(value, float) else _float_text(value)
    text = value if isinstance(value, str) else "{}".format(value)
    if text == "":
        return "''"
    if (
        _PLAIN.match(text)
        and not _RESERVED.match(text)
        and not text.startswith("*")
        and not text.endswith(" ")
        and "  " not in text
    ):
        return text
    if "\n" not in text and text.isprintable() and "'" not in text:
        return "'" + text + "'"
    return json.dumps(text)


def _float_text(value):
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def dump_yaml(value, indent=0):
    """A document's text; `value`: dicts, lists and scalars."""
    pad = " " * indent
    if isinstance(value, dict):
        lines = []
        for key, item in value.items():
            name = scalar_text(key) or "''"
            if _is_nested(item):
                lines.append(
                    "{}{}:\n{}".format(pad, name, dump_yaml(item, indent if isinstance(item, (list, tuple)) else indent + 2))
                )
            else:
                lines.append("{}{}:{}\n".format(pad, name, _inline(item)))
        return "".join(lines) if lines else pad + "{}\n"
    if isinstance(value, (list, tuple)):
        lines = []
        for item in value:
            if _is_nested(item):
                lines.append(pad + "- " + dump_yaml(item, indent + 2)[indent + 2 :])
            else:
                lines.append("{}-{}\n".format(pad, _inline(item) or " null"))
        return "".join(lines) if lines else pad + "[]\n"
    return pad + scalar_text(value) + "\n"


def _is_nested(value):
    return isinstance(value, (dict, list, tuple)) and len(value) > 0


def _inline(value):
    if isinstance(value, dict):
        return " {}"
    if isinstance(value, (list, tuple)):
        return " []"
    text = scalar_text(value)
    return " " + text if text else ""
