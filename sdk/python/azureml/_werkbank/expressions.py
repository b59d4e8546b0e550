"""What `dataset['column'] > 3` is: an expression over the columns of a table, kept as JSON and evaluated later."""

import datetime
import operator

from azureml.exceptions import UserErrorException

_TWO = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "mod": operator.mod,
    "and": operator.and_,
    "or": operator.or_,
}
_TEXT = {"contains": "contains", "starts_with": "startswith", "ends_with": "endswith"}


def _invalid(message):
    return UserErrorException(message, werkbank_code="expression_invalid", hint="For example: dataset['age'] > 30.")


class Expression(object):
    """A column, or what was made of columns and values by operators."""

    __hash__ = None

    def __init__(self, node):
        self.node = node

    def _with(self, name, other, turned=False):
        left, right = self.node, as_node(other)
        return Expression({"op": name, "args": [right, left] if turned else [left, right]})

    def is_null(self):
        """Where there is no value."""
        return Expression({"op": "is_null", "args": [self.node]})

    def is_in(self, values):
        """Where the value is one of these."""
        return Expression({"op": "is_in", "args": [self.node] + [as_node(each) for each in values]})

    def contains(self, value):
        """Where the text holds this."""
        return self._with("contains", value)

    def starts_with(self, value):
        """Where the text begins with this."""
        return self._with("starts_with", value)

    def ends_with(self, value):
        """Where the text ends with this."""
        return self._with("ends_with", value)

    def __invert__(self):
        return Expression({"op": "not", "args": [self.node]})

    def __bool__(self):
        raise _invalid("An expression over columns is neither true nor false: join two of them by & and |, and negate by ~.")

    def __repr__(self):
        return "Expression({!r})".format(self.node)


def _add_operators():
    names = {"eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "add": "add", "sub": "sub", "mul": "mul"}
    names.update({"div": "truediv", "mod": "mod", "and": "and", "or": "or"})
    for name, python in names.items():

        def method(self, other, name=name):
            return self._with(name, other)

        def turned(self, other, name=name):
            return self._with(name, other, turned=True)

        setattr(Expression, "__{}__".format(python), method)
        if name in ("add", "sub", "mul", "div", "mod", "and", "or"):
            setattr(Expression, "__r{}__".format(python), turned)


_add_operators()


def column(name):
    """The values of a column."""
    return Expression({"column": name})


def as_node(value):
    """An expression or a plain value as JSON."""
    if isinstance(value, Expression):
        return value.node
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):  # NumPy's numbers
        value = value.item()
    if isinstance(value, (datetime.datetime, datetime.date)):
        return {"time": value.isoformat()}
    if value is None or isinstance(value, (str, bool, int, float)):
        return {"value": value}
    raise _invalid("{!r} cannot be compared with a column.".format(value))


def checked(expression):
    """The JSON of what was given as a filter."""
    if not isinstance(expression, Expression):
        raise _invalid("A filter takes an expression over columns, and got {!r}.".format(expression))
    return expression.node


def evaluate(node, lookup):
    """The value of an expression. `lookup(name)` answers a column: a pandas Series, or the value in one row."""
    if "column" in node:
        return lookup(node["column"])
    if "time" in node:
        return _time(node["time"])
    if "value" in node:
        return node["value"]
    args = [evaluate(each, lookup) for each in node["args"]]
    name = node["op"]
    if name in _TWO:
        return _TWO[name](*_comparable(*args))
    first = args[0]
    if name == "not":
        return (not first) if isinstance(first, bool) else ~first
    if name == "is_null":
        return first.isnull() if hasattr(first, "isnull") else first is None
    if name == "is_in":
        return first.isin(args[1:]) if hasattr(first, "isin") else first in args[1:]
    if name in _TEXT:
        if hasattr(first, "str"):
            more = {"regex": False} if name == "contains" else {}
            return getattr(first.str, _TEXT[name])(args[1], na=False, **more)
        text = "" if first is None else "{}".format(first)
        return args[1] in text if name == "contains" else getattr(text, _TEXT[name])(args[1])
    raise _invalid("The operator {!r} is unknown.".format(name))


def _time(text):
    form = "%Y-%m-%d" if "T" not in text else "%Y-%m-%dT%H:%M:%S.%f" if "." in text[:26] else "%Y-%m-%dT%H:%M:%S"
    zone = text[10:]
    for mark in ("+", "-"):
        if mark in zone:  # pandas compares times without a zone; those with one are brought to UTC
            base, _, offset = text.rpartition(mark)
            hours, minutes = offset.split(":")[:2]
            shift = datetime.timedelta(hours=int(hours), minutes=int(minutes))
            moment = datetime.datetime.strptime(base, form)
            return moment - shift if mark == "+" else moment + shift
    return datetime.datetime.strptime(text, form)


def _comparable(left, right):
    """A column of times with a zone is compared in UTC."""
    return _plain_time(left, right), _plain_time(right, left)


def _plain_time(value, other):
    if isinstance(other, datetime.datetime) and getattr(getattr(value, "dtype", None), "tz", None) is not None:
        return value.dt.tz_convert("UTC").dt.tz_localize(None)
    return value
