"""Parts of v1 that Werkbank does not have yet: importable by name, so that a script which does not use them runs, and clear
when used."""

HINT = "Submitting, following and logging runs works without it; docs/guide/sdk.md lists what there is."


def later_text(what):
    """The sentence about a part that is not there."""
    return "Not yet in this version of Werkbank, but in a later one: {}.".format(what)


def raise_later(what):
    """Say that `what` is not there yet."""
    from azureml.exceptions import UserErrorException

    raise UserErrorException(later_text(what), werkbank_code="not_available_yet", hint=HINT)


class _LaterType(type):
    def __call__(cls, *args, **kwargs):
        raise_later(cls._what)

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise_later("{}.{}".format(cls._what, name))


def later_class(name, module):
    """A class of that name whose every use raises UserErrorException; isinstance checks against it are False."""
    return _LaterType(name, (object,), {"_what": name, "__module__": module, "__doc__": "Not available yet."})


def declare_later(namespace, names):
    """Put such classes into a module's globals."""
    for name in names.split():
        namespace[name] = later_class(name, namespace["__name__"])


def declare_later_modules(namespace, modules):
    """Make submodules of a package that hold such classes. `modules`: submodule → names. The package has the classes, too."""
    import sys
    from types import ModuleType

    for short_name, names in modules.items():
        module = ModuleType("{}.{}".format(namespace["__name__"], short_name), "Not available yet.")
        declare_later(vars(module), names)
        sys.modules[module.__name__] = namespace[short_name] = module
        for name in names.split():
            namespace.setdefault(name, getattr(module, name))
