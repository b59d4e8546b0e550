"""The base of every section of a run configuration: attributes fixed at construction, and their names in files."""


class _AbstractRunConfigElement(object):
    """A section. `_fields` lists (attribute, key in files, kind) in the order of the file; the kind is a type that a value has
    to have
    (or a tuple of types), a section class, or ("list of", class) / ("map of", class). `_read_fields` are keys
    of older files: understood, but not written. `_own_fields` are Werkbank's, (attribute, key, kind, default):
    written where they are not the default, so that a file without them is v1's to the letter.
    """

    _fields = ()
    _read_fields = ()
    _own_fields = ()

    def __init__(self):
        object.__setattr__(self, "_initialized", False)

    def _seal(self):
        """From here on a misspelt attribute is an error, instead of a setting that nobody reads."""
        object.__setattr__(self, "_initialized", True)

    def __setattr__(self, name, value):
        if not name.startswith("_") and getattr(self, "_initialized", False) and not hasattr(self, name):
            from azureml._werkbank.config_text import suggestion

            known = [each for each in dir(self) if not each.startswith("_")]
            raise AttributeError("{} has no attribute {!r}.{}".format(type(self).__name__, name, suggestion(name, known)))
        object.__setattr__(self, name, value)
