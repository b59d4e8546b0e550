"""Parameters of stored procedures."""

from enum import Enum

__all__ = ["StoredProcedureParameter", "StoredProcedureParameterType"]


class StoredProcedureParameterType(Enum):
    """Their types."""

    String = "String"
    Int = "Int"
    Decimal = "Decimal"
    Guid = "Guid"
    Boolean = "Boolean"
    Date = "Date"


class StoredProcedureParameter(object):
    """A parameter and its value."""

    def __init__(self, name, value, type=None):
        self.name = name
        self.value = value
        self.type = type if type is not None else StoredProcedureParameterType.String
