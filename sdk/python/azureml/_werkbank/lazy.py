"""Modules whose public names are imported when they are first asked for, so that importing the package costs next to nothing.

Python 3.6 has no module-level __getattr__ (PEP 562); giving the module a class of its own works on every version.
"""

import sys
from importlib import import_module
from types import ModuleType


class _LazyModule(ModuleType):
    def __getattr__(self, name):
        home = self.__dict__["_lazy_names"].get(name)
        if home is None:
            raise AttributeError("module '{}' has no attribute '{}'".format(self.__name__, name))
        if home == "":
            value = import_module("{}.{}".format(self.__name__, name))
        else:
            value = getattr(import_module(home), name)
        setattr(self, name, value)
        return value

    def __dir__(self):
        return sorted(set(self.__dict__) | set(self.__dict__["_lazy_names"]))


def make_lazy(module_name, names):
    """`names`: public name → the module that defines it; "" for a submodule of this module. May be called again for more."""
    module = sys.modules[module_name]
    module._lazy_names = dict(module.__dict__.get("_lazy_names", ()), **names)
    module.__class__ = _LazyModule
