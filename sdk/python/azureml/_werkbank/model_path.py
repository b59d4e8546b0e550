"""Model.get_model_path: where a model's files lie, in a job, in a service, and beside a script."""

import os

MODELS_FOLDER = "azureml-models"


def find_model_path(name, version, workspace, fetch):
    """The one entry of a model's folder.

    In a job, or with a workspace, the model is fetched once to azureml-models/<name>/<version>; elsewhere it is looked for where
    a service has it ($AZUREML_MODEL_DIR, $AML_APP_ROOT, the working directory), and at last in the working directory itself.
    `fetch(workspace, name, version)`: the model.
    """
    if ":" in name and version is None:
        name, version = name.rsplit(":", 1)
    if workspace is not None:
        return _fetched(fetch(workspace, name, version))
    for root in _roots():
        found = _in_folder(os.path.join(root, name), version)
        if found:
            return found
    if version is None and os.path.exists(name):
        return name
    from azureml.exceptions import ModelNotFoundException

    raise ModelNotFoundException(
        "The model {!r}{} is neither below {} nor in the working directory.".format(
            name, "" if version is None else " of version {}".format(version), ", ".join(_roots())
        ),
        werkbank_code="model_not_found",
        hint="Outside of a job, fetch it with Model(workspace, name).download().",
    )


def _roots():
    """The folders that may hold <name>/<version>."""
    roots = []
    place = os.environ.get("AZUREML_MODEL_DIR", "")
    while place and os.path.basename(place) not in ("", MODELS_FOLDER):
        place = os.path.dirname(place)
    if os.path.basename(place) == MODELS_FOLDER:
        roots.append(place)
    roots.append(os.path.join(os.environ.get("AML_APP_ROOT", ""), MODELS_FOLDER))
    return roots


def _in_folder(folder, version):
    """The entry of a version, by default of the newest; None where there is none."""
    if not os.path.isdir(folder):
        return None
    versions = [each for each in os.listdir(folder) if each.isdigit()]
    if version is not None:
        versions = [each for each in versions if each == "{}".format(version)]
    return _entry(os.path.join(folder, max(versions, key=int))) if versions else None


def _entry(folder):
    names = os.listdir(folder)
    return os.path.join(folder, names[0]) if len(names) == 1 else folder


def _fetched(model):
    """Fetch a model beside its place, then move it there: whoever finds the folder finds it whole."""
    import shutil
    import tempfile

    parent = os.path.join(MODELS_FOLDER, model.name)
    folder = os.path.join(parent, "{}".format(model.version))
    if not os.path.isdir(folder):
        os.makedirs(parent, exist_ok=True)
        part = tempfile.mkdtemp(prefix=".part-", dir=parent)
        try:
            model.download(target_dir=part)
            os.chmod(part, 0o755)
            os.rename(part, folder)
        except OSError:
            if not os.path.isdir(folder):  # another process of the job was not faster either
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return _entry(folder)
