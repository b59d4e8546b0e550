"""Inputs and outputs of a job by name, from its variables (v1: AZUREML_DATASET_ENVIRONMENT_VARS and others)."""

import os


class InputDatasets(dict):
    """Inputs by name. Mounted and downloaded ones are paths."""

    def __init__(self, workspace):
        dict.__init__(self)
        self.workspace = workspace

    def __getitem__(self, name):
        value = dict.__getitem__(self, name)
        if value is None:
            from azureml._werkbank.later import raise_later

            raise_later("The input {!r} as a Dataset object (mode direct)".format(name))
        return value


class OutputDatasets(dict):
    """Outputs by name, as paths."""

    def __init__(self, workspace):
        dict.__init__(self)
        self.workspace = workspace


class LinkOutput(object):
    """An output that is linked to a dataset by the script."""

    def __init__(self, workspace, name=None):
        self.workspace = workspace
        self.name = name

    def link(self, dataset, run=None):
        from azureml._werkbank.later import raise_later

        raise_later("Linking the output {!r} to a dataset".format(self.name))


def input_datasets(workspace):
    found = InputDatasets(workspace)
    for entry in os.environ.get("AZUREML_DATASET_ENVIRONMENT_VARS", "").split(","):
        name, _, mode = entry.strip().partition(":")
        if name:
            found[name] = None if mode == "direct" else os.environ.get(name)
    return found


def output_datasets(workspace):
    found = OutputDatasets(workspace)
    for name in os.environ.get("AZUREML_DATASET_FILE_OUTPUTS", "").split(";"):
        if name.strip():
            found[name.strip()] = os.environ.get("AZUREML_DATAREFERENCE_" + name.strip()) or os.environ.get(name.strip())
    for name in os.environ.get("AZUREML_LINK_DATASET_OUTPUTS", "").split(";"):
        if name.strip():
            found[name.strip()] = LinkOutput(workspace, name.strip())
    return found
