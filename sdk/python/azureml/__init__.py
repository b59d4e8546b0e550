"""The azureml namespace. Other distributions may add parts of their own beside ours, so the search path is extended over all
of them."""

import os
import sys


def _extended(path, name):
    """What pkgutil.extend_path answers for folders; importing pkgutil would take longer than everything else here."""
    found = list(path)
    for place in sys.path:
        candidate = os.path.join(place, name) if isinstance(place, str) else ""
        if candidate and candidate not in found and os.path.isdir(candidate):
            found.append(candidate)
    return found


__path__ = _extended(__path__, __name__)


class _LaterFinder(object):
    """Asked for azureml.* when nobody else has it. What it says is imported only then."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith("azureml.") or name.startswith("azureml._"):
            return None
        from azureml._werkbank.later_packages import find_later

        return find_later(name)


if not any(getattr(finder, "__name__", "") == "_LaterFinder" for finder in sys.meta_path):
    sys.meta_path.append(_LaterFinder)
