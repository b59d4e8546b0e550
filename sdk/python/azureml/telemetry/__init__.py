"""v1's usage reports. Werkbank sends none, to nobody: the calls are here so that scripts which make them go on working."""

import logging

SEND_DIAGNOSTICS_KEY = "send_diagnostics"
DIAGNOSTICS_VERBOSITY_KEY = "diagnostics_verbosity"
AML_INTERNAL_LOGGER_NAMESPACE = "azureml.telemetry"
global_diagnostics_properties = {}


def set_diagnostics_collection(send_diagnostics=True, verbosity=logging.INFO, reason="", path=None):
    """Nothing is collected, whatever is asked for."""


def get_diagnostics_collection_info(component_name=None, path=None, proceed_in_hbi_mode=False):
    """(whether reports are sent: never, the verbosity they would have)."""
    return False, logging.NOTSET


def is_diagnostics_collection_info_available():
    """Whether somebody has chosen: always, and always no."""
    return True


def add_diagnostics_properties(properties):
    """Properties that reports would have."""
    global_diagnostics_properties.update(properties)


def set_diagnostics_properties(properties):
    """Properties that reports would have, in place of the former."""
    global_diagnostics_properties.clear()
    global_diagnostics_properties.update(properties)


def get_telemetry_log_handler(instrumentation_key=None, component_name=None, path=None, proceed_in_hbi_mode=False):
    """A handler for the logging module that keeps nothing."""
    return logging.NullHandler()
