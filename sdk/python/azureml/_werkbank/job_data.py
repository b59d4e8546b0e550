"""Inputs and outputs of a job by name, from its variables (v1: AZUREML_DATASET_ENVIRONMENT_VARS and others)."""

import os


class InputDatasets(dict):
    """Inputs by name. Mounted and downloaded ones are paths, direct ones datasets."""

    def __init__(self, workspace):
        dict.__init__(self)
        self.workspace = workspace
        self._direct = {}

    def __getitem__(self, name):
        if name in self._direct and dict.get(self, name) is None:
            from azureml.data.abstract_dataset import AbstractDataset

            dict.__setitem__(self, name, AbstractDataset.get_by_id(self.workspace, self._direct[name]))
        return dict.__getitem__(self, name)

    def get(self, name, default=None):
        """The input of that name, or the default."""
        return self[name] if name in self else default

    def values(self):
        """All of them."""
        return [self[name] for name in self]

    def items(self):
        """All of them, with their names."""
        return [(name, self[name]) for name in self]


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
        """Say that this dataset is the output; it is registered where the output says so. The dataset."""
        client = self.workspace._client
        run_id = run.id if run is not None else os.environ["AZUREML_RUN_ID"]
        identity = dataset._state.saved(self.workspace)["id"]
        body = {"port": self.name, "datasetId": identity}
        client.server.request("POST", client.path(("runs", run_id, "datasets")), body=body, repeatable=True)
        for output in client.get("runs", run_id, "spec").get("outputs") or ():
            if output["name"] == self.name and output.get("registerName"):
                return dataset.register(
                    self.workspace,
                    output["registerName"],
                    output.get("registerDescription"),
                    output.get("registerTags"),
                    create_new_version=True,
                )
        return dataset


def input_datasets(workspace):
    """The inputs of the job of this process."""
    found = InputDatasets(workspace)
    for entry in os.environ.get("AZUREML_DATASET_ENVIRONMENT_VARS", "").split(","):
        name, _, mode = entry.strip().partition(":")
        if not name:
            continue
        value = os.environ.get("AZUREML_DATAREFERENCE_" + name) or os.environ.get(name)
        if mode == "direct":
            found._direct[name] = value
            dict.__setitem__(found, name, None)
        else:
            found[name] = value
    return found


def output_datasets(workspace):
    """The outputs of the job of this process."""
    found = OutputDatasets(workspace)
    for name in os.environ.get("AZUREML_DATASET_FILE_OUTPUTS", "").split(";"):
        if name.strip():
            found[name.strip()] = os.environ.get("AZUREML_DATAREFERENCE_" + name.strip()) or os.environ.get(name.strip())
    for name in os.environ.get("AZUREML_LINK_DATASET_OUTPUTS", "").split(";"):
        if name.strip():
            found[name.strip()] = LinkOutput(workspace, name.strip())
    return found
