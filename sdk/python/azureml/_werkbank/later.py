"""Parts of v1 that Werkbank does not have yet: importable by name, so that a script which does not use them runs, and clear
when used."""


def raise_later(what):
    """Say that `what` is not there yet."""
    from azureml.exceptions import UserErrorException

    raise UserErrorException(
        "{} is not available in this version of Werkbank: it comes later.".format(what),
        werkbank_code="not_available_yet",
        hint="Submitting, following and logging runs works without it; see docs/guide/sdk.md for what there is.",
    )


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
