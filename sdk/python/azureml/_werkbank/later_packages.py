"""What an import of a part of azureml says that is not here: a sentence in place of a bare 'No module named'.

Only asked after every other finder, so other distributions that bring such a package go first.
"""

# What a package is for, by the longest name that fits.
_PACKAGES = {
    "azureml.accel": "Deployment to FPGAs (azureml.accel)",
    "azureml.automl": "Automated machine learning (azureml.automl)",
    "azureml.contrib": "The experimental packages below azureml.contrib",
    "azureml.dataprep": "Data preparation (azureml.dataprep)",
    "azureml.explain": "Model explanations (azureml.explain)",
    "azureml.interpret": "Model explanations (azureml.interpret)",
    "azureml.mlflow": "The MLflow plug-in (azureml.mlflow)",
    "azureml.pipeline": "Pipelines and their steps (azureml.pipeline)",
    "azureml.responsibleai": "Responsible AI (azureml.responsibleai)",
    "azureml.tensorboard": "The TensorBoard export (azureml.tensorboard)",
    "azureml.train": "This part of azureml.train",
    "azureml.train.automl": "Automated machine learning (azureml.train.automl)",
    "azureml.train.hyperdrive": "HyperDrive (azureml.train.hyperdrive)",
}
_INSTEAD = {
    "azureml.train": " ScriptRunConfig submits scripts meanwhile; each combination of parameters can be a run of its own.",
}


def sentence_for(name):
    """What to say of a module; None where its name is none of v1's."""
    parts = name.split(".")
    known = [".".join(parts[:count]) for count in (3, 2) if ".".join(parts[:count]) in _PACKAGES]
    if not known:
        return None
    package = known[0]
    from azureml._werkbank.later import later_text

    return "No module named {!r}: {}{}".format(name, later_text(_PACKAGES[package]), _INSTEAD.get(".".join(parts[:2]), ""))


def find_later(name):
    """For sys.meta_path: never a module; ModuleNotFoundError with the sentence, or None for a name that is not v1's."""
    text = sentence_for(name)
    if text is None:
        return None
    try:
        kind = ModuleNotFoundError
    except NameError:  # Python 3.5
        kind = ImportError
    raise kind(text, name=name)
