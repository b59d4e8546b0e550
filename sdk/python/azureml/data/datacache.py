"""The data caches of v1's preview, which are not part of Werkbank: names for scripts which do not use them."""

from azureml._werkbank.later import declare_later

__all__ = ["DatacacheHydrationTracker", "DatacacheStore"]

declare_later(globals(), "DatacacheHydrationTracker DatacacheStore")
